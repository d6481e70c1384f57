// Aggregation values: count, sum, min, max and, for quantize() and lquantize(), buckets.
//
// Buckets of quantize: number 64 is that of 0, 65 of 1, 66 of 2-3, 67 of 4-7, …, 63 of -1, 62 of -3 to -2, …
// Buckets of lquantize: 0 is everything below LOW, the last everything from HIGH on.

import {
  AGG_BUCKETED_SIZE,
  AGG_BUCKETS,
  AGG_BUCKET_COUNT,
  AGG_COUNT,
  AGG_HIGH,
  AGG_LOW,
  AGG_MAX,
  AGG_MIN,
  AGG_MODE,
  AGG_SIZE,
  AGG_STEP,
  AGG_SUM,
  BUCKETS_LINEAR,
  BUCKETS_NONE,
  BUCKETS_POWERS,
  E_AGGREGATION_SAMPLE,
  E_AGGREGATION_TARGET,
  E_LQUANTIZE,
  E_MEMORY,
  E_NIL_KEY,
  E_NONE,
  MAX_LINEAR_BUCKETS,
  POWER_BUCKETS,
  TAG_AGGREGATION,
  TAG_AGGREGATION_TABLE,
  TAG_INTEGER,
  TAG_NIL,
  TYPE_AGGREGATION,
  TYPE_AGGREGATION_TABLE,
  T_BUCKETS,
  T_HIGH,
  T_LOW,
  T_MODE,
  T_STEP,
} from './generated/constants';
import { allocateObject, allocateRaw } from './heap';
import { fail } from './operations';
import { findValue, newTable, slotFor } from './tables';
import { integerOf, refOf, setRef, tagOf } from './values';

function newAggregation(table: u32, sample: i64): u32 {
  const mode = load<i32>(table, T_MODE);
  const value = allocateObject(mode == BUCKETS_NONE ? AGG_SIZE : AGG_BUCKETED_SIZE, TYPE_AGGREGATION);
  if (value == 0) return 0;
  store<i64>(value, 0, AGG_COUNT);
  store<i64>(value, 0, AGG_SUM);
  store<i64>(value, sample, AGG_MIN);
  store<i64>(value, sample, AGG_MAX);
  store<u32>(value, 0, AGG_BUCKETS);
  if (mode == BUCKETS_NONE) return value;
  store<u16>(value, 1, 2);
  const count = load<u32>(table, T_BUCKETS);
  store<u32>(value, count, AGG_BUCKET_COUNT);
  store<i32>(value, mode, AGG_MODE);
  store<i64>(value, load<i64>(table, T_LOW), AGG_LOW);
  store<i64>(value, load<i64>(table, T_HIGH), AGG_HIGH);
  store<i64>(value, load<i64>(table, T_STEP), AGG_STEP);
  const buckets = allocateRaw(count << 3);
  if (buckets == 0) return 0;
  memory.fill(buckets, 0, count << 3);
  store<u32>(value, buckets, AGG_BUCKETS);
  return value;
}

function bucketOf(value: u32, sample: i64): u32 {
  if (load<i32>(value, AGG_MODE) == BUCKETS_POWERS) {
    if (sample > 0) return 128 - <u32>clz(<u64>sample);
    if (sample < 0) return <u32>clz(0 - <u64>sample);
    return 64;
  }
  const low = load<i64>(value, AGG_LOW);
  if (sample < low) return 0;
  if (sample >= load<i64>(value, AGG_HIGH)) return load<u32>(value, AGG_BUCKET_COUNT) - 1;
  return 1 + <u32>((<u64>sample - <u64>low) / load<u64>(value, AGG_STEP));
}

/** table[key] <<< sample */
export function addSample(table: u32, key: u32, sample: u32): i32 {
  const tag = tagOf(table);
  if (tag != TAG_AGGREGATION_TABLE) return fail(E_AGGREGATION_TARGET, tag, tagOf(key));
  const keyTag = tagOf(key);
  if (keyTag == TAG_NIL) return E_NIL_KEY;
  if (tagOf(sample) != TAG_INTEGER) return fail(E_AGGREGATION_SAMPLE, tagOf(sample), 0);
  const n = integerOf(sample);
  const found = findValue(refOf(table), keyTag, integerOf(key));
  let value: u32;
  if (found != 0) {
    value = refOf(found);
  } else {
    value = newAggregation(refOf(table), n);
    if (value == 0) return E_MEMORY;
    const slot = slotFor(refOf(table), keyTag, integerOf(key));
    if (slot == 0) return E_MEMORY;
    setRef(slot, TAG_AGGREGATION, value);
  }
  store<i64>(value, load<i64>(value, AGG_COUNT) + 1, AGG_COUNT);
  store<i64>(value, load<i64>(value, AGG_SUM) + n, AGG_SUM);
  if (n < load<i64>(value, AGG_MIN)) store<i64>(value, n, AGG_MIN);
  if (n > load<i64>(value, AGG_MAX)) store<i64>(value, n, AGG_MAX);
  const buckets = load<u32>(value, AGG_BUCKETS);
  if (buckets != 0) {
    const bucket = buckets + (bucketOf(value, n) << 3);
    store<u64>(bucket, load<u64>(bucket) + 1);
  }
  return E_NONE;
}

/** An aggregation table with power-of-two buckets; 0 when memory is short. */
export function newPowerTable(): u32 {
  const table = newTable(TYPE_AGGREGATION_TABLE);
  if (table == 0) return 0;
  store<i32>(table, BUCKETS_POWERS, T_MODE);
  store<u32>(table, POWER_BUCKETS, T_BUCKETS);
  return table;
}

/** Checks what lquantize was given: an error code. */
export function checkLinear(low: i64, high: i64, step: i64): i32 {
  if (step <= 0) return fail(E_LQUANTIZE, 0, 0);
  if (low >= high) return fail(E_LQUANTIZE, 1, 0);
  if ((<u64>high - <u64>low - 1) / <u64>step + 3 > <u64>MAX_LINEAR_BUCKETS) return fail(E_LQUANTIZE, 2, 0);
  return E_NONE;
}

/** An aggregation table with buckets of `step`; 0 when memory is short. */
export function newLinearTable(low: i64, high: i64, step: i64): u32 {
  const table = newTable(TYPE_AGGREGATION_TABLE);
  if (table == 0) return 0;
  store<i32>(table, BUCKETS_LINEAR, T_MODE);
  store<u32>(table, <u32>((<u64>high - <u64>low - 1) / <u64>step) + 3, T_BUCKETS);
  store<i64>(table, low, T_LOW);
  store<i64>(table, high, T_HIGH);
  store<i64>(table, step, T_STEP);
  return table;
}
