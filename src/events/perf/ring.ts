// One CPU's ring of perf records: whole records are copied from the pages that are shared with the kernel into linear
// memory, where they wait in the order of their times.
//
//     shared pages   │ page │ … r r r r r r r …│        the kernel writes at data_head, this reader frees up to data_tail
//                                 copy ↓  (a record that wraps round the end: in two parts)
//     linear memory  │ r r r r r r │                    a part of fixed size for each CPU
//
// Records of one CPU are nearly in order of time, not quite: an interrupt can write its record between the moment when
// another one took its time and the moment when it took its place. So each is put where its time belongs, and records are
// handed out only up to a horizon (sample-cursor.ts).

import type { LinearMemory } from '../../engine/memory.js';
import { HEADER_SIZE, RecordType, RingPage } from './abi.js';

/** Bytes of linear memory for the waiting records of a CPU: some of the largest, of 64 KiB. */
export const SEGMENT_BYTES = 256 * 1024;
/** How much earlier than the records before it one can be, in nanoseconds. */
const DISORDER = 500_000;
/** Where the time is: from a sample's start, and from the end of a record with the fields of sample_id_all. */
const SAMPLE_TIME = 24;
const TIME_FROM_END = 24;
const LOST_COUNT = 16;

const TWO_32 = 2 ** 32;

export class PerfRing {
  readonly cpu: number;
  /** Records that wait, from `first` on, in order of time: time after the epoch, and address in linear memory. */
  readonly times: number[] = [];
  readonly addresses: number[] = [];
  first = 0;
  /** Nothing that is older than this is still to come. */
  horizon = Number.NEGATIVE_INFINITY;
  /** There may be more in the shared pages: there was no room for it. */
  incomplete = false;
  /** Samples that the kernel says it dropped. */
  lost = 0;
  /** How often the kernel held an event back because it fired too often. */
  throttled = 0;
  /** Bytes that came from the kernel. */
  bytesRead = 0;

  private readonly memory: LinearMemory;
  private readonly epochLow: number;
  private readonly epochHigh: number;
  /** The part of linear memory, and how much of it is in use. */
  private readonly start: number;
  private used = 0;
  private readonly positions: BigUint64Array;
  private readonly data: Uint8Array;
  private readonly words: Uint32Array;
  private latest = Number.NEGATIVE_INFINITY;

  /**
   * `shared`: the mapping, first page included. `start`: SEGMENT_BYTES of linear memory, a multiple of 8. `epoch`: what
   * times count from, in nanoseconds of the monotonic clock.
   */
  constructor(cpu: number, shared: ArrayBuffer, memory: LinearMemory, start: number, epoch: bigint) {
    this.cpu = cpu;
    this.memory = memory;
    this.start = start;
    this.epochLow = Number(epoch & 0xffffffffn);
    this.epochHigh = Number(epoch >> 32n);
    const page = new DataView(shared);
    const offset = Number(page.getBigUint64(RingPage.DATA_OFFSET, true));
    const size = Number(page.getBigUint64(RingPage.DATA_SIZE, true));
    this.positions = new BigUint64Array(shared, RingPage.DATA_HEAD, 2);
    this.data = new Uint8Array(shared, offset, size);
    this.words = new Uint32Array(shared, offset, size >>> 2);
  }

  /** Takes in what is there. `now`: a time before which everything had happened; `final`: nothing more will come. */
  fill(now: number, final: boolean): void {
    this.compact();
    const { data, words, memory } = this;
    memory.refresh();
    // The loads and stores of Atomics order what is read between them (perf_event.h, "data_head").
    const head = Atomics.load(this.positions, 0);
    let position = this.positions[1]!;
    const size = data.length;
    this.incomplete = false;
    let at = Number(position % BigInt(size));
    let left = Number(head - position);
    this.bytesRead += left;
    while (left >= HEADER_SIZE) {
      const bytes = words[(at >>> 2) + 1]! >>> 16;
      if (bytes < HEADER_SIZE || bytes > left) {
        // No kernel writes this; nothing behind it can be found.
        position += BigInt(left);
        break;
      }
      if (this.used + bytes > SEGMENT_BYTES) {
        this.incomplete = true;
        break;
      }
      const to = this.start + this.used;
      const straight = Math.min(bytes, size - at);
      memory.u8.set(data.subarray(at, at + straight), to);
      if (straight < bytes) memory.u8.set(data.subarray(0, bytes - straight), to + straight);
      this.take(to, bytes);
      position += BigInt(bytes);
      left -= bytes;
      at = (at + bytes) % size;
    }
    if (this.incomplete) this.bytesRead -= left;
    Atomics.store(this.positions, 1, position);
    if (!this.incomplete) this.horizon = final ? Number.POSITIVE_INFINITY : now - DISORDER;
    // With the memory full of records of one moment, the first must go on all the same.
    else this.horizon = Math.max(this.latest - DISORDER, (this.times[this.first] ?? 0) + 1);
  }

  /** Sorts in the record that has just been copied, or counts it. */
  private take(address: number, bytes: number): void {
    const { u32 } = this.memory;
    const type = u32[address >>> 2]!;
    if (type === RecordType.LOST) {
      this.lost += u32[(address + LOST_COUNT) >>> 2]! + u32[(address + LOST_COUNT + 4) >>> 2]! * TWO_32;
      return;
    }
    if (type === RecordType.THROTTLE) this.throttled++;
    const isSample = type === RecordType.SAMPLE;
    if (!isSample && !SIDE_BAND.has(type)) return;
    const place = (isSample ? address + SAMPLE_TIME : address + bytes - TIME_FROM_END) >>> 2;
    const time = (u32[place + 1]! - this.epochHigh) * TWO_32 + (u32[place]! - this.epochLow);
    this.used += bytes;
    const { times, addresses } = this;
    let at = times.length;
    if (time >= this.latest) this.latest = time;
    else while (at > this.first && times[at - 1]! > time) at--;
    if (at === times.length) {
      times.push(time);
      addresses.push(address);
    } else {
      times.splice(at, 0, time);
      addresses.splice(at, 0, address);
    }
  }

  /** Moves what still waits to the beginning of the memory. */
  private compact(): void {
    const { times, addresses, first } = this;
    if (first === 0 && times.length > 0) return;
    times.splice(0, first);
    addresses.splice(0, first);
    this.first = 0;
    if (times.length === 0) {
      this.used = 0;
      return;
    }
    let lowest = addresses[0]!;
    for (const address of addresses) if (address < lowest) lowest = address;
    const distance = lowest - this.start;
    if (distance === 0) return;
    this.memory.refresh();
    this.memory.u8.copyWithin(this.start, lowest, this.start + this.used);
    this.used -= distance;
    for (let at = 0; at < addresses.length; at++) addresses[at]! -= distance;
  }
}

/** Records about tasks and their memory, which wait among the samples. */
const SIDE_BAND: ReadonlySet<number> = new Set([RecordType.COMM, RecordType.EXIT, RecordType.FORK, RecordType.MMAP2]);
