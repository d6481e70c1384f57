// Where events come from: the kernel, live (live-source.ts), or a recording (recording/). The session sees only this.

import type { AddressBytes } from '../engine/values.js';
import type { Source, Span } from '../language/diagnostics.js';
import type { EventDefinition } from '../language/event-definition.js';
import type { EventFormat } from './format.js';

/** Time-ordered records in linear memory. */
export interface RecordCursor {
  /** Goes to the next record in time order; false when none is ready now. The record before it may be overwritten then. */
  next(): boolean;
  /** Of the record the cursor is at. Address and length in linear memory; the record begins with its common fields. */
  readonly address: number;
  readonly length: number;
  readonly cpu: number;
  /** common_type: which event. */
  readonly id: number;
  /** Nanoseconds after `EventSource.epoch`, exact. */
  readonly time: number;
}

/** Which stacks of its events a handler may ask for. */
export interface StackUse {
  readonly kernel: boolean;
  readonly user: boolean;
}

/** The stacks of the event whose handler runs. */
export interface EventStacks {
  /** undefined where it is not known; empty where the task was in user mode. */
  kernel(): AddressBytes | undefined;
  /** undefined where it is not known; empty for kernel threads. */
  user(): UserStack | undefined;
  /** `malloc+0x10` for an address of user memory, as a byte string. `space`: as in UserStack; without it of the event at hand. */
  userSymbol(address: bigint, space?: number): string | undefined;
}

export interface UserStack {
  readonly addresses: AddressBytes;
  /** Names the process, as it was between one exec and the next, that the addresses belong to. */
  readonly space: number;
}

/** What a trace block asks for. */
export interface TraceRequest {
  /** Number of the block, in program order. */
  readonly block: number;
  readonly definitions: readonly EventDefinition[];
  /** kdebug.probe_by_id: instead of definitions. */
  readonly ids?: readonly number[];
  /** Filter that goes with `ids`. */
  readonly filter?: string;
  /** A profile timer, instead of definitions: nanoseconds from one sample of a CPU to the next. */
  readonly profile?: { readonly interval: number; readonly name: string };
  /** Stacks that the block's handler may ask for. */
  readonly stacks?: StackUse;
  /** Where the definition text stands, for errors: offsets of definitions count from `span.start`. */
  readonly source: Source;
  readonly span: Span;
}

/** Ids of the cursor from here on are no tracepoint's (whose have 16 bits): samples of profile timers. */
export const FIRST_TIMER_ID = 0x10000;

/** A kind of event with the blocks that handle it. */
export interface BoundEvent {
  /** Samples of a profile timer: of the event they have a task and a time, but no text, name or fields. */
  readonly isTimer?: boolean;
  readonly format: EventFormat;
  /** Blocks in program order. */
  readonly blocks: readonly number[];
  /** `argname`. */
  readonly name: string;
  /**
   * Predicates that the session evaluates before it calls a block's handler, in parallel to `blocks`; an undefined one
   * (or no list) accepts all. For filters that the kernel could not apply: recordings, and blocks with different
   * filters on one event.
   */
  readonly filters?: readonly (RecordPredicate | undefined)[];
  /** A probe with many places is one event of the kernel: which of them a record is of tells what it is bound to. */
  readonly places?: EventPlaces;
}

/** The places of a probe, by the unsigned number of 32 bits at `offset` of its records. */
export interface EventPlaces {
  readonly offset: number;
  /** The event as if its probe were alone on that place; the same object each time. */
  at(place: number): BoundEvent;
}

/** Whether a record in linear memory passes a filter. */
export type RecordPredicate = (address: number, length: number) => boolean;

/** Events of a CPU that are missing. */
export interface Loss {
  readonly cpu: number;
  /** How many; undefined where nobody knows. */
  readonly events: number | undefined;
  /** They were in parts of a recording that cannot be read; else the kernel had no room for them in its buffer. */
  readonly damage?: {
    /** Sub-buffers with damage in them. */
    readonly pages: number;
    /** Bytes that are not there or cannot be unpacked. */
    readonly bytes: number;
  };
}

export interface EventSource {
  readonly kind: 'live' | 'recording';
  readonly machine: { readonly arch: string; readonly kernelVersion: string; readonly cpuCount: number };
  /** Trace-clock time, in ns, that cursor times count from. */
  readonly epoch: bigint;
  /** Nanoseconds to add to trace-clock time to get wall-clock time since 1970; undefined where a recording does not tell. */
  readonly wallClockOffset: bigint | undefined;

  /** Finds the events of all blocks and prepares them; nothing fires yet. Throws KtapError with the place in the script. */
  attach(requests: readonly TraceRequest[]): void;
  /** From here on events are taken. */
  start(): void;

  /**
   * Brings records into memory and hands out a cursor over those that are ready, in time order over all CPUs.
   * `final`: nothing more is to come (tracing stopped), so everything buffered is ready.
   */
  poll(final: boolean): RecordCursor;
  /** Live: resolves when there may be something to read, at the latest after `milliseconds`, or when `wake` is called. Recording: at once. */
  wait(milliseconds: number): Promise<void>;
  wake(): void;
  /** Recording: all has been handed out. Live: always false. */
  readonly ended: boolean;
  /** Time up to which all records have been handed out (same scale as cursor times), for timers. */
  readonly horizon: number;

  /** After attach: the formats of the events that a block handles, read as they are asked for. */
  formatsOf(block: number): Iterable<EventFormat>;
  /** After attach: what a block is attached to, in words for the user; `system:name` of its formats where it is not given. */
  namesOf?(block: number): Iterable<string>;
  /** The event of a record id of the cursor, made when first asked for; undefined for ids that no block asked for. */
  eventOf(id: number): BoundEvent | undefined;
  /** Text of a record as the kernel's trace file prints it after the time stamp; byte string. */
  textOf(event: BoundEvent, address: number, length: number): string;

  /** Name of a task at a time (cursor scale); byte string. `cpu` tells the idle tasks (tid 0) apart: `swapper/1`. */
  commOf(tid: number, time: number, cpu?: number): string;
  /** Thread group (pid) of a task. */
  pidOf(tid: number, time: number): number;
  /** Kernel symbol `name+0x10` / exact text symbol; see BuiltinContext. */
  kernelSymbol(address: bigint): string | undefined;
  kernelTextSymbol(address: bigint): string | undefined;

  /** Absent where the source has no stacks. */
  readonly stacks?: EventStacks | undefined;

  losses(): readonly Loss[];
  /** What else a person should know at the end, such as damage in a recording: a sentence each, byte strings. */
  warnings?(): readonly string[];
  /** All that is wanted has been polled: what was recorded meanwhile is put into its file. Throws KtapError. */
  finish?(): void;
  /** No further event is made; those in the buffers can still be polled with `final`. */
  stop(): void;
  /** Takes everything down; safe to call twice, and after an error. */
  close(): void;
}
