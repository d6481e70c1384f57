// Brings the sub-buffers of an instance into linear memory and merges them by time.
//
// What has been read of a CPU is ordered against the other CPUs by a horizon: the time before which nothing more can come
// from it. A buffer that was read to its end after the moment H holds nothing older than H, except what a writer was just
// then putting in: such a record has its time stamp a little earlier than it can be read. `WRITER_SLACK` is the allowance.
//
//     time  ─────────────────────────────────────────►
//     CPU 0  r r r  r r   r|            read past H: complete up to H - slack
//     CPU 1  r rr r r rrrrr┊rrr…        not yet: complete up to its last record in memory
//                     H ───┘
//
// Reading of a CPU stops at a sub-buffer whose own time stamp is past H, so that a busy writer does not make it go on for
// ever, and at SLOTS_PER_CPU sub-buffers in memory; then each one that the merger has walked makes room for the next. So
// when the merger says that nothing is ready, all CPUs are read past H.

import { readSync } from 'node:fs';
import { constants } from 'node:os';
import type { LinearMemory } from '../engine/memory.js';
import { closeAll, type TracingInstance } from './instance.js';
import { RecordMerger } from './merge.js';
import { nativeIfLoaded } from './native.js';
import { type SubBufferLayout, SubBufferReader } from './ring-buffer.js';

/** Nanoseconds: see above. */
const WRITER_SLACK = 500_000;
/** Most sub-buffers of one CPU that wait in linear memory. */
const SLOTS_PER_CPU = 32;
/** Sub-buffers of memory that are asked for at once. */
const SLOTS_AT_ONCE = 16;

export interface LiveBuffersOptions {
  readonly instance: TracingInstance;
  /** CPUs to read; the streams of the merger, in this order. */
  readonly cpus: readonly number[];
  readonly memory: LinearMemory;
  readonly layout: SubBufferLayout;
  /** Trace-clock time in ns that times count from. */
  readonly epoch: bigint;
  allocateBuffer(bytes: number): number;
  /** Sees each sub-buffer as it was read, in the order of its CPU; the bytes are valid during the call. */
  readonly received?: ((cpu: number, subBuffer: Uint8Array) => void) | undefined;
}

export class LiveBuffers {
  readonly merger: RecordMerger;
  /** Open buffers, for poll. */
  readonly fds: readonly number[];
  /** Bytes that came from the kernel. */
  bytesRead = 0;

  private readonly memory: LinearMemory;
  private readonly epoch: bigint;
  private readonly subBufferBytes: number;
  private readonly allocateBuffer: (bytes: number) => number;
  private readonly received: LiveBuffersOptions['received'];
  private readonly cpus: readonly number[];
  private readonly freeSlots: number[] = [];
  private readonly header: SubBufferReader;
  /** H of the reading under way, nanoseconds after the epoch. */
  private until = 0;
  /** Tracing is off: what is read is all. */
  private final = false;
  /** Streams that are not yet read past `until`. */
  private readonly unread: boolean[];

  constructor(options: LiveBuffersOptions) {
    const { instance, cpus, memory, layout, epoch } = options;
    this.memory = memory;
    this.epoch = epoch;
    this.subBufferBytes = instance.subBufferBytes;
    this.allocateBuffer = options.allocateBuffer;
    this.received = options.received;
    this.cpus = cpus;
    this.header = new SubBufferReader(memory, layout, epoch);
    this.merger = new RecordMerger({
      memory,
      layout,
      epoch,
      cpus,
      consumed: (stream, address) => {
        this.freeSlots.push(address);
        if (this.unread[stream]) this.readStream(stream);
      },
    });
    this.unread = cpus.map(() => false);
    const fds: number[] = [];
    try {
      for (const cpu of cpus) fds.push(instance.openBuffer(cpu));
    } catch (error) {
      closeAll(fds);
      throw error;
    }
    this.fds = fds;
  }

  /** Nanoseconds after the epoch, now. */
  now(): number {
    return Number(process.hrtime.bigint() - this.epoch);
  }

  /**
   * Time up to which everything has been handed out, once the merger's `next` has answered false; else of the record that it
   * is at.
   */
  get horizon(): number {
    return this.merger.horizon;
  }

  /** Begins to read everything that is there now. `final`: tracing is off, so that is all there will be. */
  read(final: boolean): void {
    this.until = this.now();
    this.final = final;
    for (let stream = 0; stream < this.fds.length; stream++) this.readStream(stream);
  }

  /** Reads one CPU's buffer as far as there is room. */
  private readStream(stream: number): void {
    const { merger, memory, subBufferBytes } = this;
    const fd = this.fds[stream]!;
    this.unread[stream] = true;
    while (merger.waiting(stream) < SLOTS_PER_CPU) {
      const address = this.freeSlots.pop() ?? this.newSlot();
      memory.refresh();
      const bytes = readSubBuffer(fd, memory.u8, address, subBufferBytes);
      if (bytes > 0) {
        this.bytesRead += bytes;
        this.received?.(this.cpus[stream]!, memory.u8.subarray(address, address + bytes));
        this.header.open(address, bytes);
        const { time } = this.header;
        merger.push(stream, address, bytes);
        if (time <= this.until || this.final) continue;
      } else {
        this.freeSlots.push(address);
      }
      this.unread[stream] = false;
      merger.setHorizon(stream, this.final ? Number.POSITIVE_INFINITY : this.until - WRITER_SLACK);
      return;
    }
  }

  /**
   * Reads what is there and hands it to `received` alone, until `deadline` (of performance.now): for recording without
   * handlers. True when all that was there when it began has been read.
   */
  pass(final: boolean, deadline: number): boolean {
    const { memory, subBufferBytes, fds } = this;
    const until = this.now();
    const address = this.freeSlots.pop() ?? this.newSlot();
    let complete = true;
    for (let stream = 0; stream < fds.length; stream++) {
      for (;;) {
        memory.refresh();
        const bytes = readSubBuffer(fds[stream]!, memory.u8, address, subBufferBytes);
        if (bytes === 0) break;
        this.bytesRead += bytes;
        this.received?.(this.cpus[stream]!, memory.u8.subarray(address, address + bytes));
        this.header.open(address, bytes);
        if (this.header.time > until && !final) break;
        if (performance.now() > deadline) {
          complete = false;
          break;
        }
      }
    }
    this.freeSlots.push(address);
    return complete;
  }

  private newSlot(): number {
    const start = this.allocateBuffer(SLOTS_AT_ONCE * this.subBufferBytes);
    for (let slot = SLOTS_AT_ONCE - 1; slot > 0; slot--) this.freeSlots.push(start + slot * this.subBufferBytes);
    return start;
  }

  close(): void {
    closeAll(this.fds);
  }
}

/** Bytes read, 0 where the buffer is empty or its CPU is gone. */
function readSubBuffer(fd: number, u8: Uint8Array, address: number, length: number): number {
  const calls = nativeIfLoaded();
  if (calls !== undefined) {
    const read = calls.read(fd, u8.subarray(address, address + length), length);
    if (read >= 0) return read;
    if (EMPTY.has(-read)) return 0;
    // Node makes the exception of it.
  }
  try {
    return readSync(fd, u8, address, length, null);
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno !== undefined && EMPTY.has(-errno)) return 0;
    throw error;
  }
}

/** Errors that mean that there is nothing to read. */
const { EAGAIN, ENODEV, EINTR } = constants.errno;
const EMPTY = new Set([EAGAIN, ENODEV, EINTR]);
