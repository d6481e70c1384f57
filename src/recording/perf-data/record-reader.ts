// Goes through the records of a perf.data as they come and puts them in their place: samples and what is told of tasks into
// the order of time, losses into their counts, compressed parts through the decompression and back in here.
//
// Source: include/uapi/linux/perf_event.h; tools/perf/util/session.c; tools/perf/Documentation/perf.data-file-format.txt.

import type { LinearMemory } from '../../engine/memory.js';
import { HEADER_SIZE, Misc } from '../../events/perf/abi.js';
import { FIRST_USER_TYPE, RecordType } from './abi.js';
import type { SampleLayout, TrailerLayout } from './attributes.js';
import type { EventTable } from './event-table.js';
import type { RecordStream } from './record-blocks.js';
import type { RecordSwap } from './record-swap.js';
import type { TimeOrder } from './time-order.js';

const TWO_32 = 4294967296;
/** Nanoseconds, 52 days: time stamps further from the epoch are damaged. Nearer ones are exact in a double. */
const FAR = 2 ** 52;
/** The same for the upper half of a time stamp. */
const FAR_HIGH = 1 << 20;
/** `kind` in the order of time of what is no sample; that of a sample is the index of its event. */
export const TASK_RECORD = 0xffff;

export interface RecordReaderOptions {
  readonly memory: LinearMemory;
  readonly table: EventTable;
  readonly order: TimeOrder;
  /** Present where the file is of a big-endian machine. */
  readonly swap?: RecordSwap | undefined;
  /** Takes a record about tasks that has no time: it holds at once. */
  readonly noteTask: (address: number, size: number) => void;
  /** CPU of an event's id, where the file tells it. */
  readonly cpuOfId: ReadonlyMap<bigint, number>;
  /** Takes a compressed part. */
  readonly decompress: (address: number, size: number) => void;
  /** Takes a record of perf's own that describes something. */
  readonly describe: (type: number, address: number, size: number) => void;
}

export class RecordReader {
  /** Trace-clock time that times count from; 0 until a record has told a time, if the file does not tell. */
  epoch: bigint;
  /** Samples that cannot be: too short, or of an event that the file does not describe. */
  damagedSamples = 0;
  /** Time stamps that are far from all others; their records are taken for as old as the one before. */
  damagedTimes = 0;
  /** Events that the kernel dropped, by CPU (-1: not known), as ring buffers tell, and as the events' own counts tell. */
  readonly lostRecords = new Map<number, number>();
  readonly lostSamples = new Map<number, number>();
  /** Records seen. */
  records = 0;

  private readonly options: RecordReaderOptions;
  private readonly memory: LinearMemory;
  private epochLow = 0;
  private epochHigh = 0;
  private hasEpoch = false;
  /** Time of the last sample that had one, for those that have none. */
  private lastTime = 0;

  constructor(options: RecordReaderOptions, epoch: bigint) {
    this.options = options;
    this.memory = options.memory;
    this.epoch = epoch;
    this.setEpoch(epoch);
  }

  private setEpoch(epoch: bigint): void {
    this.epoch = epoch;
    this.epochLow = Number(epoch & 0xffffffffn);
    this.epochHigh = Number(epoch >> 32n);
    this.hasEpoch = epoch !== 0n;
  }

  /**
   * Takes the whole records between two addresses, as RecordStream wants it. A record that cannot be makes the stream
   * broken, since nothing behind it can be found. Hot.
   */
  scan(stream: RecordStream, start: number, end: number): number {
    const { memory } = this;
    const { table, order, swap } = this.options;
    const { events, idOffset } = table;
    const single = events.length === 1;
    let { u32, u16 } = memory;
    let lastLow = -1;
    let lastKind = -1;
    let { lastTime } = this;
    let at = start;
    while (at + HEADER_SIZE <= end) {
      const size = swap === undefined ? u16[(at + 6) >>> 1]! : swap.sizeAt(at);
      if (size < HEADER_SIZE) {
        stream.broken = true;
        break;
      }
      if (at + size > end) break;
      swap?.record(at, size);
      this.records++;
      const type = u32[at >>> 2]!;
      if (type !== RecordType.SAMPLE) {
        if (type === RecordType.FINISHED_ROUND) {
          order.finishRound();
          at += HEADER_SIZE;
          continue;
        }
        const behind = this.takeOther(type, at, size);
        // What was decompressed can have made the memory grow.
        ({ u32, u16 } = memory);
        at += size;
        if (behind < 0) stream.broken = true;
        else if (behind > 0) stream.skip(behind);
        if (behind !== 0 || (size & 3) !== 0) break;
        continue;
      }
      if ((size & 3) !== 0) {
        stream.broken = true;
        break;
      }
      let kind = 0;
      if (!single) {
        if (idOffset < 0) kind = this.kindByRecord(at, size);
        else {
          const low = u32[(at + idOffset) >>> 2]!;
          if (low !== lastLow || u32[(at + idOffset + 4) >>> 2] !== 0) {
            lastKind = table.indexOf(low, u32[(at + idOffset + 4) >>> 2]!);
            lastLow = low;
          }
          kind = lastKind;
        }
      }
      const layout = events[kind]?.layout;
      if (layout === undefined || layout.variable > size) {
        this.damagedSamples++;
      } else {
        const place = (at + layout.time) >>> 2;
        const low = u32[place]!;
        const high = u32[place + 1]!;
        let time: number;
        // Far from the epoch, not there, or without one yet: what is rare is elsewhere.
        if (layout.time >= 0 && high >= this.epochHigh && high - this.epochHigh < FAR_HIGH && this.hasEpoch) {
          time = (high - this.epochHigh) * TWO_32 + (low - this.epochLow);
          lastTime = time;
        } else {
          this.lastTime = lastTime;
          time = layout.time < 0 ? lastTime : (this.timeAt(at + layout.time) ?? lastTime);
        }
        order.add(time, at, kind);
      }
      at += size;
    }
    this.lastTime = lastTime;
    return at;
  }

  /** Time at an address, relative to the epoch; undefined for what perf writes where there is none, and for damage. */
  private timeAt(address: number): number | undefined {
    const { u32 } = this.memory;
    const low = u32[address >>> 2]!;
    const high = u32[(address + 4) >>> 2]!;
    if ((low === 0 && high === 0) || (low === 0xffffffff && high === 0xffffffff)) return undefined;
    if (!this.hasEpoch) this.setEpoch((BigInt(high) << 32n) | BigInt(low));
    const time = (high - this.epochHigh) * TWO_32 + (low - this.epochLow);
    if (Math.abs(time) < FAR) return time;
    this.damagedTimes++;
    return undefined;
  }

  /** Samples without an id: that of the tracepoint stands in the record, if all have one. */
  private kindByRecord(address: number, size: number): number {
    const { events } = this.options.table;
    const place = recordPlace(this.memory.u32, address, size, events[0]!.layout);
    if (place === 0) return 0;
    const id = this.memory.u16[place >>> 1]!;
    return events.findIndex((event) => event.id === id);
  }

  /** A record that is no sample. Answers how many bytes behind it are to be passed over; -1: it cannot be. */
  private takeOther(type: number, address: number, size: number): number {
    const { order, noteTask, decompress, describe } = this.options;
    const { u32 } = this.memory;
    const word = address >>> 2;
    // Only what is done with at once may have an odd size.
    if ((size & 3) !== 0 && type !== RecordType.COMPRESSED) return -1;
    switch (type) {
      case RecordType.COMM:
      case RecordType.FORK:
      case RecordType.EXIT:
      case RecordType.MMAP:
      case RecordType.MMAP2: {
        const time = this.recordTime(type, address, size);
        if (time === undefined) noteTask(address, size);
        else order.add(time, address, TASK_RECORD);
        return 0;
      }
      case RecordType.LOST:
        if (size >= 24) this.countLoss(this.lostRecords, address, size, address + 16);
        return 0;
      case RecordType.LOST_SAMPLES: {
        const misc = u32[word + 1]! & 0xffff;
        if (size >= 16 && (misc & Misc.LOST_SAMPLES_BPF) === 0) {
          this.countLoss(this.lostSamples, address, size, address + 8);
        }
        return 0;
      }
      case RecordType.COMPRESSED:
        decompress(address + HEADER_SIZE, size - HEADER_SIZE);
        return 0;
      case RecordType.COMPRESSED2: {
        const bytes = size >= 16 ? u32[word + 2]! : 0;
        decompress(address + 16, Math.min(bytes, size - 16));
        return 0;
      }
      case RecordType.AUXTRACE:
      case RecordType.HEADER_TRACING_DATA: {
        // Raw bytes follow the record.
        const low = size >= 12 ? u32[word + 2]! : 0;
        const high = type === RecordType.AUXTRACE && size >= 16 ? u32[word + 3]! : 0;
        return (low & 3) !== 0 || high >= 1 << 20 ? -1 : high * TWO_32 + low;
      }
      default:
        if (type >= FIRST_USER_TYPE) describe(type, address, size);
        return 0;
    }
  }

  private trailerOf(address: number, size: number): { layout: TrailerLayout; end: number } | undefined {
    const { events, trailersDiffer } = this.options.table;
    let layout = events[0]!.layout.trailer;
    if (trailersDiffer) {
      // The id is the last part then.
      const id = (address + size - 8) >>> 2;
      const index = this.options.table.indexOf(this.memory.u32[id]!, this.memory.u32[id + 1]!);
      layout = events[index]?.layout.trailer ?? layout;
    }
    return layout === undefined || layout.size > size - HEADER_SIZE ? undefined : { layout, end: address + size };
  }

  /** Time of a record about tasks. */
  private recordTime(type: number, address: number, size: number): number | undefined {
    const trailer = this.trailerOf(address, size);
    if (trailer !== undefined && trailer.layout.time !== 0) return this.timeAt(trailer.end + trailer.layout.time);
    if ((type === RecordType.FORK || type === RecordType.EXIT) && size >= 32) return this.timeAt(address + 24);
    return undefined;
  }

  private countLoss(counts: Map<number, number>, address: number, size: number, place: number): void {
    const { u32 } = this.memory;
    const lost = u32[place >>> 2]! + u32[(place + 4) >>> 2]! * TWO_32;
    if (lost === 0) return;
    const trailer = this.trailerOf(address, size);
    let cpu = -1;
    if (trailer !== undefined) {
      const { layout, end } = trailer;
      if (layout.id !== 0) {
        const at = (end + layout.id) >>> 2;
        cpu = this.options.cpuOfId.get(BigInt(u32[at]!) | (BigInt(u32[at + 1]!) << 32n)) ?? -1;
      }
      if (cpu < 0 && layout.cpu !== 0) cpu = u32[(end + layout.cpu) >>> 2]! | 0;
    }
    counts.set(cpu, (counts.get(cpu) ?? 0) + lost);
  }
}

/** Address behind a sample's callchain, where the `u32 size` of a raw record stands; 0 where the sample ends before it. */
export function rawPlace(u32: Uint32Array, address: number, size: number, layout: SampleLayout): number {
  const end = address + size;
  let at = callchainPlace(u32, address, size, layout);
  if (at === 0) return 0;
  if (layout.callchain) {
    const frames = u32[at >>> 2]!;
    if (at + 8 > end || u32[(at + 4) >>> 2] !== 0 || frames > (end - at - 8) / 8) return 0;
    at += 8 + frames * 8;
  }
  return at;
}

/** Address of the `u64 n` before a sample's callchain, or of what stands there else; 0 where the sample ends before it. */
export function callchainPlace(u32: Uint32Array, address: number, size: number, layout: SampleLayout): number {
  const end = address + size;
  const { readGroup } = layout;
  let at = address + layout.variable + layout.read;
  if (readGroup !== undefined) {
    if (at + 8 > end) return 0;
    const values = u32[at >>> 2]!;
    if (values > 65536 / readGroup.each) return 0;
    at += 8 + readGroup.before + values * readGroup.each;
  }
  return at > end ? 0 : at;
}

/** Address of the raw record of a sample; 0 where it has none or ends before it. */
export function recordPlace(u32: Uint32Array, address: number, size: number, layout: SampleLayout): number {
  if (!layout.raw) return 0;
  const at = rawPlace(u32, address, size, layout);
  if (at === 0 || at + 4 > address + size) return 0;
  const bytes = u32[at >>> 2]!;
  return bytes < 8 || at + 4 + bytes > address + size ? 0 : at + 4;
}
