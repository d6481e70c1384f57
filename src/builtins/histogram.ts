// histogram and print_hist: bars of a table of numbers, of an aggregation table's counts, and the distributions that
// quantize() and lquantize() keep.

import { type Integer, ScriptError, type TableRef, type Value } from '../engine/values.js';
import { type BuiltinContext, builtin } from './declare.js';
import { DISTRIBUTION_HEADER, distributionRow, distributionText, MORE_ROWS } from './distribution.js';
import { formatValue, symbolText, typeName } from './format-value.js';
import { exactSum, toAddress } from './integers.js';

const ROWS = 20;

function drawHistogram(context: BuiltinContext, name: string, table: TableRef, rows: number): void {
  const bars: { key: Value; value: Integer }[] = [];
  const distributions: string[] = [];
  for (const [key, value] of table.entries()) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      bars.push({ key, value });
    } else if (typeof value === 'object' && value.kind === 'aggregation') {
      if (value.buckets === undefined) bars.push({ key, value: value.count });
      else distributions.push(formatValue(key, context), ...distributionText(value));
    } else {
      throw new ScriptError(
        `${name}: the value of key ${quotedKey(key, context)} is no number but ${withArticle(typeName(value))}`,
      );
    }
  }
  if (distributions.length > 0) {
    context.write(`${distributions.join('\n')}\n`);
    return;
  }
  const total = exactSum(bars.map(({ value }) => value));
  // The sort is stable: equal ones stay in insertion order.
  bars.sort((a, b) => (a.value < b.value ? 1 : a.value > b.value ? -1 : 0));
  const lines = [DISTRIBUTION_HEADER];
  for (const { key, value } of bars.slice(0, rows)) lines.push(distributionRow(keyText(key, context), value, total));
  if (bars.length > rows) lines.push(MORE_ROWS);
  context.write(`${lines.join('\n')}\n`);
}

function keyText(key: Value, context: BuiltinContext): string {
  if (typeof key === 'number' || typeof key === 'bigint')
    return context.kernelTextSymbol(toAddress(key)) ?? String(key);
  if (typeof key === 'object' && key.kind === 'stack')
    return key.addresses.length === 0 ? '' : symbolText(key.addresses[0]!, context, key.space);
  return formatValue(key, context);
}

function quotedKey(key: Value, context: BuiltinContext): string {
  const text = formatValue(key, context);
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return typeof key === 'string' ? `"${short}"` : short;
}

const withArticle = (type: string): string =>
  /^[aeiou]/.test(type) ? `an ${type}` : type === 'nil' ? type : `a ${type}`;

export const HISTOGRAM_BUILTINS = [
  builtin({
    name: 'histogram',
    family: 'aggregation',
    parameters: [{ name: 't', type: 'table' }],
    returns: 'nothing',
    doc: 'Draws the 20 largest numbers of a table, or of an aggregation table its counts, as bars: each bar is the share of the sum. For `quantize` and `lquantize` tables it draws the distribution of each key. A value that is no number is an error.',
    call: (context, table: TableRef) => drawHistogram(context, 'histogram', table, ROWS),
  }),
  builtin({
    name: 'print_hist',
    family: 'aggregation',
    parameters: [
      { name: 't', type: 'table' },
      { name: 'rows', type: 'integer', optional: true },
    ],
    returns: 'nothing',
    doc: 'As `histogram`, with the number of rows to show (20 if left out).',
    call: (context, table: TableRef, rows: Integer = ROWS) => {
      if (rows < 0) throw new ScriptError(`bad argument 2 of print_hist: the number of rows is negative (${rows})`);
      drawHistogram(context, 'print_hist', table, Number(rows));
    },
  }),
];
