// Operators by strength, suffixes, calls, constructors and functions; section 1 and 2 of the language.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertErrors, errorOf, expression, lines, parse, tree } from './support.js';

test('operators by strength', () => {
  assert.is(expression('a or b and c < d .. e + f * -g ^ h'), '(a or (b and (c < (d .. (e + (f * (-(g ^ h))))))))');
  assert.is(expression('a ^ b * c + d .. e < f and g or h'), '(((((((a ^ b) * c) + d) .. e) < f) and g) or h)');
});

test('operators of one strength go from left to right', () => {
  assert.is(expression('a - b + c - d'), '(((a - b) + c) - d)');
  assert.is(expression('a * b / c % d'), '(((a * b) / c) % d)');
  assert.is(expression('a < b <= c > d >= e == f != g'), '((((((a < b) <= c) > d) >= e) == f) != g)');
  assert.is(expression('a or b or c'), '((a or b) or c)');
  assert.is(expression('a and b and c'), '((a and b) and c)');
});

test('.. and ^ go from right to left', () => {
  assert.is(expression('a .. b .. c .. d'), '(a .. (b .. (c .. d)))');
  assert.is(expression('a .. b + c .. d'), '(a .. ((b + c) .. d))');
  assert.is(expression('2 ^ 3 ^ 2'), '(2 ^ (3 ^ 2))');
});

test('prefix operators are weaker than ^ and stronger than the rest', () => {
  assert.is(expression('-2^2'), '(-(2 ^ 2))');
  assert.is(expression('2^-3^2'), '(2 ^ (-(3 ^ 2)))');
  assert.is(expression('-a * b'), '((-a) * b)');
  assert.is(expression('not a == b'), '((not a) == b)');
  assert.is(expression('!a and !!b'), '((not a) and (not (not b)))');
  assert.is(expression('2 ^ not a'), '(2 ^ (not a))');
});

test('a--b is two minuses', () => {
  assert.is(expression('a--b'), '(a - (-b))');
  assert.is(expression('a - - b'), '(a - (-b))');
  assert.is(expression('--a'), '(-(-a))');
  assert.is(tree('x = a\n--b'), 'x = (a - (-b))');
});

test('parentheses stay in the tree', () => {
  assert.is(expression('(a + b) * c'), '(paren((a + b)) * c)');
  assert.is(expression('((f()))'), 'paren(paren(f()))');
});

test('calls in all their forms', () => {
  assert.is(tree('f() f(a, b) f "s" f [[s]] f {1}'), 'f(); f(a, b); f("s"); f("s"); f({1})');
  assert.is(tree('o:m() o.p:m "s" o:m {1}'), 'o:m(); o.p:m("s"); o:m({1})');
  assert.is(tree('f(a)(b) "c" {d}.e[1]:g()'), 'f(a)(b)("c")({d}).e[1]:g()');
  assert.is(tree('(f)(x)'), 'paren(f)(x)');
  assert.is(expression('args.x[1] + arg1.y'), '(<field x>[1] + <argument 1>.y)');
});

test('a (, { or string at the start of a line continues no call', () => {
  assert.is(tree('a = f\n(g or h)()'), 'a = f; paren((g or h))()');
  assert.is(tree('f()\n(g)()'), 'f(); paren(g)()');
  assert.is(tree('a = f\n{ b = 1 }'), 'a = f; { b = 1 }');
  assert.is(tree('a = f {\n b = 1 }'), 'a = f({["b"] = 1})');
  assert.is(tree('f(\n1,\n2\n)'), 'f(1, 2)');
  assert.is(tree('a = b\n.c\n:d()'), 'a = b.c:d()');
  assert.is(tree('a = b\n[c]'), 'a = b[c]');
});

test('where such a line can be nothing else, the error says why', () => {
  assert.is(
    errorOf('f\n(x)'),
    lines(
      't.kp:1:1: error: an expression alone is not a statement',
      '    f',
      '    ^',
      "hint: the '(' at the start of the next line does not continue it",
    ),
  );
  assert.is(
    errorOf('f\n"x"'),
    lines(
      't.kp:1:1: error: an expression alone is not a statement',
      '    f',
      '    ^',
      'hint: the string at the start of the next line does not continue it',
    ),
  );
  assert.is(
    errorOf('print(f\n(1))'),
    lines(
      "t.kp:2:1: error: expected ',' or ')', found '('",
      '    (1))',
      '    ^',
      'hint: at the start of a line it does not continue a call',
    ),
  );
  assert.is(
    errorOf('o:m\n(1)'),
    lines(
      "t.kp:2:1: error: expected the arguments of the method 'm', found '('",
      '    (1)',
      '    ^',
      'hint: at the start of a line it does not continue a call',
    ),
  );
});

test('constructors', () => {
  assert.is(expression('{}'), '{}');
  assert.is(expression('{1, 2; 3,}'), '{1, 2, 3}');
  assert.is(expression('{a = 1, ["b c"] = 2, [f()] = 3, 4, ...;}'), '{["a"] = 1, ["b c"] = 2, [f()] = 3, 4, ...}');
  assert.is(expression('{a, a == b, {c}}'), '{a, (a == b), {c}}');
});

test('functions', () => {
  assert.is(expression('function () {}'), 'function () {}');
  assert.is(expression('function (a, b, ...) { return ..., a }'), 'function (a, b, ...) { return ..., a }');
  assert.is(expression('function (...) { return ... }'), 'function (...) { return ... }');
  assert.is(
    tree('function f() {} function a.b.c:m(x) {}'),
    'f = function f() {}; a.b.c.m = function a.b.c:m(self, x) {}',
  );
  assert.is(tree('local function f(a) { return f(a) }'), 'local function f(a) { return f(a) }');
  assert.is(tree('var function f() {} var x'), 'local function f() {}; local x');
  assert.is(tree('print(...)'), 'print(...)');
});

test('nodes carry tight places in bytes', () => {
  const script = 'x  =  "é" .. ( a.b [ 1 ] )\n';
  const [assignment] = parse(script).body.statements;
  if (assignment?.type !== 'Assign') throw new Error('not an assignment');
  const bytes = Buffer.from(script).toString('latin1');
  const text = ({ start, end }: { start: number; end: number }): string =>
    Buffer.from(bytes.slice(start, end), 'latin1').toString();
  assert.is(text(assignment), 'x  =  "é" .. ( a.b [ 1 ] )');
  const [value] = assignment.values;
  if (value?.type !== 'Binary') throw new Error('not an operator');
  assert.is(text(value.left), '"é"');
  assert.is(text({ start: value.operatorStart, end: value.operatorStart + 2 }), '..');
  assert.is(text(value.right), '( a.b [ 1 ] )');
  if (value.right.type !== 'Parenthesized') throw new Error('no parentheses');
  assert.is(text(value.right.expression), 'a.b [ 1 ]');
});

test('places of statements end with their last token', () => {
  const script = 'x++ ; if a { b() } ; return 1 , 2 ;';
  assert.equal(
    parse(script).body.statements.map(({ start, end }) => script.slice(start, end)),
    ['x++', 'if a { b() }', 'return 1 , 2'],
  );
});

test('what an expression lacks', () => {
  const cases: readonly (readonly [string, number, string, number, string | undefined])[] = [
    ['x = ', 4, 'expected an expression, found the end of the script', 1, undefined],
    ['x = )', 5, "expected an expression, found ')'", 1, undefined],
    ['x = +1', 5, "expected an expression, found '+'", 1, "a number has no sign '+'"],
    ['x = while', 5, "expected an expression, found 'while'", 5, "'while' is a reserved word"],
    ['x = trace', 5, "expected an expression, found 'trace'", 5, "'trace' is a reserved word"],
    ['x = y + * z', 9, "expected an expression, found '*'", 1, undefined],
    ['x = a.', 7, "expected a name after '.', found the end of the script", 1, undefined],
    ['x = a:1', 7, "expected a name after ':', found '1'", 1, undefined],
    ['x = t.5', 6, "expected a name after '.', found a number", 2, 'an element of a table by number is written t[5]'],
    ['x = a:b', 8, "expected the arguments of the method 'b', found the end of the script", 1, undefined],
    ['x = (a', 5, "unclosed '('", 1, "the script ends without its ')'"],
    ['x = f(a', 6, "unclosed '('", 1, "the script ends without its ')'"],
    ['x = f(a,', 6, "unclosed '('", 1, "the script ends without its ')'"],
    ['x = t[a', 6, "unclosed '['", 1, "the script ends without its ']'"],
    ['x = {a', 5, "unclosed '{'", 1, "the script ends without its '}'"],
    ['x = {', 5, "unclosed '{'", 1, "the script ends without its '}'"],
    ['x = f(a b)', 9, "expected ',' or ')', found 'b'", 1, undefined],
    ['x = {a b}', 8, "expected ',' or '}', found 'b'", 1, undefined],
    ['x = t[a b]', 9, "expected ']', found 'b'", 1, undefined],
    ['x = {[a] b}', 10, "expected '=' after a key, found 'b'", 1, undefined],
    [
      'x = {[a = 1]}',
      9,
      "expected ']', found '='",
      1,
      "equality is written '=='; an assignment is a statement of its own",
    ],
    [
      'f(a = 1)',
      5,
      "expected ',' or ')', found '='",
      1,
      "equality is written '=='; an assignment is a statement of its own",
    ],
    ['f(a += 1)', 5, "expected ',' or ')', found '+='", 2, "'+=' makes a statement of its own, it has no value"],
    ['f(a++)', 4, "expected ',' or ')', found '++'", 2, "'++' makes a statement of its own, it has no value"],
    ['x = ++a', 5, "expected an expression, found '++'", 2, 'x++ is a statement of its own, it has no value'],
    [
      'x = function f() {}',
      14,
      "expected '(' after 'function', found 'f'",
      1,
      'a function in an expression has no name',
    ],
    ['x = function (a b) {}', 17, "expected ',' or ')', found 'b'", 1, undefined],
    ['x = function (a, if) {}', 18, "'if' is a reserved word, it cannot be a name here", 2, undefined],
    ['x = function () y()', 17, "the body of a function must stand in braces, found 'y'", 1, 'write { ... } round it'],
  ];
  assertErrors(cases);
});

test('a bracket of another line is named', () => {
  assert.is(
    errorOf('f(a,\n  b\nx = 3\n'),
    lines("t.kp:3:1: error: expected ',' or ')', found 'x'", '    x = 3', '    ^', "hint: it closes the '(' of line 1"),
  );
});

test('... outside a function that takes it', () => {
  assert.is(
    errorOf('function f() { print(...) }'),
    lines(
      "t.kp:1:22: error: '...' stands outside a function that takes it",
      '    function f() { print(...) }',
      '                         ^^^',
      'hint: name it among the parameters: function (...) { ... }',
    ),
  );
  assert.is(
    errorOf('trace a:b { print(...) }'),
    lines(
      "t.kp:1:19: error: '...' has no meaning in a trace block",
      '    trace a:b { print(...) }',
      '                      ^^^',
      'hint: keep the values in a variable outside the block',
    ),
  );
});

test.run();
