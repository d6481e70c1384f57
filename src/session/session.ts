// One run of a script: main chunk, then its probes and timers together, events and timers in one time order, and the
// trace_end blocks. Everything that can stop a run (exit, Ctrl-C, an error, the end of a command or recording) ends here.

import { type InstalledBuiltins, installBuiltins } from '../builtins/registry.js';
import type { Engine, EventDescriptor, EventLayout } from '../engine/engine.js';
import { NAMED_FIELD_BASE } from '../engine/heap-layout.js';
import { createInterpreter } from '../engine/index.js';
import { RunStatus } from '../engine/layout.js';
import { type FunctionRef, type HeapRef, ScriptError, type Value } from '../engine/values.js';
import { eventLayout, readHostField } from '../events/field-layout.js';
import type { BoundEvent, EventSource, RecordCursor, RecordPredicate, TraceRequest } from '../events/source.js';
import type { CommandError } from '../events/traced-command.js';
import { errorAt, KtapError } from '../language/diagnostics.js';
import { parseEventDefinitions, parseInterval } from '../language/event-definition.js';
import { argumentTable, argumentValue } from './arguments.js';
import { CallDriver } from './calls.js';
import { SessionContext } from './context.js';
import { checkFields } from './field-check.js';
import { OutputClosed, OutputFailed } from './output.js';
import type { SessionResult, SessionSettings } from './settings.js';
import { placeOfSymbol } from './symbol-place.js';
import { GlobalsSnapshot } from './tables.js';
import { TimerQueue } from './timers.js';
import { tracedEvent } from './traced-event.js';

interface Handler {
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
}

/** How long the loop stays away from Node's event loop at the most, in milliseconds. */
const TURN_MILLISECONDS = 30;
/** How long a handler may go on after Ctrl-C, in milliseconds. */
const GRACE_MILLISECONDS = 50;
/** How long to wait for events when no timer is due earlier, in milliseconds. */
const IDLE_MILLISECONDS = 1000;

export class Session {
  readonly #settings: SessionSettings;
  readonly #driver: CallDriver;
  readonly #context: SessionContext;
  readonly #builtins: InstalledBuiltins;
  readonly engine: Engine;

  source: EventSource | undefined;
  inEvent = false;
  timerTime: number | undefined;
  #phase: 'main' | 'tracing' | 'end' = 'main';

  readonly #requests: TraceRequest[] = [];
  readonly #handlers: Handler[] = [];
  readonly #traceEnds: FunctionRef[] = [];
  readonly #timers = new TimerQueue();
  /** `#timers.nextDue`, kept for the hot loop. */
  #nextDue = Number.POSITIVE_INFINITY;
  /** By id of the record (common_type, 16 bits); null: no block wants it, undefined: not looked up yet. */
  readonly #bindings: (Binding | null | undefined)[] = [];
  /** Where live timers count from when there is no source. */
  #epoch = 0n;

  // The place in the records, kept so that a handler can be left in its middle.
  #binding: Binding | null = null;
  /** Time of the record at the cursor, while its handlers have not begun; minus infinity else. */
  #recordTime = Number.NEGATIVE_INFINITY;
  #nextBlock = 0;
  #calling = false;
  #running: Handler | undefined;

  #exitCode: number | undefined;
  #failed = false;
  /** No further handler runs. */
  #halted = false;
  #events = 0;
  /** performance.now() of the first stop request. */
  #stopAsked: number | undefined;
  #abortAsked = false;
  #commandEnded = false;
  /** The command could not be started. */
  #commandError: CommandError | undefined;
  /** Nothing that is written can arrive any more. */
  #outputClosed = false;
  readonly #globals: GlobalsSnapshot;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.engine = createInterpreter({
      maxMemory: settings.maxMemory,
      gcStress: settings.gcStress,
      host: {
        eventText: () => this.#eventText(),
        eventField: (index) => this.#eventField(index),
        callBuiltin: (id, args) => this.#builtins.callBuiltin(id, args),
      },
      resolveSymbol: (name) => this.#resolveSymbol(name),
    });
    this.#driver = new CallDriver(this.engine);
    this.#context = new SessionContext(this);
    this.#builtins = installBuiltins(this.engine, this.#context, settings.builtins, { allowFfi: settings.allowFfi });
    this.#globals = new GlobalsSnapshot(this.engine.globals);
  }

  // ---- what the context asks (SessionState)

  get eventName(): string {
    return this.#binding?.event.name ?? '';
  }
  write(bytes: string): void {
    if (!this.#outputClosed) this.#settings.output.write(bytes);
  }
  message(text: string): void {
    this.#settings.message(text);
  }
  registerTrace(definition: string, handler: Value): void {
    const place = this.#registrationPlace('a trace block');
    const definitions = parseEventDefinitions(definition, place.source, place.span.start);
    this.#addRequest({ definitions, ...place }, `trace ${definition}`, handler);
  }
  registerTraceById(ids: readonly number[], filter: string | undefined, handler: Value): void {
    const place = this.#registrationPlace('a trace block');
    const request = { definitions: [], ids, ...(filter === undefined ? {} : { filter }), ...place };
    this.#addRequest(request, `trace by id ${ids.join(', ')}`, handler);
  }
  registerTraceEnd(handler: Value): void {
    this.#registrationPlace('a trace_end block');
    this.#traceEnds.push(this.#pinned(handler));
  }
  registerTimer(kind: 'tick' | 'profile', interval: string, handler: Value): void {
    this.#registrationPlace('a timer');
    const nanoseconds = parseInterval(interval);
    if (nanoseconds === undefined)
      throw new ScriptError(`"${interval}" is no interval`, 'write for example 1s, 10ms or 97Hz');
    this.#timers.add(kind, nanoseconds, this.#pinned(handler).ref, `${kind}-${interval}`);
  }
  stopEvents(): void {
    this.#halted = true;
  }

  #addRequest(request: Omit<TraceRequest, 'block'>, name: string, handler: Value): void {
    const { ref } = this.#pinned(handler);
    this.#requests.push({ block: this.#handlers.length, ...request });
    this.#handlers.push({ name, ref, calls: 0, dead: false });
  }
  /** Blocks are made by the main chunk only. */
  #registrationPlace(what: string): Pick<TraceRequest, 'source' | 'span'> {
    if (this.#phase !== 'main') throw new ScriptError(`${what} cannot be made inside a handler, timer or trace_end`);
    const { source, span } = this.engine.position();
    return { source: source!, span: span! };
  }
  #pinned(handler: Value): FunctionRef {
    const fn = handler as FunctionRef;
    this.engine.pin(fn.ref);
    return fn;
  }
  #resolveSymbol(name: string): bigint {
    const address = this.#context.addressOf(name);
    if (address !== undefined) return address;
    const { module } = this.#settings.script;
    throw errorAt(
      module.source,
      placeOfSymbol(module, name),
      `the kernel symbol \`${name}\` is unknown or hidden`,
      'addresses are hidden from users without rights (/proc/sys/kernel/kptr_restrict)',
    );
  }

  // ---- control from outside

  /** Ctrl-C: ends the trace; what is buffered is still handled. A second time: ends trace_end too. */
  stop(): void {
    if (this.#stopAsked === undefined) this.#stopAsked = performance.now();
    else this.#abortAsked = true;
    this.source?.wake();
  }
  /** The traced command has ended: the trace does too. */
  commandEnded(): void {
    this.#commandEnded = true;
    this.source?.wake();
  }

  // ---- the run

  async run(): Promise<SessionResult> {
    try {
      await this.#guarded(() => this.#runMain());
      if (!this.#failed) {
        const wanted = this.#requests.length > 0 || this.#timers.timers.length > 0 || this.#settings.hasCommand;
        if (wanted && !this.#halted && this.#stopAsked === undefined) await this.#guarded(() => this.#trace());
        if (this.#phase === 'tracing' || !this.#failed) await this.#guarded(() => this.#runTraceEnds());
      }
      await this.#guarded(() => this.#settings.output.flush());
      return this.#result();
    } finally {
      this.source?.close();
    }
  }

  /** Runs a part of the run; what it throws ends that part. */
  async #guarded(part: () => Promise<void> | void): Promise<void> {
    try {
      await part();
    } catch (error) {
      this.#calling = false;
      this.inEvent = false;
      this.#halted = true;
      this.source?.stop();
      // A reader that has left (`| head`) is no failure: trace_end runs, unheard.
      if (error instanceof OutputClosed) {
        this.#outputClosed = true;
        return;
      }
      this.#failed = true;
      if (error instanceof KtapError && 'exitStatus' in error) this.#commandError = error as CommandError;
      if (error instanceof OutputFailed) this.#outputClosed = true;
      if (error instanceof KtapError) for (const each of error.diagnostics) this.#settings.report(each);
      else throw error;
    }
  }

  async #runMain(): Promise<void> {
    const { script, arguments: args } = this.#settings;
    const values = args.map(argumentValue);
    this.engine.setGlobal('arg', argumentTable(this.engine, script.module.source.name, values));
    this.engine.start(this.engine.load(script.module), values);
    await this.#finishCall(() => this.#stopAsked !== undefined);
  }

  /** Drives a call that is no event handler to its end, or gives it up when `interrupted` says so. */
  async #finishCall(interrupted: () => boolean): Promise<void> {
    for (;;) {
      const status = this.#driver.runUntil(performance.now() + TURN_MILLISECONDS);
      if (status !== RunStatus.BUDGET) {
        this.#take(status);
        return;
      }
      this.#settings.output.flush();
      await nextTurn();
      if (interrupted()) {
        this.engine.abandon();
        return;
      }
    }
  }

  /** What the end of a call means for the run. */
  #take(status: number): void {
    if (status === RunStatus.ERROR) {
      this.#failed = true;
      this.#halted = true;
      this.#settings.output.flush();
      this.#settings.report(this.engine.error());
    } else if (status === RunStatus.EXIT) {
      this.#exitCode = this.engine.exitCode() & 255;
      this.#halted = true;
    }
  }

  async #trace(): Promise<void> {
    if (this.#requests.length > 0 || this.#settings.hasCommand) {
      this.source = await this.#settings.openSource(this.engine);
      this.source.attach(this.#requests);
      for (const { block } of this.#requests) {
        if (this.#settings.verbose) this.#sayAttached(block, this.source);
        checkFields(this.#settings.script.module, this.#handlers[block]!.name, this.source.formatsOf(block));
      }
      this.source.start();
    } else {
      this.#epoch = process.hrtime.bigint();
    }
    this.#phase = 'tracing';
    this.#settings.onActive?.();
    // The clock of a recording starts with its first record.
    if (this.source?.kind !== 'recording') this.#startTimers(this.#now());
    for (;;) {
      await this.#drain(false);
      this.#settings.output.flush();
      if (this.#halted || this.#stopAsked !== undefined || this.#commandEnded || this.source?.ended) break;
      await this.#wait();
    }
    this.source?.stop();
    if (!this.#halted) await this.#drain(true);
    this.#settings.output.flush();
  }

  #sayAttached(block: number, source: EventSource): void {
    const names = Array.from(source.formatsOf(block), ({ system, name }) => `${system}:${name}`);
    this.message(`ktap: ${this.#handlers[block]!.name}: ${names.length} events: ${names.join(' ')}`);
  }

  /** The present on the scale of the source. */
  #now(): number {
    return Number(process.hrtime.bigint() - (this.source?.epoch ?? this.#epoch));
  }

  /** Waits for events, the next timer, or a request to stop. */
  async #wait(): Promise<void> {
    const untilTimer = (this.#timers.nextDue - this.#now()) / 1e6;
    const milliseconds = Math.max(0, Math.min(IDLE_MILLISECONDS, untilTimer));
    if (this.source !== undefined) await this.source.wait(milliseconds);
    else await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  /** Handles what is ready now, with turns of the event loop in between. */
  async #drain(final: boolean): Promise<void> {
    const cursor = this.source?.poll(final);
    while (!this.#drainTurn(cursor, performance.now() + TURN_MILLISECONDS)) {
      this.#settings.output.flush();
      await nextTurn();
      if (this.#stopAsked !== undefined && this.#calling) this.#endSlowHandler();
    }
  }

  /** After Ctrl-C: gives the handler under way its grace, then ends it, and lets it handle no further event. */
  #endSlowHandler(): void {
    if (performance.now() - this.#stopAsked! < GRACE_MILLISECONDS && !this.#abortAsked) return;
    this.engine.abandon();
    this.#calling = false;
    this.inEvent = false;
    if (this.#running !== undefined) this.#running.dead = true;
  }

  /**
   * Handles records and due timers until nothing is ready (true) or the deadline has passed (false: call again). Hot:
   * this is the loop over all events.
   */
  #drainTurn(cursor: RecordCursor | undefined, deadline: number): boolean {
    const { engine } = this;
    const event = engine.event;
    let untilClock = 64;
    for (;;) {
      if (this.#calling && !this.#continueCall(deadline)) return false;
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
      else if (!this.#fireTimer(this.source?.horizon ?? this.#now())) return true;
    }
  }

  /** Makes the cursor's record the current event. */
  #enter(cursor: RecordCursor): void {
    let binding = this.#bindings[cursor.id];
    if (binding === undefined) binding = this.#bind(cursor.id);
    this.#binding = binding;
    this.#recordTime = cursor.time;
    if (!this.#timers.started) this.#startTimers(cursor.time);
    if (binding === null) return;
    this.#nextBlock = 0;
    this.#events++;
    const event = this.engine.event;
    event.descriptor = binding.descriptor;
    event.record = cursor.address;
    event.length = cursor.length;
    event.cpu = cursor.cpu;
    event.tid = this.engine.memory.i32[(cursor.address + 4) >> 2]!;
    event.time = cursor.time;
    if (this.#settings.onEvent !== undefined) this.#settings.onEvent(tracedEvent(this.source!, binding.event, event));
  }

  #bind(id: number): Binding | null {
    const event = this.source!.eventOf(id);
    let binding: Binding | null = null;
    if (event !== undefined) {
      const layout = { ...eventLayout(event.format), name: event.name };
      binding = {
        event,
        layout,
        descriptor: this.engine.defineEvent(layout),
        handlers: event.blocks.map((block) => this.#handlers[block]!),
        filters: event.filters,
      };
    }
    this.#bindings[id] = binding;
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
    if (status !== RunStatus.DONE) this.#take(status);
    return true;
  }

  #startTimers(time: number): void {
    this.#timers.start(time);
    this.#nextDue = this.#timers.nextDue;
  }

  /** Starts the handler of a timer that is due at `time`. True if there was one. */
  #fireTimer(time: number): boolean {
    const now = this.source?.kind === 'recording' ? Number.NEGATIVE_INFINITY : this.#now();
    const timer = this.#timers.take(time, now);
    if (timer === undefined) return false;
    this.#nextDue = this.#timers.nextDue;
    this.timerTime = timer.due - timer.interval;
    this.#running = undefined;
    this.engine.start({ kind: 'function', ref: timer.handler, builtin: false, name: timer.name }, []);
    this.#calling = true;
    return true;
  }

  async #runTraceEnds(): Promise<void> {
    this.#phase = 'end';
    this.timerTime = undefined;
    for (const block of this.#traceEnds) {
      if (this.#abortAsked) return;
      const earlier = this.#exitCode;
      this.#exitCode = undefined;
      this.engine.start(block, []);
      await this.#finishCall(() => this.#abortAsked);
      // exit() inside trace_end ends the program.
      if (this.#exitCode !== undefined) return;
      this.#exitCode = earlier;
    }
  }

  #eventText(): string {
    const { event } = this.engine;
    const text = this.source!.textOf(this.#binding!.event, event.record, event.length);
    if (!this.#settings.timeStamps) return text;
    const microseconds = (this.source!.epoch + BigInt(event.time)) / 1000n;
    return `${microseconds / 1_000_000n}.${String(microseconds % 1_000_000n).padStart(6, '0')}: ${text}`;
  }

  /** A field that the interpreter cannot read itself. */
  #eventField(index: number): Value {
    const { args, named } = this.#binding!.layout;
    const field = index < NAMED_FIELD_BASE ? args[index]! : named[index - NAMED_FIELD_BASE]!;
    const { event, memory } = this.engine;
    return readHostField(field, memory.u8, event.record, event.length);
  }

  #result(): SessionResult {
    return {
      exitCode: this.#exitStatus(),
      decided: this.#failed || this.#exitCode !== undefined || this.#stopAsked !== undefined,
      events: this.#events,
      handlers: [
        ...this.#handlers.map(({ name, calls }) => ({ name, calls })),
        ...this.#timers.timers.map(({ name, fired }) => ({ name, calls: fired })),
      ],
      losses: this.source?.losses() ?? [],
      warnings: [...(this.source?.warnings?.() ?? []), ...this.#context.unknownAnswers()],
      globals: () => this.#globals.changed(),
      heap: this.engine.statistics(),
    };
  }

  #exitStatus(): number {
    if (!this.#failed) return this.#exitCode ?? 0;
    return this.#commandError?.exitStatus ?? 1;
  }
}

/** Lets Node's event loop turn once: signals, the command's end. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
