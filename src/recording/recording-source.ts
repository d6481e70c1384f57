// Events from a recording (trace.dat), for replaying: puts the parts of this folder together behind EventSource.
//
//     trace-dat/ ─ what the file says ─┬─ recorded-events: which events the blocks mean, and their filters
//                                      ├─ recorded-tasks: names and thread groups, kept up with the records
//                                      └─ cpu-streams: portions of each CPU ─► merge ─► cursor

import type { LinearMemory } from '../engine/memory.js';
import { compileEventText, type EventText } from '../events/event-text.js';
import type { EventFormat } from '../events/format.js';
import { textEnvironment } from '../events/kernel-facts.js';
import { KernelSymbols } from '../events/kernel-symbols.js';
import type { RecordMerger } from '../events/merge.js';
import type { BoundEvent, EventSource, Loss, RecordCursor, TraceRequest } from '../events/source.js';
import type { TextEnvironment } from '../events/text-environment.js';
import { errorAt, plainError } from '../language/diagnostics.js';
import { ByteOrder } from './byte-order.js';
import { type BufferMemory, CpuStreams, findEpoch, type StreamSource } from './cpu-streams.js';
import { RecordedEvents } from './recorded-events.js';
import { RecordedTasks, TASK_BUFFER } from './recorded-tasks.js';
import { DamageError, FileReader } from './trace-dat/file-reader.js';
import { openTraceDat } from './trace-dat/index.js';
import type { TraceDat } from './trace-dat/trace-dat.js';

/** What of a recording is replayed; all where nothing is given. */
export interface RecordingSelection {
  /** Only this process, with its threads and later children as far as the recording tells of them. */
  readonly pid?: number;
  /** Only this CPU. */
  readonly cpu?: number;
}

/** Events that say something about tasks, noted whether or not a block asks for them. */
const TASK_EVENTS = [
  ['task', 'task_newtask'],
  ['task', 'task_rename'],
  ['sched', 'sched_process_fork'],
  ['sched', 'sched_process_exec'],
  ['sched', 'sched_switch'],
  [TASK_BUFFER, 'task_newtask'],
  [TASK_BUFFER, 'task_rename'],
] as const;

/** Clocks that do not count nanoseconds. */
const OTHER_UNITS = new Set(['counter', 'x86-tsc', 'ppc-tb', 'hyperv-tsc']);

/**
 * Opens a recording, by its path or already open, as a source of events. `target` is an engine, or anything with linear
 * memory. Throws KtapError for a file that cannot be read, is no recording, or is damaged so that nothing of it can be used.
 */
export function openRecording(
  input: string | FileReader,
  target: BufferMemory,
  selection: RecordingSelection = {},
): RecordingSource {
  const file = typeof input === 'string' ? FileReader.open(input) : input;
  return new RecordingSource(openTraceDat(file), target, selection);
}

export class RecordingSource implements EventSource {
  readonly kind = 'recording';
  readonly machine: EventSource['machine'];
  readonly epoch: bigint;
  readonly wallClockOffset: bigint | undefined;

  private readonly recording: TraceDat;
  private readonly memory: LinearMemory;
  private readonly tasks: RecordedTasks;
  private readonly events: RecordedEvents;
  /** Those that tell of tasks, too. */
  private readonly taskEvents: RecordedEvents;
  private readonly clock: CycleClock | undefined;
  private readonly cpu: number | undefined;
  private readonly streams: CpuStreams;
  private readonly cursor: RecordingCursor;
  private readonly environment: TextEnvironment;
  private symbolTable: KernelSymbols | undefined;
  private readonly damaged: string[] = [];
  private readonly texts = new Map<BoundEvent, EventText>();
  private bound: ReadonlyMap<number, BoundEvent> = new Map();

  constructor(recording: TraceDat, target: BufferMemory, selection: RecordingSelection) {
    const { file, layout, options } = recording;
    this.recording = recording;
    this.memory = target.memory;
    const { cpu, pid } = selection;
    this.cpu = cpu;
    // What is known of the tasks comes from all CPUs.
    const data = recording.data.filter((each) => cpu === undefined || each.cpu === cpu || each.buffer === TASK_BUFFER);
    if (cpu !== undefined && !data.some((each) => each.cpu === cpu)) {
      file.close();
      throw plainError(`there is no CPU ${cpu} in ${file.path}: it has ${recording.cpuCount}`);
    }
    const [, , kernelVersion = '', ...arch] = (options.uname ?? '').split(' ');
    this.machine = { arch: arch.join(' '), kernelVersion, cpuCount: recording.cpuCount };
    this.wallClockOffset = options.wallClockOffset;
    this.events = new RecordedEvents(
      recording.formats.filter(({ system }) => system !== TASK_BUFFER),
      options.probes,
    );
    this.taskEvents = new RecordedEvents(recording.formats);
    const byteOrder = file.littleEndian ? undefined : new ByteOrder(layout, (id) => this.taskEvents.formatOf(id));
    const source: StreamSource = { file, layout, data, byteOrder };
    const start = findEpoch({ ...source, data: recording.data });
    this.clock = options.cycles === undefined ? undefined : new CycleClock(options.cycles);
    this.epoch = (this.clock?.nanoseconds(start) ?? start) + (options.timeOffset ?? 0n);
    this.tasks = new RecordedTasks(target.memory, recording.cmdlines, options.threadGroups);
    if (pid !== undefined) this.tasks.follow(pid);
    this.streams = new CpuStreams(source, start, target);
    this.cursor = new RecordingCursor({
      merger: this.streams.merger,
      memory: target.memory,
      tasks: this.tasks,
      selecting: pid !== undefined,
      silent: data.some(({ buffer }) => buffer === TASK_BUFFER)
        ? data.map(({ buffer }) => buffer === TASK_BUFFER)
        : undefined,
      scale: this.clock?.scale ?? 1,
    });
    this.environment = textEnvironment({
      ...(kernelVersion === '' ? {} : { kernelVersion }),
      longSize: layout.commitSize,
      symbols: () => this.symbols(),
      printkFormats: () => recording.printkFormats,
    });
  }

  attach(requests: readonly TraceRequest[]): void {
    const profile = requests.find((request) => request.profile !== undefined);
    if (profile !== undefined) {
      throw errorAt(
        profile.source,
        profile.span,
        `${profile.profile!.name} needs the running kernel: a recording has no samples for it`,
        'tick timers follow the clock of the recording',
      );
    }
    this.bound = this.events.bind(requests, {
      memory: this.memory,
      comm: (tid) => this.tasks.commOf(tid, this.cursor.cpu),
      cpu: () => this.cursor.cpu,
    });
    const { notes } = this.cursor;
    // Dense up to the last known id, so that looking one up stays fast.
    for (const { id } of this.recording.formats) while (notes.length <= id) notes.push(undefined);
    for (const [system, name] of TASK_EVENTS) {
      const format = this.taskEvents.format(system, name);
      const note = format === undefined ? undefined : this.tasks.noteOf(format);
      if (note !== undefined) notes[format!.id] = note;
    }
  }

  start(): void {}

  /** The cursor stands still where a CPU's portion is used up: the next poll reads on. */
  poll(_final: boolean): RecordCursor {
    if (!this.cursor.stopped) this.streams.fill();
    return this.cursor;
  }

  /** Only lets other things happen in between, such as Ctrl-C. */
  wait(_milliseconds: number): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  wake(): void {}

  get ended(): boolean {
    return this.cursor.stopped || this.streams.ended;
  }

  get horizon(): number {
    return this.streams.merger.horizon * this.cursor.scale;
  }

  *formatsOf(block: number): Iterable<EventFormat> {
    for (const event of this.bound.values()) if (event?.blocks.includes(block)) yield event.format;
  }

  eventOf(id: number): BoundEvent | undefined {
    return this.bound.get(id);
  }

  textOf(event: BoundEvent, address: number, length: number): string {
    let text = this.texts.get(event);
    if (text === undefined) {
      text = compileWholeText(event, this.environment);
      this.texts.set(event, text);
    }
    return text(this.memory.u8, address, length);
  }

  commOf(tid: number, _time: number, cpu?: number): string {
    return this.tasks.commOf(tid, cpu);
  }

  pidOf(tid: number, _time: number): number {
    return this.tasks.pidOf(tid);
  }

  kernelSymbol(address: bigint): string | undefined {
    return this.symbols().symbolAt(address);
  }

  kernelTextSymbol(address: bigint): string | undefined {
    return this.symbols().textSymbolAt(address);
  }

  /** The kernel's symbols at the time of the recording, read when they are first needed. */
  private symbols(): KernelSymbols {
    this.symbolTable ??= KernelSymbols.parse(this.kallsyms());
    return this.symbolTable;
  }

  private kallsyms(): Uint8Array {
    try {
      return this.recording.kallsyms();
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      this.damaged.push(`the kernel symbols cannot be read: ${error.message}`);
      return new Uint8Array(0);
    }
  }

  /** Events that were lost when it was recorded, and what of the recording cannot be read. */
  losses(): readonly Loss[] {
    return [...this.kernelLosses(), ...this.streams.damage()];
  }

  /**
   * What the sub-buffers say, and where that is less what the CPU's statistics say: events that the kernel refused because
   * the buffer was full are counted only there.
   */
  private kernelLosses(): Loss[] {
    const told = this.streams.merger.losses();
    const counted = [...this.recording.options.lost].filter(([cpu, events]) => {
      const known = told.reduce((sum, loss) => sum + (loss.cpu === cpu ? (loss.events ?? 0) : 0), 0);
      return events > known && (this.cpu === undefined || cpu === this.cpu);
    });
    const better = new Map(counted);
    return [...told.filter(({ cpu }) => !better.has(cpu)), ...counted.map(([cpu, events]) => ({ cpu, events }))].sort(
      (a, b) => a.cpu - b.cpu,
    );
  }

  /** What is wrong with the recording, for the person who replays it, a sentence each. Complete once all has been handed out. */
  warnings(): readonly string[] {
    const { recording, events } = this;
    const { file, options } = recording;
    const warnings = recording.warnings.map((text) => `${file.path}: ${text}`);
    for (const text of this.damaged) warnings.push(`${file.path} is corrupt: ${text}`);
    const { missing, unreadable } = this.streams.lostBytes();
    if (missing > 0) warnings.push(`${file.path} is truncated: ${missing} bytes of records are missing`);
    for (const [name, reason] of events.broken)
      warnings.push(`${file.path}: the format of ${name} is damaged: ${reason}`);
    const { damagedSubBuffers, backwardSteps } = this.streams.merger.statistics();
    if (backwardSteps > 0) {
      warnings.push(
        `the times of ${file.path} go back in ${backwardSteps} places: records stay in the order of their CPU`,
      );
    }
    if (damagedSubBuffers > 0) {
      warnings.push(`${file.path} is corrupt: records are missing from ${damagedSubBuffers} of its pages`);
    }
    if (unreadable > 0) {
      warnings.push(`${file.path} is corrupt: ${unreadable} bytes of its compressed records cannot be unpacked`);
    }
    if (options.clock !== undefined && OTHER_UNITS.has(options.clock) && this.clock === undefined) {
      warnings.push(
        `the clock of ${file.path}, ${options.clock}, does not count nanoseconds: times are in its own units`,
      );
    }
    return warnings;
  }

  /** No further record is handed out. */
  stop(): void {
    this.cursor.stopped = true;
  }

  close(): void {
    this.stop();
    this.recording.file.close();
  }
}

/** Text of an event; says so of a record that is too short for its fields, which only damage can make. */
function compileWholeText({ format }: BoundEvent, environment: TextEnvironment): EventText {
  const text = compileEventText(format, environment);
  // The tracers' own records may be shorter than their formats: stacks end where they end.
  if (format.system === 'ftrace') return text;
  const size = format.fields.reduce((most, field) => Math.max(most, field.offset + field.size), 0);
  return (memory, address, length) =>
    length < size ? `${format.name}: [damaged record of ${length} bytes]` : text(memory, address, length);
}

/** Makes nanoseconds of the cycles that a processor's counter gives. */
class CycleClock {
  /** Nanoseconds of a cycle. */
  readonly scale: number;
  private readonly multiplier: bigint;
  private readonly shift: bigint;

  constructor({ multiplier, shift }: { readonly multiplier: number; readonly shift: number }) {
    this.multiplier = BigInt(multiplier);
    this.shift = BigInt(shift);
    this.scale = multiplier / 2 ** shift;
  }

  nanoseconds(cycles: bigint): bigint {
    return (cycles * this.multiplier) >> this.shift;
  }
}

interface CursorOptions {
  readonly merger: RecordMerger;
  readonly memory: LinearMemory;
  readonly tasks: RecordedTasks;
  /** Only records of tasks that are followed are handed out. */
  readonly selecting: boolean;
  /** Streams whose records only tell of tasks; undefined: none. */
  readonly silent: readonly boolean[] | undefined;
  /** Nanoseconds of a unit of the recording's clock. */
  readonly scale: number;
}

/** The merger's cursor, which also keeps the tasks up to date and passes over what is not selected. */
class RecordingCursor implements RecordCursor {
  /** By the id of an event. */
  readonly notes: (((address: number, length: number) => void) | undefined)[] = [];
  stopped = false;
  readonly scale: number;
  private readonly merger: RecordMerger;
  private readonly memory: LinearMemory;
  private readonly tasks: RecordedTasks;
  private readonly selecting: boolean;
  private readonly silent: readonly boolean[] | undefined;

  constructor({ merger, memory, tasks, selecting, silent, scale }: CursorOptions) {
    this.merger = merger;
    this.memory = memory;
    this.tasks = tasks;
    this.selecting = selecting;
    this.silent = silent;
    this.scale = scale;
  }

  /** Hot. */
  next(): boolean {
    const { merger, tasks } = this;
    if (this.stopped) return false;
    for (;;) {
      tasks.advance();
      if (!merger.next()) return false;
      const { address } = merger;
      this.notes[merger.id]?.(address, merger.length);
      if (this.silent?.[merger.stream] === true) continue;
      if (!this.selecting || tasks.isFollowed(this.memory.i32[(address + 4) >>> 2]!)) return true;
    }
  }

  get address(): number {
    return this.merger.address;
  }
  get length(): number {
    return this.merger.length;
  }
  get cpu(): number {
    return this.merger.cpu;
  }
  get id(): number {
    return this.merger.id;
  }
  get time(): number {
    return this.scale === 1 ? this.merger.time : Math.round(this.merger.time * this.scale);
  }
}
