// Statements: section 2 of the language, with its ambiguities, and what is said about wrong ones.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertErrors, errorOf, lines, tree } from './support.js';

test('semicolons are optional', () => {
  assert.is(tree('a = 1 b = 2; c = 3;; ;d = 4'), 'a = 1; b = 2; c = 3; d = 4');
});

test('assignments', () => {
  assert.is(tree('a, b.c, d[1] = 1, f()'), 'a, b.c, d[1] = 1, f()');
  assert.is(tree('(a).b = 1'), 'paren(a).b = 1');
  assert.is(tree('a += 1 a -= 2 a *= 3 a /= 4 a.b[c] %= 5'), 'a += 1; a -= 2; a *= 3; a /= 4; a.b[c] %= 5');
  assert.is(tree('x=-1 x=!y x-=-1'), 'x = (-1); x = (not y); x -= (-1)');
  assert.is(tree('s[k] <<< n + 1'), 's[k] <<< (n + 1)');
});

test('x++ and x-- are statements directly after the target', () => {
  assert.is(tree('x++ y-- t.a[1]++'), 'x++; y--; t.a[1]++');
  assert.is(tree('x ++\ny --'), 'x++; y--');
  assert.is(tree('x-- y = a--b'), 'x--; y = (a - (-b))');
  assert.is(tree('x--y()'), 'x--; y()');
});

test('locals', () => {
  assert.is(tree('local a local b, c = 1 var d = 2, 3'), 'local a; local b, c = 1; local d = 2, 3');
});

test('conditions with and without parentheses', () => {
  assert.is(tree('if a {}'), 'if a {}');
  assert.is(tree('if (a) {}'), 'if paren(a) {}');
  assert.is(tree('if (a) and (b) {}'), 'if (paren(a) and paren(b)) {}');
  assert.is(tree('while (a) {} while a < 5 {}'), 'while paren(a) {}; while (a < 5) {}');
});

test('else if and elseif are the same', () => {
  const expected = 'if a { x() } elseif b { y() } else { z() }';
  assert.is(tree('if a { x() } elseif b { y() } else { z() }'), expected);
  assert.is(tree('if a { x() }\nelse\nif b { y() } else { z() }'), expected);
});

test('outside brackets a { in a condition opens the body', () => {
  assert.is(tree('if f {a()}'), 'if f { a() }');
  assert.is(tree('if (f {a}) {b()}'), 'if paren(f({a})) { b() }');
  assert.is(tree('if g(f {a}) {b()}'), 'if g(f({a})) { b() }');
  assert.is(tree('if t[f {a}] {b()}'), 'if t[f({a})] { b() }');
  assert.is(tree('if f "x" {b()}'), 'if f("x") { b() }');
  assert.is(tree('while not f {break}'), 'while (not f) { break }');
  assert.is(tree('for i = 1, f {}'), 'for i = 1, f {}');
  assert.is(tree('for k in f {}'), 'for k in f {}');
  assert.is(tree('for (k in f {}) {}'), 'for k in f({}) {}');
  assert.is(tree('if a { x = f {1} }'), 'if a { x = f({1}) }');
  assert.is(tree('if function () { x = f {1} } {}'), 'if function () { x = f({1}) } {}');
  assertErrors([
    [
      'if x == {} {}',
      9,
      'expected an expression before the body',
      1,
      'a table constructor in a condition stands in parentheses',
    ],
  ]);
});

test('a { that starts a statement is a block', () => {
  assert.is(tree('{} { a = 1 { b = 2 } }'), '{}; { a = 1; { b = 2 } }');
});

test('repeat with braces round the body or without', () => {
  assert.is(tree('repeat { a() } until b'), 'repeat { a() } until b');
  assert.is(tree('repeat a() b() until c'), 'repeat { a(); b() } until c');
  assert.is(tree('repeat until a'), 'repeat {} until a');
  assert.is(tree('repeat { a() } b() until c'), 'repeat { { a() }; b() } until c');
  assert.is(tree('repeat { a() }; until c'), 'repeat { a() } until c');
  assert.is(tree('repeat repeat a() until b until c'), 'repeat { repeat { a() } until b } until c');
  assert.is(tree('repeat { local args = 1 } until args.x'), 'repeat { local args = 1 } until args.x');
});

test('the three forms of for', () => {
  assert.is(tree('for (i = 1, 10) {} for i = 1, 10, 2 {}'), 'for i = 1, 10 {}; for i = 1, 10, 2 {}');
  assert.is(tree('for (i = 0; i < 3; i++) {}'), 'for (i = 0; (i < 3); i++) {}');
  assert.is(tree('for (;;) {}'), 'for (; ; ) {}');
  assert.is(tree('for (; a; b.c = 1) {}'), 'for (; a; b.c = 1) {}');
  assert.is(tree('for (i = 0;; i -= 1) {}'), 'for (i = 0; ; i -= 1) {}');
  assert.is(tree('for (i = 0; i < 9; f(i)) {}'), 'for (i = 0; (i < 9); f(i)) {}');
  assert.is(tree('for (k, v in pairs(t)) {} for k in f, s, a {}'), 'for k, v in pairs(t) {}; for k in f, s, a {}');
});

test('break and continue', () => {
  assert.is(tree('while a { continue }'), 'while a { continue }');
  assert.is(tree('while a { continue; break }'), 'while a { continue; break }');
  assert.is(tree('while a { if b { continue } c() }'), 'while a { if b { continue }; c() }');
  assert.is(tree('while a { continue\n(f)() }'), 'while a { continue; paren(f)() }');
  assert.is(tree('while a { continue ::b:: }'), 'while a { continue; ::b:: }');
  assert.is(
    tree('while a { continue = 1 continue.x = 2 continue(3) }'),
    'while a { continue = 1; continue.x = 2; continue(3) }',
  );
  assert.is(tree('while a { goto continue ::continue:: }'), 'while a { goto continue; ::continue:: }');
  assertErrors([
    ['break', 1, "'break' stands outside a loop", 5],
    ['continue', 1, "'continue' stands outside a loop", 8],
    ['while a { function f() { break } }', 26, "'break' stands outside a loop", 5],
    ['while a { trace b:c { continue } }', 23, "'continue' stands outside a loop", 8],
  ]);
});

test('return stands last in its block', () => {
  assert.is(tree('return'), 'return');
  assert.is(tree('return 1, 2;'), 'return 1, 2');
  assert.is(tree('if a { return } repeat return until b'), 'if a { return }; repeat { return } until b');
  assertErrors([
    ['return 1 x()', 10, "a statement after 'return' is never reached", 1, 'return stands last in its block'],
    ['return return', 8, "expected an expression, found 'return'", 6, "'return' is a reserved word"],
  ]);
});

test('labels', () => {
  assert.is(tree('::a:: goto a'), '::a::; goto a');
  assertErrors([
    ['::a', 4, "expected '::' after the label, found the end of the script", 1],
    ['goto 5', 6, "expected a name after 'goto', found '5'", 1],
  ]);
});

test('cdef', () => {
  assert.is(tree('cdef [[ int getpid(); ]]'), 'cdef " int getpid(); "');
  assertErrors([
    ['cdef 5', 6, "expected a string after 'cdef', found '5'", 1, 'C declarations are written cdef [[ ... ]]'],
  ]);
});

test('a body without braces', () => {
  const hint = 'write { ... } round it';
  assertErrors([
    ['if (x) y()', 8, "the body of 'if' must stand in braces, found 'y'", 1, hint],
    ['if x {} elseif y z()', 18, "the body of 'elseif' must stand in braces, found 'z'", 1, hint],
    ['if (x) {} else y()', 16, "the body of 'else' must stand in braces, found 'y'", 1, hint],
    ['while (x) y()', 11, "the body of 'while' must stand in braces, found 'y'", 1, hint],
    ['while (x);', 10, "the body of 'while' must stand in braces, found ';'", 1, hint],
    ['for (i = 1, 2) y()', 16, "the body of 'for' must stand in braces, found 'y'", 1, hint],
    ['function f() y()', 14, "the body of a function must stand in braces, found 'y'", 1, hint],
    ['trace_end y()', 11, "the body of 'trace_end' must stand in braces, found 'y'", 1, hint],
    ['tick-1s y()', 9, "the body of 'tick-1s' must stand in braces, found 'y'", 1, hint],
    [
      'if x then y() end',
      6,
      "the body of 'if' must stand in braces, found 'then'",
      4,
      'blocks stand in braces: { ... }',
    ],
    [
      'while x do y() end',
      9,
      "the body of 'while' must stand in braces, found 'do'",
      2,
      'blocks stand in braces: { ... }',
    ],
  ]);
});

test('= in a condition', () => {
  const hint = "equality is written '=='; an assignment is a statement of its own";
  assertErrors([
    ['if x = 1 {}', 6, "expected '{' with the body of 'if', found '='", 1, hint],
    ['if (x = 1) {}', 7, "expected ')', found '='", 1, hint],
    ['while (x = 1) {}', 10, "expected ')', found '='", 1, hint],
  ]);
});

test('a block that is not closed is shown where it begins', () => {
  assert.is(
    errorOf('x = 1\nwhile x {\n  y()\n'),
    lines("t.kp:2:9: error: unclosed '{'", '    while x {', '            ^', "hint: the script ends without its '}'"),
  );
});

test('where the indentation tells which } is missing, the hint says so', () => {
  assert.is(
    errorOf('function f() {\n  if x {\n    y()\n}\n\nf()\n'),
    lines(
      "t.kp:1:14: error: unclosed '{'",
      '    function f() {',
      '                 ^',
      "hint: perhaps a '}' is missing before line 4, whose '}' closes the '{' of line 2",
    ),
  );
});

test('what closes nothing', () => {
  assertErrors([
    ['x = 5 }', 7, "'}' closes nothing", 1, 'no block is open here'],
    [')', 1, "')' closes nothing", 1],
    ['until x', 1, "'until' without 'repeat'", 5],
    ['{ until x }', 3, "'until' without 'repeat' in this block", 5],
    ['repeat { x() until y', 14, "'until' without '}' of the body", 5, 'close it first'],
    ['repeat x()', 1, "'repeat' without 'until'", 6, 'a loop is written repeat { ... } until condition'],
    ['else {}', 1, "'else' without 'if'", 4],
    ['elseif x {}', 1, "'elseif' without 'if'", 6],
  ]);
});

test('a for that is none of the three', () => {
  assertErrors([
    ['for i = 0; i < 3; i++ {}', 10, "a 'for' with ';' needs parentheses", 1, 'write for (i = 0; i < n; i++) { ... }'],
    [
      'for (i = 0, j = 3; i < 3; i++) {}',
      15,
      "unexpected '='",
      1,
      "a 'for' has one variable; declare others before it",
    ],
    ['for (i, j = 0, 3; i < 3; i++) {}', 11, "unexpected '='", 1, "a 'for' has one variable; declare others before it"],
    ['for (local i = 1, 3) {}', 6, "'local' is not written here", 5, 'the variable of a for is always local'],
    ['for (i = 1) {}', 11, "expected ',' and the limit, found ')'", 1],
    ['for (x) {}', 7, "expected '=' or 'in' after 'x', found ')'", 1, 'write for (x = 1, 10) or for (x in pairs(t))'],
    ['for (i = 0; i < 3) {}', 18, "expected ';' after the condition, found ')'", 1],
    ['for (i = 0; i < 3; ++i) {}', 20, "'++' stands after its variable", 2, 'write x++ or x += 1'],
    [
      'for (i = 3; i > 0; --i) {}',
      20,
      "'--' begins no statement",
      2,
      "a comment begins with '#'; to decrement write x-- or x -= 1",
    ],
  ]);
});

test('what cannot be assigned to', () => {
  assertErrors([
    ['f() = 1', 1, 'the result of a call cannot be assigned to', 3, "equality is written '=='"],
    ['f()++', 1, 'the result of a call cannot be assigned to', 3],
    ['(a) = 1', 1, 'an expression in parentheses cannot be assigned to', 3],
    ['arg1 = 5', 1, "'arg1' belongs to the event, it cannot be assigned to", 4],
    ['argevent = 5', 1, "'argevent' belongs to the event, it cannot be assigned to", 8],
    ['args.x = 1', 1, "'args.x' belongs to the event, it cannot be assigned to", 6],
    ['a, b += 1', 6, "'+=' takes a single target", 2],
    ['a, b', 5, "expected '=', found the end of the script", 1],
    ['a = b = c', 7, "unexpected '='", 1, 'a statement sets its targets once: a, b = 1, 2'],
    ['local a = 1, b = 2', 16, "unexpected '='", 1, 'a statement sets its targets once: a, b = 1, 2'],
    ['t <<< 5', 1, "'<<<' needs an element of an aggregation table", 1, 'write t[key] <<< value'],
    ['local 5', 7, "expected a name after 'local', found '5'", 1],
    ['local for = 1', 7, "'for' is a reserved word, it cannot be a name here", 3],
    ['var arg1 = 1', 5, "'arg1' is a reserved word, it cannot be a name here", 4],
    ['function (a) {}', 1, 'a function without a name is not a statement', 10, 'name it, or store it'],
    ['function f {}', 12, "expected '(' with the parameters of 'f', found '{'", 1],
    ['function a:b.c() {}', 13, "expected '(' with the parameters of 'a:b', found '.'", 1],
  ]);
});

test('an expression is no statement', () => {
  const alone = 'an expression alone is not a statement';
  const local = 'a local variable is declared with local or var';
  assertErrors([
    ['x', 1, alone, 1, 'to call it write x(), to set it x = value'],
    ['x.y', 1, alone, 3, 'to call it write x.y(), to set it x.y = value'],
    ['x + 1', 1, alone, 1, 'to call it write x(), to set it x = value'],
    ['x == 1', 3, 'a comparison is not a statement', 2, "an assignment is written '='"],
    ['5', 1, "expected a statement, found '5'", 1],
    ['"x"', 1, 'expected a statement, found a string', 3],
    ['let x = 1', 1, alone, 3, local],
    ['const x = 1', 1, alone, 5, local],
    ['int x;', 1, alone, 3, local],
    ['print x', 1, alone, 5, 'arguments stand in parentheses'],
    ['elif x {}', 1, alone, 4, 'write elseif or else if'],
    ['def f(x) {}', 1, alone, 3, 'a function is written function name(a, b) { ... }'],
    ['end', 1, alone, 3, 'blocks stand in braces: { ... }'],
    ['-- comment', 1, "'--' begins no statement", 2, "a comment begins with '#'; to decrement write x-- or x -= 1"],
    ['++x', 1, "'++' stands after its variable", 2, 'write x++ or x += 1'],
    ['-x', 1, "expected a statement, found '-'", 1],
  ]);
});

test.run();
