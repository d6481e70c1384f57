// Events of this machine's kernel, live: puts the parts of this folder together behind EventSource.
//
//     trace blocks ─ providers ─ attachment ─► instance ─ live-buffers ─ merge ─► cursor
//                                              processes (a second instance) ─► names in time
//                                              traced-command, held until start()

import { stat } from 'node:fs';
import { constants as osConstants } from 'node:os';
import type { LinearMemory } from '../engine/memory.js';
import { plainError } from '../language/diagnostics.js';
import { type AttachedEvent, distinctFilters, enableEvents, findEvents, setFilters } from './attachment.js';
import { atExit, removeLeftovers } from './cleanup.js';
import { DynamicEvents } from './dynamic-events.js';
import { EventCatalogue } from './event-catalogue.js';
import { compileEventText, type EventText } from './event-text.js';
import { EventWait } from './event-wait.js';
import { compileFilter } from './filter.js';
import type { EventFormat } from './format.js';
import { TracingInstance } from './instance.js';
import { liveTextEnvironment } from './kernel-facts.js';
import { KernelSymbols } from './kernel-symbols.js';
import { LiveBuffers } from './live-buffers.js';
import { thisMachine, wallClockOffset } from './machine.js';
import { LiveSamples, needSamples } from './perf/live-samples.js';
import { type PlacedFormat, withoutPlaceField } from './probe-places.js';
import { TaskHistory } from './processes.js';
import { makeProviders } from './providers/index.js';
import type { EventRecorder } from './recorder.js';
import { LAYOUT_64_BIT, parseHeaderPage, type SubBufferLayout } from './ring-buffer.js';
import {
  type BoundEvent,
  type EventSource,
  FIRST_TIMER_ID,
  type Loss,
  type RecordCursor,
  type RecordPredicate,
  type TraceRequest,
} from './source.js';
import type { TextEnvironment } from './text-environment.js';
import { addThreads, threadsOf } from './threads.js';
import { findCommand, TracedCommand } from './traced-command.js';
import { explain, findTracefs, TracefsFolder } from './tracefs.js';

export { describeEvents, listEvents } from './list-events.js';

export interface LiveOptions {
  readonly memory: LinearMemory;
  /** Memory for event records: address, 4096-aligned. */
  allocateBuffer(bytes: number): number;
  /** Only this process, with its threads and later children. */
  readonly pid?: number;
  /** Only this CPU. */
  readonly cpu?: number;
  /** Started held, traced with its children; runs from `start` on. */
  readonly command?: readonly string[];
  /** Trace the threads of this process too. */
  readonly traceSelf?: boolean;
  /** KiB of each CPU's buffer in the kernel. */
  readonly bufferSizeKb?: number;
  /** Messages for the user. */
  readonly onMessage?: (text: string) => void;
  /** Keeps the raw events; they are handed out as well unless it wants only that. */
  readonly recorder?: EventRecorder;
  /** Messages name what they else count. */
  readonly verbose?: boolean;
  /** Folder of tracefs; found or mounted where not given. */
  readonly tracefs?: string;
}

/** Longest time that recording alone reads in one go. Milliseconds. */
const LONGEST_PASS = 20;
export class LiveSource implements EventSource {
  readonly kind = 'live';
  readonly machine = thisMachine;
  readonly epoch = process.hrtime.bigint();
  readonly wallClockOffset = wallClockOffset();
  readonly ended = false;
  /** Resolves when the command has ended; undefined where there is none. `signal` is a number. */
  readonly exited: Promise<{ status: number | null; signal: number | null }> | undefined;

  private readonly options: LiveOptions;
  private readonly tracefs: TracefsFolder;
  private readonly catalogue: EventCatalogue;
  private readonly layout: SubBufferLayout;
  private readonly providers = makeProviders();
  private events: ReadonlyMap<string, AttachedEvent> = new Map();
  private readonly predicates = new Map<AttachedEvent, readonly (RecordPredicate | undefined)[]>();
  private readonly bound = new Map<number, BoundEvent | undefined>();
  private readonly texts = new Map<EventFormat, EventText>();
  private readonly placedFormats = new Map<AttachedEvent, PlacedFormat>();
  private environment: TextEnvironment | undefined;
  private symbols: KernelSymbols | undefined;
  private instance: TracingInstance | undefined;
  private dynamic: DynamicEvents | undefined;
  private buffers: LiveBuffers | undefined;
  /** Where a script has profile timers or asks for stacks. */
  private samples: LiveSamples | undefined;
  private tasks: TaskHistory | undefined;
  private command: TracedCommand | undefined;
  private reportExit: ((exit: { status: number | null; signal: number | null }) => void) | undefined;
  private readonly forgetExitHook: () => void;

  /** The threads of this process are kept out of the events. */
  private hidesItself = false;
  private state: 'new' | 'attached' | 'tracing' | 'stopped' | 'closed' = 'new';
  private readonly waiting = new EventWait();
  private lost: readonly Loss[] = [];
  /** A recorder has begun and not finished. */
  private recording = false;
  /** Recording alone: there is more to read at once. */
  private behind = false;

  constructor(options: LiveOptions) {
    this.options = options;
    if (options.command !== undefined) {
      findCommand(options.command[0] ?? '');
      this.exited = new Promise((resolve) => {
        this.reportExit = resolve;
      });
    }
    const root = options.tracefs ?? findTracefs();
    this.tracefs = new TracefsFolder(root);
    this.catalogue = new EventCatalogue(this.tracefs);
    this.layout = parseHeaderPage(this.tracefs.tryRead('events/header_page') ?? '') ?? LAYOUT_64_BIT;
    if (options.pid !== undefined && threadsOf(options.pid).length === 0) {
      throw plainError(`there is no process ${options.pid}`);
    }
    removeLeftovers(root);
    this.forgetExitHook = atExit(() => this.close());
  }

  attach(wanted: readonly TraceRequest[]): void {
    const { catalogue, options, tracefs } = this;
    const requests = options.recorder === undefined ? wanted : this.withoutStacks(wanted);
    const { bufferSizeKb, pid } = options;
    // First, since probes are named after it.
    const instance = TracingInstance.create(tracefs.path, bufferSizeKb === undefined ? {} : { bufferSizeKb });
    this.instance = instance;
    const dynamic = new DynamicEvents(tracefs, instance.name, options);
    this.dynamic = dynamic;
    this.events = findEvents(requests, this.providers, { tracefs, catalogue, dynamic, pid });
    // Before anything is known of this process's own threads: its children inherit their place on the kernel's lists.
    this.startCommand();
    this.state = 'attached';
    if (options.cpu !== undefined) this.selectCpu(instance, options.cpu);
    this.selectTasks(instance);
    setFilters(instance, this.events.values());
    this.compileFilters();
    this.waiting.attach(instance);
    const { memory } = options;
    const common = { memory, layout: this.layout, epoch: this.epoch, allocateBuffer: options.allocateBuffer };
    const cpus = options.cpu === undefined ? instance.cpus : [options.cpu];
    const { recorder } = options;
    this.buffers = new LiveBuffers({
      ...common,
      instance,
      cpus,
      received: recorder && ((cpu, subBuffer) => recorder.append(cpu, subBuffer)),
    });
    if (needSamples(requests)) {
      this.samples = new LiveSamples({
        ...common,
        requests,
        events: this.events,
        catalogue,
        cpus,
        threads: this.selectsTasks ? () => this.selectedThreads() : undefined,
        hiddenThreads: this.hidesItself ? threadsOf(process.pid) : [],
        bufferSizeKb,
        records: this.buffers.merger,
        recording: recorder !== undefined,
        now: () => this.buffers!.now(),
        kernelSymbol: (address) => this.kernelSymbol(address),
        onMessage: options.onMessage ?? (() => {}),
      });
    }
    const taken = this.samples?.taken;
    const recorded = new Map([...this.events].filter(([name]) => taken?.has(name) !== true));
    enableEvents(instance, catalogue, recorded, (name, error) => {
      if (this.events.size === 1 || error.code === 'EPERM') {
        throw explain(error, `${instance.folder.path}/set_event`, `${name} cannot be enabled`);
      }
      options.onMessage?.(`ktap: warning: the kernel refuses to enable ${name} (${error.code})`);
    });
    dynamic.enable(instance);
    this.tasks = new TaskHistory({
      ...common,
      root: tracefs.path,
      catalogue,
      onOwnThread: (tid) => {
        if (this.hidesItself && this.state === 'tracing') instance.addPids('set_event_notrace_pid', [tid]);
      },
      recorded: recorder && {
        subBufferBytes: instance.subBufferBytes,
        received: (cpu, subBuffer) => recorder.appendTasks(cpu, subBuffer),
      },
    });
    this.command?.holdAtExec();
  }

  private startCommand(): void {
    if (this.options.command === undefined || this.command !== undefined) return;
    this.command = new TracedCommand(this.options.command);
    this.command.exited.then(({ status, signal }) =>
      this.reportExit!({ status, signal: signal === null ? null : osConstants.signals[signal] }),
    );
  }

  private selectCpu(instance: TracingInstance, cpu: number): void {
    if (!instance.cpus.includes(cpu))
      throw plainError(`there is no CPU ${cpu}: the kernel has ${instance.cpus.join(', ')}`);
    instance.onlyCpu(cpu);
  }

  private get selectsTasks(): boolean {
    return this.options.pid !== undefined || this.command !== undefined;
  }

  /** Threads of the processes that are traced alone. */
  private selectedThreads(): number[] {
    const { pid } = this.options;
    return [pid, this.command?.pid].flatMap((each) => (each === undefined ? [] : threadsOf(each)));
  }

  /** Says whose events are wanted. */
  private selectTasks(instance: TracingInstance): void {
    const { pid, traceSelf } = this.options;
    if (this.selectsTasks) {
      // The kernel keeps the list up to date as tasks fork and exit.
      instance.setOption('event-fork', true);
      if (pid !== undefined) addThreads(instance, 'set_event_pid', pid);
      if (this.command !== undefined) addThreads(instance, 'set_event_pid', this.command.pid);
      if (pid !== process.pid) return;
    }
    if (traceSelf === true) return;
    // Without event-fork, since child processes would inherit their place on this list, too, and shall be seen. The threads
    // of Node's pool begin with the first use of the pool; later threads are added when the task history sees them.
    stat('/', () => {});
    addThreads(instance, 'set_event_notrace_pid', process.pid);
    this.hidesItself = true;
  }

  /** Compiles the filters of events that have several: the kernel can apply only what they have in common. */
  private compileFilters(): void {
    const context = {
      memory: this.options.memory,
      comm: (tid: number) => this.commOf(tid, this.cursor.time),
      cpu: () => this.cursor.cpu,
    };
    for (const event of this.events.values()) {
      if (distinctFilters(event).length < 2) continue;
      const format = this.formatOf(event);
      this.predicates.set(
        event,
        event.uses.map(({ filter }) => (filter === undefined ? undefined : compileFilter(filter, format, context))),
      );
    }
  }

  start(): void {
    if (this.state === 'new') this.attach([]);
    if (this.state !== 'attached') return;
    this.beginRecording();
    this.state = 'tracing';
    this.tasks?.start([this.options.pid, this.command?.pid].filter((pid) => pid !== undefined));
    this.instance!.tracing = true;
    if (this.samples !== undefined) this.samples.enabled = true;
    this.command?.release();
  }

  /** Events with stacks come from perf and not from the buffers that are recorded. */
  private withoutStacks(requests: readonly TraceRequest[]): TraceRequest[] {
    if (requests.some(({ stacks }) => stacks !== undefined)) {
      this.options.onMessage?.('ktap: warning: a recording keeps no stacks: they are empty while it is made');
    }
    return requests.map(({ stacks: _, ...request }) => request);
  }

  private beginRecording(): void {
    const { tasks } = this;
    this.options.recorder?.begin({
      tracefs: this.tracefs,
      instance: this.instance!,
      layout: this.layout,
      events: [...this.events.values()],
      taskEvents: tasks?.watched ?? [],
      start: process.hrtime.bigint(),
      wallClockOffset: this.wallClockOffset,
      firstTasks: () => tasks?.everyTask() ?? [],
      taskNames: () => tasks?.lastNames() ?? [],
    });
    this.recording = this.options.recorder !== undefined;
  }

  finish(): void {
    if (!this.recording) return;
    this.recording = false;
    const { recorder, onMessage } = this.options;
    const message = recorder!.finish();
    onMessage?.(`ktap: ${message}`);
  }

  poll(final: boolean): RecordCursor {
    const buffers = this.buffers!;
    if (this.options.recorder?.only === true) {
      this.behind = !buffers.pass(final, final ? Number.POSITIVE_INFINITY : performance.now() + LONGEST_PASS);
      this.tasks?.update(buffers.now());
      return buffers.merger;
    }
    const { samples } = this;
    const handled = this.handled;
    buffers.read(final);
    samples?.read(final);
    this.tasks?.update(handled);
    return this.cursor;
  }

  private get cursor(): RecordCursor {
    return this.samples?.cursor ?? this.buffers!.merger;
  }

  /** Time up to which all has been handed out. */
  private get handled(): number {
    return (this.samples?.cursor ?? this.buffers)?.horizon ?? 0;
  }

  get horizon(): number {
    const horizon = this.handled;
    return Math.max(0, Math.min(horizon, Number(process.hrtime.bigint() - this.epoch)));
  }

  async wait(milliseconds: number): Promise<void> {
    this.tasks?.lookUpSome();
    const { buffers, samples } = this;
    const tracing = this.state === 'tracing';
    await this.waiting.wait(this.behind ? 0 : milliseconds, {
      fds: tracing && buffers !== undefined ? [...buffers.fds, ...(samples?.fds ?? [])] : undefined,
      bytesRead: (buffers?.bytesRead ?? 0) + (samples?.bytesRead ?? 0),
      mayRest: tracing && samples === undefined,
    });
  }

  wake(): void {
    this.waiting.wake();
  }

  eventOf(id: number): BoundEvent | undefined {
    if (id >= FIRST_TIMER_ID) return this.samples?.timerOf(id);
    if (this.bound.has(id)) return this.bound.get(id);
    const name = this.catalogue.eventWithId(id, this.events);
    const event = name === undefined ? undefined : this.events.get(`${name.system}:${name.event}`);
    const bound = event === undefined ? undefined : this.bind(event);
    this.bound.set(id, bound);
    return bound;
  }

  private bind(event: AttachedEvent): BoundEvent {
    const filters = this.predicates.get(event);
    const bound: BoundEvent = {
      format: this.formatOf(event),
      blocks: event.uses.map(({ block }) => block),
      name: event.name,
      ...(filters === undefined ? {} : { filters }),
    };
    const placed = this.placedFormats.get(event);
    if (placed === undefined) return bound;
    const places: BoundEvent[] = [];
    const at = (place: number): BoundEvent => {
      places[place] ??= { ...bound, name: event.places?.[place] ?? event.name };
      return places[place];
    };
    return { ...bound, places: { offset: placed.placeOffset, at } };
  }

  /** The format as scripts see it: without the argument that tells the places of a probe apart. */
  private formatOf(event: AttachedEvent): EventFormat {
    const format = this.catalogue.formatOf(event);
    if (event.places === undefined) return format;
    let placed = this.placedFormats.get(event);
    if (placed === undefined) {
      placed = withoutPlaceField(format)!;
      this.placedFormats.set(event, placed);
    }
    return placed.format;
  }

  *formatsOf(block: number): Iterable<EventFormat> {
    for (const event of this.events.values()) {
      if (event.uses.some((use) => use.block === block)) yield this.formatOf(event);
    }
    if (this.samples !== undefined) yield* this.samples.formatsOf(block);
  }

  *namesOf(block: number): Iterable<string> {
    for (const event of this.events.values()) {
      if (!event.uses.some((use) => use.block === block)) continue;
      if (event.probe === true) yield* event.places ?? [event.name];
      else yield `${event.system}:${event.event}`;
    }
    if (this.samples !== undefined) {
      for (const { system, name } of this.samples.formatsOf(block)) yield `${system}:${name}`;
    }
  }

  textOf(event: BoundEvent, address: number, length: number): string {
    let text = this.texts.get(event.format);
    if (text === undefined) {
      this.environment ??= liveTextEnvironment(this.tracefs.path, () => this.kernelSymbols());
      text = compileEventText(event.format, this.environment);
      this.texts.set(event.format, text);
    }
    const { memory } = this.options;
    memory.refresh();
    return text(memory.u8, address, length, event.name);
  }

  commOf(tid: number, time: number, cpu?: number): string {
    return this.tasks?.commOf(tid, time, cpu) ?? '<...>';
  }

  pidOf(tid: number, time: number): number {
    return this.tasks?.pidOf(tid, time) ?? tid;
  }

  kernelSymbol(address: bigint): string | undefined {
    return this.kernelSymbols().symbolAt(address);
  }

  kernelTextSymbol(address: bigint): string | undefined {
    return this.kernelSymbols().textSymbolAt(address);
  }

  private kernelSymbols(): KernelSymbols {
    this.symbols ??= KernelSymbols.ofThisMachine();
    return this.symbols;
  }

  losses(): readonly Loss[] {
    const { instance } = this;
    if (instance === undefined || this.state === 'closed') return this.lost;
    const losses: Loss[] = [];
    const sampled = new Map(this.samples?.losses().map(({ cpu, events }) => [cpu, events]));
    for (const cpu of instance.cpus) {
      const lost = instance.statistics(cpu).lost + (sampled.get(cpu) ?? 0);
      if (lost > 0) losses.push({ cpu, events: lost });
    }
    return losses;
  }

  get stacks(): LiveSamples | undefined {
    return this.samples;
  }

  warnings(): readonly string[] {
    return this.samples?.warnings() ?? [];
  }

  stop(): void {
    if (this.state !== 'tracing') return;
    this.state = 'stopped';
    this.instance!.tracing = false;
    if (this.samples !== undefined) this.samples.enabled = false;
    this.wake();
  }

  /** Sends a signal to the command, if it runs. */
  signalCommand(signal: NodeJS.Signals): void {
    this.command?.kill(signal);
  }

  close(): void {
    if (this.state === 'closed') return;
    this.lost = this.losses();
    this.options.recorder?.abandon();
    this.state = 'closed';
    // The command does not outlive its trace (exit(), Ctrl-C to ktap alone).
    this.command?.kill('SIGTERM');
    this.forgetExitHook();
    // A poll in another thread holds the buffers' files until it is woken.
    this.wake();
    this.command?.abandon();
    this.buffers?.close();
    this.samples?.close();
    this.instance?.remove();
    this.dynamic?.close();
    this.tasks?.close();
    this.waiting.close();
  }
}

/**
 * Opens this machine's kernel as a source of events; nothing is attached yet. Throws KtapError where tracing is not possible,
 * CommandError (with the exit status) where the command cannot be run.
 */
export function openLive(options: LiveOptions): LiveSource {
  return new LiveSource(options);
}
