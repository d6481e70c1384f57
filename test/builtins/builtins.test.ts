// Strings, times, the event and its task, stacks, net, ansi, kdebug and timers; the checks of arguments.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { builtin } from '../../src/builtins/declare.js';
import { addressBytes } from '../../src/engine/values.js';
import { bench, fn, list, scriptError } from './support.js';

const EVENT = { name: 'sched_switch', cpu: 1, tid: 101, flags: 0 };
const main = bench();

test('strfind', () => {
  const { call } = main;
  assert.is(call('strfind', 'hello world', 'o'), 5);
  assert.is(call('strfind', 'hello world', 'o', 6), 8);
  assert.is(call('strfind', 'hello', 'xyz'), undefined);
  assert.is(call('strfind', 'hello', 'l', -2), 4);
  assert.is(call('strfind', 'hello', 'h', -100), 1);
  assert.is(call('strfind', 'hello', 'h', 0), 1);
  assert.is(call('strfind', 'hello', ''), 1);
  assert.is(call('strfind', 'hello', '', 6), 6);
  assert.is(call('strfind', 'hello', '', 7), undefined);
  assert.is(call('strfind', 'a.b', '.'), 2);
  assert.is(call('strfind', 'hello', 'h', 9223372036854775807n), undefined);
});

test('substr', () => {
  const { call } = main;
  assert.is(call('substr', 'hello', 2), 'ello');
  assert.is(call('substr', 'hello', 2, 3), 'ell');
  assert.is(call('substr', 'hello', -3), 'llo');
  assert.is(call('substr', 'hello', -3, 2), 'll');
  assert.is(call('substr', 'hello', 6), '');
  assert.is(call('substr', 'hello', 1, 0), '');
  assert.is(call('substr', 'hello', 1, -1), '');
  assert.is(call('substr', 'hello', 1, 100), 'hello');
  assert.is(call('substr', 'hello', -100, 2), 'he');
  assert.is(call('substr', 'hello', 0, 2), 'he');
});

test('arguments are checked against the declaration', () => {
  const { call } = main;
  assert.throws(() => call('strfind', 'a'), scriptError('bad argument 2 of strfind: string expected, got nil'));
  assert.throws(
    () => call('strfind', list(), 'a'),
    scriptError('bad argument 1 of strfind: string expected, got table'),
  );
  assert.throws(
    () => call('strfind', 'a', 'b', 'c'),
    scriptError('bad argument 3 of strfind: number expected, got string'),
  );
  assert.throws(
    () => call('kdebug.probe_by_id', true, fn('f')),
    scriptError('bad argument 1 of kdebug.probe_by_id: number or table expected, got boolean'),
  );
});

test('the task and the machine', () => {
  const { call } = main;
  assert.equal(
    ['pid', 'tid', 'uid', 'execname', 'cpu', 'num_cpus', 'arch', 'kernel_v'].map((name) => call(name)),
    [100, 101, 1000, 'bash', 1, 4, 'x86_64', '6.1.0'],
  );
});

test('a task that is gone has no uid: nil, counted', () => {
  const gone = bench({ event: EVENT, task: { uid: undefined } });
  assert.is(gone.call('uid'), undefined);
  assert.equal(gone.unknown, ['uid']);
});

test('in_interrupt follows the flags of the event', () => {
  assert.is(main.call('in_interrupt'), 0);
  for (const [flags, answer] of [
    [0, 0],
    [0x01, 0],
    [0x08, 1],
    [0x10, 1],
    [0x40, 1],
    [0x24, 0],
  ] as const)
    assert.is(bench({ event: { ...EVENT, flags } }).call('in_interrupt'), answer);
});

test('in_iowait asks the task; one that is gone or recorded is nil, counted', () => {
  assert.is(main.call('in_iowait'), 0);
  assert.is(bench({ event: EVENT, task: { pid: process.pid, tid: process.pid } }).call('in_iowait'), 0);
  const gone = bench({ event: EVENT, task: { pid: 0x3fffffff, tid: 0x3fffffff } });
  assert.is(gone.call('in_iowait'), undefined);
  assert.equal(gone.unknown, ['in_iowait']);
  const replayed = bench({ event: EVENT, replaying: true, task: { pid: process.pid, tid: process.pid } });
  assert.is(replayed.call('in_iowait'), undefined);
});

test('times of day and the trace clock', () => {
  const { call, output } = main;
  assert.is(call('gettimeofday_s'), 1_700_000_000);
  assert.is(call('gettimeofday_ms'), 1_700_000_000_123);
  assert.is(call('gettimeofday_us'), 1_700_000_000_123_456);
  assert.is(call('gettimeofday_ns'), 1_700_000_000_123_456_789n);
  call('print_trace_clock');
  assert.is(output(), '4711.081508\n');
});

const ADDRESSES = Array.from({ length: 15 }, (_, index) => BigInt(index + 1));
const addresses = (value: unknown): readonly bigint[] => (value as { addresses: readonly bigint[] }).addresses;

test('backtrace: 10 frames, a skip up to 12 removes nothing', () => {
  const { call, output } = bench({ event: EVENT, facts: { kernelStack: () => addressBytes(ADDRESSES) } });
  assert.equal(addresses(call('backtrace')), ADDRESSES.slice(0, 10));
  assert.equal(addresses(call('backtrace', 12)), ADDRESSES.slice(0, 10));
  assert.equal(addresses(call('backtrace', 13, 2)), [2n, 3n]);
  assert.equal(addresses(call('backtrace', 0, -1)), ADDRESSES);
  assert.equal(addresses(call('backtrace', 100)), []);
  assert.equal(addresses(call('stack', 3)), [1n, 2n, 3n]);
  assert.equal(addresses(call('stack', -1, 14)), ADDRESSES.slice(2));
  call('print_backtrace');
  assert.is(output().split('\n').length, 16);
});

test('stacks that the event does not have are nil, counted; outside handlers they are an error', () => {
  const { call, unknown } = bench({
    event: EVENT,
    facts: { userStack: () => ({ addresses: addressBytes([1n]), space: 7 }) },
  });
  assert.is(call('backtrace'), undefined);
  assert.equal(addresses(call('ustack')), [1n]);
  assert.equal(unknown, ['backtrace']);
  assert.throws(() => main.call('ustack'), scriptError('ustack is only known while the handler of an event runs'));
});

test('ipof', () => {
  const { call } = bench({ symbols: { '18446744073709551600': 'edge' }, facts: { userSymbol: () => 'malloc+0x4' } });
  assert.is(call('ipof', -16), 'edge');
  assert.is(call('ipof', 4096), 'malloc+0x4');
  assert.is(main.call('ipof', -1), '0xffffffffffffffff');
});

test('net', () => {
  const { call, unknown } = bench({
    event: EVENT,
    facts: { socketAddress: (socket, end) => (socket === 16n && end === 'source' ? 0x0100a8c0 : undefined) },
  });
  assert.is(call('net.ip_sock_saddr', 16), 0x0100a8c0);
  assert.is(call('net.ip_sock_daddr', 16), undefined);
  assert.equal(unknown, ['net.ip_sock_daddr']);
  assert.is(call('net.format_ip_addr', 0x0100a8c0), '192.168.0.1');
  assert.is(call('net.format_ip_addr', -1), '255.255.255.255');
});

test('ansi', () => {
  const { call, output } = main;
  call('ansi.clear_screen');
  call('ansi.set_color', 31);
  call('ansi.set_color2', 31, 42);
  call('ansi.set_color3', 31, 42, 1);
  call('ansi.reset_color');
  call('ansi.new_line');
  assert.is(output(), '\x1b[1;1H\x1b[2J\x1b[31m\x1b[31;42m\x1b[31;42;1m\x1b[0m\n');
});

test('kdebug, timer and the keywords register the same things', () => {
  const { call, registered } = bench();
  const f = fn('f');
  call('kdebug.probe_by_id', 300, f);
  call('kdebug.trace_by_id', list(300, 301), 'pid > 1', f);
  call('kdebug.probe_end', f);
  call('kdebug.trace_end', f);
  call('kdebug.tracepoint', 'sched:sched_switch', f);
  call('kdebug.tracepoint', 'sched_switch', f);
  call('kdebug.traceoff');
  call('timer.tick', '1s', f);
  call('timer.profile', '99Hz', f);
  call('(trace)', 'sched:*', f);
  call('(trace_end)', 'trace_end', f);
  call('(trace_end)', f);
  call('(tick)', '1s', f);
  call('(profile)', '1s', f);
  assert.equal(registered, [
    ['by id', [300], undefined, f],
    ['by id', [300, 301], 'pid > 1', f],
    ['trace_end', f],
    ['trace_end', f],
    ['trace', 'sched:sched_switch', f],
    ['trace', '*:sched_switch', f],
    ['stop'],
    ['timer', 'tick', '1s', f],
    ['timer', 'profile', '99Hz', f],
    ['trace', 'sched:*', f],
    ['trace_end', f],
    ['trace_end', f],
    ['timer', 'tick', '1s', f],
    ['timer', 'profile', '1s', f],
  ]);
});

test('a pointer of ktap 0.4 is no event id', () => {
  const { call } = main;
  assert.throws(
    () => call('kdebug.probe_by_id', 140737488347136, fn('f')),
    (error: Error & { hint?: string }) => {
      scriptError('bad argument 1 of kdebug.probe_by_id: 140737488347136 is no event id')(error);
      return /C pointer/.test(error.hint ?? '');
    },
  );
  assert.throws(
    () => call('kdebug.probe_by_id', list('x'), fn('f')),
    scriptError(/an event id is a number, got string/),
  );
  assert.throws(() => call('kdebug.probe_by_id', list(), fn('f')), scriptError(/the table of ids is empty/));
  assert.throws(
    () => call('kdebug.probe_by_id', 1, 'filter'),
    scriptError('bad argument 3 of kdebug.probe_by_id: function expected, got nil'),
  );
});

test('built-ins of one own: checked arguments, converted results', () => {
  const own = (name: string, call: (...args: never[]) => unknown) =>
    builtin({
      name,
      family: 'own',
      parameters: [{ name: 'n', type: 'integer', optional: true }],
      returns: 'any',
      doc: 'For the test.',
      call: call as never,
    });
  const { call } = bench({
    extra: [
      own('twice', (_context, n: number) => n * 2),
      own('failing', () => JSON.parse('{')),
      own('wide', () => '→'),
      own('both', () => [1, null]),
      own('half', () => 0.5),
      own('wrong', () => new Map()),
      own('my.large', () => 1n << 63n),
    ],
  });
  assert.is(call('twice', 21), 42);
  assert.throws(() => call('twice', 'x'), scriptError('bad argument 1 of twice: number expected, got string'));
  assert.throws(() => call('failing'), scriptError(/^failing: .*JSON/));
  assert.throws(() => call('wide'), scriptError(/a string with characters that are no bytes/));
  assert.equal(call('both'), [1, undefined]);
  assert.is(call('my.large'), -9223372036854775808n);
  assert.throws(() => call('half'), scriptError(/half gave 0.5: numbers of ktap are integers/));
  assert.throws(() => call('wrong'), scriptError(/a JavaScript object, which is no value/));
});

test('a declaration that misses something is refused', () => {
  for (const [declaration, message] of [
    [5, '5 is no declaration'],
    [{ name: 'a b' }, '"a b" is no name'],
    [{ name: 'f', parameters: [] }, 'f has no function `call`'],
    [{ name: 'f', call() {} }, 'the parameters of f are no list of { name, type }'],
  ] as const)
    assert.throws(() => bench({ extra: [declaration as never] }), new RegExp(message.replace(/[{}`]/g, '.')));
});

test.run();
