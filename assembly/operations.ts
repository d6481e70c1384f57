// What an instruction does when its fast path does not hold: nil, mixed types, misses, errors. Each answers an error
// code (0: done), with the tags that the message needs in ERROR_A and ERROR_B.

import {
  E_AGGREGATION_INCREMENT,
  E_AGGREGATION_STORE,
  E_ARITHMETIC,
  E_COMPARE,
  E_COMPOUND_NIL,
  E_CONCAT,
  E_DIVISION_BY_ZERO,
  E_FOR_NUMBER,
  E_FOR_STEP,
  E_INDEX,
  E_MEMORY,
  E_NEGATIVE_EXPONENT,
  E_NIL_KEY,
  E_NONE,
  OP_ADD,
  OP_DIV,
  OP_MOD,
  OP_MUL,
  OP_SUB,
  S_ERROR_A,
  S_ERROR_B,
  S_GLOBALS,
  TAG_AGGREGATION_TABLE,
  TAG_FALSE,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STRING,
  TAG_TABLE,
} from './generated/constants';
import { compareStrings, concatenate } from './strings';
import { findValue, removeKey, slotFor } from './tables';
import { copyValue, integerOf, refOf, setInteger, setNil, tagOf } from './values';

export function fail(code: i32, a: i32, b: i32): i32 {
  store<i32>(S_ERROR_A, a);
  store<i32>(S_ERROR_B, b);
  return code;
}

// ---- numbers

/** to = left op right. `mode` is the opcode, + 256 in a compound assignment. */
export function arithmetic(mode: u32, to: u32, left: u32, right: u32): i32 {
  const tagL = tagOf(left);
  const tagR = tagOf(right);
  let a: i64 = 0;
  if (tagL == TAG_INTEGER) a = integerOf(left);
  if (tagL != TAG_INTEGER || tagR != TAG_INTEGER) {
    if (mode & 256) {
      if (tagR == TAG_NIL) return fail(E_COMPOUND_NIL, tagL, tagR);
      if (tagR != TAG_INTEGER || (tagL != TAG_NIL && tagL != TAG_INTEGER)) return fail(E_ARITHMETIC, tagL, tagR);
    } else {
      if ((tagL != TAG_NIL && tagL != TAG_INTEGER) || (tagR != TAG_NIL && tagR != TAG_INTEGER)) {
        return fail(E_ARITHMETIC, tagL, tagR);
      }
      setNil(to);
      return E_NONE;
    }
  }
  const b = integerOf(right);
  switch (mode & 255) {
    case OP_ADD:
      setInteger(to, a + b);
      return E_NONE;
    case OP_SUB:
      setInteger(to, a - b);
      return E_NONE;
    case OP_MUL:
      setInteger(to, a * b);
      return E_NONE;
    case OP_DIV:
      if (b == 0) return E_DIVISION_BY_ZERO;
      setInteger(to, b == -1 ? 0 - a : a / b);
      return E_NONE;
    case OP_MOD:
      if (b == 0) return E_DIVISION_BY_ZERO;
      setInteger(to, b == -1 ? 0 : a % b);
      return E_NONE;
    default: {
      if (b < 0) return E_NEGATIVE_EXPONENT;
      let result: i64 = 1;
      let factor = a;
      for (let rest = <u64>b; rest != 0; rest >>>= 1) {
        if (rest & 1) result *= factor;
        factor *= factor;
      }
      setInteger(to, result);
      return E_NONE;
    }
  }
}

/** a / b for b > 0, with a 32-bit division where that does: it takes a third of the time. */
// @ts-ignore: decorator
@inline
export function divide(a: i64, b: i64): i64 {
  return <u64>(a | b) <= 0xffffffff ? <i64>(<u32>a / <u32>b) : a / b;
}

// @ts-ignore: decorator
@inline
export function remainder(a: i64, b: i64): i64 {
  return <u64>(a | b) <= 0xffffffff ? <i64>(<u32>a % <u32>b) : a % b;
}

export function negate(to: u32, from: u32): i32 {
  const tag = tagOf(from);
  if (tag == TAG_INTEGER) setInteger(to, 0 - integerOf(from));
  else if (tag == TAG_NIL) setNil(to);
  else return fail(E_ARITHMETIC, tag, -1);
  return E_NONE;
}

/** start, limit and step at `at` → number of further rounds instead of the limit, and the variable. -1: no round. */
export function prepareLoop(at: u32): i32 {
  for (let i = 0; i < 3; i++) {
    const tag = tagOf(at + (i << 4));
    if (tag != TAG_INTEGER) return fail(E_FOR_NUMBER, tag, i);
  }
  const start = integerOf(at);
  const limit = integerOf(at + 16);
  const step = integerOf(at + 32);
  if (step == 0) return E_FOR_STEP;
  let rounds: u64;
  if (step > 0) {
    if (start > limit) return -1;
    rounds = (<u64>limit - <u64>start) / <u64>step;
  } else {
    if (start < limit) return -1;
    // 0 - step is right as unsigned also for the smallest integer.
    rounds = (<u64>start - <u64>limit) / (0 - <u64>step);
  }
  setInteger(at + 16, <i64>rounds);
  setInteger(at + 48, start);
  return E_NONE;
}

// ---- comparison

/** Values are equal when tags are and, from integers on, payloads are. */
export function equal(a: u32, b: u32): bool {
  const tag = tagOf(a);
  return tag == tagOf(b) && (tag < TAG_INTEGER || integerOf(a) == integerOf(b));
}

/** 1 if a < b (or a <= b), 0 if not; negative: minus an error code. */
export function compare(a: u32, b: u32, orEqual: bool): i32 {
  const tagA = tagOf(a);
  const tagB = tagOf(b);
  if (tagA == TAG_INTEGER && tagB == TAG_INTEGER) {
    return orEqual ? <i32>(integerOf(a) <= integerOf(b)) : <i32>(integerOf(a) < integerOf(b));
  }
  if (tagA == TAG_STRING && tagB == TAG_STRING) {
    const order = compareStrings(refOf(a), refOf(b));
    return orEqual ? <i32>(order <= 0) : <i32>(order < 0);
  }
  if (tagA == TAG_NIL || tagB == TAG_NIL) return 0;
  return -fail(E_COMPARE, tagA, tagB);
}

// ---- strings

export function concat(to: u32, from: u32, last: u32): i32 {
  for (let at = from; at <= last; at += 16) {
    const tag = tagOf(at);
    if (tag != TAG_STRING && tag != TAG_INTEGER) return fail(E_CONCAT, tag, (at - from) >>> 4);
  }
  return concatenate(to, from, last) ? E_NONE : E_MEMORY;
}

// ---- tables

/** to = table[key] */
export function getIndex(to: u32, table: u32, key: u32): i32 {
  const tag = tagOf(table);
  if (tag != TAG_TABLE && tag != TAG_AGGREGATION_TABLE) return fail(E_INDEX, tag, tagOf(key));
  const value = findValue(refOf(table), tagOf(key), integerOf(key));
  if (value == 0) setNil(to);
  else copyValue(to, value);
  return E_NONE;
}

/** table[key] = value */
export function setIndex(table: u32, key: u32, value: u32): i32 {
  const tag = tagOf(table);
  const keyTag = tagOf(key);
  if (tag != TAG_TABLE) {
    if (tag != TAG_AGGREGATION_TABLE) return fail(E_INDEX, tag, keyTag);
    if (tagOf(value) != TAG_NIL) return E_AGGREGATION_STORE;
  }
  if (keyTag == TAG_NIL) return E_NIL_KEY;
  if (tagOf(value) == TAG_NIL) {
    return removeKey(refOf(table), keyTag, integerOf(key)) ? E_NONE : E_MEMORY;
  }
  const slot = slotFor(refOf(table), keyTag, integerOf(key));
  if (slot == 0) return E_MEMORY;
  copyValue(slot, value);
  return E_NONE;
}

/** table[key] += value, where nil counts as 0 on the left and is an error on the right. */
export function incrementIndex(table: u32, key: u32, value: u32): i32 {
  const tag = tagOf(table);
  const keyTag = tagOf(key);
  if (tag != TAG_TABLE) {
    return tag == TAG_AGGREGATION_TABLE ? E_AGGREGATION_INCREMENT : fail(E_INDEX, tag, keyTag);
  }
  if (keyTag == TAG_NIL) return E_NIL_KEY;
  const valueTag = tagOf(value);
  const found = findValue(refOf(table), keyTag, integerOf(key));
  const old = found == 0 ? TAG_NIL : tagOf(found);
  if (valueTag == TAG_NIL) return fail(E_COMPOUND_NIL, old, valueTag);
  if (valueTag != TAG_INTEGER || (old != TAG_INTEGER && old != TAG_NIL)) return fail(E_ARITHMETIC, old, valueTag);
  if (found != 0) {
    setInteger(found, integerOf(found) + integerOf(value));
    return E_NONE;
  }
  const slot = slotFor(refOf(table), keyTag, integerOf(key));
  if (slot == 0) return E_MEMORY;
  copyValue(slot, value);
  return E_NONE;
}

/** The same on a global, named by a constant. */
export function incrementGlobal(key: u32, value: u32): i32 {
  const globals = load<u32>(S_GLOBALS);
  const found = findValue(globals, TAG_STRING, integerOf(key));
  const old = found == 0 ? TAG_NIL : tagOf(found);
  const valueTag = tagOf(value);
  if (valueTag == TAG_NIL) return fail(E_COMPOUND_NIL, old, valueTag);
  if (valueTag != TAG_INTEGER || (old != TAG_INTEGER && old != TAG_NIL)) return fail(E_ARITHMETIC, old, valueTag);
  const slot = slotFor(globals, TAG_STRING, integerOf(key));
  if (slot == 0) return E_MEMORY;
  setInteger(slot, old == TAG_NIL ? integerOf(value) : integerOf(slot) + integerOf(value));
  return E_NONE;
}

/** Truth of a value. */
// @ts-ignore: decorator
@inline
export function isTrue(value: u32): bool {
  return tagOf(value) > TAG_FALSE;
}
