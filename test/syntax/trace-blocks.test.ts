// Heads of trace blocks and timers: the grammar of section 6 of the language.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EventDefinition, TraceStatement } from '../../src/language/index.js';
import { parseEventDefinitions, parseInterval } from '../../src/language/index.js';
import { assertErrors, errorOf, lines, parse, tree } from './support.js';

/** The definitions of a head, without what is the same in all: the places, and empty arguments. */
function definitions(head: string): Partial<EventDefinition>[] {
  return parseEventDefinitions(head, { name: 't.kp', text: head }, 0).map(
    ({ offset, text, filterOffset, argsOffset, args, ...others }) => (args === '' ? others : { ...others, args }),
  );
}

function firstBlock(script: string): TraceStatement {
  const [block] = parse(script).body.statements;
  if (block?.type !== 'Trace') throw new Error('no trace block');
  return block;
}

test('blocks of events and timers are statements', () => {
  assert.is(tree('trace a:b { x++ } trace_end { y++ }'), 'trace <a:b> { x++ }; trace_end { y++ }');
  assert.is(tree('if a { trace a:b {} }'), 'if a { trace <a:b> {} }');
  assert.is(
    tree('tick-1s {} tick-10ms {} tick-5usec {} profile-97Hz {} profile-4nsec {}'),
    'tick 1000000000 {}; tick 10000000 {}; tick 5000 {}; profile 10309278 {}; profile 4 {}',
  );
});

test('words of the event inside a block', () => {
  assert.is(
    tree('trace a:b { x = argname y[arg1] += args.z }'),
    'trace <a:b> { x = <name>; y[<argument 1>] += <field z> }',
  );
});

test('the head is the text up to the {, with newlines as white space', () => {
  assert.is(firstBlock('trace  a:b ,\n c:d\n{}').definition, 'a:b ,\n c:d');
  assert.is(firstBlock('trace  a:b {}').definitionStart, 7);
  assert.is(firstBlock('trace a:b{}').definition, 'a:b');
});

test('a { in quotes, in a comment or in CPUS{} does not end the head', () => {
  assert.is(firstBlock('trace a:b /c == "{" || d == \'{\'/ {}').definition, 'a:b /c == "{" || d == \'{\'/');
  const { definition, definitions: list } = firstBlock("trace a:b, # don't {\n c:d {}");
  assert.is(definition, 'a:b,          \n c:d');
  assert.equal(
    list.map(({ text, offset }) => [text, offset]),
    [
      ['a:b', 0],
      ['c:d', 16],
    ],
  );
  assert.is(firstBlock('trace a:b /cpu & CPUS{1-2}/ {}').definitions[0]!.filter, 'cpu & CPUS{1-2}');
});

test('tracepoints', () => {
  assert.equal(definitions('sched:sched_switch'), [{ kind: 'tracepoint', system: 'sched', event: 'sched_switch' }]);
  assert.equal(definitions('*:*'), [{ kind: 'tracepoint', system: '*', event: '*' }]);
  assert.equal(definitions('sys*:sys_enter_[a-m]?*'), [
    { kind: 'tracepoint', system: 'sys*', event: 'sys_enter_[a-m]?*' },
  ]);
});

test('kernel functions', () => {
  assert.equal(definitions('probe:vfs_read'), [{ kind: 'kprobe', symbol: 'vfs_read' }]);
  assert.equal(definitions('probe:vfs_*%return'), [{ kind: 'kprobe', symbol: 'vfs_*', isReturn: true }]);
  assert.equal(definitions('probe:vfs_read+0x1f'), [{ kind: 'kprobe', symbol: 'vfs_read', symbolOffset: 31n }]);
  assert.equal(definitions('probe:do_sys_open dfd=%di name=+0(%si):ustring'), [
    { kind: 'kprobe', symbol: 'do_sys_open', args: 'dfd=%di name=+0(%si):ustring' },
  ]);
});

test('functions of programs and libraries', () => {
  assert.equal(definitions('probe:/bin/ls:main'), [{ kind: 'uprobe', path: '/bin/ls', symbol: 'main' }]);
  assert.equal(definitions('probe:/lib/libc.so.6:mem*%return r=$retval'), [
    { kind: 'uprobe', path: '/lib/libc.so.6', symbol: 'mem*', isReturn: true, args: 'r=$retval' },
  ]);
  assert.equal(definitions('probe:/bin/ls:0x4a0'), [{ kind: 'uprobe', path: '/bin/ls', address: 0x4a0n }]);
  assert.equal(definitions('probe:./a.out:f+4'), [{ kind: 'uprobe', path: './a.out', symbol: 'f', symbolOffset: 4n }]);
  assert.equal(definitions('probe:"/my programs/a":f'), [{ kind: 'uprobe', path: '/my programs/a', symbol: 'f' }]);
});

test('markers', () => {
  assert.equal(definitions('sdt:/lib/libc.so.6:setjmp'), [{ kind: 'sdt', path: '/lib/libc.so.6', symbol: 'setjmp' }]);
  assert.equal(definitions('sdt:/lib/libc.so.6:lib*:*jmp'), [
    { kind: 'sdt', path: '/lib/libc.so.6', provider: 'lib*', symbol: '*jmp' },
  ]);
});

test("the kernel's function tracer", () => {
  assert.equal(definitions('ftrace:function /ip==vfs_*/'), [
    { kind: 'function', system: 'ftrace', event: 'function', filter: 'ip==vfs_*' },
  ]);
});

test('the filter runs from the first / after white space or a name to the last /', () => {
  assert.is(definitions('a:b /c == 1 && d ~ "/x/*"/')[0]!.filter, 'c == 1 && d ~ "/x/*"');
  assert.is(definitions('a:b/c == 1/')[0]!.filter, 'c == 1');
  assert.is(definitions('probe:vfs_read/c == 1/')[0]!.filter, 'c == 1');
  assert.is(definitions('probe:/bin/ls:main a=%di /a == 1/')[0]!.filter, 'a == 1');
  assert.is(definitions('a:b\n/c == 1\n || d/')[0]!.filter, 'c == 1  || d');
});

test('several definitions: each with its arguments, one filter for all', () => {
  assert.equal(definitions('a:b, probe:f x=%di y=@(1,2) , probe:g /p == "a,b"/'), [
    { kind: 'tracepoint', system: 'a', event: 'b', filter: 'p == "a,b"' },
    { kind: 'kprobe', symbol: 'f', filter: 'p == "a,b"', args: 'x=%di y=@(1,2)' },
    { kind: 'kprobe', symbol: 'g', filter: 'p == "a,b"' },
  ]);
});

test('places count from the start of the head', () => {
  const head = ' a:b, c:d /e/';
  const list = parseEventDefinitions(head, { name: 't.kp', text: head }, 0);
  assert.equal(
    list.map(({ offset, filterOffset }) => [offset, filterOffset]),
    [
      [1, 11],
      [6, 11],
    ],
  );
});

test('what is wrong with a head is shown where it is', () => {
  const example = 'for instance sched:sched_switch, probe:vfs_read or sdt:/path:marker';
  const oneFilter = 'one filter, after the last event, holds for all of them';
  const markers = 'sdt:/path:marker or sdt:/path:provider:marker';
  const cases: readonly (readonly [string, number, string, number, string?])[] = [
    ['', 1, "'trace' needs an event before the '{'", 5, 'for instance trace syscalls:sys_enter_openat { ... }'],
    ['foo', 7, "'foo' is no event: there is no ':' in it", 3, example],
    ['sched:', 7, "'sched:' lacks a name after the ':'", 6, example],
    [':foo', 7, "':foo' lacks a name before the ':'", 4, example],
    ['"a:b"', 7, `unexpected '"' in the name of an event`, 1, 'an event stands without quotes'],
    ['a:b:c', 10, "unexpected ':' in the name of an event", 1, 'a place in a program is written probe:/path:function'],
    ['a:b, c:d,', 15, 'an event is missing here', 1, example],
    ['a:b,,c:d', 10, 'an event is missing here', 1, example],
    [
      'a:b x=y',
      11,
      "unexpected 'x=y' after the event",
      3,
      'only probe: and sdt: events take fetch arguments; several events are parted by commas',
    ],
    ['a:b if c', 11, "unexpected 'if c' after the event", 4, 'a filter is written /condition/'],
    ['a:b /c', 11, "unclosed filter: no second '/'", 2, 'a filter is written /condition/'],
    ['a:b /c/ d', 15, "unexpected 'd' after the filter", 1, oneFilter],
    ['a:b /c/, d:e /f/', 11, 'a filter before the last event', 3, oneFilter],
    ['a:b //', 11, 'an empty filter', 2, 'leave the slashes out'],
    ['a:b /c == "d/', 17, 'unclosed " in an event definition', 6], // with the ` {}` behind it
    ['probe:f+', 14, 'the offset must be a number', 1, 'for instance vfs_read+0x10'],
    ['probe:f%ret', 14, "unexpected '%ret'", 4, 'the return of a function is written %return'],
    ['probe:f+4%return', 14, 'a return has no offset', 9, 'write either +offset or %return'],
    ['probe:%return', 13, "a function's name is missing", 7, example],
    [
      'probe:a:b',
      14,
      "unexpected ':' in the name of a kernel function",
      1,
      'a function of a program is written probe:/path:function',
    ],
    [
      'probe:/bin/ls',
      13,
      'no name after the path',
      7,
      'it is written probe:/path:function; white space stands before a filter',
    ],
    ['sdt:a:b', 11, 'a marker needs the path of its program', 3, markers],
    ['sdt:/a:b:c:d', 14, 'a marker has a name and at most a provider', 5, markers],
    ['sdt:/a:b%return', 15, 'a marker has no return', 7, 'only functions have one'],
  ];
  assertErrors(cases, (head) => `trace ${head}${head === '' ? '' : ' '}{}`);
});

test('a block without braces', () => {
  assert.is(
    errorOf('trace a:b\nprint(argevent)\ntick-1s { exit() }\n'),
    lines(
      "t.kp:2:1: error: unexpected 'print(argevent) tick-1s' after the event",
      '    print(argevent)',
      '    ^^^^^^^^^^^^^^^',
      'hint: the body of a trace block stands in braces',
    ),
  );
  assert.is(
    errorOf('trace a:b\nprint(argevent)\n'),
    lines(
      't.kp:1:1: error: the body of a trace block must stand in braces, found the end of the script',
      '    trace a:b',
      '    ^^^^^',
      'hint: write trace sys:event { ... }',
    ),
  );
});

test('trace is no variable', () => {
  assert.is(
    errorOf('trace = 5'),
    lines(
      "t.kp:1:1: error: 'trace' is a reserved word",
      '    trace = 5',
      '    ^^^^^',
      'hint: a trace block is written trace sys:event { ... }',
    ),
  );
});

test('no block stands inside another', () => {
  const hint = 'hint: events and timers start together, when the main chunk has ended';
  const cases: readonly (readonly [string, number, string, number])[] = [
    ['trace a:b { trace c:d {} }', 13, 'a trace block cannot stand inside a trace block', 5],
    ['trace a:b { function f() { tick-1s {} } }', 28, 'a tick block cannot stand inside a trace block', 4],
    ['tick-1s { trace_end {} }', 11, 'a trace_end block cannot stand inside a tick block', 9],
    ['trace_end { profile-1s {} }', 13, 'a profile block cannot stand inside a trace_end block', 7],
  ];
  for (const [script, column, message, length] of cases) {
    assert.is(
      errorOf(script),
      lines(
        `t.kp:1:${column}: error: ${message}`,
        `    ${script}`,
        `    ${' '.repeat(column - 1)}${'^'.repeat(length)}`,
        hint,
      ),
    );
  }
});

test('intervals', () => {
  assert.is(parseInterval('1s'), 1e9);
  assert.is(parseInterval('2sec'), 2e9);
  assert.is(parseInterval('010ms'), 1e7);
  assert.is(parseInterval('3msec'), 3e6);
  assert.is(parseInterval('7us'), 7e3);
  assert.is(parseInterval('7usec'), 7e3);
  assert.is(parseInterval('9ns'), 9);
  assert.is(parseInterval('9nsec'), 9);
  assert.is(parseInterval('3Hz'), 333333333);
  assert.is(parseInterval('1000hz'), 1e6);
  assert.throws(() => parseInterval('5'), 'the interval 5 has no unit');
});

test('what is wrong with an interval', () => {
  const units = 'units are s, sec, ms, msec, us, usec, ns, nsec and Hz, for instance 10ms or 97Hz';
  const cases: readonly (readonly [string, string, string])[] = [
    ['tick-5', 'the interval 5 has no unit', units],
    ['tick-5min', "unknown unit 'min'", units],
    ['tick-1.5s', "'1.5s' is no interval", units],
    ['tick-0s', 'the interval 0s is zero', 'it must be above zero'],
    ['profile-0Hz', 'the interval 0Hz is zero', 'it must be above zero'],
    ['tick-5000000000Hz', 'the frequency 5000000000Hz is too high', 'at most 1000000000Hz'],
    ['tick-99999999999s', 'the interval 99999999999s is too long', 'at most 292 years'],
  ];
  for (const [word, message, hint] of cases) {
    assert.is(
      errorOf(`${word} {}`),
      lines(`t.kp:1:1: error: ${message}`, `    ${word} {}`, `    ${'^'.repeat(word.length)}`, `hint: ${hint}`),
    );
  }
  assert.is(
    errorOf('tick - 1s {}'),
    lines(
      "t.kp:1:1: error: an interval must follow 'tick-' directly",
      '    tick - 1s {}',
      '    ^^^^^^',
      'hint: for instance tick-1s { ... }',
    ),
  );
});

test.run();
