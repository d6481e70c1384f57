// What the compiler refuses, with message and place; and its warnings.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompileOptions, verify, WARNINGS } from '../../src/bytecode/index.js';
import { renderDiagnostic } from '../../src/language/index.js';
import { compileText, refuses } from './support.js';

const test = suite('errors of the compiler');

const many = (count: number, item: (index: number) => string, separator = ' ') =>
  Array.from({ length: count }, (_, index) => item(index)).join(separator);

test('goto', () => {
  refuses('goto a', 'no label a is visible here', 'a');
  refuses('{ ::a:: } goto a', 'no label a is visible here', 'a');
  refuses('function f() { goto a } ::a::', 'no label a is visible here', 'a');
  refuses('goto a local x = 1 ::a:: print(x)', 'goto a jumps into the scope of local x', 'goto a');
  refuses('::a:: { ::a:: }', 'label a exists already', 'a');
  refuses('repeat { goto a local x = 1 ::a:: } until x', 'goto a jumps into the scope of local x', 'goto a');
  compileText('goto a local x = 1 ::a::');
  compileText('{ ::a:: } { ::a:: goto a }');
  compileText('{ goto a { ::a:: } ::a:: }');
});

test('continue that jumps over a local of the until test', () => {
  refuses(
    'repeat { if (f()) { continue } local x = g() } until x',
    'continue jumps over local x, which the until test uses',
    'continue',
  );
  refuses(
    'repeat { if (f()) { continue } local x = g() } until (function () { return x })()',
    'continue jumps over local x, which the until test uses',
    'continue',
  );
  compileText('repeat { local x = g() if (f()) { continue } local y = x } until x');
});

test('arg0', () => {
  const error = refuses('trace a:b { print(arg0) }', 'arguments are numbered from arg1', 'arg0');
  assert.match(error.hint!, /--dialect 0\.5/);
  compileText('trace a:b { print(arg0) }', { dialect: '0.5' });
});

test('C functions need --ffi', () => {
  const message = /calls C functions of this process, which has to be allowed/;
  for (const [text, marked] of [
    ['ffi.cdef [[ ]]', 'ffi'],
    ['local f = ffi', 'ffi'],
    ['C.printk("x")', 'C'],
    ['x = C["y"]', 'C'],
    ['cdef [[ ]]', 'cdef'],
  ] as const) {
    assert.match(refuses(text, message, marked).hint!, /--ffi/);
    compileText(text, { allowFfi: true });
  }
  compileText('C = {} C.x = 1');
  compileText('local ffi = {} print(ffi.x)');
});

test('limits', () => {
  const inFunction = (body: string) => `function f() { ${body} }`;
  refuses(inFunction(many(201, (i) => `local v${i}`)), 'too many local variables in `f` (limit 200)', 'v200');
  const call = `print(${many(260, (i) => `a${i}`, ', ')})`;
  refuses(inFunction(call), 'too many registers needed in `f` (limit 250)', 'a248');
  const variables = many(150, (i) => `local a${i} = 1`);
  const more = many(150, (i) => `local b${i} = 1`);
  const sum = (name: string) => many(150, (i) => `${name}${i}`, ' + ');
  refuses(
    `${variables} function f() { ${more} return function () { return ${sum('a')} + ${sum('b')} } }`,
    'too many upvalues in a function (limit 255)',
    'b104',
  );
  refuses(
    `while (x) { ${many(66_000, () => 'y = z')} }`,
    'a jump from here would pass 131071 instructions, the limit of one function',
    '(x)',
  );
});

test('nesting beyond any use is an error, not a crash', () => {
  for (const [open, close] of [
    ['(', ')'],
    ['{', '}'],
    ['not ', ''],
    ['f(', ')'],
    ['t[', ']'],
    ['a or (b and ', ')'],
    ['function () { return ', ' }'],
  ] as const) {
    for (const depth of [90, 190, 5000]) {
      const text = `x = ${open.repeat(depth)}1${close.repeat(depth)}`;
      try {
        verify(compileText(text).module);
      } catch (error) {
        assert.is((error as Error).name, 'KtapError');
        assert.ok(depth > 90, `${open} ${depth}: ${(error as Error).message}`);
      }
    }
  }
});

test.run();

const warnings = suite('warnings');

const found = (text: string, options?: CompileOptions): string[] =>
  compileText(text, { zeroOrOneBuiltins: new Set(['in_interrupt']), ...options }).warnings.map(
    ({ code, span }) => `${code}: ${text.slice(span!.start, span!.end)}`,
  );

warnings('unused-local', () => {
  assert.equal(found('local x = 1'), ['unused-local: x']);
  assert.equal(found('local x = 1 x = 2 x += 1'), ['unused-local: x']);
  assert.equal(found('local function f() { f() }'), []);
  assert.equal(found('local function f() { }'), ['unused-local: f']);
  assert.equal(found('local x = 1 function f() { return x }'), []);
  assert.equal(found('local _x = 1'), []);
  assert.equal(found('local a, b = f() print(b)'), []);
  assert.equal(found('local a, b = f() print(a)'), ['unused-local: b']);
  assert.equal(found('function f(a) { } for (i = 1, 2) { } for (k, v in pairs(t)) { }'), []);
});

warnings('constant-condition', () => {
  for (const [condition, part] of [
    ['if (1) { }', '(1)'],
    ['if "x" { }', '"x"'],
    ['if (not nil) { }', '(not nil)'],
    ['if (x or true) { }', '(x or true)'],
    ['if (1 < 2) { }', '(1 < 2)'],
    ['while (nil) { }', '(nil)'],
    ['while (0) { break }', '(0)'],
    ['repeat { } until 1', '1'],
    ['for (i = 1; false; i++) { }', 'false'],
  ] as const) {
    assert.equal(found(condition), [`constant-condition: ${part}`], condition);
  }
  for (const fine of ['while (1) { f() }', 'while (true) { f() }', 'repeat { } until false', 'for (;1;) { }']) {
    assert.equal(found(fine), [], fine);
  }
  assert.equal(found('if (x and 1) { } if (x == 0) { } if (x + 1) { }'), []);
});

warnings('zero-is-true', () => {
  assert.equal(found('if (in_interrupt()) { }'), ['zero-is-true: in_interrupt()']);
  assert.equal(found('while (x and not in_interrupt()) { }'), ['zero-is-true: in_interrupt()']);
  assert.equal(found('if (in_interrupt() == 1) { }'), []);
  assert.equal(found('if (in_interrupt()) { } function in_interrupt() { }'), []);
  assert.equal(found('local in_interrupt = f if (in_interrupt()) { }'), []);
});

warnings('mixed-dialect', () => {
  assert.equal(found('trace a:b { print(argstr, arg1) }'), ['mixed-dialect: argstr']);
  assert.equal(found('trace a:b { print(arg1, execname) }'), ['mixed-dialect: execname']);
  assert.equal(found('trace a:b { print(arg1, probename) }', { dialect: '0.5' }), []);
  assert.equal(found('trace a:b { print(arg1, execname(), argevent, argname, pid) }'), []);
  assert.equal(found('trace a:b { print(argstr) }'), []);
});

warnings('unreachable', () => {
  assert.equal(found('while (x) { break f() g() }'), ['unreachable: f()']);
  assert.equal(found('{ return } f()'), ['unreachable: f()']);
  assert.equal(found('function f() { if (x) { return 1 } else { return 2 } g() }'), ['unreachable: g()']);
  assert.equal(found('if (x) { return 1 } g()'), []);
  assert.equal(found('::a:: goto b ::c:: f() ::b:: goto a'), []);
});

warnings('each can be turned off by its code, and has its place', () => {
  const text = 'local x = 1\nif (1) { }';
  assert.equal(found(text, { disabledWarnings: new Set(['unused-local']) }), ['constant-condition: (1)']);
  assert.equal(found(text, { disabledWarnings: new Set(Object.keys(WARNINGS)) }), []);
  assert.is(
    renderDiagnostic(compileText(text).warnings[0]!),
    `test.kp:1:7: warning: local x is never used
    local x = 1
          ^
hint: a name that begins with _ gives no warning`,
  );
});

warnings.run();
