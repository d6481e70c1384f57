// Merges the records of several ring buffers (one a CPU) by time. Sub-buffers stay where they are in linear memory; the
// merger only keeps their addresses and walks them.
//
// The buffer whose record the cursor is at (`current`) stands apart from the heap of the others, whose least is `rival`.
// So a run of records of one CPU costs one comparison each, and a change of CPU one exchange with the heap's top. A
// buffer without data takes part with the time before which nothing can come from it (its horizon): where that is the
// least, nothing is ready.

import type { LinearMemory } from '../engine/memory.js';
import { makeHeap, sink } from './binary-heap.js';
import { MISSED_UNKNOWN, type SubBufferLayout, SubBufferReader } from './ring-buffer.js';
import type { Loss, RecordCursor } from './source.js';

export interface MergerOptions {
  readonly memory: LinearMemory;
  readonly layout: SubBufferLayout;
  /** Trace-clock time in nanoseconds that the cursor's times count from. */
  readonly epoch: bigint;
  /** The CPU of each stream. Live, stream n is CPU n; a recording can have several buffers of one CPU. */
  readonly cpus: readonly number[];
  /**
   * Called inside `next` when a sub-buffer has been walked to its end and no record of it is in use any more: its memory
   * may be filled anew. Must not call `next`; it may call `push`.
   */
  readonly consumed?: (stream: number, address: number, bytes: number) => void;
}

/** One stream of sub-buffers. Its `time` orders it: that of its record, or without one the time before which none can come. */
class Stream extends SubBufferReader {
  readonly index: number;
  readonly cpu: number;
  /** No record is decoded (and, unless it is the one being advanced, no sub-buffer waits). */
  empty = true;
  horizon = Number.NEGATIVE_INFINITY;
  /** Time of the last record handed out. */
  last = Number.NEGATIVE_INFINITY;
  /** Address and bytes of waiting sub-buffers, in pairs, from `queueStart`; the first is the open one if `opened`. */
  queue: number[] = [];
  queueStart = 0;
  opened = false;

  missedEvents = 0;
  missedUnknown = 0;
  damagedSubBuffers = 0;

  constructor(index: number, cpu: number, memory: LinearMemory, layout: SubBufferLayout, epoch: bigint) {
    super(memory, layout, epoch);
    this.index = index;
    this.cpu = cpu;
    this.time = Number.NEGATIVE_INFINITY;
  }
}

/** Counts of a stream or of all. */
export interface MergeStatistics {
  /** Sub-buffers with damage in them; what came before it was handed out. */
  readonly damagedSubBuffers: number;
  /** Records that were older than the one before them in their own stream; they keep their place. */
  readonly backwardSteps: number;
}

/** Cursor over the records of all streams in order of time; equal times in order of streams. See RecordCursor. */
export class RecordMerger implements RecordCursor {
  private readonly memory: LinearMemory;
  private readonly streams: readonly Stream[];
  private readonly consumed: ((stream: number, address: number, bytes: number) => void) | undefined;
  /** All streams but `current`, as a binary heap. */
  private readonly heap: Stream[];
  /** The heap's top, or a stand-in that is later than all. */
  private rival: Stream;
  private readonly never: Stream;
  private current: Stream;
  /** The cursor is at the record of `current`. */
  private handedOut = false;

  constructor(options: MergerOptions) {
    const { memory, layout, epoch, cpus } = options;
    this.memory = memory;
    this.consumed = options.consumed;
    this.streams = cpus.map((cpu, index) => new Stream(index, cpu, memory, layout, epoch));
    this.never = new Stream(Number.MAX_SAFE_INTEGER, -1, memory, layout, epoch);
    this.never.time = Number.POSITIVE_INFINITY;
    this.current = this.streams[0] ?? this.never;
    this.heap = this.streams.slice(1);
    this.rival = this.never;
    this.orderHeap();
  }

  get address(): number {
    return this.current.address;
  }
  get length(): number {
    return this.current.length;
  }
  get cpu(): number {
    return this.current.cpu;
  }
  get time(): number {
    return this.current.time;
  }
  get id(): number {
    return this.memory.u16[this.current.address >>> 1]!;
  }

  /**
   * Appends a sub-buffer to a stream. Its memory belongs to the merger until it is `consumed`. The address must be a
   * multiple of 4; `bytes` are those that may be read.
   */
  push(stream: number, address: number, bytes: number): void {
    const target = this.streams[stream]!;
    target.queue.push(address, bytes);
    if (target.empty && !target.opened) {
      this.decode(target);
      this.orderHeap();
    }
  }

  /** Says that nothing earlier than `time` will be pushed to a stream any more. */
  setHorizon(stream: number, time: number): void {
    const target = this.streams[stream]!;
    if (time <= target.horizon) return;
    target.horizon = time;
    if (target.empty && !target.opened) {
      target.time = Math.max(target.horizon, target.last);
      this.orderHeap();
    }
  }

  /** Says that nothing more will be pushed: all that waits is ready. */
  finish(): void {
    for (const stream of this.streams) this.setHorizon(stream.index, Number.POSITIVE_INFINITY);
  }

  /** Hot. */
  next(): boolean {
    let stream = this.current;
    if (this.handedOut && !stream.next()) this.decode(stream);
    const rival = this.rival;
    if (rival.time < stream.time || (rival.time === stream.time && rival.index < stream.index)) {
      stream = this.exchange();
    }
    const ready = !stream.empty;
    this.handedOut = ready;
    return ready;
  }

  /** True while a record or a sub-buffer waits, ready or not, or the cursor is at a record. */
  get pending(): boolean {
    return this.handedOut || this.streams.some((stream) => !stream.empty);
  }

  /** Nothing before this time will be handed out any more. After the last record of all: its time. */
  get horizon(): number {
    let horizon = Math.min(this.current.time, this.rival.time);
    if (horizon < Number.POSITIVE_INFINITY) return horizon;
    horizon = Number.NEGATIVE_INFINITY;
    for (const { last } of this.streams) horizon = Math.max(horizon, last);
    return horizon;
  }

  /** Sub-buffers of a stream that are not consumed yet. */
  waiting(stream: number): number {
    const { queue, queueStart } = this.streams[stream]!;
    return (queue.length - queueStart) / 2;
  }

  /** Events that the kernel says it dropped, by CPU. A CPU can stand twice: a known number, and one that the kernel did not tell. */
  losses(): Loss[] {
    const losses: Loss[] = [];
    for (const { cpu, missedEvents, missedUnknown } of this.streams) {
      if (missedEvents > 0) losses.push({ cpu, events: missedEvents });
      if (missedUnknown > 0) losses.push({ cpu, events: undefined });
    }
    return losses;
  }

  /** Sub-buffers of a stream with damage in them. */
  damagedSubBuffers(stream: number): number {
    return this.streams[stream]!.damagedSubBuffers;
  }

  /** The stream of the record that the cursor is at. */
  get stream(): number {
    return this.current.index;
  }

  statistics(): MergeStatistics {
    let damagedSubBuffers = 0;
    let backwardSteps = 0;
    for (const stream of this.streams) {
      damagedSubBuffers += stream.damagedSubBuffers;
      backwardSteps += stream.backwardSteps;
    }
    return { damagedSubBuffers, backwardSteps };
  }

  /** The open sub-buffer is at its end, or none is open: goes on to the first record of the ones that wait. */
  private decode(stream: Stream): void {
    if (stream.opened) {
      stream.last = stream.time;
      this.release(stream);
    }
    while (stream.queueStart < stream.queue.length) {
      stream.open(stream.queue[stream.queueStart]!, stream.queue[stream.queueStart + 1]!);
      stream.opened = true;
      if (stream.missed === MISSED_UNKNOWN) stream.missedUnknown++;
      else stream.missedEvents += stream.missed;
      if (stream.next()) {
        if (stream.time < stream.last) stream.backwardSteps++;
        stream.empty = false;
        return;
      }
      this.release(stream);
    }
    stream.empty = true;
    stream.time = Math.max(stream.horizon, stream.last);
  }

  /** Drops the open sub-buffer. */
  private release(stream: Stream): void {
    if (stream.damaged) stream.damagedSubBuffers++;
    const address = stream.queue[stream.queueStart]!;
    const bytes = stream.queue[stream.queueStart + 1]!;
    stream.queueStart += 2;
    if (stream.queueStart === stream.queue.length) {
      stream.queue.length = 0;
      stream.queueStart = 0;
    } else if (stream.queueStart >= 1024) {
      stream.queue.splice(0, stream.queueStart);
      stream.queueStart = 0;
    }
    this.consumed?.(stream.index, address, bytes);
    // Only now: a push from the callback must not decode, since that is under way.
    stream.opened = false;
  }

  /** Puts `current` into the heap and takes out its least. */
  private exchange(): Stream {
    const { heap } = this;
    const least = heap[0]!;
    sink(heap, 0, this.current, isBefore);
    this.current = least;
    this.rival = heap[0]!;
    return least;
  }

  /** Orders the heap anew after the time of a stream in it has changed. */
  private orderHeap(): void {
    makeHeap(this.heap, isBefore);
    this.rival = this.heap[0] ?? this.never;
  }
}

function isBefore(a: Stream, b: Stream): boolean {
  return a.time < b.time || (a.time === b.time && a.index < b.index);
}
