// Brings the sub-buffers of a recording into linear memory, a portion of each CPU at a time, and merges them. Memory stays
// the same however long the recording is: a CPU's portion is read over its last one when all of that has been used.

import type { LinearMemory } from '../engine/memory.js';
import { RecordMerger } from '../events/merge.js';
import type { SubBufferLayout } from '../events/ring-buffer.js';
import type { Loss } from '../events/source.js';
import type { ByteOrder } from './byte-order.js';
import type { CpuData } from './trace-dat/buffers.js';
import { type CpuDataReader, openCpuData } from './trace-dat/cpu-data.js';
import type { FileReader } from './trace-dat/file-reader.js';

/** Memory for the portions of all CPUs together, unless single sub-buffers need more; and the most for one. */
const ALL_PORTIONS = 8 * 2 ** 20;
const LARGEST_PORTION = 256 * 1024;

/** Linear memory and where to get room in it for buffers; an engine is one. */
export interface BufferMemory {
  readonly memory: LinearMemory;
  /** Address, 4096-aligned. */
  allocateBuffer(bytes: number): number;
}

interface Stream {
  readonly data: CpuData;
  readonly reader: CpuDataReader;
  /** Bytes of the portion in memory, and where it is; 0 before it was needed. */
  readonly portion: number;
  address: number;
}

/** What the streams are made from. */
export interface StreamSource {
  readonly file: FileReader;
  readonly layout: SubBufferLayout;
  readonly data: readonly CpuData[];
  /** Present where the recording is of a big-endian kernel. */
  readonly byteOrder?: ByteOrder | undefined;
}

export class CpuStreams {
  readonly merger: RecordMerger;
  private readonly byteOrder: ByteOrder | undefined;
  private readonly target: BufferMemory;
  private readonly streams: readonly Stream[];

  constructor({ file, layout, data, byteOrder }: StreamSource, epoch: bigint, target: BufferMemory) {
    this.byteOrder = byteOrder;
    this.target = target;
    const share = Math.min(LARGEST_PORTION, ALL_PORTIONS / Math.max(1, data.length));
    this.streams = data.map((each) => {
      const whole = Math.max(1, Math.floor(share / each.subBufferSize)) * each.subBufferSize;
      const portion = each.decompress === undefined ? Math.min(whole, each.size) : whole;
      return { data: each, reader: openCpuData(file, each), portion, address: 0 };
    });
    this.merger = new RecordMerger({ memory: target.memory, layout, epoch, cpus: data.map(({ cpu }) => cpu) });
  }

  /** Reads the next portion of each CPU whose last one is used up. */
  fill(): void {
    for (const [index, stream] of this.streams.entries()) {
      if (this.merger.waiting(index) === 0 && !stream.reader.ended) this.fillOne(index, stream);
      // What has been read to its end cannot hold up the others.
      if (stream.reader.ended) this.merger.setHorizon(index, Number.POSITIVE_INFINITY);
    }
  }

  private fillOne(index: number, stream: Stream): void {
    const { subBufferSize } = stream.data;
    const { memory } = this.target;
    if (stream.portion === 0) return;
    if (stream.address === 0) stream.address = this.target.allocateBuffer(stream.portion);
    memory.refresh();
    const got = stream.reader.read(memory.u8.subarray(stream.address, stream.address + stream.portion));
    for (let at = 0; at < got; at += subBufferSize) {
      const size = Math.min(subBufferSize, got - at);
      this.byteOrder?.toLittleEndian(memory.u8.subarray(stream.address + at, stream.address + at + size));
      this.merger.push(index, stream.address + at, size);
    }
  }

  /** Everything has been read and handed out. */
  get ended(): boolean {
    return !this.merger.pending && this.streams.every(({ reader }) => reader.ended);
  }

  /** What is wrong with each CPU's data: sub-buffers with damage in them, bytes that cannot be unpacked or are not there. */
  damage(): Loss[] {
    const losses: Loss[] = [];
    for (const [index, { data, reader }] of this.streams.entries()) {
      const pages = this.merger.damagedSubBuffers(index);
      const bytes = reader.unreadable + reader.missing;
      if (pages > 0 || bytes > 0) losses.push({ cpu: data.cpu, events: undefined, damage: { pages, bytes } });
    }
    return losses;
  }

  /** Bytes that the file ends before, and those of chunks that cannot be unpacked, of all CPUs. */
  lostBytes(): { readonly missing: number; readonly unreadable: number } {
    let missing = 0;
    let unreadable = 0;
    for (const { reader } of this.streams) {
      missing += reader.missing;
      unreadable += reader.unreadable;
    }
    return { missing, unreadable };
  }
}

/** Sub-buffers at the start of each CPU's data that the epoch is found from. */
const SAMPLED = 4;
/** Nanoseconds: time stamps further from the middle one are taken for damage. */
const FAR = 40n * 86_400n * 1_000_000_000n;

/**
 * The time that a recording's times count from: its first time stamp. Stamps far from most others are damage and must not
 * be it, since all the rest would then be out of reach.
 */
export function findEpoch({ file, layout, data, byteOrder }: StreamSource): bigint {
  const stamps: bigint[] = [];
  for (const each of data) {
    const reader = openCpuData(file, each);
    const page = new Uint8Array(Math.min(each.subBufferSize, 2 ** 16));
    const view = new DataView(page.buffer);
    for (let count = 0; count < SAMPLED; count++) {
      const got = reader.read(page);
      if (got < layout.dataOffset) break;
      const stamp = view.getBigUint64(layout.timeStampOffset, byteOrder === undefined);
      // An unused sub-buffer says nothing.
      if (stamp !== 0n || view.getUint32(layout.commitOffset, true) !== 0) stamps.push(stamp);
      // The rest of a large sub-buffer.
      for (let rest = each.subBufferSize - page.length; rest > 0; rest -= page.length)
        reader.read(page.subarray(0, Math.min(rest, page.length)));
    }
  }
  stamps.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  // Of two the lower: nonsense is mostly large.
  const middle = stamps[(stamps.length - 1) >> 1] ?? 0n;
  return stamps.find((stamp) => middle - stamp <= FAR) ?? 0n;
}
