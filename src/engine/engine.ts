// What the rest of the tool knows of an engine. Tier 0 (interpreter.ts) implements it; tier 1 will, on the same heap.

import type { Module } from '../bytecode/module.js';
import type { Diagnostic } from '../language/diagnostics.js';
import type { LinearMemory } from './memory.js';
import type { AddressBytes, FunctionRef, HeapRef, StackValue, TableRef, Value } from './values.js';

/** One field of an event as EVENT reads it from a record in linear memory. */
export interface FieldLayout {
  readonly name: string;
  /** A FieldKind of layout.ts. */
  readonly kind: number;
  /** Bytes from the start of the record. */
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
}

/** How the interpreter reads an event: `argname`, `arg1`… in order, `args.name` by name. */
export interface EventLayout {
  readonly name: string;
  readonly args: readonly FieldLayout[];
  readonly named: readonly FieldLayout[];
}

/** Address in linear memory of a prepared EventLayout. */
export type EventDescriptor = number;

/** The event that a handler is running for. `record` is 0 outside handlers. */
export interface CurrentEvent {
  descriptor: EventDescriptor;
  /** Address and length in bytes of the record in linear memory (common fields included). */
  record: number;
  length: number;
  cpu: number;
  tid: number;
  /** Nanoseconds after the source's epoch; exact. */
  time: number;
}

/** What the engine asks of its host while a script runs. All are called between safepoints. */
export interface EngineHost {
  /** Text of the current event (argevent), a byte string. */
  eventText(): string;
  /** Field of FieldKind.HOST: `index` is the place in EventLayout.args, or in `named` counted from 1000. */
  eventField(index: number): Value;
  /** Calls host built-in number `id`; throws ScriptError for an error of the script. Several results come as an array. */
  callBuiltin(id: number, args: Value[]): Value | readonly Value[];
}

export interface EngineOptions {
  /** Limit of what the heap hands out, in bytes. */
  readonly maxMemory: number;
  /** Collect at every safepoint. */
  readonly gcStress?: boolean;
  readonly host: EngineHost;
  /** Address of a kernel symbol, for `` `name` ``; throws KtapError where it is unknown. */
  readonly resolveSymbol?: (name: string) => bigint;
}

export interface HeapStatistics {
  /** Bytes handed out and not yet collected. */
  readonly used: number;
  readonly peak: number;
  readonly collections: number;
  /** Longest pause in milliseconds. */
  readonly longestPause: number;
}

export interface Engine {
  readonly memory: LinearMemory;

  /** Verified module → closure of its main chunk. The module must have passed the verifier. */
  load(module: Module): FunctionRef;

  // ---- calls. One call can be under way at a time; `run` drives it.
  /** Pushes a call without event context. */
  start(fn: FunctionRef, args: readonly Value[]): void;
  /** Hot: pushes the call of a handler for the event set in `event`. */
  startHandler(fn: HeapRef): void;
  /** Set before startHandler; the engine copies it into linear memory. */
  readonly event: CurrentEvent;
  /**
   * Runs until done, or until about `budget` safepoints have passed. A RunStatus. What a built-in throws other than
   * ScriptError is thrown on, with the call abandoned.
   */
  run(budget: number): number;
  /** Gives up the call under way (Ctrl-C); upvalues are closed, the stack is empty afterwards. */
  abandon(): void;
  /** After DONE: what the call returned. */
  results(): Value[];
  /** After ERROR: message, position and traceback; the call is already unwound. */
  error(): Diagnostic;
  /** After EXIT: what exit() was given. */
  exitCode(): number;
  /** Position of the instruction that is calling the current built-in, as a diagnostic's place. */
  position(): Pick<Diagnostic, 'source' | 'span'>;
  /** The closure is a handler under way (blocks may not be registered then). */
  readonly inHandler: boolean;

  // ---- heap
  /** The globals table, of built-ins and script alike. */
  readonly globals: TableRef;
  global(name: string): Value;
  setGlobal(name: string, value: Value): void;
  newTable(): TableRef;
  newAggregationTable(): TableRef;
  /** `space`: of a user stack, the number that names its process; a part of the value. */
  newStack(addresses: AddressBytes, space?: number): StackValue;
  /** Value of a built-in: `id` below FIRST_HOST_BUILTIN names one inside the interpreter, else callBuiltin is called with it. */
  newBuiltin(id: number, name: string): FunctionRef;
  /** Keeps an object alive while the host holds it. */
  pin(ref: HeapRef): void;
  unpin(ref: HeapRef): void;
  collect(): void;
  statistics(): HeapStatistics;

  // ---- events
  defineEvent(layout: EventLayout): EventDescriptor;
  /** Memory outside the collector for event records; address, 4096-aligned. Freed never, or with freeBuffer. */
  allocateBuffer(bytes: number): number;
}
