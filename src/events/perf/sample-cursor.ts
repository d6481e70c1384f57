// The samples of all CPUs' rings in one order of time, and what is in a sample.
//
// Source: include/uapi/linux/perf_event.h (PERF_RECORD_SAMPLE). The events here have these fields, in this order:
//
//     +0   header           +8   u64 id of the event (PERF_SAMPLE_IDENTIFIER)
//     +16  u32 pid, tid     +24  u64 time      +32  u32 cpu, unused
//     +40  u64 n, n × u64   the call chain (PERF_SAMPLE_CALLCHAIN), where it is asked for
//     then u32 size, size bytes: the record of a tracepoint, as it would be in a ring buffer of tracefs (PERF_SAMPLE_RAW)

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressBytes } from '../../engine/values.js';
import type { RecordCursor } from '../source.js';
import { RecordType } from './abi.js';
import { ChainPart, chainPart } from './call-chain.js';
import type { PerfRing } from './ring.js';

const ID = 8;
const PID = 16;
const TID = 20;
const CPU = 32;
const CHAIN = 40;

/** What a sample's id leads to. */
export interface SampledEvent {
  /** Of a profile timer, whose samples hold no record: the id that the cursor gives. undefined: tracepoint, its record has it. */
  readonly timerId: number | undefined;
  readonly hasChain: boolean;
  /** Samples of this event that have been handed out. */
  samples: number;
}

/** The stacks of a sample; empty where the task was not in that part. */
export interface CallChain {
  readonly kernel: AddressBytes;
  readonly user: AddressBytes;
}

export interface SampleCursorOptions {
  readonly memory: LinearMemory;
  readonly rings: readonly PerfRing[];
  /** By the low half of a sample's id. */
  readonly events: ReadonlyMap<number, SampledEvent>;
  /** Tracepoint samples of this process are passed over. */
  readonly hiddenPid: number | undefined;
  /** A record about a task or its memory, when its turn comes. */
  readonly sideBand?: (type: number, address: number, time: number) => void;
  /** The present after the epoch. */
  now(): number;
}

export class SampleCursor implements RecordCursor {
  address = 0;
  length = 0;
  cpu = 0;
  id = 0;
  time = 0.5;

  private readonly options: SampleCursorOptions;
  private readonly rings: readonly PerfRing[];
  /** The ring whose first record the cursor is at. */
  private current: PerfRing | undefined;
  private event: SampledEvent | undefined;
  /** The stacks of the record at hand, once they have been asked for. */
  private known: CallChain | undefined;
  private final = false;
  private until = 0;

  constructor(options: SampleCursorOptions) {
    this.options = options;
    this.rings = options.rings;
  }

  /** Brings in what is there now. `final`: the events are off, so that this is all. */
  read(final: boolean): void {
    this.final = final;
    this.until = this.options.now();
    for (const ring of this.rings) ring.fill(this.until, final);
    // The record may have been moved.
    if (this.current !== undefined) this.decode(this.current);
  }

  /** Time up to which all samples have been handed out, once `next` has answered false. */
  get horizon(): number {
    let horizon = Number.POSITIVE_INFINITY;
    for (const ring of this.rings) horizon = Math.min(horizon, ring.times[ring.first] ?? ring.horizon, ring.horizon);
    return horizon;
  }

  next(): boolean {
    for (;;) {
      if (this.current !== undefined) this.current.first++;
      this.current = undefined;
      this.known = undefined;
      const ring = this.ready();
      if (ring === undefined) {
        if (!this.refill()) return false;
        continue;
      }
      this.current = ring;
      if (this.decode(ring)) {
        this.event!.samples++;
        return true;
      }
    }
  }

  /** The ring with the oldest record, if nothing older can still come from any other. */
  private ready(): PerfRing | undefined {
    let limit = Number.POSITIVE_INFINITY;
    let oldest = Number.POSITIVE_INFINITY;
    let found: PerfRing | undefined;
    for (const ring of this.rings) {
      if (ring.horizon < limit) limit = ring.horizon;
      const time = ring.times[ring.first];
      if (time !== undefined && time < oldest) {
        oldest = time;
        found = ring;
      }
    }
    return oldest < limit ? found : undefined;
  }

  /** Reads on where there was no room before. */
  private refill(): boolean {
    let any = false;
    for (const ring of this.rings) {
      if (!ring.incomplete) continue;
      const before = ring.bytesRead;
      const { horizon } = ring;
      ring.fill(this.until, this.final);
      any ||= ring.bytesRead > before || ring.horizon > horizon;
    }
    return any;
  }

  /** Looks into the first record of a ring. False: nothing to hand out. */
  private decode(ring: PerfRing): boolean {
    const { memory, events, hiddenPid, sideBand } = this.options;
    const { u32 } = memory;
    const start = ring.addresses[ring.first]!;
    const word = start >>> 2;
    const type = u32[word]!;
    this.time = ring.times[ring.first]!;
    if (type !== RecordType.SAMPLE) {
      sideBand?.(type, start, this.time);
      return false;
    }
    const event = events.get(u32[word + (ID >>> 2)]!);
    if (event === undefined) return false;
    this.cpu = ring.cpu;
    this.event = event;
    if (event.timerId !== undefined) {
      // A record of common fields alone (no flags, tid), in the place of the CPU.
      this.id = event.timerId;
      this.address = start + CPU;
      this.length = 8;
      u32[this.address >>> 2] = 0;
      u32[(this.address >>> 2) + 1] = u32[word + (TID >>> 2)]!;
      return true;
    }
    if (u32[word + (PID >>> 2)] === hiddenPid) return false;
    const raw = (start + CHAIN + (event.hasChain ? 8 + 8 * u32[(start + CHAIN) >>> 2]! : 0)) >>> 2;
    this.length = u32[raw]!;
    this.address = (raw + 1) << 2;
    this.id = u32[raw + 1]! & 0xffff;
    return true;
  }

  /** Process of the sample that the cursor is at. */
  get pid(): number {
    const ring = this.current!;
    return this.options.memory.i32[(ring.addresses[ring.first]! + PID) >>> 2]!;
  }

  /** The stacks of the sample that the cursor is at; undefined where it has none. */
  chain(): CallChain | undefined {
    const ring = this.current;
    if (ring === undefined || this.event?.hasChain !== true) return undefined;
    this.known ??= this.readChain(ring.addresses[ring.first]! + CHAIN);
    return this.known;
  }

  private readChain(start: number): CallChain {
    const { memory } = this.options;
    memory.refresh();
    const { u32, bytes } = memory;
    const first = start + 8;
    const end = first + 8 * u32[start >>> 2]!;
    return {
      kernel: chainPart(u32, bytes, first, end, ChainPart.KERNEL),
      user: chainPart(u32, bytes, first, end, ChainPart.USER),
    };
  }
}
