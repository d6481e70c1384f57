// Section 1 of the language: comments, names, numbers, strings, kernel symbols, operators.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorOf, expression, lines, tree } from './support.js';

test('a first line with #!, comments, carriage returns and a byte order mark are skipped', () => {
  assert.is(tree('#!/usr/bin/env ktap\nx = 1 # one\n# { "\ny = 2'), 'x = 1; y = 2');
  assert.is(tree('x = 1\r\ny = 2\r\n'), 'x = 1; y = 2');
  assert.is(tree('\ufeffx = 1'), 'x = 1');
  assert.is(tree('\ufeff#!ktap\nx = 1'), 'x = 1');
  assert.is(tree(''), '');
  assert.is(tree('# only this'), '');
});

test('after . and :, and before = in a constructor, any word is a name', () => {
  assert.is(expression('a.function.end.trace_end'), 'a.function.end.trace_end');
  assert.is(tree('ffi.cdef "x"'), 'ffi.cdef("x")');
  assert.is(tree('o:nil()'), 'o:nil()');
  assert.is(
    expression('{nil = 1, true = 2, arg1 = 3, not = 4, x == 1}'),
    '{["nil"] = 1, ["true"] = 2, ["arg1"] = 3, ["not"] = 4, (x == 1)}',
  );
  assert.is(tree('function a.if.while:for() {}'), 'a.if.while.for = function a.if.while:for(self) {}');
});

test('words that are not reserved are names', () => {
  assert.is(tree('tick = 1'), 'tick = 1');
  assert.is(tree('profile(tick)'), 'profile(tick)');
  assert.is(tree('continue = 1; arg10 = end'), 'continue = 1; arg10 = end');
  assert.is(expression('tick-1'), '(tick - 1)');
});

test('words of the event, with the names of the 0.5 dialect', () => {
  assert.is(expression('{argevent, argstr, argname, probename}'), '{<text>, <text>, <name>, <name>}');
  assert.is(expression('{arg0, arg1, arg9}'), '{<argument 0>, <argument 1>, <argument 9>}');
  assert.is(expression('args.prev_comm .. args.function'), '(<field prev_comm> .. <field function>)');
  assert.is(expression('{args, args["x"]}'), '{args, args["x"]}');
});

test('args and arg0 are variables where the script has some of that name', () => {
  assert.is(tree('function f(args) { return args.x }'), 'f = function f(args) { return args.x }');
  assert.is(tree('{ local args = {} } x = args.a'), '{ local args = {} }; x = <field a>');
  assert.is(tree('for (args in f) { x = args.a } y = args.a'), 'for args in f { x = args.a }; y = <field a>');
  assert.is(tree('x = args.a args = {}'), 'x = args.a; args = {}');
  assert.is(tree('x = arg0 arg0 = 1'), 'x = arg0; arg0 = 1');
  assert.is(tree('function args() {} x = args.a'), 'args = function args() {}; x = args.a');
});

test('decimal numbers saturate, hexadecimal and octal ones wrap', () => {
  assert.is(expression('9223372036854775807'), '9223372036854775807');
  assert.is(expression('9223372036854775808'), '9223372036854775807');
  assert.is(expression(`1${'0'.repeat(1000)}`), '9223372036854775807');
  assert.is(expression('-9223372036854775808'), '-9223372036854775808');
  assert.is(expression('- 99999999999999999999'), '-9223372036854775808');
  assert.is(expression('-9223372036854775807'), '(-9223372036854775807)');
  assert.is(expression('0xffffffffffffffff'), '-1');
  assert.is(expression('0X7fffFFFFffffFFFF'), '9223372036854775807');
  assert.is(expression('0x1ffffffffffffffff'), '-1');
  assert.is(expression('0644 + 00 + 0'), '((420 + 0) + 0)');
  assert.is(expression('01777777777777777777777'), '-1');
});

test('only a minus directly before the literal makes it the smallest integer', () => {
  assert.is(expression('a-9223372036854775808'), '(a - 9223372036854775807)');
  assert.is(expression('-9223372036854775808^1'), '(-(9223372036854775807 ^ 1))');
  assert.is(expression('--9223372036854775808'), '(--9223372036854775808)');
});

test('numbers that are none', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['1..2', "malformed number '1..2'", "put blanks round '..' to join values: 1 .. 2"],
    ['1...', "malformed number '1...'", "put blanks round '..' to join values: 1 .."],
    ['12ab', "malformed number '12ab'", 'a name cannot begin with a digit'],
    ['0x', "malformed number '0x'", 'after 0x come the digits 0-9 and a-f'],
    ['0xfg', "malformed number '0xfg'", 'after 0x come the digits 0-9 and a-f'],
    ['0b101', "malformed number '0b101'", 'numbers are decimal, hexadecimal (0x1f) or octal (017)'],
    ['1_000', "malformed number '1_000'", "write the digits without '_'"],
    ['10ULL', "malformed number '10ULL'", 'numbers have no suffix, all of them are 64-bit'],
    ['1.5', "'1.5': ktap has no floating point", 'numbers are 64-bit integers; count in a smaller unit instead'],
    ['1.', "'1.': ktap has no floating point", 'numbers are 64-bit integers; count in a smaller unit instead'],
    ['.5', "'.5': ktap has no floating point", 'numbers are 64-bit integers; count in a smaller unit instead'],
    ['1e9', "'1e9': ktap has no floating point", 'numbers are 64-bit integers; count in a smaller unit instead'],
    ['2.5e-3', "'2.5e-3': ktap has no floating point", 'numbers are 64-bit integers; count in a smaller unit instead'],
    [
      '0x1.8p3',
      "'0x1.8p3': ktap has no floating point",
      'numbers are 64-bit integers; count in a smaller unit instead',
    ],
    ['0189', 'digit 8 in an octal number', 'a leading 0 makes a number octal; write 189 for the decimal one'],
  ];
  for (const [literal, message, hint] of cases) {
    assert.is(
      errorOf(`x = ${literal}`),
      lines(
        `t.kp:1:5: error: ${message}`,
        `    x = ${literal}`,
        `        ${'^'.repeat(literal.length)}`,
        `hint: ${hint}`,
      ),
    );
  }
});

test('.. between numbers needs blanks only before it', () => {
  assert.is(expression('1 ..2'), '(1 .. 2)');
  assert.is(expression('a..b'), '(a .. b)');
});

test('escapes of strings', () => {
  assert.is(expression(String.raw`"\a\b\f\n\r\t\v\\\"\'"`), String.raw`"\007\008\012\010\013\009\011\\\"'"`);
  assert.is(expression(`'"' .. "'"`), String.raw`("\"" .. "'")`);
  assert.is(expression(String.raw`"\x41\x7A\065\65B\1\z   x"`), String.raw`"AzAAB\001x"`);
  assert.is(expression('"a\\z\n   \t b"'), '"ab"');
  assert.is(expression('"a\\\nb"'), '"a\\010b"');
  assert.is(expression('"a\\\r\nb"'), '"a\\010b"');
  assert.is(expression(String.raw`"\0\255"`), '"\\000\xff"');
});

test('a string keeps the bytes of the script', () => {
  assert.is(expression('"é"'), '"\xc3\xa9"');
});

test('long strings have no escapes and lose a first newline', () => {
  assert.is(expression('[[a\\n"]]'), String.raw`"a\\n\""`);
  assert.is(expression('[[\na\n]]'), '"a\\010"');
  assert.is(expression('[[\r\na]]'), '"a"');
  assert.is(expression('[==[a]]b]=]c]==]'), '"a]]b]=]c"');
  assert.is(expression('[[]]'), '""');
});

test('[[ always opens a string', () => {
  assert.is(tree('t[[1]]'), 't("1")');
  assert.is(expression('t[t[1]]'), 't[t[1]]');
  assert.is(expression('t[ [[1]] ]'), 't["1"]');
});

test('kernel symbols', () => {
  assert.is(expression('`vfs_read` + `foo.isra.0`'), '(`vfs_read` + `foo.isra.0`)');
  assert.is(
    errorOf('x = `a b`'),
    lines(
      't.kp:1:5: error: unclosed ` of a kernel symbol',
      '    x = `a b`',
      '        ^^',
      'hint: the address of a kernel symbol is written `name`',
    ),
  );
  assert.is(
    errorOf('x = ``'),
    lines('t.kp:1:5: error: a kernel symbol without a name', '    x = ``', '        ^^', 'hint: write `name`'),
  );
});

test('what is wrong with a string is shown where it is', () => {
  const cases: readonly (readonly [string, number, string, string, string | undefined])[] = [
    [String.raw`x = "a\qb"`, 7, String.raw`unknown escape \q in a string`, '^^', 'write \\\\ for a backslash'],
    [String.raw`x = "a\é"`, 7, String.raw`unknown escape \é in a string`, '^^', 'write \\\\ for a backslash'],
    [String.raw`x = "a\300"`, 7, String.raw`escape \300 is above 255`, '^^^^', 'the number is decimal, one byte'],
    [String.raw`x = "a\xg"`, 7, String.raw`\x needs two hexadecimal digits`, '^^', String.raw`for instance \x0a`],
    [String.raw`x = "a\x1"`, 7, String.raw`\x needs two hexadecimal digits`, '^^^', String.raw`for instance \x0a`],
    ['x = "abc', 5, 'unclosed string: no " before the end of the script', '^^^^', undefined],
    ["x = 'abc\\", 5, "unclosed string: no ' before the end of the script", '^^^^^', undefined],
    ['x = "a\0b"', 7, 'a NUL byte in a string', '^', 'in quotes it is written \\0'],
    ['x = [[a\0b]]', 8, 'a NUL byte in a string', '^', 'in quotes it is written \\0'],
    ['x = [==[ab]=]', 5, 'unclosed long string: no ]==] before the end of the script', '^^^^', undefined],
    [
      'x = t[[1]',
      6,
      'unclosed long string: no ]] before the end of the script',
      '^^',
      "'[[' always opens a long string; write t[ [[s]] ] or t[(e)] to index by one",
    ],
  ];
  for (const [script, column, message, marks, hint] of cases) {
    const shown = script.replace('\0', '?');
    assert.is(
      errorOf(script),
      lines(
        `t.kp:1:${column}: error: ${message}`,
        `    ${shown}`,
        `    ${' '.repeat(column - 1)}${marks}`,
        ...(hint === undefined ? [] : [`hint: ${hint}`]),
      ),
    );
  }
});

test('a string must end in its line', () => {
  assert.is(
    errorOf('a = 1\nprint("abc)\nb = "c"\n'),
    lines(
      't.kp:2:7: error: unclosed string: no " before the end of the line',
      '    print("abc)',
      '          ^^^^^',
      'hint: a string over several lines is written [[...]]',
    ),
  );
  assert.is(
    errorOf('print("abc)\r\nb = "c"\r\n'),
    lines(
      't.kp:1:7: error: unclosed string: no " before the end of the line',
      '    print("abc)',
      '          ^^^^^',
      'hint: a string over several lines is written [[...]]',
    ),
  );
});

test('both forms of the logical operators and of not equal', () => {
  assert.is(expression('a && b || !c'), '((a and b) or (not c))');
  assert.is(expression('a and b or not c'), '((a and b) or (not c))');
  assert.is(expression('a != b'), expression('a ~= b'));
  assert.is(expression('!x'), '(not x)');
});

test('operators of other languages', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['!==', 'a !== b', 'write !=, values of different types are never equal'],
    ['===', 'a === b', 'write ==, values of different types are never equal'],
    ['<>', 'a <> b', "'not equal' is != or ~="],
    ['=<', 'a =< b', 'less or equal is <='],
    ['=>', 'a => b', 'greater or equal is >='],
    ['&', 'a & b', "numbers have no bitwise operators; the logical 'and' is && or and"],
    ['|', 'a | b', "numbers have no bitwise operators; the logical 'or' is || or or"],
    ['~', 'a ~ b', "numbers have no bitwise operators; 'not equal' is != or ~="],
    ['<<', 'a << b', 'to shift, multiply by a power of two; <<< adds to an aggregation'],
    ['>>', 'a >> b', 'to shift, divide by a power of two'],
    ['->', 'a -> b', 'an element of a table is written t.name'],
    ['**', 'a ** b', 'the power of a number is written a ^ b'],
    ['//', 'a // b', "a comment begins with '#'; '/' already drops the remainder"],
    ['/*', 'a /* b', "a comment begins with '#' and goes to the end of the line"],
    ['?', 'a ? b : c', 'a choice is written c and a or b'],
    [':=', 'a := b', "an assignment is written '='"],
    ['^=', 'a ^= b', 'write x = x ^ value'],
    ['..=', 'a ..= b', 'write s = s .. value'],
  ];
  for (const [operator, script, hint] of cases) {
    assert.is(
      errorOf(`x = ${script}`),
      lines(
        `t.kp:1:7: error: ktap has no operator '${operator}'`,
        `    x = ${script}`,
        `          ${'^'.repeat(operator.length)}`,
        `hint: ${hint}`,
      ),
    );
  }
});

test('characters that belong to no token', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['@', "unexpected character '@'", 'variables and tables have plain names in ktap'],
    [
      '$',
      "unexpected character '$'",
      "the script's arguments are arg[1], arg[2] and so on, an event's are arg1 to arg9",
    ],
    ['\\', "unexpected character '\\'", 'a statement may go over several lines without a mark'],
    ['“', "unexpected character '“'", `strings stand in plain quotes: "..." or '...'`],
    ['\u00a0', "unexpected character '\u00a0'", 'this is a no-break space; write a plain one'],
    ['é', "unexpected character 'é'", 'outside strings and comments a script is ASCII text'],
    ['😀', "unexpected character '😀'", 'outside strings and comments a script is ASCII text'],
  ];
  for (const [character, message, hint] of cases) {
    assert.is(
      errorOf(`x = ${character}`),
      lines(`t.kp:1:5: error: ${message}`, `    x = ${character}`, '        ^', `hint: ${hint}`),
    );
  }
});

test.run();
