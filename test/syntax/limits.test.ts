// Input that no person writes: nesting without end, rubbish, huge scripts. One clear error, never an internal one.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KtapError, parseChunk } from '../../src/language/index.js';
import { errorOf, lines, parse } from './support.js';

const firstLine = (script: string): string => errorOf(script).split('\n')[0]!;

test('nesting is limited', () => {
  const message = 'nested too deep: more than 200 brackets and blocks in one another';
  for (const [open, close] of [
    ['(', ')'],
    ['{', '}'],
    ['f(', ')'],
    ['t[', ']'],
    ['-', ''],
    ['not ', ''],
    ['2^', ''],
    ['function () { return ', '}'],
  ]) {
    assert.is(firstLine(`x = ${open!.repeat(90)}1${close!.repeat(90)}`), 'no error');
    for (const depth of [300, 100_000]) assert.match(firstLine(`x = ${open!.repeat(depth)}`), message);
  }
  for (const [open, close] of [
    ['{', '}'],
    ['if x {', '}'],
    ['while x {', '}'],
    ['repeat ', ' until x'],
    ['repeat {', '} until x'],
    ['for (i = 1, 2) {', '}'],
    ['function f() {', '}'],
  ]) {
    assert.is(firstLine(`${open!.repeat(90)}x()${close!.repeat(90)}`), 'no error');
    for (const depth of [300, 100_000]) assert.match(firstLine(open!.repeat(depth)), message);
  }
});

test('the place of the nesting is shown', () => {
  const script = `x = ${'('.repeat(300)}`;
  assert.is(
    errorOf(script),
    lines(
      't.kp:1:205: error: nested too deep: more than 200 brackets and blocks in one another',
      `    ${'('.repeat(160)}`,
      `    ${' '.repeat(60)}^`,
    ),
  );
});

test('chains are limited along a path through the tree, not in a script', () => {
  for (const link of [' + 1', ' .. 1', ' or 1', ' < 1', '.a', '[1]', '()']) {
    assert.is(firstLine(`x = a${link.repeat(9_900)}`), 'no error');
    assert.match(firstLine(`x = a${link.repeat(100_000)}`), 'expression too long: more than 10000 operators');
    const operand = `(a${link.repeat(100)})`;
    assert.is(firstLine(`x = {${`${operand},`.repeat(50)}}`), 'no error');
    assert.match(
      firstLine(`x = ${'(a + '.repeat(10)}${operand}${` + 1)`.repeat(10)}${' + 1'.repeat(9_900)}`),
      'too long',
    );
  }
  assert.is(firstLine(`function f${'.a'.repeat(9_900)}() {}`), 'no error');
  assert.match(firstLine(`function f${'.a'.repeat(100_000)}() {}`), 'expression too long');
  assert.is(firstLine('x = a + 1\n'.repeat(1000)), 'no error');
  assert.is(firstLine('function a.b() {}\n'.repeat(1000)), 'no error');
  assert.is(firstLine(`if a {}${' else if a {}'.repeat(5000)}`), 'no error');
});

test('binary files are refused at their first byte that is no text', () => {
  assert.is(
    errorOf('\x7fELF\x02\x01\x01\0\0\0'),
    lines(
      't.kp:1:1: error: unexpected byte 0x7f',
      '    ?ELF??????',
      '    ^',
      'hint: a script is UTF-8 text; this may be another file',
    ),
  );
  const raw = (bytes: string): string => {
    try {
      parseChunk({ name: 't.kp', text: bytes });
      return 'no error';
    } catch (error) {
      if (!(error instanceof KtapError)) throw error;
      return error.diagnostics[0]!.message;
    }
  };
  assert.is(raw('\x89PNG\r\n\x1a\n'), 'unexpected byte 0x89');
  assert.is(raw('\x1f\x8b\x08'), 'unexpected byte 0x1f');
  assert.is(raw('\xff\xfex\0'), 'unexpected byte 0xff');
  assert.is(raw('x = 1\0'), 'unexpected byte 0x00');
  assert.is(raw('trace a\0b:c {}'), 'unexpected byte 0x00 in an event definition');
  assert.is(raw('\xc3'), 'unexpected byte 0xc3');
});

test('a long line is shown around the place', () => {
  const script = `x = "${'a'.repeat(300)}" .. @`;
  assert.is(
    errorOf(script),
    lines(
      "t.kp:1:311: error: unexpected character '@'",
      `    ${'a'.repeat(55)}" .. @`,
      `    ${' '.repeat(60)}^`,
      'hint: variables and tables have plain names in ktap',
    ),
  );
});

test('ten thousand lines parse', () => {
  const script = 'function f(a, b) {\n  local x = a + b * 3 # comment\n  t["key" .. x] += 1\n  print(x)\n}\n'.repeat(
    2000,
  );
  assert.is(parse(script).body.statements.length, 2000);
});

test.run();
