// One run of a script: main chunk, then its probes and timers together, events and timers in one time order, and the
// trace_end blocks. Everything that can stop a run (exit, Ctrl-C, an error, the end of a command or recording) ends here.

import { type InstalledBuiltins, installBuiltins } from '../builtins/registry.js';
import type { Engine } from '../engine/engine.js';
import { createInterpreter } from '../engine/index.js';
import { RunStatus } from '../engine/layout.js';
import { type FunctionRef, ScriptError, type Value } from '../engine/values.js';
import type { EventSource, TraceRequest } from '../events/source.js';
import type { CommandError } from '../events/traced-command.js';
import { errorAt, KtapError } from '../language/diagnostics.js';
import { parseEventDefinitions, parseInterval } from '../language/event-definition.js';
import { argumentTable, argumentValue } from './arguments.js';
import { CallDriver } from './calls.js';
import { SessionContext } from './context.js';
import { EventLoop } from './event-loop.js';
import { checkFields } from './field-check.js';
import { OutputClosed, OutputFailed } from './output.js';
import type { SessionResult, SessionSettings } from './settings.js';
import { stackUseOf } from './stack-use.js';
import { placeOfSymbol } from './symbol-place.js';
import { GlobalsSnapshot } from './tables.js';
import { tracedEvent } from './traced-event.js';

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

  readonly #loop: EventLoop;
  #phase: 'main' | 'tracing' | 'end' = 'main';

  readonly #requests: TraceRequest[] = [];
  readonly #traceEnds: FunctionRef[] = [];
  /** Where live timers count from when there is no source. */
  #epoch = 0n;

  #exitCode: number | undefined;
  #failed = false;
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
        eventField: (index) => this.#loop.readField(index),
        callBuiltin: (id, args) => this.#builtins.callBuiltin(id, args),
      },
      resolveSymbol: (name) => this.#resolveSymbol(name),
    });
    this.#driver = new CallDriver(this.engine);
    const { onEvent } = settings;
    this.#loop = new EventLoop({
      engine: this.engine,
      driver: this.#driver,
      now: () => this.#now(),
      callEnded: (status) => this.#take(status),
      ...(onEvent && { onEvent: (event) => onEvent(tracedEvent(this.source!, event, this.engine.event)) }),
    });
    this.#context = new SessionContext(this);
    this.#builtins = installBuiltins(this.engine, this.#context, settings.builtins, { allowFfi: settings.allowFfi });
    this.#globals = new GlobalsSnapshot(this.engine.globals);
  }

  // ---- what the context asks (SessionState)

  get source(): EventSource | undefined {
    return this.#loop.source;
  }
  get inEvent(): boolean {
    return this.#loop.inEvent;
  }
  get timerTime(): number | undefined {
    return this.#loop.timerTime;
  }
  get eventName(): string {
    return this.#loop.event?.name ?? '';
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
    const place = this.#registrationPlace('a timer');
    const nanoseconds = parseInterval(interval);
    if (nanoseconds === undefined)
      throw new ScriptError(`"${interval}" is no interval`, 'write for example 1s, 10ms or 97Hz');
    if (kind === 'profile') {
      const name = `profile-${interval}`;
      this.#addRequest({ definitions: [], profile: { interval: nanoseconds, name }, ...place }, name, handler);
      return;
    }
    this.#loop.timers.add(nanoseconds, this.#pinned(handler).ref, `tick-${interval}`);
  }
  stopEvents(): void {
    this.#loop.halt();
  }

  #addRequest(request: Omit<TraceRequest, 'block'>, name: string, handler: Value): void {
    const { ref } = this.#pinned(handler);
    const stacks = stackUseOf(this.#settings.script.module, name);
    this.#requests.push({ block: this.#loop.handlers.length, ...request, ...(stacks && { stacks }) });
    this.#loop.handlers.push({ name, ref, calls: 0, dead: false });
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
        const wanted = this.#requests.length > 0 || this.#loop.timers.timers.length > 0 || this.#settings.hasCommand;
        if (wanted && !this.#loop.halted && this.#stopAsked === undefined) await this.#guarded(() => this.#trace());
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
      this.#loop.forgetCall();
      this.#loop.halt();
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
      this.#loop.halt();
      this.#settings.output.flush();
      this.#settings.report(this.engine.error());
    } else if (status === RunStatus.EXIT) {
      this.#exitCode = this.engine.exitCode() & 255;
      this.#loop.halt();
    }
  }

  async #trace(): Promise<void> {
    if (this.#requests.length > 0 || this.#settings.hasCommand) {
      const source = await this.#settings.openSource(this.engine);
      this.#loop.source = source;
      source.attach(this.#requests);
      for (const { block } of this.#requests) {
        if (this.#settings.verbose) this.#sayAttached(block, source);
        checkFields(this.#settings.script.module, this.#loop.handlers[block]!.name, source.formatsOf(block));
      }
      source.start();
    } else {
      this.#epoch = process.hrtime.bigint();
    }
    this.#phase = 'tracing';
    this.#settings.onActive?.();
    // The clock of a recording starts with its first record.
    if (this.source?.kind !== 'recording') this.#loop.startTimers(this.#now());
    for (;;) {
      await this.#drain(false);
      this.#settings.output.flush();
      if (this.#loop.halted || this.#stopAsked !== undefined || this.#commandEnded || this.source?.ended) break;
      await this.#wait();
    }
    this.source?.stop();
    if (!this.#loop.halted) await this.#drain(true);
    this.#settings.output.flush();
    this.source?.finish?.();
  }

  #sayAttached(block: number, source: EventSource): void {
    const names = [
      ...(source.namesOf?.(block) ?? Array.from(source.formatsOf(block), ({ system, name }) => `${system}:${name}`)),
    ];
    this.message(`ktap: ${this.#loop.handlers[block]!.name}: ${names.length} events: ${names.join(' ')}`);
  }

  /** The present on the scale of the source. */
  #now(): number {
    return Number(process.hrtime.bigint() - (this.source?.epoch ?? this.#epoch));
  }

  /** Waits for events, the next timer, or a request to stop. */
  async #wait(): Promise<void> {
    const untilTimer = (this.#loop.timers.nextDue - this.#now()) / 1e6;
    const milliseconds = Math.max(0, Math.min(IDLE_MILLISECONDS, untilTimer));
    if (this.source !== undefined) await this.source.wait(milliseconds);
    else await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  /** Handles what is ready now, with turns of the event loop in between. */
  async #drain(final: boolean): Promise<void> {
    const cursor = this.source?.poll(final);
    while (!this.#loop.drain(cursor, performance.now() + TURN_MILLISECONDS)) {
      this.#settings.output.flush();
      await nextTurn();
      if (this.#stopAsked !== undefined && this.#loop.calling) this.#endSlowHandler();
    }
  }

  /** After Ctrl-C: gives the handler under way its grace, then ends it, and lets it handle no further event. */
  #endSlowHandler(): void {
    if (performance.now() - this.#stopAsked! < GRACE_MILLISECONDS && !this.#abortAsked) return;
    this.#loop.endHandler();
  }

  async #runTraceEnds(): Promise<void> {
    this.#phase = 'end';
    this.#loop.timerTime = undefined;
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
    const text = this.source!.textOf(this.#loop.event!, event.record, event.length);
    if (!this.#settings.timeStamps) return text;
    const microseconds = (this.source!.epoch + BigInt(event.time)) / 1000n;
    return `${microseconds / 1_000_000n}.${String(microseconds % 1_000_000n).padStart(6, '0')}: ${text}`;
  }

  #result(): SessionResult {
    return {
      exitCode: this.#exitStatus(),
      decided: this.#failed || this.#exitCode !== undefined || this.#stopAsked !== undefined,
      events: this.#loop.events,
      handlers: [
        ...this.#loop.handlers.map(({ name, calls }) => ({ name, calls })),
        ...this.#loop.timers.timers.map(({ name, fired }) => ({ name, calls: fired })),
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
