// How filters read fields of a record in linear memory. A record is 4-aligned, so its 8-byte fields are read as two
// halves; that also spares a BigInt for each. Fields that do not lie on their own size (damaged formats) are put together
// from bytes. A field that reaches over the record's end is as if it were not there.

import type { LinearMemory } from '../engine/memory.js';
import type { EventField } from './format.js';
import type { RecordPredicate } from './source.js';

export type NumberOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '&';

/**
 * Reads the text of a char array up to its NUL; the reader answers undefined where the record is too short for it.
 * Undefined for a pointer: the text that it points to is not in the record.
 */
export function stringReader(
  memory: LinearMemory,
  field: EventField,
): ((address: number, length: number) => string | undefined) | undefined {
  const { offset, size, dynamic } = field;
  if (dynamic !== undefined) {
    const base = dynamic === 'rel_loc' ? offset + 4 : 0;
    return (address, length) => {
      if (offset + 4 > length) return undefined;
      const location = unsigned(memory, address + offset, 4);
      const start = base + (location & 0xffff);
      const bytes = location >>> 16;
      return start + bytes > length ? undefined : text(memory, address + start, bytes);
    };
  }
  if (field.arrayLength === undefined) return undefined;
  return (address, length) => (offset + size > length ? undefined : text(memory, address + offset, size));
}

function text(memory: LinearMemory, start: number, size: number): string {
  const { u8 } = memory;
  let found = '';
  for (let at = start; at < start + size; at++) {
    const byte = u8[at]!;
    if (byte === 0) break;
    found += String.fromCharCode(byte);
  }
  return found;
}

/** Unsigned integer of 1, 2 or 4 bytes at any address. */
function unsigned(memory: LinearMemory, address: number, size: number): number {
  if (size === 4 && address % 4 === 0) return memory.u32[address >>> 2]!;
  if (size === 2 && address % 2 === 0) return memory.u16[address >>> 1]!;
  let value = 0;
  for (let at = size - 1; at >= 0; at--) value = value * 256 + memory.u8[address + at]!;
  return value;
}

/** Compares an integer field of 1, 2, 4 or 8 bytes with a constant, which is cut to the field's size. */
export function numberPredicate(
  memory: LinearMemory,
  field: Pick<EventField, 'offset' | 'size' | 'signed'>,
  operator: NumberOperator,
  value: bigint,
): RecordPredicate {
  const { offset, size, signed } = field;
  const end = offset + size;
  const cut = signed ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
  if (size === 8) return widePredicate(memory, offset, signed, operator, cut);
  const wanted = Number(cut);
  const shift = 32 - size * 8;
  const read = signed
    ? (address: number): number => (unsigned(memory, address + offset, size) << shift) >> shift
    : (address: number): number => unsigned(memory, address + offset, size);
  switch (operator) {
    case '==':
      return (address, length) => end <= length && read(address) === wanted;
    case '!=':
      return (address, length) => end <= length && read(address) !== wanted;
    case '<':
      return (address, length) => end <= length && read(address) < wanted;
    case '<=':
      return (address, length) => end <= length && read(address) <= wanted;
    case '>':
      return (address, length) => end <= length && read(address) > wanted;
    case '>=':
      return (address, length) => end <= length && read(address) >= wanted;
    case '&':
      return (address, length) => end <= length && (read(address) & wanted) !== 0;
  }
}

function widePredicate(
  memory: LinearMemory,
  offset: number,
  signed: boolean,
  operator: NumberOperator,
  value: bigint,
): RecordPredicate {
  const end = offset + 8;
  const wantedLow = Number(value & 0xffffffffn);
  const wantedHigh = Number(signed ? value >> 32n : BigInt.asUintN(32, value >> 32n));
  const low = (address: number): number => unsigned(memory, address + offset, 4);
  const high = signed
    ? (address: number): number => unsigned(memory, address + offset + 4, 4) | 0
    : (address: number): number => unsigned(memory, address + offset + 4, 4);
  /** Negative, 0 or positive as the field is less, equal or more. */
  const order = (address: number): number => high(address) - wantedHigh || low(address) - wantedLow;
  switch (operator) {
    case '==':
      return (address, length) => end <= length && order(address) === 0;
    case '!=':
      return (address, length) => end <= length && order(address) !== 0;
    case '<':
      return (address, length) => end <= length && order(address) < 0;
    case '<=':
      return (address, length) => end <= length && order(address) <= 0;
    case '>':
      return (address, length) => end <= length && order(address) > 0;
    case '>=':
      return (address, length) => end <= length && order(address) >= 0;
    case '&':
      return (address, length) =>
        end <= length && ((low(address) & wantedLow) !== 0 || (high(address) & wantedHigh) !== 0);
  }
}
