// Turns the records of a big-endian machine round, in place, so that everything behind reads one form. What a record of a
// tracepoint has is turned round by its format (byte-order.ts).
//
// Source of the layouts: include/uapi/linux/perf_event.h; tools/perf/util/session.c (perf_event__*_swap).

import type { LinearMemory } from '../../engine/memory.js';
import { HEADER_SIZE } from '../../events/perf/abi.js';
import { RecordType } from './abi.js';
import type { EventTable } from './event-table.js';
import { callchainPlace, rawPlace } from './record-reader.js';

/** Turns a raw record of the given event round. */
export type SwapRecord = (view: DataView, at: number, length: number) => void;

/** Bytes behind the header, before text and sample_id: so many u32, so many u64, so many u32 again. */
const HEADS: Readonly<Record<number, readonly [number, number, number]>> = {
  [RecordType.MMAP]: [2, 3, 0],
  [RecordType.LOST]: [0, 2, 0],
  [RecordType.COMM]: [2, 0, 0],
  [RecordType.EXIT]: [4, 1, 0],
  [RecordType.FORK]: [4, 1, 0],
  [RecordType.LOST_SAMPLES]: [0, 1, 0],
  [RecordType.AUXTRACE]: [0, 3, 4],
  [RecordType.HEADER_TRACING_DATA]: [1, 0, 0],
  [RecordType.COMPRESSED2]: [0, 1, 0],
};

export class RecordSwap {
  private readonly memory: LinearMemory;
  private readonly table: EventTable;
  private readonly swapRecord: SwapRecord;
  private view: DataView;

  constructor(memory: LinearMemory, table: EventTable, swapRecord: SwapRecord) {
    this.memory = memory;
    this.table = table;
    this.swapRecord = swapRecord;
    this.view = new DataView(memory.memory.buffer);
  }

  /** Size of the record at an address that has not been turned round. */
  sizeAt(address: number): number {
    const { u8 } = this.memory;
    return u8[address + 6]! * 256 + u8[address + 7]!;
  }

  /** Turns a whole record round. */
  record(address: number, size: number): void {
    if (this.view.byteLength !== this.memory.memory.buffer.byteLength) {
      this.view = new DataView(this.memory.memory.buffer);
    }
    const { view } = this;
    this.words32(address, 1);
    view.setUint16(address + 4, view.getUint16(address + 4, false), true);
    view.setUint16(address + 6, size, true);
    const type = view.getUint32(address, true);
    if (type === RecordType.SAMPLE) this.sample(address, size);
    else this.other(type, address, size);
  }

  private sample(address: number, size: number): void {
    const { view, table } = this;
    const { events, idOffset } = table;
    let index = 0;
    if (events.length > 1 && idOffset >= 0 && idOffset + 8 <= size) {
      index = table.indexOf(view.getUint32(address + idOffset + 4, false), view.getUint32(address + idOffset, false));
    }
    const event = events[index];
    if (event === undefined || event.layout.variable > size) return;
    const { layout } = event;
    const end = address + size;
    for (let at = HEADER_SIZE; at < layout.variable; at += 8) {
      if (at === layout.tid || at === layout.cpu) this.words32(address + at, 2);
      else this.words64(address + at, end);
    }
    // The values of READ, then the callchain: each begins with the number of what follows.
    let at = address + layout.variable;
    for (const stop = at + layout.read; at < stop; at += 8) this.words64(at, end);
    if (layout.readGroup !== undefined) {
      this.words64(at, end);
      const chain = callchainPlace(this.memory.u32, address, size, layout);
      for (at += 8; at < chain; at += 8) this.words64(at, end);
    }
    if (layout.callchain) {
      this.words64(at, end);
      const raw = rawPlace(this.memory.u32, address, size, layout);
      const stop = raw === 0 ? at : raw;
      for (at += 8; at < stop; at += 8) this.words64(at, end);
    }
    if (!layout.raw || at + 4 > end) return;
    this.words32(at, 1);
    const bytes = view.getUint32(at, true);
    if (event.carriesRecord && bytes >= 8 && at + 4 + bytes <= end) this.swapRecord(view, at + 4, bytes);
  }

  private other(type: number, address: number, size: number): void {
    const end = address + size;
    const head = HEADS[type];
    if (head !== undefined) {
      const [first, wide, last] = head;
      let at = address + HEADER_SIZE;
      if (at + first * 4 + wide * 8 + last * 4 > end) return;
      this.words32(at, first);
      at += first * 4;
      for (let index = 0; index < wide; index++) this.words64(at + index * 8, end);
      this.words32(at + wide * 8, last);
    } else if (type === RecordType.MMAP2 && size >= 72) {
      this.words32(address + 8, 2);
      for (const at of [16, 24, 32]) this.words64(address + at, end);
      this.words32(address + 64, 2);
    }
    if (type >= RecordType.HEADER_ATTR) return;
    const { trailer } = this.table.events[0]!.layout;
    if (trailer === undefined || trailer.size > size - HEADER_SIZE) return;
    for (const part of trailer.parts) {
      if (part.pair) this.words32(end + part.at, 2);
      else this.words64(end + part.at, end);
    }
  }

  private words32(address: number, count: number): void {
    const { view } = this;
    for (let at = address; at < address + count * 4; at += 4) view.setUint32(at, view.getUint32(at, false), true);
  }

  private words64(address: number, end: number): void {
    const { view } = this;
    if (address + 8 > end) return;
    const high = view.getUint32(address, false);
    view.setUint32(address, view.getUint32(address + 4, false), true);
    view.setUint32(address + 4, high, true);
  }
}
