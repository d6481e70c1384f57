// The loop over events and timers, in one order of time: which handlers a record leads to, and calling them so that a
// handler can be left in its middle and the host regains control every few milliseconds.

import type { Engine, EventDescriptor, EventLayout } from '../engine/engine.js';
import { NAMED_FIELD_BASE } from '../engine/heap-layout.js';
import { RunStatus } from '../engine/layout.js';
import type { HeapRef, Value } from '../engine/values.js';
import { eventLayout, readHostField } from '../events/field-layout.js';
import type { BoundEvent, EventSource, RecordCursor, RecordPredicate } from '../events/source.js';
import type { CallDriver } from './calls.js';
import { type Timer, TimerQueue } from './timers.js';

/** A trace block's closure. */
export interface Handler {
  readonly name: string;
  readonly ref: HeapRef;
  calls: number;
  /** Taken out after Ctrl-C because it ran too long. */
  dead: boolean;
}

/** What an id of a record leads to. */
interface Binding {
  readonly event: BoundEvent;
  readonly layout: EventLayout;
  readonly descriptor: EventDescriptor;
  readonly handlers: readonly Handler[];
  readonly filters: readonly (RecordPredicate | undefined)[] | undefined;
  /** Of a probe with many places: the bindings of those, made when they are first met. */
  readonly places: (Binding | undefined)[] | undefined;
}

/** What the loop needs of the run that it is a part of. */
export interface EventLoopHost {
  readonly engine: Engine;
  readonly driver: CallDriver;
  /** The present on the scale of the source. */
  now(): number;
  /** A call ended with an error or exit(); says `halt` where no further handler may run. */
  callEnded(status: number): void;
  /** Each event that a block handles, before its handlers. */
  readonly onEvent?: (event: BoundEvent) => void;
}

export class EventLoop {
  readonly handlers: Handler[] = [];
  readonly timers = new TimerQueue();
  /** A handler of an event runs. */
  inEvent = false;
  /** Time of the timer whose handler ran last, on the scale of the source. */
  timerTime: number | undefined;
  /** Records that a block handled. */
  events = 0;
  source: EventSource | undefined;

  readonly #host: EventLoopHost;
  readonly #engine: Engine;
  readonly #driver: CallDriver;
  /** `timers.nextDue`, kept for the hot loop. */
  #nextDue = Number.POSITIVE_INFINITY;
  /** By id of the record (common_type, 16 bits); null: no block wants it, undefined: not looked up yet. */
  readonly #bindings: (Binding | null | undefined)[] = [];

  // The place in the records, kept so that a handler can be left in its middle.
  #binding: Binding | null = null;
  /** Time of the record at the cursor, while its handlers have not begun; minus infinity else. */
  #recordTime = Number.NEGATIVE_INFINITY;
  #nextBlock = 0;
  #calling = false;
  #running: Handler | undefined;
  /** The timer whose handler runs, and since when, after the source's epoch. */
  #timer: Timer | undefined;
  #timerStart = 0;
  /** No further handler runs. */
  #halted = false;

  constructor(host: EventLoopHost) {
    this.#host = host;
    this.#engine = host.engine;
    this.#driver = host.driver;
  }

  /** The event at hand; only while one is. */
  get event(): BoundEvent | undefined {
    return this.#binding?.event;
  }
  /** A handler has been left in its middle. */
  get calling(): boolean {
    return this.#calling;
  }
  get halted(): boolean {
    return this.#halted;
  }
  /** No further handler runs. */
  halt(): void {
    this.#halted = true;
  }

  startTimers(time: number): void {
    this.timers.start(time);
    this.#nextDue = this.timers.nextDue;
  }

  /** The call under way is over, by an error that was thrown through it. */
  forgetCall(): void {
    this.#calling = false;
    this.#timer = undefined;
    this.inEvent = false;
  }

  /** Gives up the handler under way, and lets it handle no further event. */
  endHandler(): void {
    this.#engine.abandon();
    this.forgetCall();
    if (this.#running !== undefined) this.#running.dead = true;
  }

  /**
   * Handles records and due timers until nothing is ready (true) or the deadline (of performance.now) has passed (false:
   * call again). Hot.
   */
  drain(cursor: RecordCursor | undefined, deadline: number): boolean {
    const engine = this.#engine;
    const event = engine.event;
    let untilClock = 64;
    for (;;) {
      if (this.#calling) {
        if (!this.#continueCall(deadline)) return false;
        this.#timerEnded();
      }
      if (this.#halted) return true;
      // A timer that is due before the record comes first.
      if (this.#nextDue <= this.#recordTime && this.#fireTimer(this.#recordTime)) continue;
      this.#recordTime = Number.NEGATIVE_INFINITY;
      const binding = this.#binding;
      if (binding !== null) {
        const { handlers, filters } = binding;
        while (this.#nextBlock < handlers.length) {
          const index = this.#nextBlock++;
          const handler = handlers[index]!;
          if (handler.dead) continue;
          const filter = filters?.[index];
          if (filter !== undefined && !filter(event.record, event.length)) continue;
          handler.calls++;
          this.#running = handler;
          this.inEvent = true;
          engine.startHandler(handler.ref);
          if (!this.#continueCall(deadline)) return false;
          if (this.#halted) return true;
        }
        this.#binding = null;
      }
      if (--untilClock === 0) {
        if (performance.now() > deadline) return false;
        untilClock = 64;
      }
      if (cursor?.next() === true) this.#enter(cursor);
      // Timers that are due up to where all records are known.
      else if (!this.#fireTimer(this.source?.horizon ?? this.#host.now())) return true;
    }
  }

  /** Makes the cursor's record the current event. */
  #enter(cursor: RecordCursor): void {
    let binding = this.#bindings[cursor.id];
    if (binding === undefined) {
      binding = this.#bind(this.source!.eventOf(cursor.id));
      this.#bindings[cursor.id] = binding;
    }
    if (binding?.places !== undefined) binding = this.#placeBinding(binding, cursor.address);
    this.#binding = binding;
    this.#recordTime = cursor.time;
    if (!this.timers.started) this.startTimers(cursor.time);
    if (binding === null) return;
    this.#nextBlock = 0;
    this.events++;
    const event = this.#engine.event;
    event.descriptor = binding.descriptor;
    event.record = cursor.address;
    event.length = cursor.length;
    event.cpu = cursor.cpu;
    event.tid = this.#engine.memory.i32[(cursor.address + 4) >> 2]!;
    event.time = cursor.time;
    if (this.#host.onEvent !== undefined) this.#host.onEvent(binding.event);
  }

  #bind(event: BoundEvent | undefined): Binding | null {
    if (event === undefined) return null;
    const layout = eventLayout(event.format, event.name);
    return {
      event,
      layout,
      // Without a descriptor, what belongs to an event (argevent, arg1) is an error.
      descriptor: event.isTimer === true ? 0 : this.#engine.defineEvent(layout),
      handlers: event.blocks.map((block) => this.handlers[block]!),
      filters: event.filters,
      places: event.places === undefined ? undefined : [],
    };
  }

  /** The binding of the place that a record is of. */
  #placeBinding({ event, places }: Binding, address: number): Binding | null {
    const place = this.#engine.memory.u32[(address + event.places!.offset) >> 2]!;
    let binding = places![place];
    if (binding === undefined) {
      binding = this.#bind(event.places!.at(place))!;
      places![place] = binding;
    }
    return binding;
  }

  /** Goes on with the call under way. True when it is over, false when the deadline has passed before. */
  #continueCall(deadline: number): boolean {
    this.#calling = true;
    let status = this.#driver.slice();
    if (status === RunStatus.BUDGET) status = this.#driver.runUntil(deadline);
    if (status === RunStatus.BUDGET) return false;
    this.#calling = false;
    this.inEvent = false;
    if (status !== RunStatus.DONE) this.#host.callEnded(status);
    return true;
  }

  /** Starts the handler of a timer that is due at `time`. True if there was one. */
  #fireTimer(time: number): boolean {
    const timer = this.timers.take(time, this.source?.kind !== 'recording');
    if (timer === undefined) return false;
    this.#nextDue = this.timers.nextDue;
    this.#timer = timer;
    this.#timerStart = this.#host.now();
    this.timerTime = timer.due - timer.interval;
    this.#running = undefined;
    this.#engine.start({ kind: 'function', ref: timer.handler, builtin: false, name: timer.name }, []);
    this.#calling = true;
    return true;
  }

  /** A timer's handler has come to its end, if that is what ran. */
  #timerEnded(): void {
    const timer = this.#timer;
    if (timer === undefined) return;
    this.#timer = undefined;
    // The time of a recording does not go on while a handler runs.
    if (this.source?.kind === 'recording') return;
    this.timers.took(timer, this.#host.now() - this.#timerStart);
    this.#nextDue = this.timers.nextDue;
  }

  /** A field of the event at hand that the interpreter cannot read itself. */
  readField(index: number): Value {
    const { args, named } = this.#binding!.layout;
    const field = index < NAMED_FIELD_BASE ? args[index]! : named[index - NAMED_FIELD_BASE]!;
    const { event, memory } = this.#engine;
    return readHostField(field, memory.u8, event.record, event.length);
  }
}
