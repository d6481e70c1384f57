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
import { plainError } from '../language/diagnostics.js';
import { type BufferMemory, CpuStreams, findEpoch } from './cpu-streams.js';
import { RecordedEvents } from './recorded-events.js';
import { RecordedTasks } from './recorded-tasks.js';
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
] as const;

/** Clocks that do not count nanoseconds. */
const OTHER_UNITS = new Set(['counter', 'x86-tsc', 'ppc-tb', 'hyperv-tsc']);

/**
 * Opens a recording as a source of events. `target` is an engine, or anything with linear memory. Throws KtapError for a
 * file that cannot be read, is no recording, or is damaged so that nothing of it can be used.
 */
export function openRecording(path: string, target: BufferMemory, selection: RecordingSelection = {}): RecordingSource {
  return new RecordingSource(openTraceDat(path), target, selection);
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
  private readonly streams: CpuStreams;
  private readonly cursor: RecordingCursor;
  private readonly environment: TextEnvironment;
  private symbolTable: KernelSymbols | undefined;
  private readonly texts = new Map<BoundEvent, EventText>();
  private bound: ReadonlyMap<number, BoundEvent> = new Map();

  constructor(recording: TraceDat, target: BufferMemory, selection: RecordingSelection) {
    const { file, layout, options } = recording;
    this.recording = recording;
    this.memory = target.memory;
    const { cpu, pid } = selection;
    const data = cpu === undefined ? recording.data : recording.data.filter((each) => each.cpu === cpu);
    if (cpu !== undefined && data.length === 0) {
      file.close();
      throw plainError(`there is no CPU ${cpu} in ${file.path}: it has ${recording.cpuCount}`);
    }
    const [, , kernelVersion = '', ...arch] = (options.uname ?? '').split(' ');
    this.machine = { arch: arch.join(' '), kernelVersion, cpuCount: recording.cpuCount };
    this.wallClockOffset = options.wallClockOffset;
    this.epoch = findEpoch(file, layout, recording.data);
    this.events = new RecordedEvents(recording.formats);
    this.tasks = new RecordedTasks(target.memory, recording.cmdlines, options.threadGroups);
    if (pid !== undefined) this.tasks.follow(pid);
    this.streams = new CpuStreams(file, layout, data, this.epoch, target);
    this.cursor = new RecordingCursor(this.streams.merger, target.memory, this.tasks, pid !== undefined);
    this.environment = textEnvironment({
      ...(kernelVersion === '' ? {} : { kernelVersion }),
      longSize: layout.commitSize,
      symbols: () => this.symbols(),
      printkFormats: () => recording.printkFormats,
    });
  }

  attach(requests: readonly TraceRequest[]): void {
    this.bound = this.events.bind(requests, {
      memory: this.memory,
      comm: (tid) => this.tasks.commOf(tid, this.cursor.cpu),
      cpu: () => this.cursor.cpu,
    });
    const { notes } = this.cursor;
    // Dense up to the last known id, so that looking one up stays fast.
    for (const { id } of this.recording.formats) while (notes.length <= id) notes.push(undefined);
    for (const [system, name] of TASK_EVENTS) {
      const format = this.events.format(system, name);
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
    return this.streams.merger.horizon;
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
    this.symbolTable ??= KernelSymbols.parse(this.recording.file.bytes(this.recording.kallsyms));
    return this.symbolTable;
  }

  losses(): readonly Loss[] {
    return this.streams.merger.losses();
  }

  /** What is wrong with the recording, for the person who replays it, a sentence each. Complete once all has been handed out. */
  warnings(): readonly string[] {
    const { recording, events } = this;
    const { file, options } = recording;
    const warnings = recording.warnings.map((text) => `${file.path}: ${text}`);
    const missing = recording.data.reduce((sum, each) => sum + each.missing, 0);
    if (missing > 0) warnings.push(`${file.path} is truncated: ${missing} bytes of records are missing`);
    for (const [name, reason] of events.broken)
      warnings.push(`${file.path}: the format of ${name} is damaged: ${reason}`);
    const { damagedSubBuffers } = this.streams.merger.statistics();
    if (damagedSubBuffers > 0) {
      warnings.push(`${file.path} is corrupt: records are missing from ${damagedSubBuffers} of its pages`);
    }
    if (options.clock !== undefined && OTHER_UNITS.has(options.clock)) {
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

/** The merger's cursor, which also keeps the tasks up to date and passes over what is not selected. */
class RecordingCursor implements RecordCursor {
  /** By the id of an event. */
  readonly notes: (((address: number, length: number) => void) | undefined)[] = [];
  stopped = false;
  private readonly merger: RecordMerger;
  private readonly memory: LinearMemory;
  private readonly tasks: RecordedTasks;
  private readonly selecting: boolean;

  constructor(merger: RecordMerger, memory: LinearMemory, tasks: RecordedTasks, selecting: boolean) {
    this.merger = merger;
    this.memory = memory;
    this.tasks = tasks;
    this.selecting = selecting;
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
    return this.merger.time;
  }
}
