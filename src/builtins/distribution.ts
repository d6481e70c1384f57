// The layout that histogram, print_hist and the distributions of quantize and lquantize share:
//
//                           value ------------- Distribution ------------- count
//                             key |@@@@@@@@@@@@@                          3
//
// The key takes 32 columns, right-aligned; the bar 39; the number 7, left-aligned.

import type { AggregationValue, Integer } from '../engine/values.js';
import { exactSum, scaled } from './integers.js';

const KEY_WIDTH = 32;
/** Bytes that stay of a key that is too wide; `...` follows. */
const CUT_KEY = 28;
const BAR_WIDTH = 39;
const COUNT_WIDTH = 7;
const SPACES = ' '.repeat(BAR_WIDTH);
const BAR = '@'.repeat(BAR_WIDTH);

export const DISTRIBUTION_HEADER = `${'value '.padStart(KEY_WIDTH)}------------- Distribution ------------- count`;
/** The row that stands for those that are not shown. */
export const MORE_ROWS = `${'...'.padStart(KEY_WIDTH)} |`;

/** One row; `total` is what the full bar stands for. */
export function distributionRow(key: string, value: Integer, total: Integer): string {
  const shown = key.length > KEY_WIDTH ? `${key.slice(0, CUT_KEY)}...` : key;
  // Negative numbers beside positive ones can make a part larger than the whole; the bar still ends at its column.
  const width = total === 0 ? 0 : Math.max(0, Math.min(BAR_WIDTH, scaled(BAR_WIDTH, value, total)));
  return `${shown.padStart(KEY_WIDTH)} |${BAR.slice(0, width)}${SPACES.slice(width)}${String(value).padEnd(COUNT_WIDTH)}`;
}

interface Bucket {
  readonly label: string;
  readonly count: Integer;
}

/** Header and rows of a value of quantize() or lquantize(). */
export function distributionText(value: AggregationValue): string[] {
  const counts = new Map<bigint, Integer>();
  const { range } = value;
  for (const { low, count } of value.buckets ?? []) {
    if (count === 0) continue;
    const place = range === undefined ? powerPlace(BigInt(low)) : linearPlace(BigInt(low), range);
    counts.set(place, count);
  }
  const lines = [DISTRIBUTION_HEADER];
  if (counts.size === 0) return lines;
  const places = [...counts.keys()];
  let first = places[0]!;
  let last = first;
  for (const place of places) {
    if (place < first) first = place;
    if (place > last) last = place;
  }
  const [lowest, highest] = range === undefined ? [-64n, 63n] : [-1n, linearPlace(BigInt(range.high), range)];
  const total = exactSum(counts.values());
  const rows: Bucket[] = [];
  for (let place = first - 1n; place <= last + 1n; place++) {
    if (place < lowest || place > highest) continue;
    rows.push({
      label: range === undefined ? powerLabel(place) : linearLabel(place, range),
      count: counts.get(place) ?? 0,
    });
  }
  for (const { label, count } of rows) lines.push(distributionRow(label, count, total));
  return lines;
}

/** Place of a bucket of quantize in rising order: 0 for 0, k for 2^(k-1), -k for -2^(k-1). */
function powerPlace(low: bigint): bigint {
  if (low === 0n) return 0n;
  return low > 0n ? BigInt(low.toString(2).length) : -BigInt((-low).toString(2).length);
}

function powerLabel(place: bigint): string {
  if (place === 0n) return '0';
  return place > 0n ? String(1n << (place - 1n)) : `-${1n << (-place - 1n)}`;
}

type Range = NonNullable<AggregationValue['range']>;

/** Place of a bucket of lquantize: -1 below `low`, 0 from `low` on, and so on up to the one from `high` on. */
function linearPlace(low: bigint, range: Range): bigint {
  const [from, to, step] = [BigInt(range.low), BigInt(range.high), BigInt(range.step)];
  if (low < from) return -1n;
  if (low >= to) return (to - from + step - 1n) / step;
  return (low - from) / step;
}

function linearLabel(place: bigint, range: Range): string {
  if (place < 0n) return `< ${range.low}`;
  const low = BigInt(range.low) + place * BigInt(range.step);
  return low >= BigInt(range.high) ? `>= ${range.high}` : String(low);
}
