// How a built-in is declared: once, with everything that help, argument checks, docs/builtins.md and the engine need.

import type { Engine } from '../engine/engine.js';
import type { NativeBuiltinName } from '../engine/native-builtins.js';
import type { AddressBytes, Integer, Value } from '../engine/values.js';
import type { UserStack } from '../events/source.js';
import type { Diagnostic } from '../language/diagnostics.js';

export type ParameterType =
  | 'any'
  | 'integer'
  | 'string'
  | 'boolean'
  | 'table' // table or aggregation table
  | 'function'
  | 'aggregation'
  | 'stack';

export interface Parameter {
  readonly name: string;
  /** Several: any of them. `nil` is accepted only for an optional parameter or 'any'. */
  readonly type: ParameterType | readonly ParameterType[];
  readonly optional?: boolean;
  /** Takes all further arguments; the last parameter only. */
  readonly rest?: boolean;
}

/** What a built-in may ask for; made by the session. */
export interface BuiltinContext {
  readonly engine: Engine;
  /** Writes bytes of a byte string to standard output (or -o FILE), in order, buffered. */
  write(bytes: string): void;
  /** A message of the tool on standard error, shown once per `key`. */
  warnOnce(key: string, message: string): void;
  /** Where the built-in is called, for errors and for what it registers. */
  position(): Pick<Diagnostic, 'source' | 'span'>;
  /** The event whose handler runs; undefined in the main chunk, tick and trace_end. */
  readonly event: EventView | undefined;
  /** Task of the moment: of the event in a handler, of ktap itself elsewhere. */
  readonly task: TaskView;
  /** Nanoseconds since 1970 of the event, or now. */
  wallClock(): bigint;
  /** Nanoseconds of the trace clock of the event, or now. */
  traceClock(): bigint;
  /** Kernel symbol at an address (`name` or `name+0x10`), byte string; undefined when there is none. */
  kernelSymbol(address: bigint): string | undefined;
  /** Kernel symbol that begins exactly there, for histogram rows of text addresses. */
  kernelTextSymbol(address: bigint): string | undefined;
  /** Registers what trace blocks and timers compile to. `definition` is the text of the block's head, its place is `position()`. */
  registerTrace(definition: string, handler: Value): void;
  registerTraceEnd(handler: Value): void;
  registerTimer(kind: 'tick' | 'profile', interval: string, handler: Value): void;
  /** kdebug.probe_by_id */
  registerTraceById(ids: readonly number[], filter: string | undefined, handler: Value): void;
  /** kdebug.traceoff: no further event is handled. */
  stopEvents(): void;
  /**
   * What only some sources of events can tell. A member that is absent, or that answers undefined, makes the built-in
   * answer nil; it then calls countUnknown.
   */
  readonly facts?: EventFacts;
  /** Counts an answer that the machine could not give; `what` names it (`uid`, `backtrace`). Said at the end of the run. */
  countUnknown?(what: string): void;
  /** The events come from a recording: nothing of this machine (its processes, its memory) may be asked about them. */
  readonly replaying?: boolean;
  /** Of the machine where the events were made. */
  readonly machine: { readonly arch: string; readonly kernelVersion: string; readonly cpuCount: number };
}

/** The event of the handler under way. */
export interface EventView {
  readonly name: string;
  readonly cpu: number;
  readonly tid: number;
  /** Flag bits of the record's common_flags. */
  readonly flags: number;
}

/** Of the event whose handler runs: what travels with it only when a script asks for it. */
export interface EventFacts {
  /** Return addresses of the kernel stack, innermost first, without the tracer's own frames. */
  kernelStack?(): AddressBytes | undefined;
  /** The user stack. */
  userStack?(): UserStack | undefined;
  /** Text of a user address: `malloc+0x10`, byte string. `space`: as in UserStack; without it of the event at hand. */
  userSymbol?(address: bigint, space?: number): string | undefined;
  /** A string of user or kernel memory that was read when the event happened, byte string. */
  stringAt?(address: bigint, space: 'user' | 'kernel'): string | undefined;
  /** IPv4 address of a socket's end, as the little-endian u32 that its network-order bytes make. */
  socketAddress?(socket: bigint, end: 'source' | 'destination'): number | undefined;
}

export interface TaskView {
  readonly pid: number;
  readonly tid: number;
  readonly cpu: number;
  /** Byte string. */
  readonly execname: string;
  /** undefined where the task is gone. */
  readonly uid: number | undefined;
}

export interface Builtin {
  /** `print`, or with its table: `ansi.set_color`. */
  readonly name: string;
  /** Other names for the same: `stringof`. */
  readonly aliases?: readonly string[];
  /** Heading under which it is listed: output, tables, strings, event, time, … */
  readonly family: string;
  readonly parameters: readonly Parameter[];
  /** Words for the reference: `integer`, `string or nil`. With `nothing` a call has no result; else undefined is nil. */
  readonly returns: string;
  /** One or more sentences for the reference. */
  readonly doc: string;
  /** Answers 0 or 1 (the compiler warns where it stands alone as a condition). */
  readonly answersZeroOrOne?: boolean;
  /** Implemented inside the interpreter. */
  readonly native?: NativeBuiltinName;
  /** Implemented in TypeScript. Arguments are checked against `parameters` before. An array is several results. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that answers nothing is the common case
  readonly call?: (context: BuiltinContext, ...args: never[]) => Value | readonly Value[] | void;
}

/** Declares a built-in; exists for its types. */
export function builtin<const P extends readonly Parameter[]>(
  declaration: Omit<Builtin, 'parameters' | 'call'> & {
    readonly parameters: P;
    // biome-ignore lint/suspicious/noExplicitAny lint/suspicious/noConfusingVoidType: the check against `parameters` makes the types true
    readonly call?: (context: BuiltinContext, ...args: any[]) => Value | readonly Value[] | void;
  },
): Builtin {
  return declaration as Builtin;
}

export type { Integer, Value };
