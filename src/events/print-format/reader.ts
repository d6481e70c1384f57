// The record that is being printed. Compiled expressions are closures over offsets; what changes from record to record is
// in this one object, which every compiled text owns for itself.

import { fromHalves, fromSignedHalves, type Integer } from './integers.js';

export class RecordReader {
  memory: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Address of the record in memory. */
  base = 0;
  length = 0;
  /** What the event is called in its text. */
  name = '';

  /** Goes to a record. The view is made anew only when the memory is another one (it grew). */
  set(memory: Uint8Array, address: number, length: number): void {
    if (this.memory !== memory) {
      this.memory = memory;
      this.view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    }
    this.base = address;
    this.length = length;
  }

  unsigned64(at: number): Integer {
    return fromHalves(this.view.getUint32(at + 4, true), this.view.getUint32(at, true));
  }

  signed64(at: number): Integer {
    return fromSignedHalves(this.view.getInt32(at + 4, true), this.view.getUint32(at, true));
  }

  /** The bytes from `at` to the first NUL, at most `limit` of them, as a byte string. */
  text(at: number, limit: number): string {
    const memory = this.memory;
    const stop = Math.min(at + limit, memory.length);
    let end = at;
    while (end < stop && memory[end] !== 0) end++;
    return bytesToText(memory, at, end);
  }
}

/** A range of bytes as a byte string. */
export function bytesToText(memory: Uint8Array, start: number, end: number): string {
  // Measured on Node 20: up to about 40 bytes the loop wins over the native conversion.
  if (end - start > 40) return Buffer.from(memory.buffer, memory.byteOffset + start, end - start).toString('latin1');
  let text = '';
  for (let at = start; at < end; at++) text += CHARS[memory[at]!];
  return text;
}

const CHARS: readonly string[] = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

/** Reads an integer of a size and a sign at an address of memory. */
export function integerAt(reader: RecordReader, at: number, size: number, signed: boolean): Integer {
  const view = reader.view;
  switch (size) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, true) : view.getUint16(at, true);
    case 4:
      return signed ? view.getInt32(at, true) : view.getUint32(at, true);
    default:
      return signed ? reader.signed64(at) : reader.unsigned64(at);
  }
}

/** A closure that reads an integer at a fixed offset of the record. */
export function fieldReader(offset: number, size: number, signed: boolean): (reader: RecordReader) => Integer {
  switch (size) {
    case 1:
      return signed ? (r) => r.view.getInt8(r.base + offset) : (r) => r.view.getUint8(r.base + offset);
    case 2:
      return signed ? (r) => r.view.getInt16(r.base + offset, true) : (r) => r.view.getUint16(r.base + offset, true);
    case 4:
      return signed ? (r) => r.view.getInt32(r.base + offset, true) : (r) => r.view.getUint32(r.base + offset, true);
    default:
      return signed ? (r) => r.signed64(r.base + offset) : (r) => r.unsigned64(r.base + offset);
  }
}
