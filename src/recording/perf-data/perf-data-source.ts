// Events from a perf.data, as `perf record` writes it to a file or into a pipe: puts the parts of this folder together
// behind EventSource.
//
//     file-header, stream-header ─► description ─► event-table ─► recorded-events: which events the blocks mean
//     record-input ─► record-blocks ─► record-reader ─► time-order ─► cursor
//                          ▲ zstd-stream ◄─┘                            └─► tasks: names, kept up with the records

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressBytes } from '../../engine/values.js';
import { AddressSpaces } from '../../events/address-spaces.js';
import { compileEventText, type EventText } from '../../events/event-text.js';
import type { EventFormat } from '../../events/format.js';
import { textEnvironment } from '../../events/kernel-facts.js';
import type { KernelSymbols } from '../../events/kernel-symbols.js';
import { HEADER_SIZE } from '../../events/perf/abi.js';
import { LAYOUT_64_BIT } from '../../events/ring-buffer.js';
import type { BoundEvent, EventSource, EventStacks, Loss, RecordCursor, TraceRequest } from '../../events/source.js';
import type { TextEnvironment } from '../../events/text-environment.js';
import { errorAt, plainError } from '../../language/diagnostics.js';
import { ByteOrder } from '../byte-order.js';
import type { BufferMemory } from '../cpu-streams.js';
import { RecordedEvents } from '../recorded-events.js';
import type { RecordingSelection } from '../recording-source.js';
import { FileReader } from '../trace-dat/file-reader.js';
import { RecordType } from './abi.js';
import { callchain } from './callchain.js';
import type { Description } from './description.js';
import { EventTable, type PerfEvent } from './event-table.js';
import { kernelSymbolsOf } from './kernel-symbols.js';
import { RecordBlocks, RecordStream } from './record-blocks.js';
import type { RecordInput } from './record-input.js';
import { RecordReader, recordPlace, TASK_RECORD } from './record-reader.js';
import { RecordSwap } from './record-swap.js';
import { takeDescription } from './stream-header.js';
import { PerfTasks } from './tasks.js';
import { TimeOrder } from './time-order.js';
import { ZstdStream } from './zstd-stream.js';

/** Bytes of records that wait for their turn; more than a round of CPUs can have (0.5 MiB each) on most machines. */
const WINDOW = 96 * 2 ** 20;

/** What was opened: a description of the events, and their records. */
export interface OpenedPerfData {
  /** As messages show it, a byte string. */
  readonly path: string;
  readonly description: Description;
  readonly littleEndian: boolean;
  readonly input: RecordInput;
  /** Bytes that the input does not have. */
  readonly missing: number;
  /** The first bytes of the records, where they have been read already. */
  readonly rest?: Uint8Array;
}

export class PerfDataSource implements EventSource {
  readonly kind = 'recording';
  readonly machine: EventSource['machine'];
  readonly wallClockOffset: bigint | undefined;
  readonly stacks: EventStacks = {
    kernel: () => this.cursor.stack('kernel'),
    user: () => {
      const addresses = this.cursor.stack('user');
      return addresses === undefined ? undefined : { addresses, space: this.spaces.numberOf(this.cursor.pid) };
    },
    userSymbol: (address, space) => this.spaces.symbolAt(address, space ?? this.spaces.numberOf(this.cursor.pid)),
  };

  private readonly opened: OpenedPerfData;
  private readonly memory: LinearMemory;
  private readonly spaces = new AddressSpaces({ recorded: true });
  private readonly tasks: PerfTasks;
  private readonly table: EventTable;
  private readonly events: RecordedEvents;
  private readonly blocks: RecordBlocks;
  private readonly order = new TimeOrder();
  private readonly reader: RecordReader;
  private readonly stream: RecordStream;
  private readonly unpacked: RecordStream;
  private readonly zstd: ZstdStream;
  private readonly cursor: PerfCursor;
  private readonly environment: TextEnvironment;
  private symbolTable: KernelSymbols | undefined;
  private readonly texts = new Map<BoundEvent, EventText>();
  private bound: ReadonlyMap<number, BoundEvent> = new Map();
  /** All records have been read. */
  private allRead = false;
  private rest: Uint8Array | undefined;

  constructor(opened: OpenedPerfData, target: BufferMemory, selection: RecordingSelection) {
    const { description, littleEndian } = opened;
    const { memory } = target;
    this.opened = opened;
    this.memory = memory;
    this.rest = opened.rest;
    this.machine = {
      arch: description.arch,
      kernelVersion: description.kernelVersion,
      cpuCount: description.cpuCount ?? 1,
    };
    this.wallClockOffset = description.wallClockOffset;
    this.table = new EventTable(description);
    this.events = new RecordedEvents(this.table.formats);
    if (selection.cpu !== undefined && this.table.events.every(({ layout }) => layout.cpu < 0)) {
      opened.input.close();
      throw plainError(
        `${opened.path} does not tell the CPUs of its events`,
        'record them with perf record --sample-cpu, or leave -C away',
      );
    }
    this.tasks = new PerfTasks(memory, description.taskNames, this.spaces);
    if (selection.pid !== undefined) this.tasks.follow(selection.pid);
    this.blocks = new RecordBlocks(target);
    const position = (): number => this.order.position;
    const stream = (): RecordStream => {
      const made: RecordStream = new RecordStream(this.blocks, target, position, (start, end) =>
        this.reader.scan(made, start, end),
      );
      return made;
    };
    this.stream = stream();
    this.unpacked = stream();
    this.zstd = new ZstdStream(description.compressedPart, (bytes) => this.unpacked.append(bytes));
    const byteOrder = littleEndian ? undefined : new ByteOrder(LAYOUT_64_BIT, (id) => this.events.formatOf(id));
    this.reader = new RecordReader(
      {
        memory,
        table: this.table,
        order: this.order,
        swap:
          byteOrder && new RecordSwap(memory, this.table, (view, at, length) => byteOrder.swapRecord(view, at, length)),
        noteTask: (address, size) => this.tasks.note(address, size),
        cpuOfId: description.cpuOfId,
        // A copy: what is unpacked can make the memory grow.
        decompress: (address, size) => this.zstd.push(memory.u8.slice(address, address + size)),
        describe: (type, address, size) => this.describe(type, address, size),
      },
      description.firstTime,
    );
    this.cursor = new PerfCursor(this.order, memory, this.table.events, this.tasks, selection);
    const { kernelVersion } = description;
    this.environment = textEnvironment({
      ...(kernelVersion === '' ? {} : { kernelVersion }),
      longSize: description.longSize,
      symbols: () => this.symbols(),
      printkFormats: () => description.printkFormats,
    });
  }

  get epoch(): bigint {
    return this.reader.epoch;
  }

  attach(requests: readonly TraceRequest[]): void {
    this.bound = this.events.bind(this.withSamples(requests), {
      memory: this.memory,
      comm: (tid) => this.tasks.commOf(tid, this.cursor.cpu),
      cpu: () => this.cursor.cpu,
    });
  }

  /**
   * A profile block runs on each sample of the events that measure time: how often was decided when they were recorded. Its
   * request becomes one for their ids.
   */
  private withSamples(requests: readonly TraceRequest[]): TraceRequest[] {
    return requests.map((request) => {
      const { profile } = request;
      if (profile === undefined) return request;
      const ids = this.table.clocks;
      if (ids.length > 0) return { ...request, ids };
      throw errorAt(
        request.source,
        request.span,
        `${profile.name} needs samples of time, which the recording does not have`,
        `record them with perf record -e cpu-clock; the recording has ${this.events.names().join(', ')}`,
      );
    });
  }

  start(): void {}

  poll(_final: boolean): RecordCursor {
    const { order, blocks, opened, stream } = this;
    if (this.cursor.stopped || order.ready || this.allRead) return this.cursor;
    blocks.reclaim(order.oldest);
    if (this.rest !== undefined) {
      stream.append(this.rest);
      this.rest = undefined;
    }
    opened.input.fill(stream);
    order.seal();
    if (stream.broken || opened.input.ended) {
      this.allRead = true;
      order.finish();
    } else if (blocks.used > WINDOW) {
      order.force();
    }
    return this.cursor;
  }

  wait(milliseconds: number): Promise<void> {
    return this.opened.input.wait(this.order.ready ? 0 : milliseconds);
  }

  wake(): void {
    this.opened.input.wake();
  }

  get ended(): boolean {
    return this.cursor.stopped || (this.allRead && this.order.empty);
  }

  get horizon(): number {
    return this.order.horizon;
  }

  *formatsOf(block: number): Iterable<EventFormat> {
    for (const event of this.bound.values()) if (event.blocks.includes(block)) yield event.format;
  }

  eventOf(id: number): BoundEvent | undefined {
    return this.bound.get(id);
  }

  textOf(event: BoundEvent, address: number, length: number): string {
    let text = this.texts.get(event);
    if (text === undefined) {
      text = compileEventText(event.format, this.environment);
      this.texts.set(event, text);
    }
    return text(this.memory.u8, address, length);
  }

  commOf(tid: number, _time: number, cpu?: number): string {
    return this.tasks.commOf(tid, cpu);
  }

  /** The sample itself tells its process. */
  pidOf(tid: number, _time: number): number {
    return this.cursor.tid === tid ? this.cursor.pid : this.tasks.pidOf(tid);
  }

  kernelSymbol(address: bigint): string | undefined {
    return this.symbols().symbolAt(address);
  }

  kernelTextSymbol(address: bigint): string | undefined {
    return this.symbols().textSymbolAt(address);
  }

  private symbols(): KernelSymbols {
    this.symbolTable ??= kernelSymbolsOf(this.opened.description, this.tasks.kernelText);
    return this.symbolTable;
  }

  /** Records of perf's own among the others: what they describe is known too late for the blocks, but not for the rest. */
  private describe(type: number, address: number, size: number): void {
    if (type !== RecordType.ID_INDEX && type !== RecordType.HEADER_BUILD_ID) return;
    const { path, description, littleEndian } = this.opened;
    const bytes = this.memory.u8.slice(address + HEADER_SIZE, address + size);
    takeDescription(description, type, FileReader.overBytes(bytes, path, littleEndian));
  }

  /** The ring buffers' own counts and those of the events count the same losses: the larger of both. */
  losses(): readonly Loss[] {
    const { lostRecords, lostSamples } = this.reader;
    const cpus = [...new Set([...lostRecords.keys(), ...lostSamples.keys()])].sort((a, b) => a - b);
    return cpus.map((cpu) => ({ cpu, events: Math.max(lostRecords.get(cpu) ?? 0, lostSamples.get(cpu) ?? 0) }));
  }

  /** Complete once all has been handed out. */
  warnings(): readonly string[] {
    const { opened, reader, order, zstd, stream } = this;
    const { path } = opened;
    const warnings = opened.description.warnings.map((text) => `${path}: ${text}`);
    for (const [name, reason] of this.events.broken) {
      warnings.push(`${path}: the format of ${name} is damaged: ${reason}`);
    }
    const count = (number: number, what: string): void => {
      if (number > 0) warnings.push(`${path}: ${number} ${what}`);
    };
    if (opened.missing > 0) warnings.push(`${path} is truncated: ${opened.missing} bytes of records are missing`);
    else if (this.allRead && stream.left > 0 && !stream.broken) warnings.push(`${path} ends within a record`);
    if (stream.broken) {
      warnings.push(`${path} is corrupt: what follows record ${reader.records} cannot be read and is left out`);
    }
    count(reader.damagedSamples + this.cursor.damaged, 'samples are damaged and left out');
    count(reader.damagedTimes, 'time stamps are damaged: their events may stand in the wrong place');
    if (this.unpacked.broken)
      warnings.push(`${path} is corrupt: what its compressed parts hold cannot be read to its end`);
    count(zstd.unreadable, 'compressed parts are damaged: their events are missing');
    count(order.late, 'events came later than their place in the order of time: they were handled late');
    return warnings;
  }

  stop(): void {
    this.cursor.stopped = true;
  }

  close(): void {
    this.stop();
    this.opened.input.close();
  }
}

/** Hands out samples; what is told of tasks is noted when its turn comes. */
class PerfCursor implements RecordCursor {
  address = 0;
  length = 0;
  cpu = 0;
  id = 0;
  /** Of the sample at hand. */
  tid = 0;
  pid = 0;
  sample = 0;
  sampleSize = 0;
  event: PerfEvent | undefined;
  stopped = false;
  /** Samples whose record does not lie within them. */
  damaged = 0;

  private readonly order: TimeOrder;
  private readonly memory: LinearMemory;
  private readonly events: readonly PerfEvent[];
  private readonly tasks: PerfTasks;
  private readonly onlyCpu: number;
  private readonly selecting: boolean;

  constructor(
    order: TimeOrder,
    memory: LinearMemory,
    events: readonly PerfEvent[],
    tasks: PerfTasks,
    { pid, cpu }: RecordingSelection,
  ) {
    this.order = order;
    this.memory = memory;
    this.events = events;
    this.tasks = tasks;
    this.onlyCpu = cpu ?? -1;
    this.selecting = pid !== undefined || cpu !== undefined;
  }

  get time(): number {
    return this.order.time;
  }

  /** Hot. */
  next(): boolean {
    const { order, memory } = this;
    if (this.stopped) return false;
    const { u32, u16 } = memory;
    while (order.next()) {
      const { address, kind } = order;
      const size = u16[(address + 6) >>> 1]!;
      if (kind === TASK_RECORD) {
        this.tasks.note(address, size);
        continue;
      }
      const event = this.events[kind]!;
      const { layout } = event;
      if (layout.tid >= 0) {
        this.pid = u32[(address + layout.tid) >>> 2]! | 0;
        this.tid = u32[(address + layout.tid + 4) >>> 2]! | 0;
      }
      this.cpu = layout.cpu < 0 ? -1 : u32[(address + layout.cpu) >>> 2]!;
      if (this.selecting && !this.isSelected()) continue;
      if (event.carriesRecord) {
        const place = recordPlace(u32, address, size, layout);
        if (place === 0) {
          this.damaged++;
          continue;
        }
        this.address = place;
        this.length = u32[(place - 4) >>> 2]!;
      } else {
        // The common fields take the header's place. Its size is kept in `length`.
        this.address = address;
        this.length = size;
        u32[address >>> 2] = event.id;
        u32[(address + 4) >>> 2] = this.tid;
      }
      this.id = event.id;
      this.event = event;
      this.sample = address;
      this.sampleSize = size;
      return true;
    }
    return false;
  }

  private isSelected(): boolean {
    return (this.onlyCpu < 0 || this.cpu === this.onlyCpu) && this.tasks.isFollowed(this.pid);
  }

  /** Addresses of one of the sample's stacks. */
  stack(part: 'kernel' | 'user'): AddressBytes | undefined {
    const { event, sample, sampleSize } = this;
    return event && callchain(this.memory, sample, sampleSize, event.layout, part);
  }
}
