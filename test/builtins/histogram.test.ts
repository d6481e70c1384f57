// histogram, print_hist and the distributions of quantize and lquantize.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Value } from '../../src/engine/values.js';
import { aggregation, bench, list, ptable, scriptError, stack, table } from './support.js';

const { call, output } = bench({ symbols: { '18446744071579000000': 'vfs_read' } });

const HEADER = '                          value ------------- Distribution ------------- count\n';
const drawn = (...args: Value[]): string => {
  call('histogram', ...args);
  return output();
};
const row = (key: string, bar: number, count: Value): string =>
  `${key.padStart(32)} |${'@'.repeat(bar).padEnd(39)}${String(count).padEnd(7)}\n`;

test('rows fall by number, equal ones stay in insertion order', () => {
  assert.is(
    drawn(table(['read', 10], ['open', 20], ['write', 10])),
    HEADER + row('open', 19, 20) + row('read', 9, 10) + row('write', 9, 10),
  );
});

test('the layout to the letter', () => {
  assert.is(
    drawn(table(['sys_enter_read', 3], [7, 1])),
    `                          value ------------- Distribution ------------- count
                  sys_enter_read |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@          3      
                               7 |@@@@@@@@@                              1      
`,
  );
});

test('an empty table draws only the first line', () => {
  assert.is(drawn(table()), HEADER);
});

test('a key over 32 bytes is cut to 28 and three points', () => {
  assert.is(
    drawn(table(['a'.repeat(32), 1], ['b'.repeat(33), 1])),
    HEADER + row('a'.repeat(32), 19, 1) + row(`${'b'.repeat(28)}...`, 19, 1),
  );
});

test('more than 20 rows end in a row of three points', () => {
  const numbers = Array.from({ length: 21 }, (_, index) => 100 - index);
  const lines = drawn(list(...numbers)).split('\n');
  assert.is(lines.length, 1 + 20 + 1 + 1);
  assert.is(lines[21], '                             ... |');
  assert.not.match(drawn(list(...numbers.slice(1))), /\.\.\. \|/);
});

test('print_hist takes the number of rows', () => {
  call('print_hist', list(3, 2, 1), 2);
  assert.is(output(), `${HEADER + row('1', 19, 3) + row('2', 13, 2)}${'...'.padStart(32)} |\n`);
  call('print_hist', list(1));
  assert.is(output(), HEADER + row('1', 39, 1));
  assert.throws(() => call('print_hist', list(1), -1), scriptError(/the number of rows is negative \(-1\)/));
});

test('kernel text addresses print as symbols, stacks as their first', () => {
  assert.is(
    drawn(table([BigInt.asIntN(64, 18446744071579000000n), 2], [stack(18446744071579000000n, 1n), 1], [stack(), 1])),
    HEADER + row('vfs_read', 19, 2) + row('vfs_read', 9, 1) + row('', 9, 1),
  );
});

test('aggregation tables draw their counts', () => {
  assert.is(
    drawn(ptable(['a', aggregation(3, 100, 90, 1)], ['b', aggregation(1, 1, 1, 1)])),
    HEADER + row('a', 29, 3) + row('b', 9, 1),
  );
});

test('numbers that are not positive have no bar; no bar is longer than its columns', () => {
  assert.is(drawn(table(['a', 0], ['b', 0])), HEADER + row('a', 0, 0) + row('b', 0, 0));
  assert.is(drawn(table(['a', 10], ['b', -5])), HEADER + row('a', 39, 10) + row('b', 0, -5));
});

test('numbers of 64 bits', () => {
  assert.is(
    drawn(table(['a', 9223372036854775807n], ['b', 9223372036854775807n], ['c', 1])),
    HEADER + row('a', 19, 9223372036854775807n) + row('b', 19, 9223372036854775807n) + row('c', 0, 1),
  );
});

test('a value that is no number is an error that names its key', () => {
  assert.throws(
    () => drawn(table(['a', 1], ['b', 'x'])),
    scriptError('histogram: the value of key "b" is no number but a string'),
  );
  assert.throws(() => drawn(list(true)), scriptError('histogram: the value of key 1 is no number but a boolean'));
  assert.throws(() => drawn('x'), scriptError('bad argument 1 of histogram: table expected, got string'));
});

const powers = (...buckets: [number | bigint, number][]) =>
  aggregation(1, 1, 1, 1, { buckets: buckets.map(([low, count]) => ({ low, count })) });

test('quantize: rows from one empty bucket before the first to one after the last', () => {
  call('print', powers([0, 1], [4, 3]));
  assert.is(
    output(),
    HEADER + row('-1', 0, 0) + row('0', 9, 1) + row('1', 0, 0) + row('2', 0, 0) + row('4', 29, 3) + row('8', 0, 0),
  );
  call('print', powers([-2, 1]));
  assert.is(output(), HEADER + row('-4', 0, 0) + row('-2', 39, 1) + row('-1', 0, 0));
});

test('quantize: the outermost buckets have no neighbour', () => {
  call('print', powers([4611686018427387904n, 1]));
  assert.is(output(), HEADER + row('2305843009213693952', 0, 0) + row('4611686018427387904', 39, 1));
  call('print', powers([-9223372036854775808n, 1]));
  assert.is(output(), HEADER + row('-9223372036854775808', 39, 1) + row('-4611686018427387904', 0, 0));
});

const steps = (...buckets: [number, number][]) =>
  aggregation(1, 1, 1, 1, {
    buckets: buckets.map(([low, count]) => ({ low, count })),
    range: { low: 0, high: 25, step: 10 },
  });

test('lquantize: steps, with < low and >= high at the ends', () => {
  call('print', steps([10, 1]));
  assert.is(output(), HEADER + row('0', 0, 0) + row('10', 39, 1) + row('20', 0, 0));
  call('print', steps([-1, 1], [25, 1]));
  assert.is(
    output(),
    HEADER + row('< 0', 19, 1) + row('0', 0, 0) + row('10', 0, 0) + row('20', 0, 0) + row('>= 25', 19, 1),
  );
});

test('histogram of distributions: each key on a line, then its distribution', () => {
  assert.is(
    drawn(ptable(['read', steps([10, 1])], ['write', steps([20, 2])])),
    `read\n${HEADER}${row('0', 0, 0)}${row('10', 39, 1)}${row('20', 0, 0)}` +
      `write\n${HEADER}${row('10', 0, 0)}${row('20', 39, 2)}${row('>= 25', 0, 0)}`,
  );
});

test.run();
