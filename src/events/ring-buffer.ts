// The kernel's ring-buffer format: walks the records of one sub-buffer that lies in linear memory.
//
// Source: include/linux/ring_buffer.h (the kinds of entries), kernel/trace/ring_buffer.c (struct buffer_data_page,
// RB_MISSED_*, rb_update_event, rb_fix_abs_ts, rb_read_data_buffer), Documentation/trace/ring-buffer-design.rst.
//
//     +0                 u64  time stamp of the sub-buffer
//     +commit            long bits 0-29: bytes of data; bit 31: events were lost before this sub-buffer;
//                             bit 30: their number stands behind the data (a long). Bits 32-63 repeat bit 31.
//     +data              entries, each a multiple of 4 bytes:
//
//     u32 type (5 bits, low) and delta (27 bits): nanoseconds since the entry before, or since the time stamp above
//       type 1-28        a record of type × 4 bytes follows
//       type 0           u32 n, then a record of n - 4 bytes
//       type 29          padding: delta 0: nothing more here; else u32 n, the entry has 4 + n bytes (a discarded record,
//                        whose delta counts unless it is 1, which stands for 0)
//       type 30          u32 n: time goes on by n × 2^27 + delta
//       type 31          u32 n: the time is n × 2^27 + delta, with the upper 5 bits of the sub-buffer's time stamp
//
// This is the little-endian form. In a big-endian kernel's buffers the type is in the upper bits of the word.

import type { LinearMemory } from '../engine/memory.js';

/** Where the parts of a sub-buffer's header are, in bytes from its start. */
export interface SubBufferLayout {
  readonly timeStampOffset: number;
  readonly commitOffset: number;
  /** 4 or 8: size of the kernel's `long`. */
  readonly commitSize: number;
  readonly dataOffset: number;
}

/** The layout of every 64-bit kernel so far. */
export const LAYOUT_64_BIT: SubBufferLayout = { timeStampOffset: 0, commitOffset: 8, commitSize: 8, dataOffset: 16 };

/**
 * Reads `events/header_page` of tracefs, which recordings carry too. Answers undefined for a text that does not describe
 * a layout that this reader can use.
 */
export function parseHeaderPage(text: string): SubBufferLayout | undefined {
  const field = (name: string): { offset: number; size: number } | undefined => {
    const match = new RegExp(`field:[^;]*\\b${name};\\s*offset:(\\d+);\\s*size:(\\d+);`).exec(text);
    return match === null ? undefined : { offset: Number(match[1]), size: Number(match[2]) };
  };
  const timeStamp = field('timestamp');
  const commit = field('commit');
  const data = field('data');
  if (timeStamp?.size !== 8 || (commit?.size !== 4 && commit?.size !== 8) || data === undefined) return undefined;
  const layout = {
    timeStampOffset: timeStamp.offset,
    commitOffset: commit.offset,
    commitSize: commit.size,
    dataOffset: data.offset,
  };
  // 32-bit words are read in place, so everything must lie on them, and the header before the data.
  const aligned = [layout.timeStampOffset, layout.commitOffset, layout.dataOffset].every((offset) => offset % 4 === 0);
  const inHeader = timeStamp.offset + 8 <= data.offset && commit.offset + commit.size <= data.offset;
  return aligned && inHeader && data.offset <= 4096 ? layout : undefined;
}

const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
/** struct trace_entry: type, flags, preemption count, pid. */
const COMMON_FIELDS_SIZE = 8;
const MISSED_EVENTS = 0x80000000;
const MISSED_STORED = 0x40000000;
const DATA_SIZE_MASK = 0x3fffffff;
const TWO_27 = 2 ** 27;
const TWO_32 = 2 ** 32;
/** The upper 5 bits of a time stamp's upper half, which absolute time stamps leave out. */
const TIME_STAMP_TOP = 0xf8000000;
/**
 * Times further than this from the epoch (about 90 days) are taken for damage. The distance to 2^53 leaves room for all
 * deltas of one sub-buffer, so that the fast path need not look.
 */
const TIME_LIMIT = 2 ** 53 - 2 ** 50;

/** Events were lost before a sub-buffer, and the kernel does not say how many. */
export const MISSED_UNKNOWN = -1;

/**
 * Walks sub-buffers, one after the other. Never reads outside the bytes given to `open` and never throws: damage ends
 * the walk with `damaged` set.
 */
export class SubBufferReader {
  /** Of the record the reader is at: address and bytes in linear memory; its time in nanoseconds after the epoch. */
  address = 0;
  length = 0;
  /** Between `open` and the first record: the sub-buffer's own time stamp. Begins as a fraction so that V8 keeps a double. */
  time = 0.5;
  /** Since `open`: an entry or the header made no sense; what came before it has been handed out. */
  damaged = false;
  /** Absolute time stamps that were before the time reached. */
  backwardSteps = 0;
  /** Number of events lost before this sub-buffer, or MISSED_UNKNOWN. */
  missed = 0;

  private readonly memory: LinearMemory;
  private readonly layout: SubBufferLayout;
  private readonly epochLow: number;
  private readonly epochHigh: number;
  /** Address of the next entry, and where the entries end; both multiples of 4. */
  private position = 0;
  private end = 0;
  private timeStampTop = 0;

  /** `epoch`: trace-clock time in nanoseconds that times count from. */
  constructor(memory: LinearMemory, layout: SubBufferLayout, epoch: bigint) {
    this.memory = memory;
    this.layout = layout;
    this.epochLow = Number(epoch & 0xffffffffn);
    this.epochHigh = Number(epoch >> 32n);
  }

  /** Goes before the first record of the sub-buffer at `address` (a multiple of 4), of which `bytes` are there. */
  open(address: number, bytes: number): void {
    const { layout } = this;
    this.memory.refresh();
    const u32 = this.memory.u32;
    this.damaged = false;
    this.missed = 0;
    this.position = 0;
    this.end = 0;
    if (bytes < layout.dataOffset || address % 4 !== 0 || address + bytes > u32.length * 4) {
      this.damaged = true;
      return;
    }
    const low = u32[(address + layout.timeStampOffset) >>> 2]!;
    const high = u32[(address + layout.timeStampOffset + 4) >>> 2]!;
    const commit = u32[(address + layout.commitOffset) >>> 2]!;
    const room = bytes - layout.dataOffset;
    let size = commit & DATA_SIZE_MASK;
    if ((commit & MISSED_EVENTS) !== 0) {
      this.missed =
        commit & MISSED_STORED ? this.storedCount(address + layout.dataOffset + size, room - size) : MISSED_UNKNOWN;
    }
    if (size > room || size % 4 !== 0) {
      // Cut off or damaged: the entries that are there are good until one reaches over the end.
      this.damaged = true;
      size = Math.min(size, room) & ~3;
    }
    const time = (high - this.epochHigh) * TWO_32 + (low - this.epochLow);
    if (Math.abs(time) > TIME_LIMIT) {
      this.damaged = true;
      return;
    }
    this.time = time;
    this.timeStampTop = (high & TIME_STAMP_TOP) >>> 0;
    this.position = address + layout.dataOffset;
    this.end = this.position + size;
  }

  /** Goes to the next record; false at the end of the sub-buffer. Hot: small records need no more than this. */
  next(): boolean {
    const position = this.position;
    if (position < this.end) {
      const word = this.memory.u32[position >>> 2]!;
      const type = word & 31;
      const after = position + 4 + (type << 2);
      // Types 2 to 28 in one comparison: 0 and 29 to 31 are special, and 1 is too short for the common fields.
      if ((type - 2) >>> 0 <= 26 && after <= this.end) {
        this.time += word >>> 5;
        this.address = position + 4;
        this.length = type << 2;
        this.position = after;
        return true;
      }
    }
    return this.nextSlowly();
  }

  private storedCount(at: number, room: number): number {
    const { commitSize } = this.layout;
    if (at % 4 !== 0 || room < commitSize) return MISSED_UNKNOWN;
    const u32 = this.memory.u32;
    const high = commitSize === 8 ? u32[(at + 4) >>> 2]! : 0;
    return high >= 2 ** 20 ? MISSED_UNKNOWN : high * TWO_32 + u32[at >>> 2]!;
  }

  /** Every kind of entry, with all checks. */
  private nextSlowly(): boolean {
    // Views that were left over from before the memory grew read as undefined and end up here.
    if (this.memory.u32.length === 0) this.memory.refresh();
    const u32 = this.memory.u32;
    const end = this.end;
    let position = this.position;
    while (position < end) {
      const word = u32[position >>> 2]!;
      const type = word & 31;
      const delta = word >>> 5;
      if (type === PADDING && delta === 0) break;
      const small = type !== 0 && type < PADDING;
      if (!small && position + 8 > end) return this.stopDamaged();
      const operand = small ? 0 : u32[(position + 4) >>> 2]!;
      let time = this.time;
      if (type === TIME_EXTEND) {
        time += operand * TWO_27 + delta;
        position += 8;
      } else if (type === TIME_STAMP) {
        time = this.absoluteTime(operand, delta);
        if (time < this.time) this.backwardSteps++;
        position += 8;
      } else {
        const length = small ? type << 2 : operand;
        // All are multiples of 4; an odd length is rounded up as the kernel does. At least the operand itself is there.
        const after = position + 4 + Math.ceil(length / 4) * 4;
        if (after > end || (!small && length < 4)) return this.stopDamaged();
        if (type !== PADDING || delta !== 1) time += delta;
        if (type !== PADDING) {
          this.address = small ? position + 4 : position + 8;
          this.length = small ? length : length - 4;
          if (this.length < COMMON_FIELDS_SIZE) return this.stopDamaged();
          this.time = time;
          this.position = after;
          return true;
        }
        position = after;
      }
      if (Math.abs(time) > TIME_LIMIT) return this.stopDamaged();
      this.time = time;
    }
    this.position = this.end;
    return false;
  }

  private absoluteTime(operand: number, delta: number): number {
    const low = ((operand << 27) | delta) >>> 0;
    const high = this.timeStampTop + (operand >>> 5);
    let time = (high - this.epochHigh) * TWO_32 + (low - this.epochLow);
    // The clock has passed 2^59 since the sub-buffer was begun.
    if (this.timeStampTop !== 0 && time < this.time) time += 2 ** 59;
    return time;
  }

  private stopDamaged(): false {
    this.damaged = true;
    this.position = this.end;
    return false;
  }
}
