// print, tostring and printf.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Value } from '../../src/engine/values.js';
import { aggregation, bench, FakeTable, fn, list, ptable, scriptError, stack, table } from './support.js';

const { call, output } = bench({
  symbols: { '18446744071579000000': 'do_sys_open', '18446744071579000016': 'vfs_read+0x10' },
});

const printed = (...values: Value[]): string => {
  call('print', ...values);
  return output();
};
const formatted = (format: string, ...values: Value[]): string => {
  call('printf', format, ...values);
  return output();
};

test('print joins values by tabs and ends the line', () => {
  assert.is(printed(), '\n');
  assert.is(printed('a'), 'a\n');
  assert.is(printed('a', 1, undefined, true, false), 'a\t1\tnil\ttrue\tfalse\n');
  assert.is(printed(-9223372036854775808n, 9223372036854775807n), '-9223372036854775808\t9223372036854775807\n');
  assert.is(printed('bytes \xff\0'), 'bytes \xff\0\n');
});

test('tables print their pairs in insertion order, nested', () => {
  assert.is(printed(table()), '{}\n');
  assert.is(printed(list('x', 'y')), '{1 = x, 2 = y}\n');
  assert.is(printed(table(['b', 1], ['a', table(['k', list(7)])])), '{b = 1, a = {k = {1 = 7}}}\n');
  assert.is(printed(table([list(1), true])), '{{1 = 1} = true}\n');
});

test('a table that contains itself prints {...} there, a repeated one in full', () => {
  const self = new FakeTable();
  self.set('me', self);
  self.set('n', 1);
  assert.is(printed(self), '{me = {...}, n = 1}\n');
  const shared = list(1);
  assert.is(printed(list(shared, shared)), '{1 = {1 = 1}, 2 = {1 = 1}}\n');
});

test('tables nested deeper than the native stack print', () => {
  let nested = new FakeTable();
  for (let depth = 0; depth < 20_000; depth++) nested = table(['t', nested]);
  assert.is(printed(nested).length, 20_000 * '{t = }'.length + 3);
});

test('a table whose text would fill the memory is an error', () => {
  let doubled = list(1);
  for (let depth = 0; depth < 40; depth++) doubled = list(doubled, doubled);
  assert.throws(() => printed(doubled), scriptError('the text of this table is longer than 64 MiB'));
});

test('aggregation values, functions and stacks', () => {
  assert.is(printed(aggregation(2, 7, 5, 2)), '[count: 2 sum: 7 max: 5 min: 2 avg: 3]\n');
  assert.is(printed(aggregation(2, -7, -2, -5)), '[count: 2 sum: -7 max: -2 min: -5 avg: -3]\n');
  assert.is(printed(ptable(['k', aggregation(1, 4, 4, 4)])), '{k = [count: 1 sum: 4 max: 4 min: 4 avg: 4]}\n');
  assert.is(printed(fn('f')), 'function: f\n');
  assert.is(printed(fn('')), 'function\n');
  assert.is(
    printed(stack(18446744071579000000n, 18446744071579000016n, 0x7f00n)),
    'do_sys_open\nvfs_read+0x10\n0x7f00\n',
  );
});

test('tostring and stringof give the text of print', () => {
  assert.is(call('tostring', undefined), 'nil');
  assert.is(call('stringof', list(1, 'a')), '{1 = 1, 2 = a}');
});

test('printf: integers', () => {
  assert.is(formatted('%d %i', 5, -5), '5 -5');
  assert.is(formatted('[%5d][%-5d][%05d][%+d][% d]', 42, 42, 42, 42, 42), '[   42][42   ][00042][+42][ 42]');
  assert.is(formatted('[%05d][%+05d][%-05d]', -42, 42, -42), '[-0042][+0042][-42  ]');
  assert.is(formatted('[%.4d][%8.4d][%08.4d][%.0d]', 42, 42, 42, 0), '[0042][    0042][    0042][]');
  assert.is(formatted('%x %X %#x %#X %o %#o', 255, 255, 255, 255, 8, 8), 'ff FF 0xff 0XFF 10 010');
  assert.is(formatted('%#x %#o [%#.0o][%#08x]', 0, 0, 0, 255), '0 0 [0][0x0000ff]');
  assert.is(formatted('%ld %lld %hhd %zu %lx %llu', 1, 2, 3, 4, 5, 6), '1 2 3 4 5 6');
});

test('printf: 64 bits exactly', () => {
  assert.is(formatted('%u %x %o', -1, -1, -1), '18446744073709551615 ffffffffffffffff 1777777777777777777777');
  assert.is(
    formatted('%d %u', -9223372036854775808n, -9223372036854775808n),
    '-9223372036854775808 9223372036854775808',
  );
  assert.is(formatted('%x', 9223372036854775807n), '7fffffffffffffff');
  assert.is(formatted('%d', 9007199254740993n), '9007199254740993');
  assert.is(formatted('%x', -2), 'fffffffffffffffe');
});

test('printf: width and precision from arguments', () => {
  assert.is(formatted('[%*d][%-*d][%*d]', 5, 42, 5, 42, -5, 42), '[   42][42   ][42   ]');
  assert.is(formatted('[%.*s][%*.*s][%.*s]', 2, 'abc', 5, 1, 'abc', -1, 'abc'), '[ab][    a][abc]');
  assert.throws(
    () => formatted('%*d', 'x', 1),
    scriptError('bad argument 2 of printf: number expected for the * of %*d, got string'),
  );
  assert.throws(() => formatted('%*d', 100_000, 1), scriptError(/is over 65535$/));
  assert.throws(() => formatted('%99999d', 1), scriptError(/a width or precision of %99999d is over 65535$/));
});

test('printf: strings, bytes and any value', () => {
  assert.is(formatted('[%s][%5s][%-5s][%.2s]', 'abc', 'abc', 'abc', 'abc'), '[abc][  abc][abc  ][ab]');
  assert.is(formatted('%s %s %s', undefined, true, list(1)), 'nil true {1 = 1}');
  assert.is(formatted('%c%c[%3c]%c', 65, 256 + 66, 67, -1), 'AB[  C]\xff');
  assert.is(formatted('100%% %5%'), '100% %');
});

test('printf: nil where a number belongs prints nil, another value is an error', () => {
  assert.is(
    formatted('%d %5u %-5x|%c %p', undefined, undefined, undefined, undefined, undefined),
    'nil   nil nil  |nil nil',
  );
  assert.throws(
    () => formatted('%d', 'x'),
    scriptError('bad argument 2 of printf: number expected for %d, got string'),
  );
  assert.throws(
    () => formatted('a %s %-5lx', 1, true),
    scriptError('bad argument 3 of printf: number expected for %-5lx, got boolean'),
  );
  assert.throws(() => formatted('%c', 'x'), scriptError(/number expected for %c, got string/));
});

test('printf: %p is the symbol of a kernel address', () => {
  assert.is(formatted('%p', BigInt.asIntN(64, 18446744071579000000n)), 'do_sys_open');
  assert.is(formatted('[%20p]', Number(BigInt.asIntN(64, 18446744071579000016n))), '[       vfs_read+0x10]');
  assert.is(formatted('%p', 4096), '0x1000');
});

test('printf: missing values are an error, further ones are ignored', () => {
  assert.throws(
    () => formatted('%d %s', 1),
    scriptError('bad argument 3 of printf: a value expected for %s, got none'),
  );
  assert.throws(() => formatted('%*d', 3), scriptError('bad argument 3 of printf: a value expected for %*d, got none'));
  assert.is(formatted('%d', 1, 2, 3), '1');
});

test('printf: wrong formats', () => {
  assert.throws(
    () => formatted('%f', 1),
    scriptError('bad argument 1 of printf: the format has an unknown conversion %f'),
  );
  assert.throws(
    () => formatted('%y', 1),
    scriptError('bad argument 1 of printf: the format has an unknown conversion %y'),
  );
  assert.throws(
    () => formatted('50%'),
    scriptError('bad argument 1 of printf: the format has an incomplete conversion "%"'),
  );
  assert.throws(() => formatted('% ,'), scriptError(/incomplete conversion "% ,"/));
  assert.throws(() => call('printf'), scriptError('bad argument 1 of printf: string expected, got nil'));
  assert.throws(() => call('printf', 5), scriptError('bad argument 1 of printf: string expected, got number'));
});

test.run();
