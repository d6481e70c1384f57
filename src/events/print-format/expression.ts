// What an expression of a print fmt compiles to: closures over the record, with what is known of its type.

import type { ScalarType } from '../c-types.js';
import { convert, type Integer } from './integers.js';
import type { RecordReader } from './reader.js';

/** Bytes of the record that an expression stands for: an array, a dynamic array, or a field whose address is taken. */
export interface Bytes {
  /** Absolute address in memory. */
  readonly at: (reader: RecordReader) => number;
  readonly size: (reader: RecordReader) => number;
  /** Type of one element. */
  readonly element: ScalarType;
}

export interface Expression {
  /** Type of the value; for strings and arrays that of a pointer. */
  readonly type: ScalarType;
  readonly value: (reader: RecordReader) => Integer;
  /** The value does not depend on the record. */
  readonly constant?: Integer;
  /** The expression is a string. */
  readonly text?: (reader: RecordReader) => string;
  /** The expression is an array. */
  readonly bytes?: Bytes;
  /** The expression is a field: what `&` gives. */
  readonly place?: Bytes;
  /** Pointers: bytes of what it points to, for arithmetic. */
  readonly step?: number;
  /** Local array of strings in a statement expression. */
  readonly strings?: readonly string[];
  /** Members of a local struct or union in a statement expression. */
  readonly members?: ReadonlyMap<string, Expression>;
}

export function constantOf(value: Integer, type: ScalarType): Expression {
  const converted = convert(value, type.size, type.signed);
  return { type, value: () => converted, constant: converted };
}

export const POINTER: ScalarType = { size: 8, signed: false, pointer: true };

/** A string expression. Its value is the address of something, so it is true. */
export function textOf(text: (reader: RecordReader) => string): Expression {
  return { type: POINTER, value: () => 1, text };
}

/** The values of `type` are all values of an integer of `size` and `signed`: no conversion is needed. */
export function fits(type: ScalarType, size: number, signed: boolean): boolean {
  if (type.size === size) return type.signed === signed;
  return type.size < size && (signed || !type.signed);
}

/** A closure for the value of an expression as an integer of another type. */
export function converted(expression: Expression, size: number, signed: boolean): (reader: RecordReader) => Integer {
  const { value, type, constant } = expression;
  if (constant !== undefined) {
    const result = convert(constant, size, signed);
    return () => result;
  }
  if (fits(type, size, signed)) return value;
  return (reader) => convert(value(reader), size, signed);
}
