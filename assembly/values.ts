// Reading and writing values (16 bytes: tag, payload; see src/engine/layout.ts) and the type byte of objects.
//
// A tag is always read and written as 4 bytes and a payload as 8: mixing widths would stop the processor's store
// forwarding, which costs more than the copy.

import { PAYLOAD, TAG_INTEGER, TAG_NIL, VALUE_SIZE } from './generated/constants';

// @ts-ignore: decorator
@inline
export function tagOf(value: u32): i32 {
  return load<i32>(value);
}

// @ts-ignore: decorator
@inline
export function integerOf(value: u32): i64 {
  return load<i64>(value, PAYLOAD);
}

// @ts-ignore: decorator
@inline
export function refOf(value: u32): u32 {
  return load<u32>(value, PAYLOAD);
}

// @ts-ignore: decorator
@inline
export function setNil(value: u32): void {
  store<i32>(value, TAG_NIL);
}

// @ts-ignore: decorator
@inline
export function setInteger(value: u32, n: i64): void {
  store<i32>(value, TAG_INTEGER);
  store<i64>(value, n, PAYLOAD);
}

// @ts-ignore: decorator
@inline
export function setRef(value: u32, tag: i32, ref: u32): void {
  store<i32>(value, tag);
  store<i64>(value, <i64>ref, PAYLOAD);
}

// @ts-ignore: decorator
@inline
export function copyValue(to: u32, from: u32): void {
  store<i32>(to, load<i32>(from));
  store<i64>(to, load<i64>(from, PAYLOAD), PAYLOAD);
}

/** Moves values of `bytes` bytes to a lower or distant address. */
// @ts-ignore: decorator
@inline
export function copyUp(to: u32, from: u32, bytes: u32): void {
  for (let offset: u32 = 0; offset < bytes; offset += VALUE_SIZE) copyValue(to + offset, from + offset);
}

/** Type byte of a heap object. */
// @ts-ignore: decorator
@inline
export function typeOf(object: u32): i32 {
  return <i32>load<u8>(object);
}
