// Brings the sub-buffers of a recording into linear memory, a portion of each CPU at a time, and merges them. Memory stays
// the same however long the recording is: a CPU's portion is read over its last one when all of that has been used.

import type { LinearMemory } from '../engine/memory.js';
import { RecordMerger } from '../events/merge.js';
import type { SubBufferLayout } from '../events/ring-buffer.js';
import type { CpuData } from './trace-dat/buffers.js';
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
  /** Bytes of the portion in memory, and where it is; 0 before it was needed. */
  readonly portion: number;
  address: number;
  /** Bytes of the data that have been read. */
  done: number;
}

export class CpuStreams {
  readonly merger: RecordMerger;
  private readonly file: FileReader;
  private readonly target: BufferMemory;
  private readonly streams: readonly Stream[];

  constructor(
    file: FileReader,
    layout: SubBufferLayout,
    data: readonly CpuData[],
    epoch: bigint,
    target: BufferMemory,
  ) {
    this.file = file;
    this.target = target;
    const share = Math.min(LARGEST_PORTION, ALL_PORTIONS / Math.max(1, data.length));
    this.streams = data.map((each) => {
      const whole = Math.max(1, Math.floor(share / each.subBufferSize)) * each.subBufferSize;
      return { data: each, portion: Math.min(whole, each.size), address: 0, done: 0 };
    });
    this.merger = new RecordMerger({ memory: target.memory, layout, epoch, cpus: data.map(({ cpu }) => cpu) });
  }

  /** Reads the next portion of each CPU whose last one is used up. */
  fill(): void {
    for (const [index, stream] of this.streams.entries()) {
      if (this.merger.waiting(index) === 0 && stream.done < stream.data.size) this.fillOne(index, stream);
      // What has been read to its end cannot hold up the others.
      if (stream.done >= stream.data.size) this.merger.setHorizon(index, Number.POSITIVE_INFINITY);
    }
  }

  private fillOne(index: number, stream: Stream): void {
    const { offset, size, subBufferSize } = stream.data;
    const { memory } = this.target;
    if (stream.address === 0) stream.address = this.target.allocateBuffer(stream.portion);
    memory.refresh();
    const wanted = Math.min(stream.portion, size - stream.done);
    const view = memory.u8.subarray(stream.address, stream.address + wanted);
    const got = this.file.readInto(view, offset + stream.done, wanted);
    for (let at = 0; at < got; at += subBufferSize) {
      this.merger.push(index, stream.address + at, Math.min(subBufferSize, got - at));
    }
    // A file that became shorter meanwhile ends here.
    stream.done = got < wanted ? size : stream.done + got;
  }

  /** Everything has been read and handed out. */
  get ended(): boolean {
    return !this.merger.pending && this.streams.every(({ done, data }) => done >= data.size);
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
export function findEpoch(file: FileReader, layout: SubBufferLayout, data: readonly CpuData[]): bigint {
  const stamps: bigint[] = [];
  const header = new Uint8Array(layout.dataOffset);
  const view = new DataView(header.buffer);
  for (const { offset, size, subBufferSize } of data) {
    for (let at = 0; at < Math.min(size, SAMPLED * subBufferSize); at += subBufferSize) {
      if (size - at < header.length || file.readInto(header, offset + at, header.length) < header.length) break;
      const stamp = view.getBigUint64(layout.timeStampOffset, true);
      // An unused sub-buffer says nothing.
      if (stamp !== 0n || view.getUint32(layout.commitOffset, true) !== 0) stamps.push(stamp);
    }
  }
  stamps.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  // Of two the lower: nonsense is mostly large.
  const middle = stamps[(stamps.length - 1) >> 1] ?? 0n;
  return stamps.find((stamp) => middle - stamp <= FAR) ?? 0n;
}
