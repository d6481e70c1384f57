// sort_pairs: a stable merge sort, bottom up, whose state lives in a heap object (SORTED) under a frame of its own. When
// it needs the comparator it stops, the comparator runs as an ordinary call, and its RETURN goes on with the internal
// instruction SORT: no native recursion, and a budget or an error in the comparator is nothing special.
//
// The frame's registers: R[0] sort_pairs itself, R[1] the table, R[2] the comparator, from R[3] on the comparator's call.
// Once sorted, the same object is the iterator that walks the pairs.

import {
  E_NONE,
  E_SORT_COMPARE,
  E_SPENT,
  AGG_COUNT,
  SO_COUNT,
  SO_CUSTOM,
  SO_HIGH,
  SO_LEFT,
  SO_LOW,
  SO_MIDDLE,
  SO_OUT,
  SO_PAIRS,
  SO_PHASE,
  SO_POSITION,
  SO_RIGHT,
  SO_SIZE,
  SO_SOURCE,
  SO_TARGET,
  SO_WIDTH,
  S_TICKS,
  TAG_AGGREGATION,
  TAG_INTEGER,
  TAG_STRING,
  TYPE_SORTED,
  T_COUNT,
} from './generated/constants';
import { allocateObject, allocateRaw, freeRaw } from './heap';
import { fail, isTrue } from './operations';
import { compareStrings } from './strings';
import { nextPair } from './tables';
import { copyValue, integerOf, refOf, setNil, tagOf } from './values';

/** Phases. */
const START: u32 = 0;
const MERGING: u32 = 1;
/** The comparator has been called; its result is in R[3]. */
const ASKED: u32 = 2;
const SORTED: u32 = 3;

/** Answer of `sortStep`: the comparator's call stands ready from R[3] on. */
export const CALL_COMPARATOR: i32 = -1;

/** A copy of a table's pairs, to be sorted; 0 when memory is short. */
export function newSorted(table: u32, isCustom: bool): u32 {
  const sorted = allocateObject(SO_SIZE, TYPE_SORTED);
  if (sorted == 0) return 0;
  for (let offset: u32 = SO_COUNT; offset < <u32>SO_SIZE; offset += 4) store<u32>(sorted + offset, 0);
  const n = load<u32>(table, T_COUNT);
  store<u32>(sorted, n, SO_COUNT);
  store<u32>(sorted, <u32>isCustom, SO_CUSTOM);
  const pairs = allocateRaw(n << 5);
  if (pairs == 0) return 0;
  let position: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const pair = pairs + (i << 5);
    position = nextPair(table, position, pair, pair + 16);
  }
  store<u32>(sorted, pairs, SO_PAIRS);
  const source = allocateRaw(n << 2);
  if (source == 0) return 0;
  store<u32>(sorted, source, SO_SOURCE);
  for (let i: u32 = 0; i < n; i++) store<u32>(source + (i << 2), i);
  const target = allocateRaw(n << 2);
  if (target == 0) return 0;
  store<u32>(sorted, target, SO_TARGET);
  return sorted;
}

/** Address of the value of the pair that slot `at` of an order names. */
// @ts-ignore: decorator
@inline
function valueAt(pairs: u32, order: u32, at: u32): u32 {
  return pairs + (load<u32>(order + (at << 2)) << 5) + 16;
}

/** Without a comparator: 1 if a comes before b, 0 if not, minus an error code. */
// @ts-ignore: decorator
@inline
function isBefore(a: u32, b: u32): i32 {
  const tag = tagOf(a);
  if (tag == tagOf(b)) {
    if (tag == TAG_INTEGER) return <i32>(integerOf(a) < integerOf(b));
    if (tag == TAG_STRING) return <i32>(compareStrings(refOf(a), refOf(b)) < 0);
    if (tag == TAG_AGGREGATION) return <i32>(load<i64>(refOf(a), AGG_COUNT) < load<i64>(refOf(b), AGG_COUNT));
  }
  return -fail(E_SORT_COMPARE, tag, tagOf(b));
}

/**
 * Goes on sorting. E_NONE: sorted; CALL_COMPARATOR; E_SPENT: at a safepoint, call again; else an error. `base` is the
 * address of the frame's R[0].
 */
export function sortStep(sorted: u32, base: u32): i32 {
  const n = load<u32>(sorted, SO_COUNT);
  const pairs = load<u32>(sorted, SO_PAIRS);
  const isCustom = load<u32>(sorted, SO_CUSTOM) != 0;
  let source = load<u32>(sorted, SO_SOURCE);
  let target = load<u32>(sorted, SO_TARGET);
  let width = load<u32>(sorted, SO_WIDTH);
  let low = load<u32>(sorted, SO_LOW);
  let middle = load<u32>(sorted, SO_MIDDLE);
  let high = load<u32>(sorted, SO_HIGH);
  let left = load<u32>(sorted, SO_LEFT);
  let right = load<u32>(sorted, SO_RIGHT);
  let out = load<u32>(sorted, SO_OUT);
  let phase = load<u32>(sorted, SO_PHASE);
  let code: i32 = E_NONE;
  if (phase == START) {
    width = 1;
    middle = min(1, n);
    right = middle;
    high = min(2, n);
    phase = MERGING;
  }
  if (phase == MERGING || phase == ASKED) {
    while (width < n) {
      if (left < middle && right < high) {
        let takesRight = false;
        if (phase == ASKED) {
          takesRight = isTrue(base + 48);
          phase = MERGING;
        } else if (isCustom) {
          copyValue(base + 48, base + 32);
          copyValue(base + 64, valueAt(pairs, source, right));
          copyValue(base + 80, valueAt(pairs, source, left));
          phase = ASKED;
          code = CALL_COMPARATOR;
          break;
        } else {
          const order = isBefore(valueAt(pairs, source, right), valueAt(pairs, source, left));
          if (order < 0) return -order;
          takesRight = order != 0;
        }
        const from = takesRight ? right++ : left++;
        store<u32>(target + (out++ << 2), load<u32>(source + (from << 2)));
        if (!isCustom) {
          // After the step, so that each entry makes progress however small the budget. A comparator's call ticks itself.
          const ticks = load<i32>(S_TICKS) - 1;
          store<i32>(S_TICKS, ticks);
          if (ticks < 0) {
            code = E_SPENT;
            break;
          }
        }
        continue;
      }
      while (left < middle) store<u32>(target + (out++ << 2), load<u32>(source + (left++ << 2)));
      while (right < high) store<u32>(target + (out++ << 2), load<u32>(source + (right++ << 2)));
      low = high;
      if (low >= n) {
        const swap = source;
        source = target;
        target = swap;
        width <<= 1;
        low = 0;
        out = 0;
      }
      left = low;
      middle = min(low + width, n);
      right = middle;
      high = min(middle + width, n);
    }
    if (code == E_NONE) phase = SORTED;
  }
  store<u32>(sorted, source, SO_SOURCE);
  store<u32>(sorted, target, SO_TARGET);
  store<u32>(sorted, width, SO_WIDTH);
  store<u32>(sorted, low, SO_LOW);
  store<u32>(sorted, middle, SO_MIDDLE);
  store<u32>(sorted, high, SO_HIGH);
  store<u32>(sorted, left, SO_LEFT);
  store<u32>(sorted, right, SO_RIGHT);
  store<u32>(sorted, out, SO_OUT);
  store<u32>(sorted, phase, SO_PHASE);
  return code;
}

/** Next pair of a sorted copy → key, value (0: not wanted); false at the end, which also frees the copy. */
export function nextSorted(sorted: u32, key: u32, value: u32): bool {
  const position = load<u32>(sorted, SO_POSITION);
  const n = load<u32>(sorted, SO_COUNT);
  const pairs = load<u32>(sorted, SO_PAIRS);
  if (position < n) {
    const pair = pairs + (load<u32>(load<u32>(sorted, SO_SOURCE) + (position << 2)) << 5);
    store<u32>(sorted, position + 1, SO_POSITION);
    copyValue(key, pair);
    if (value != 0) copyValue(value, pair + 16);
    return true;
  }
  if (pairs != 0) {
    freeRaw(pairs, n << 5);
    freeRaw(load<u32>(sorted, SO_SOURCE), n << 2);
    freeRaw(load<u32>(sorted, SO_TARGET), n << 2);
    store<u32>(sorted, 0, SO_PAIRS);
    store<u32>(sorted, 0, SO_SOURCE);
    store<u32>(sorted, 0, SO_TARGET);
    store<u32>(sorted, 0, SO_COUNT);
    store<u32>(sorted, 0, SO_POSITION);
  }
  setNil(key);
  return false;
}
