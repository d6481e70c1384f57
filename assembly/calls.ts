// Calls: entering script functions, built-ins inside the interpreter, built-ins of the host.

import {
  AGG_COUNT,
  AGG_MAX,
  AGG_MIN,
  AGG_SUM,
  AT_CODE,
  AT_FRAMES_END,
  AT_TYPE_NAMES,
  BI_ID,
  CL_PROTOTYPE,
  E_ARGUMENT,
  E_CALL,
  E_DEPTH,
  E_EXIT,
  E_MEMORY,
  E_NONE,
  E_PUSHED,
  E_STACK,
  FIRST_HOST_BUILTIN,
  F_BASE,
  F_CALLEE,
  F_EXTRA,
  F_PC,
  F_RESULTS,
  F_SHIFT,
  F_SIZE,
  F_WANTED,
  IT_NEXT,
  IT_POSITION,
  IT_SIZE,
  IT_TABLE,
  I_SIZE,
  NATIVE_AVG,
  NATIVE_COUNT,
  NATIVE_DELETE,
  NATIVE_EXIT,
  NATIVE_LEN,
  NATIVE_LQUANTIZE,
  NATIVE_MAX,
  NATIVE_MIN,
  NATIVE_PAIRS,
  NATIVE_PTABLE,
  NATIVE_QUANTIZE,
  NATIVE_SORT_PAIRS,
  NATIVE_SUM,
  NATIVE_TABLE_NEW,
  NATIVE_TYPE,
  P_CALLS,
  P_IS_VARARG,
  P_PARAMETER_BYTES,
  P_REGISTER_BYTES,
  STR_LENGTH,
  S_ERROR_A,
  S_ERROR_B,
  S_ERROR_C,
  S_EXIT_CODE,
  S_FP,
  S_FRAME_LIMIT,
  S_ITERATORS,
  S_STACK_SOFT,
  S_TOP,
  TAG_AGGREGATION,
  TAG_AGGREGATION_TABLE,
  TAG_BUILTIN,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STRING,
  TAG_TABLE,
  TYPE_AGGREGATION_TABLE,
  TYPE_BUILTIN,
  TYPE_ITERATOR,
  TYPE_TABLE,
  T_COUNT,
} from './generated/constants';
import { checkLinear, newLinearTable, newPowerTable } from './aggregation';
import { raiseStackSoft } from './collector';
import { allocateObject } from './heap';
import { hostCall } from './host';
import { fail } from './operations';
import { newSorted, nextSorted } from './sort';
import { clearTable, newTable, nextPair, reserve, setIterated } from './tables';
import { copyUp, integerOf, refOf, setInteger, setNil, setRef, tagOf, typeOf } from './values';

/** Room that is kept above every frame for what built-ins and TFOR lay there. */
export const STACK_SLACK: u32 = 256;
/** Internal instructions (AT_CODE): CALL of the value at the stack's bottom, HALT, SORT. */
export const CODE_CALL: u32 = AT_CODE;
export const CODE_HALT: u32 = AT_CODE + I_SIZE;
export const CODE_SORT: u32 = AT_CODE + 2 * I_SIZE;
/** Names of types by tag, interned strings; filled by the host. */
export const TYPE_NAMES: u32 = AT_TYPE_NAMES;

/** Makes sure that the stack may be used up to `end`. */
// @ts-ignore: decorator
@inline
export function hasStack(end: u32): bool {
  return end + STACK_SLACK <= load<u32>(S_STACK_SOFT) || raiseStackSoft(end + STACK_SLACK);
}

/** Fills results up to the number wanted with nil, or notes where they end. */
// @ts-ignore: decorator
@inline
export function finishResults(results: u32, count: u32, wanted: i32): void {
  if (wanted < 0) {
    store<u32>(S_TOP, results + (count << 4));
    return;
  }
  for (let i = count; i < <u32>wanted; i++) setNil(results + (i << 4));
}

/** Sets a frame up for the closure in `slot` with `bytes` of arguments after it. */
export function enter(frame: u32, slot: u32, bytes: u32): i32 {
  const closure = refOf(slot);
  const prototype = load<u32>(closure, CL_PROTOTYPE);
  const parameters = load<u32>(prototype, P_PARAMETER_BYTES);
  const first = slot + 16;
  if (!hasStack(first + max(bytes, parameters) + load<u32>(prototype, P_REGISTER_BYTES))) return E_STACK;
  for (let at = bytes; at < parameters; at += 16) setNil(first + at);
  let base = first;
  let extra: u32 = 0;
  let shift: u32 = 0;
  if (load<u32>(prototype, P_IS_VARARG)) {
    shift = max(bytes, parameters);
    extra = shift - parameters;
    base = first + shift;
    copyUp(base, first, parameters);
  }
  store<u32>(frame, closure, F_CALLEE);
  store<u32>(frame, base, F_BASE);
  store<u32>(frame, load<u32>(prototype), F_PC);
  store<u32>(frame, extra, F_EXTRA);
  store<u32>(frame, shift, F_SHIFT);
  store<u32>(prototype, load<u32>(prototype, P_CALLS) + 1, P_CALLS);
  return E_NONE;
}

/**
 * Calls the value in `slot` with `bytes` of arguments after it. E_NONE: a built-in that is done, its results at
 * `results`; E_PUSHED: a frame was pushed, which will return to `next`; else an error. S_FP and the frame's PC are set.
 */
export function call(slot: u32, bytes: u32, results: u32, wanted: i32, next: u32): i32 {
  const tag = tagOf(slot);
  const fp = load<u32>(S_FP);
  if (tag == TAG_FUNCTION) {
    const frame = fp + F_SIZE;
    if (frame > load<u32>(S_FRAME_LIMIT)) return E_DEPTH;
    const code = enter(frame, slot, bytes);
    if (code != E_NONE) return code;
    store<u32>(frame, results, F_RESULTS);
    store<i32>(frame, wanted, F_WANTED);
    store<u32>(fp, next, F_PC);
    store<u32>(S_FP, frame);
    return E_PUSHED;
  }
  if (tag != TAG_BUILTIN) return fail(E_CALL, tag, 0);
  const builtin = refOf(slot);
  const type = typeOf(builtin);
  if (type == TYPE_BUILTIN) {
    const id = load<i32>(builtin, BI_ID);
    if (id >= FIRST_HOST_BUILTIN) {
      finishResults(results, hostCall(id, slot + 16, bytes, results), wanted);
      return E_NONE;
    }
    if (id == NATIVE_SORT_PAIRS) return sortPairs(slot, bytes, results, wanted, next);
    return native(id, slot, bytes, results, wanted);
  }
  let found: bool;
  if (type == TYPE_ITERATOR) found = advance(builtin, slot + 16, slot + 32);
  else found = nextSorted(builtin, slot + 16, slot + 32);
  copyUp(results, slot + 16, 32);
  finishResults(results, found ? 2 : 1, wanted);
  return E_NONE;
}

/** Next pair of a pairs iterator; key is nil at the end. `value` may be 0. */
export function advance(iterator: u32, key: u32, value: u32): bool {
  const position = nextPair(load<u32>(iterator, IT_TABLE), load<u32>(iterator, IT_POSITION), key, value);
  if (position == 0) {
    setNil(key);
    return false;
  }
  store<u32>(iterator, position, IT_POSITION);
  return true;
}

// ---- built-ins of the interpreter

// @ts-ignore: decorator
@inline
function argumentTag(slot: u32, bytes: u32, number: u32): i32 {
  return bytes >= number << 4 ? tagOf(slot + (number << 4)) : TAG_NIL;
}

function badArgument(id: i32, slot: u32, bytes: u32, number: u32): i32 {
  store<i32>(S_ERROR_A, id);
  store<i32>(S_ERROR_B, number);
  store<i32>(S_ERROR_C, argumentTag(slot, bytes, number));
  return E_ARGUMENT;
}

// @ts-ignore: decorator
@inline
function isTable(tag: i32): bool {
  return tag == TAG_TABLE || tag == TAG_AGGREGATION_TABLE;
}

function native(id: i32, slot: u32, bytes: u32, results: u32, wanted: i32): i32 {
  const first = slot + 16;
  const tag = argumentTag(slot, bytes, 1);
  let count: u32 = 1;
  switch (id) {
    case NATIVE_LEN:
      if (isTable(tag)) setInteger(results, load<u32>(refOf(first), T_COUNT));
      else if (tag == TAG_STRING) setInteger(results, load<u32>(refOf(first), STR_LENGTH));
      else return badArgument(id, slot, bytes, 1);
      break;
    case NATIVE_PAIRS: {
      if (!isTable(tag)) return badArgument(id, slot, bytes, 1);
      const iterator = allocateObject(IT_SIZE, TYPE_ITERATOR);
      if (iterator == 0) return E_MEMORY;
      const table = refOf(first);
      store<u32>(iterator, table, IT_TABLE);
      store<u32>(iterator, 0, IT_POSITION);
      store<u32>(iterator, load<u32>(S_ITERATORS), IT_NEXT);
      store<u32>(S_ITERATORS, iterator);
      setIterated(table);
      setRef(results + 16, tag, table);
      setRef(results, TAG_BUILTIN, iterator);
      setNil(results + 32);
      count = 3;
      break;
    }
    case NATIVE_DELETE:
      if (!isTable(tag)) return badArgument(id, slot, bytes, 1);
      clearTable(refOf(first));
      count = 0;
      break;
    case NATIVE_TYPE:
      setRef(results, TAG_STRING, load<u32>(TYPE_NAMES + (<u32>tag << 2)));
      break;
    case NATIVE_TABLE_NEW: {
      for (let number: u32 = 1; number <= 2; number++) {
        const tag = argumentTag(slot, bytes, number);
        if (tag == TAG_NIL) continue;
        if (tag != TAG_INTEGER || integerOf(slot + (number << 4)) < 0) return badArgument(id, slot, bytes, number);
        if (integerOf(slot + (number << 4)) > 0x7fffffff) return E_MEMORY;
      }
      const positions = tag == TAG_NIL ? 0 : <u32>integerOf(first);
      const pairs = argumentTag(slot, bytes, 2) == TAG_NIL ? 0 : <u32>integerOf(first + 16);
      const table = newTable(TYPE_TABLE);
      if (table == 0 || !reserve(table, positions, pairs)) return E_MEMORY;
      setRef(results, TAG_TABLE, table);
      break;
    }
    case NATIVE_PTABLE:
    case NATIVE_QUANTIZE: {
      const table = id == NATIVE_PTABLE ? newTable(TYPE_AGGREGATION_TABLE) : newPowerTable();
      if (table == 0) return E_MEMORY;
      setRef(results, TAG_AGGREGATION_TABLE, table);
      break;
    }
    case NATIVE_LQUANTIZE: {
      for (let number: u32 = 1; number <= 3; number++) {
        if (argumentTag(slot, bytes, number) != TAG_INTEGER) return badArgument(id, slot, bytes, number);
      }
      const low = integerOf(first);
      const high = integerOf(first + 16);
      const step = integerOf(first + 32);
      const code = checkLinear(low, high, step);
      if (code != E_NONE) return code;
      const table = newLinearTable(low, high, step);
      if (table == 0) return E_MEMORY;
      setRef(results, TAG_AGGREGATION_TABLE, table);
      break;
    }
    case NATIVE_COUNT:
    case NATIVE_SUM:
    case NATIVE_AVG:
    case NATIVE_MIN:
    case NATIVE_MAX:
      if (tag == TAG_AGGREGATION) setInteger(results, figure(id, refOf(first)));
      else if (tag == TAG_NIL) setInteger(results, 0);
      else return badArgument(id, slot, bytes, 1);
      break;
    case NATIVE_EXIT:
      if (tag == TAG_NIL) store<i32>(S_EXIT_CODE, 0);
      else if (tag == TAG_INTEGER) store<i32>(S_EXIT_CODE, <i32>integerOf(first));
      else return badArgument(id, slot, bytes, 1);
      return E_EXIT;
    default:
      return fail(E_CALL, TAG_BUILTIN, 0);
  }
  finishResults(results, count, wanted);
  return E_NONE;
}

function figure(id: i32, value: u32): i64 {
  switch (id) {
    case NATIVE_COUNT:
      return load<i64>(value, AGG_COUNT);
    case NATIVE_SUM:
      return load<i64>(value, AGG_SUM);
    case NATIVE_MIN:
      return load<i64>(value, AGG_MIN);
    case NATIVE_MAX:
      return load<i64>(value, AGG_MAX);
    default:
      // A value exists only with at least one sample.
      return load<i64>(value, AGG_SUM) / load<i64>(value, AGG_COUNT);
  }
}

/** Pushes the frame under which a table is sorted (sort.ts). */
function sortPairs(slot: u32, bytes: u32, results: u32, wanted: i32, next: u32): i32 {
  const comparator = argumentTag(slot, bytes, 2);
  if (!isTable(argumentTag(slot, bytes, 1))) return badArgument(NATIVE_SORT_PAIRS, slot, bytes, 1);
  if (comparator != TAG_NIL && comparator != TAG_FUNCTION && comparator != TAG_BUILTIN) {
    return badArgument(NATIVE_SORT_PAIRS, slot, bytes, 2);
  }
  const fp = load<u32>(S_FP);
  const frame = fp + F_SIZE;
  if (frame + F_SIZE > AT_FRAMES_END) return E_DEPTH;
  if (!hasStack(slot + 128)) return E_STACK;
  const sorted = newSorted(refOf(slot + 16), comparator != TAG_NIL);
  if (sorted == 0) return E_MEMORY;
  // Frames of sorts do not count as script calls.
  store<u32>(S_FRAME_LIMIT, load<u32>(S_FRAME_LIMIT) + F_SIZE);
  store<u32>(frame, sorted, F_CALLEE);
  store<u32>(frame, slot, F_BASE);
  store<u32>(frame, CODE_SORT, F_PC);
  store<u32>(frame, results, F_RESULTS);
  store<i32>(frame, wanted, F_WANTED);
  store<u32>(frame, 0, F_EXTRA);
  store<u32>(frame, 0, F_SHIFT);
  store<u32>(fp, next, F_PC);
  store<u32>(S_FP, frame);
  return E_PUSHED;
}

/** The sort of the top frame is done: its results go to the caller. */
export function finishSort(): void {
  const frame = load<u32>(S_FP);
  const base = load<u32>(frame, F_BASE);
  const results = load<u32>(frame, F_RESULTS);
  const tag = tagOf(base + 16);
  const table = refOf(base + 16);
  setRef(results, TAG_BUILTIN, load<u32>(frame, F_CALLEE));
  setRef(results + 16, tag, table);
  setNil(results + 32);
  store<u32>(S_FRAME_LIMIT, load<u32>(S_FRAME_LIMIT) - F_SIZE);
  store<u32>(S_FP, frame - F_SIZE);
  finishResults(results, 3, load<i32>(frame, F_WANTED));
}
