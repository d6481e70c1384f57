// Turns the sub-buffers of a big-endian kernel into those of a little-endian one, in place, so that everything behind reads
// one form: the header, the word before each record (whose bits are the other way round, too), and the fields of each
// record, as its event's format says. Fields of types that no format describes, structures, stay as they are.
//
// Source of the layout: events/ring-buffer.ts. In the big-endian form the type is in the upper 5 bits of an entry's word
// (include/linux/ring_buffer.h, struct ring_buffer_event: bit fields begin at the highest bit there).

import { scalarType } from '../events/c-types.js';
import type { EventField, EventFormat } from '../events/format.js';
import type { SubBufferLayout } from '../events/ring-buffer.js';

const PADDING = 29;
const DATA_SIZE_MASK = 0x3fffffff;
const MISSED_EVENTS = 0x80000000;
const MISSED_STORED = 0x40000000;

/** Turns the bytes of a record's fields round; the record begins at `at` of `view` and has `length` bytes. */
type RecordSwap = (view: DataView, at: number, length: number) => void;

export class ByteOrder {
  private readonly layout: SubBufferLayout;
  private readonly formatOf: (id: number) => EventFormat | undefined;
  private readonly swaps = new Map<number, RecordSwap>();

  /** `formatOf` knows the events by their ids. */
  constructor(layout: SubBufferLayout, formatOf: (id: number) => EventFormat | undefined) {
    this.layout = layout;
    this.formatOf = formatOf;
  }

  /** Turns a sub-buffer round as far as it makes sense; what is damaged is found by whoever walks it afterwards. */
  toLittleEndian(bytes: Uint8Array): void {
    const { timeStampOffset, commitOffset, commitSize, dataOffset } = this.layout;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < dataOffset) return;
    swap64(view, timeStampOffset);
    if (commitSize === 8) swap64(view, commitOffset);
    else swap32(view, commitOffset);
    const commit = view.getUint32(commitOffset, true);
    const end = Math.min(dataOffset + (commit & DATA_SIZE_MASK), bytes.length) & ~3;
    const stored = (commit & MISSED_EVENTS) !== 0 && (commit & MISSED_STORED) !== 0;
    if (stored && end + commitSize <= bytes.length) (commitSize === 8 ? swap64 : swap32)(view, end);
    for (let at = dataOffset; at + 4 <= end; ) at = this.swapEntry(view, at, end);
  }

  /** Turns an entry round and answers where the next one is. */
  private swapEntry(view: DataView, at: number, end: number): number {
    const word = view.getUint32(at, false);
    const type = word >>> 27;
    const delta = word & 0x7ffffff;
    view.setUint32(at, ((delta << 5) | type) >>> 0, true);
    if (type === PADDING && delta === 0) return end;
    if (type > 0 && type < PADDING) {
      const length = type << 2;
      this.swapRecord(view, at + 4, Math.min(length, end - at - 4));
      return at + 4 + length;
    }
    if (at + 8 > end) return end;
    swap32(view, at + 4);
    if (type > PADDING) return at + 8;
    const length = view.getUint32(at + 4, true);
    if (length < 4 || at + 4 + length > end) return end;
    if (type === 0) this.swapRecord(view, at + 8, length - 4);
    return at + 4 + ((length + 3) & ~3);
  }

  /** Turns the fields of one record round. */
  swapRecord(view: DataView, at: number, length: number): void {
    if (length < 2) return;
    const id = view.getUint16(at, false);
    let swap = this.swaps.get(id);
    if (swap === undefined) {
      swap = swapOf(this.formatOf(id), this.layout.commitSize);
      this.swaps.set(id, swap);
    }
    swap(view, at, length);
  }
}

/** All fields of a format, compiled to offsets. Of an unknown event only the common fields are turned round. */
function swapOf(format: EventFormat | undefined, longSize: number): RecordSwap {
  const words: { readonly offset: number; readonly size: number }[] = [];
  const dynamic: { readonly offset: number; readonly size: number; readonly relative: boolean }[] = [];
  for (const field of format?.fields ?? COMMON_FIELDS) {
    const size = elementSize(field, longSize);
    if (field.dynamic !== undefined) {
      words.push({ offset: field.offset, size: 4 });
      if (size > 1) dynamic.push({ offset: field.offset, size, relative: field.dynamic === 'rel_loc' });
    } else if (size > 1) {
      for (let at = 0; at + size <= field.size; at += size) words.push({ offset: field.offset + at, size });
    }
  }
  return (view, start, length) => {
    for (const { offset, size } of words) if (offset + size <= length) swapAt(view, start + offset, size);
    for (const { offset, size, relative } of dynamic) {
      if (offset + 4 > length) continue;
      // u16 length, u16 offset, the offset from the record's start or from behind this field.
      const place = view.getUint32(start + offset, true);
      const first = (place & 0xffff) + (relative ? offset + 4 : 0);
      const end = Math.min(first + (place >>> 16), length);
      for (let at = first; at + size <= end; at += size) swapAt(view, start + at, size);
    }
  };
}

const COMMON_FIELDS: readonly Pick<EventField, 'type' | 'offset' | 'size' | 'dynamic' | 'arrayLength'>[] = [
  { type: 'unsigned short', offset: 0, size: 2 },
  { type: 'int', offset: 4, size: 4 },
];

/** Bytes of what is turned round as one number: an element of an array, or the field; 1 for what stays as it is. */
function elementSize({ type, size, dynamic, arrayLength }: (typeof COMMON_FIELDS)[number], longSize: number): number {
  const element = type
    .replace(/^__(?:data|rel)_loc /, '')
    .replace(/\[\d*\]$/, '')
    .trim();
  const scalar = scalarType(element, longSize);
  if (dynamic !== undefined || arrayLength !== undefined) {
    // The format tells an array's whole size.
    if (scalar !== undefined) return scalar.size;
    const each = arrayLength ? size / arrayLength : 1;
    return isNumberSize(each) && !/^(?:const )?(?:struct|union) /.test(element) ? each : 1;
  }
  return isNumberSize(size) && !/^(?:const )?(?:struct|union) [^*]*$/.test(element) ? size : 1;
}

const isNumberSize = (size: number): boolean => size === 2 || size === 4 || size === 8;

function swapAt(view: DataView, at: number, size: number): void {
  if (size === 8) swap64(view, at);
  else if (size === 4) swap32(view, at);
  else view.setUint16(at, view.getUint16(at, false), true);
}

function swap32(view: DataView, at: number): void {
  view.setUint32(at, view.getUint32(at, false), true);
}

function swap64(view: DataView, at: number): void {
  const high = view.getUint32(at, false);
  view.setUint32(at, view.getUint32(at + 4, false), true);
  view.setUint32(at + 4, high, true);
}
