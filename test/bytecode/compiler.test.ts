// The code of characteristic scripts. Columns: number of the word, instruction, operands, what it does by the script's names.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { disassemble, verify } from '../../src/bytecode/index.js';
import { compileText, hasCode } from './support.js';

const test = suite('compiler');

test('a whole module', () => {
  const { module } = compileText(
    'local total = 0\nfunction add(n) {\n  total += n\n  return total\n}\nprint(add(0x10), "a\\n", `schedule`)',
  );
  assert.is(
    disassemble(module),
    `function 0 \`main\` (0 parameters and more, 5 registers, 11 words)
  constants
    K0  0
    K1  "add"
    K2  "print"
    K3  16
    K4  "a\\n"
    K5  \`schedule\`
  upvalues
    U0  (globals) of the engine
  locals
    R0  total  1-11
  code
       0  line 1    LOADK       R0 K0               0
       1  line 2    CLOSURE     R1 F0               function 1 \`add\`
       2  line 2    SETTABLE.M  U0 K1 R1            add = R1
       3  line 6    GETTABLE.M  R1 U0 K2            print
       4  line 6    GETTABLE.M  R2 U0 K1            add
       5  line 6    LOADK       R3 K3               16
       6  line 6    CALL        R2 2 2
       7  line 6    LOADK       R3 K4               "a\\n"
       8  line 6    LOADK       R4 K5               \`schedule\`
       9  line 6    CALL        R1 4 1
      10  line 6    RETURN      R0 1

function 1 \`add\` (1 parameter, 2 registers, 6 words)
  upvalues
    U0  (globals) = U0 of the parent
    U1  total = R0 of the parent
  locals
    R0  n  0-6
  code
       0  line 3    UPVAL       R1 U1               total
       1  line 3    ADD.M       R1 R1 R0            R1 += n
       2  line 3    UPVAL.M     R1 U1               total = R1
       3  line 4    UPVAL       R1 U1               total
       4  line 4    RETURN      R1 2
       5  line 5    RETURN      R0 1
`,
  );
});

test('locals are operands in their own registers, constants in their place', () => {
  hasCode(
    'local a, b = 1, 2\na = a + b * 2 - a',
    `0 LOADK R0 K0 1
     1 LOADK R1 K1 2
     2 MUL R2 R1 K1 b * 2
     3 ADD R2 R0 R2 a + R2
     4 SUB R0 R2 R0 R2 - a
     5 RETURN R0 1`,
  );
});

test('arithmetic on integers is done when compiling, unless it would be an error', () => {
  hasCode('x = 2 ^ 3 + 7 / -2', '0 SETTABLE.M U0 K0 K1 x = 5\n1 RETURN R0 1');
  hasCode('x = 9223372036854775807 + 1', '0 SETTABLE.M U0 K0 K1 x = -9223372036854775808\n1 RETURN R0 1');
  hasCode('x = 7 % -3 * 10', '0 SETTABLE.M U0 K0 K1 x = 10\n1 RETURN R0 1');
  hasCode('x = 1 / 0', '0 DIV R0 K1 K2 1 / 0\n1 SETTABLE.M U0 K0 R0 x = R0\n2 RETURN R0 1');
  hasCode('x = 2 ^ -1', '0 POW R0 K1 K2 2 ^ -1\n1 SETTABLE.M U0 K0 R0 x = R0\n2 RETURN R0 1');
});

test('a local is copied only where a later call may assign it', () => {
  // f assigns x, nothing assigns y.
  hasCode(
    'local x, y = 1, 2\nfunction f() { x = 3 }\nlocal z = x + f()\nz = y + f()\nz = f() + x',
    `0 LOADK R0 K0 1
     1 LOADK R1 K1 2
     2 CLOSURE R2 F0 function 1 \`f\`
     3 SETTABLE.M U0 K2 R2 f = R2
     4 MOVE R2 R0 x
     5 GETTABLE.M R3 U0 K2 f
     6 CALL R3 1 2
     7 ADD R2 R2 R3 R2 + R3
     8 GETTABLE.M R3 U0 K2 f
     9 CALL R3 1 2
     10 ADD R2 R1 R3 y + R3
     11 GETTABLE.M R3 U0 K2 f
     12 CALL R3 1 2
     13 ADD R2 R3 R0 R3 + x
     14 RETURN R0 1`,
  );
});

test('tables and keys of targets are kept from being changed by the right side', () => {
  hasCode(
    'local t, k = {}, 1\nlocal function f() { t = {} k = 2 }\nt[k] = f()',
    `0 NEWTABLE R0 0 0
     1 LOADK R1 K0 1
     2 CLOSURE R2 F0 function 1 \`f\`
     3 MOVE R3 R0 t
     4 MOVE R4 R1 k
     5 MOVE R5 R2 f
     6 CALL R5 1 2
     7 SETTABLE R3 R4 R5 R3[R4] = R5
     8 RETURN R0 1`,
  );
  hasCode(
    'local t, k = {}, 1\nt[k], k = k, t',
    `0 NEWTABLE R0 0 0
     1 LOADK R1 K0 1
     2 MOVE R2 R1 k
     3 MOVE R3 R1 k
     4 MOVE R4 R0 t
     5 SETTABLE R0 R2 R3 t[R2] = R3
     6 MOVE R1 R4 R4
     7 RETURN R0 1`,
  );
});

test('locals that exchange their values need one temporary less', () => {
  hasCode(
    'local a, b = 0, 1\na, b = b, a + b\na, a = 1, 2',
    `0 LOADK R0 K0 0
     1 LOADK R1 K1 1
     2 MOVE R2 R1 b
     3 ADD R1 R0 R1 a + b
     4 MOVE R0 R2 R2
     5 LOADK R2 K1 1
     6 LOADK R3 K2 2
     7 MOVE R0 R2 R2
     8 MOVE R0 R3 R3
     9 RETURN R0 1`,
  );
});

test('a compound assignment reads the old value after its right side', () => {
  hasCode(
    'x -= f()',
    `0 GETTABLE.M R0 U0 K1 f
     1 CALL R0 1 2
     2 GETTABLE.M R1 U0 K0 x
     3 SUB.M R1 R1 R0 R1 -= R0
     4 SETTABLE.M U0 K0 R1 x = R1
     5 RETURN R0 1`,
  );
});

test('increments of elements are one word', () => {
  hasCode(
    't.n += 5 t[1]++ t[k]-- x++ t.n -= 5 x += y',
    `0 GETTABLE.M R0 U0 K0 t
     1 INCTABLE R0 K1 K2 R0["n"] += 5
     2 GETTABLE.M R0 U0 K0 t
     3 INCTABLE R0 K3 K3 R0[1] += 1
     4 GETTABLE.M R0 U0 K0 t
     5 GETTABLE.M R1 U0 K4 k
     6 INCTABLE R0 R1 K5 R0[R1] += -1
     7 INCTABLE.M U0 K6 K3 x += 1
     8 GETTABLE.M R0 U0 K0 t
     9 INCTABLE R0 K1 K7 R0["n"] += -5
     10 GETTABLE.M R0 U0 K8 y
     11 INCTABLE.M U0 K6 R0 x += R0
     12 RETURN R0 1`,
  );
});

test('a table that a handler captures is used in its upvalue', () => {
  hasCode(
    'local s, h = {}, quantize()\ntrace sched:* { s[argname] += 1 h[execname()] <<< arg1 s.x = s[2] }',
    `0 EVENT R0 0 1 argname
     1 INCTABLE.M U1 R0 K0 s[R0] += 1
     2 GETTABLE.M R0 U0 K1 execname
     3 CALL R0 1 2
     4 EVENT R1 1 2 arg1
     5 AGGTABLE.M U2 R0 R1 h[R0] <<< R1
     6 GETTABLE.M R0 U1 K3 s[2]
     7 SETTABLE.M U1 K2 R0 s["x"] = R0
     8 RETURN R0 1`,
    1,
  );
});

test('conditions are comparisons and jumps, swapped but never negated into each other', () => {
  hasCode(
    'local a, b = 1, 2\nif (a < b and not (a >= 5) or b) { f() } else { g() }',
    `0 LOADK R0 K0 1
     1 LOADK R1 K1 2
     2 LT 0 R0 R1 if not a < b
     3 JMP 0 ->6
     4 LE 0 K2 R0 if not 5 <= a
     5 JMP 0 ->8
     6 TEST R1 R1 0 if not b
     7 JMP 0 ->11
     8 GETTABLE.M R2 U0 K3 f
     9 CALL R2 1 1
     10 JMP 0 ->13
     11 GETTABLE.M R2 U0 K4 g
     12 CALL R2 1 1
     13 RETURN R0 1`,
  );
});

test('values of logical expressions', () => {
  hasCode(
    'local a, b, c = 1, 2, 3\nlocal d = a and b or c\nlocal e = a == 1 or b != 2\nlocal f = not a\nc = b > a and c',
    `0 LOADK R0 K0 1
     1 LOADK R1 K1 2
     2 LOADK R2 K2 3
     3 TEST R0 R0 0 if not a
     4 JMP 0 ->7
     5 TEST.M R3 R1 1 if b, R3 = it
     6 JMP 0 ->8
     7 MOVE R3 R2 c
     8 EQ 1 R0 K0 if a == 1
     9 JMP 0 ->13
     10 EQ 0 R1 K1 if not b == 2
     11 JMP 0 ->13
     12 LOADPRI.M R4 0 1 false, skip
     13 LOADPRI R4 0 2 true
     14 UNOP R5 R0 1 not a
     15 LT 0 R0 R1 if not a < b
     16 JMP 0 ->18
     17 JMP 0 ->19
     18 LOADPRI R2 0 1 false
     19 RETURN R0 1`,
  );
});

test('loops test at their end', () => {
  hasCode(
    'local i = 0\nwhile (i < 3) { if (f) { continue } i++ }\nwhile (true) { break }\nfor (j = 0; j < 9; j += 2) { }',
    `0 LOADK R0 K0 0
     1 JMP 0 ->6
     2 GETTABLE.M R1 U0 K1 f
     3 TEST R1 R1 1 if R1
     4 JMP 0 ->6
     5 ADD.M R0 R0 K2 i += 1
     6 LT 1 R0 K3 if i < 3
     7 JMP 0 ->2
     8 JMP 0 ->10
     9 JMP 0 ->10
     10 LOADK R1 K0 0
     11 JMP 0 ->13
     12 ADD.M R1 R1 K4 j += 2
     13 LT 1 R1 K5 if j < 9
     14 JMP 0 ->12
     15 RETURN R0 1`,
  );
});

test('a numeric loop that closes what its body captures', () => {
  hasCode(
    'for (i = 1, n) { if (i == 2) { break } f(function () { return i }) }',
    `0 LOADK R0 K0 1
     1 GETTABLE.M R1 U0 K1 n
     2 LOADK R2 K0 1
     3 FORPREP R0 ->12
     4 EQ 0 R3 K2 if not i == 2
     5 JMP 0 ->7
     6 JMP 4 ->12 close from R3
     7 GETTABLE.M R4 U0 K3 f
     8 CLOSURE R5 F0 function 1
     9 CALL R4 2 1
     10 JMP 4 ->11 close from R3
     11 FORLOOP R0 ->4
     12 RETURN R0 1`,
  );
});

test('a generic loop, and the room that its iterator needs', () => {
  const text = 'for (k in pairs(t)) { }';
  hasCode(
    text,
    `0 GETTABLE.M R0 U0 K0 pairs
     1 GETTABLE.M R1 U0 K1 t
     2 CALL R0 2 4
     3 JMP 0 ->4
     4 TFOR R0 1
     5 JMP 0 ->4
     6 RETURN R0 1`,
  );
  assert.is(compileText(text).module.prototypes[0]!.registerCount, 6);
});

test('the one variable of a C-style loop is closed once', () => {
  hasCode(
    'for (i = 0; i < 2; i++) { f(function () { return i }) }',
    `0 LOADK R0 K0 0
     1 JMP 0 ->6
     2 GETTABLE.M R1 U0 K1 f
     3 CLOSURE R2 F0 function 1
     4 CALL R1 2 1
     5 ADD.M R0 R0 K2 i += 1
     6 LT 1 R0 K3 if i < 2
     7 JMP 0 ->2
     8 JMP 1 ->9 close from R0
     9 RETURN R0 1`,
  );
});

test('an until test sees the locals of the body, which are closed after it', () => {
  hasCode(
    'repeat { local x = f() g(function () { return x }) } until x',
    `0 GETTABLE.M R0 U0 K0 f
     1 CALL R0 1 2
     2 GETTABLE.M R1 U0 K1 g
     3 CLOSURE R2 F0 function 1
     4 CALL R1 2 1
     5 TEST R0 R0 1 if x
     6 JMP 0 ->8
     7 JMP 1 ->0 close from R0
     8 JMP 1 ->9 close from R0
     9 RETURN R0 1`,
  );
});

test('open lists: arguments, results, constructors; parentheses cut', () => {
  hasCode(
    'f(1, ...) local t = {g(), g()} return (f()), ...',
    `0 GETTABLE.M R0 U0 K0 f
     1 LOADK R1 K1 1
     2 VARARG R2 0
     3 CALL R0 0 1
     4 NEWTABLE R0 2 0
     5 GETTABLE.M R1 U0 K2 g
     6 CALL R1 1 2
     7 GETTABLE.M R2 U0 K2 g
     8 CALL R2 1 0
     9 SETLIST R0 0 1
     10 GETTABLE.M R1 U0 K0 f
     11 CALL R1 1 2
     12 VARARG R2 0
     13 RETURN R1 0
     14 RETURN R0 1`,
  );
});

test('tail calls, also of methods; a call in parentheses is none', () => {
  hasCode(
    'function f(o) { if (o) { return o:m(1) } return (f(o)) }',
    `0 TEST R0 R0 0 if not o
     1 JMP 0 ->5
     2 SELF R1 R0 K0 o:m
     3 LOADK R3 K1 1
     4 CALL.M R1 3 0 tail call
     5 GETTABLE.M R1 U0 K2 f
     6 MOVE R2 R0 o
     7 CALL R1 2 2
     8 RETURN R1 2
     9 RETURN R0 1`,
    1,
  );
});

test('positions of a constructor enter the table in the order they are written', () => {
  hasCode(
    't = {1, x = 2, 3, f()}',
    `0 NEWTABLE R0 3 1
     1 LOADK R1 K1 1
     2 SETLIST R0 1 1
     3 SETTABLE R0 K2 K3 R0["x"] = 2
     4 SETTABLE R0 K3 K4 R0[2] = 3
     5 GETTABLE R1 R0 K1 R0[1]
     6 GETTABLE R2 R0 K3 R0[2]
     7 GETTABLE.M R3 U0 K5 f
     8 CALL R3 1 0
     9 SETLIST R0 0 1
     10 SETTABLE.M U0 K0 R0 t = R0
     11 RETURN R0 1`,
  );
});

test('a long constructor is stored in batches, from 512 on with a word of its own', () => {
  const items = Array.from({ length: 25_601 }, () => '0').join(',');
  const lines = disassemble(compileText(`t = {${items}}`).module).split('\n');
  const batches = lines.filter((line) => line.includes('SETLIST'));
  assert.is(batches.length, 513);
  assert.match(batches[0]!, /SETLIST +R0 50 1$/);
  assert.match(batches[510]!, /SETLIST +R0 50 511$/);
  assert.match(batches[511]!, /SETLIST +R0 50 0$/);
  assert.match(lines[lines.indexOf(batches[511]!) + 1]!, / batch +512$/);
});

test('a chain of joins is one word, a very long one some', () => {
  hasCode(
    'x = a .. "b" .. c',
    `0 GETTABLE.M R0 U0 K1 a
     1 LOADK R1 K2 "b"
     2 GETTABLE.M R2 U0 K3 c
     3 CONCAT R0 R0 R2
     4 SETTABLE.M U0 K0 R0 x = R0
     5 RETURN R0 1`,
  );
  const long = compileText(`x = ${Array.from({ length: 300 }, () => 'y').join(' .. ')}`).module;
  verify(long);
  assert.ok(long.prototypes[0]!.registerCount <= 101);
});

test('bare names of 0.5 are calls, unless the script sets them or a local has the name', () => {
  hasCode(
    'x = pid pid.y = cpu()',
    `0 GETTABLE.M R0 U0 K1 pid
     1 CALL R0 1 2
     2 SETTABLE.M U0 K0 R0 x = R0
     3 GETTABLE.M R0 U0 K1 pid
     4 CALL R0 1 2
     5 GETTABLE.M R1 U0 K3 cpu
     6 CALL R1 1 2
     7 SETTABLE R0 K2 R1 R0["y"] = R1
     8 RETURN R0 1`,
  );
  hasCode(
    'x = tid\ntid = 1',
    `0 GETTABLE.M R0 U0 K1 tid
     1 SETTABLE.M U0 K0 R0 x = R0
     2 SETTABLE.M U0 K1 K2 tid = 1
     3 RETURN R0 1`,
  );
  hasCode('local uid = 1\nx = uid', `0 LOADK R0 K0 1\n1 SETTABLE.M U0 K1 R0 x = uid\n2 RETURN R0 1`);
});

test('what an event offers', () => {
  hasCode(
    'function f() { return argevent, argname, arg1, arg9, args.fd }',
    `0 EVENT R0 0 0 argevent
     1 EVENT R1 0 1 argname
     2 EVENT R2 1 2 arg1
     3 EVENT R3 9 2 arg9
     4 EVENT R4 K0 3 args.fd
     5 RETURN R0 6
     6 RETURN R0 1`,
    1,
  );
  const newer = compileText('function f() { return arg0, arg9 }', { dialect: '0.5' }).module;
  const numbers = [...newer.prototypes[1]!.code].slice(0, 2).map((word) => word >>> 23);
  assert.equal(numbers, [1, 10]);
});

test('trace blocks and timers are calls of hidden globals', () => {
  const text = 'trace sched:sched_switch /prev_pid == 1/ { }\ntrace_end { }\ntick-1s { }\nprofile-97Hz { }';
  hasCode(
    text,
    `0 GETTABLE.M R0 U0 K0 (trace)
     1 LOADK R1 K1 "sched:sched_switch /prev_pid == 1/"
     2 CLOSURE R2 F0 function 1 \`trace sched:sched_switch /prev_pid == 1/\`
     3 CALL R0 3 1
     4 GETTABLE.M R0 U0 K2 (trace_end)
     5 CLOSURE R1 F1 function 2 \`trace_end\`
     6 CALL R0 2 1
     7 GETTABLE.M R0 U0 K3 (tick)
     8 LOADK R1 K4 "1s"
     9 CLOSURE R2 F2 function 3 \`tick-1s\`
     10 CALL R0 3 1
     11 GETTABLE.M R0 U0 K5 (profile)
     12 LOADK R1 K6 "97Hz"
     13 CLOSURE R2 F3 function 4 \`profile-97Hz\`
     14 CALL R0 3 1
     15 RETURN R0 1`,
  );
  // The place of each call is the block's head: errors about the event are shown there.
  const { spans } = compileText(text).module.prototypes[0]!;
  const marked = [3, 6, 10, 14].map((pc) => text.slice(spans[2 * pc], spans[2 * pc + 1]));
  assert.equal(marked, ['sched:sched_switch /prev_pid == 1/', 'trace_end', 'tick-1s', 'profile-97Hz']);
});

test('cdef is a call of ffi.cdef', () => {
  hasCode(
    'cdef [[ int getpid(); ]]',
    `0 GETTABLE.M R0 U0 K0 ffi
     1 GETTABLE R0 R0 K1 R0["cdef"]
     2 LOADK R1 K2 " int getpid(); "
     3 CALL R0 2 1
     4 RETURN R0 1`,
    0,
    { allowFfi: true },
  );
});

test('goto closes what it leaves', () => {
  hasCode(
    '::again::\n{ local x = 1 f(function () { return x }) if (g) { goto again } goto done }\n::done::',
    `0 LOADK R0 K0 1
     1 GETTABLE.M R1 U0 K1 f
     2 CLOSURE R2 F0 function 1
     3 CALL R1 2 1
     4 GETTABLE.M R1 U0 K2 g
     5 TEST R1 R1 0 if not R1
     6 JMP 0 ->8
     7 JMP 1 ->0 close from R0
     8 JMP 1 ->10 close from R0
     9 JMP 1 ->10 close from R0
     10 RETURN R0 1`,
  );
});

test('what an error at a word marks', () => {
  const text = 'x = a.b.c + f(1) .. -y < z:m(2)\nt.u[v] = 1 t[w] += q';
  const { code, spans } = compileText(text).module.prototypes[0]!;
  const marked = [...code].map((word, pc) => [word & 31, text.slice(spans[2 * pc], spans[2 * pc + 1])]);
  const of = (opcode: number) => marked.filter(([each]) => each === opcode).map(([, part]) => part);
  assert.equal(of(4), ['a', 'a', 'a.b', 'f', 'y', 'z', 't', 't', 'v', 't', 'w', 'q']);
  assert.equal(of(10), ['z']);
  assert.equal(of(11), ['a.b.c + f(1)']);
  assert.equal(of(17), ['-y']);
  assert.equal(of(18), ['a.b.c + f(1) .. -y']);
  assert.equal(of(21), ['a.b.c + f(1) .. -y < z:m(2)']);
  assert.equal(of(24), ['f', 'z:m']);
  assert.equal(of(5), ['x', 't.u[v]']);
  assert.equal(of(6), ['t[w] += q']);
});

test.run();
