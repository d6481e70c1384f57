// What built-ins see of a session (BuiltinContext): output, the event, the task, clocks, and where blocks are registered.

import type { BuiltinContext, EventFacts, EventView, TaskView } from '../builtins/declare.js';
import type { Engine } from '../engine/engine.js';
import type { Value } from '../engine/values.js';
import { KernelSymbols } from '../events/kernel-symbols.js';
import { thisMachine, wallClockOffset } from '../events/machine.js';
import type { EventSource } from '../events/source.js';
import { ownTask, uidOf } from './task.js';

/** What the session gives: its state as it is at the moment of a call. */
export interface SessionState {
  readonly engine: Engine;
  /** Absent until the main chunk has registered a block and ended. */
  readonly source: EventSource | undefined;
  /** A handler of an event runs; `engine.event` is its event. */
  readonly inEvent: boolean;
  readonly eventName: string;
  /** Time of what runs now, on the scale of the source; undefined for the present. */
  readonly timerTime: number | undefined;
  write(bytes: string): void;
  message(text: string): void;
  registerTrace(definition: string, handler: Value): void;
  registerTraceById(ids: readonly number[], filter: string | undefined, handler: Value): void;
  registerTraceEnd(handler: Value): void;
  registerTimer(kind: 'tick' | 'profile', interval: string, handler: Value): void;
  stopEvents(): void;
}

export class SessionContext implements BuiltinContext, EventView {
  readonly engine: Engine;
  readonly #state: SessionState;
  readonly #shown = new Set<string>();
  readonly #unknown = new Map<string, number>();
  readonly #eventTask: TaskView;
  readonly facts: EventFacts;
  #wallOffset: bigint | undefined;
  #symbols: KernelSymbols | undefined;

  constructor(state: SessionState) {
    this.#state = state;
    this.engine = state.engine;
    const { engine } = state;
    this.facts = {
      kernelStack: () => state.source?.stacks?.kernel(),
      userStack: () => state.source?.stacks?.user(),
      userSymbol: (address, space) => state.source?.stacks?.userSymbol(address, space),
    };
    this.#eventTask = {
      get pid() {
        return state.source!.pidOf(engine.event.tid, engine.event.time);
      },
      get tid() {
        return engine.event.tid;
      },
      get cpu() {
        return engine.event.cpu;
      },
      get execname() {
        return state.source!.commOf(engine.event.tid, engine.event.time, engine.event.cpu);
      },
      get uid() {
        return state.source!.kind === 'live' ? uidOf(engine.event.tid) : undefined;
      },
    };
  }

  /** Of the machine where the events were made. */
  get machine(): BuiltinContext['machine'] {
    return this.#state.source?.machine ?? thisMachine;
  }

  // ---- output
  write(bytes: string): void {
    this.#state.write(bytes);
  }
  warnOnce(key: string, message: string): void {
    if (this.#shown.has(key)) return;
    this.#shown.add(key);
    this.#state.message(`ktap: warning: ${message}`);
  }
  countUnknown(what: string): void {
    this.#unknown.set(what, (this.#unknown.get(what) ?? 0) + 1);
  }
  /** What countUnknown has counted, as messages. */
  unknownAnswers(): string[] {
    return [...this.#unknown].map(([what, count]) => `${what} was not known ${count} times and is nil there`);
  }
  get replaying(): boolean {
    return this.#state.source?.kind === 'recording';
  }
  position(): ReturnType<BuiltinContext['position']> {
    return this.engine.position();
  }

  // ---- the event
  get event(): EventView | undefined {
    return this.#state.inEvent ? this : undefined;
  }
  get name(): string {
    return this.#state.eventName;
  }
  get cpu(): number {
    return this.engine.event.cpu;
  }
  get tid(): number {
    return this.engine.event.tid;
  }
  get flags(): number {
    // common_flags: the byte behind the u16 of common_type, in every event.
    return this.engine.memory.u8[this.engine.event.record + 2]!;
  }
  get task(): TaskView {
    return this.#state.inEvent ? this.#eventTask : ownTask;
  }

  // ---- clocks
  traceClock(): bigint {
    const { source, timerTime, inEvent } = this.#state;
    if (source !== undefined && inEvent) return source.epoch + BigInt(this.engine.event.time);
    if (source?.kind === 'recording') return source.epoch + BigInt(timerTime ?? source.horizon);
    return process.hrtime.bigint();
  }
  wallClock(): bigint {
    const offset = this.#state.source?.wallClockOffset;
    if (offset === undefined) this.#wallOffset ??= wallClockOffset();
    return this.traceClock() + (offset ?? this.#wallOffset!);
  }

  // ---- symbols
  kernelSymbol(address: bigint): string | undefined {
    return this.#state.source === undefined
      ? this.#ownSymbols().symbolAt(address)
      : this.#state.source.kernelSymbol(address);
  }
  kernelTextSymbol(address: bigint): string | undefined {
    return this.#state.source === undefined
      ? this.#ownSymbols().textSymbolAt(address)
      : this.#state.source.kernelTextSymbol(address);
  }
  /** Address of a kernel symbol of this machine, for `` `name` ``; undefined where it is unknown or hidden. */
  addressOf(name: string): bigint | undefined {
    return this.#ownSymbols().addressOf(name);
  }
  #ownSymbols(): KernelSymbols {
    this.#symbols ??= KernelSymbols.ofThisMachine();
    return this.#symbols;
  }

  // ---- blocks
  registerTrace(definition: string, handler: Value): void {
    this.#state.registerTrace(definition, handler);
  }
  registerTraceById(ids: readonly number[], filter: string | undefined, handler: Value): void {
    this.#state.registerTraceById(ids, filter, handler);
  }
  registerTraceEnd(handler: Value): void {
    this.#state.registerTraceEnd(handler);
  }
  registerTimer(kind: 'tick' | 'profile', interval: string, handler: Value): void {
    this.#state.registerTimer(kind, interval, handler);
  }
  stopEvents(): void {
    this.#state.stopEvents();
  }
}
