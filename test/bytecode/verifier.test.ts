// The verifier, with modules made by hand: each test is one way to step outside, and the message that it gets.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Constant, type Prototype, verify } from '../../src/bytecode/index.js';
import { encodeABC, encodeABx, encodeAsBx, OPCODES, Op } from '../../src/bytecode/isa.js';
import { errorOf, moduleOf, prototype } from './support.js';

const test = suite('verifier');

const RETURN = encodeABC(Op.RETURN, 0, 1, 0);
const jump = (distance: number, a = 0) => encodeAsBx(Op.JMP, a, distance);
const abc = (name: keyof typeof Op, a: number, b: number, c: number, m = 0) => encodeABC(Op[name], a, b, c, m);

const accepts = (words: number[], parts: Partial<Prototype> = {}) => {
  verify(moduleOf(prototype({ words, ...parts })));
};
const rejects = (words: number[], message: string | RegExp, parts: Partial<Prototype> = {}) => {
  const error = errorOf(() => verify(moduleOf(prototype({ words, ...parts }))));
  if (typeof message === 'string') assert.is(error.message, `the module is not valid: ${message}`);
  else assert.match(error.message, message);
};
const STRINGS: Constant[] = [
  { kind: 'string', value: 'a' },
  { kind: 'integer', value: 1n },
];

test('the smallest module passes', () => accepts([RETURN]));

test('an error names the function and the word', () => {
  rejects([RETURN, abc('MOVE', 1, 8, 0), RETURN], 'function 0 `main`, word 1: MOVE: there is no register for B');
});

test('registers are below the number of the frame, in every field of every instruction', () => {
  for (const [number, opcode] of OPCODES.entries()) {
    if (opcode.a === 'register') rejects([encodeABC(number, 8, 0, 0), RETURN], /there is no register for A|it has no/);
    if (opcode.b === 'register' || opcode.b === 'rk') {
      rejects([encodeABC(number, 0, 8, 0), RETURN], /there is no (register|rk|constant) for B/);
    }
    if (opcode.c === 'register' || opcode.c === 'rk') {
      rejects([encodeABC(number, 0, 0, 8), RETURN], /there is no (register|rk) for C/);
    }
  }
});

test('the last register of a range is below the number too', () => {
  rejects([abc('LOADPRI', 6, 2, 0), RETURN], /LOADPRI: its registers pass the end of the frame/);
  rejects([abc('SELF', 7, 0, 0), RETURN], /SELF: its registers/);
  rejects([abc('SETLIST', 5, 3, 1), RETURN], /SETLIST: its registers/);
  rejects([abc('CALL', 5, 4, 1), RETURN], /CALL: its registers/);
  rejects([abc('CALL', 5, 1, 5), RETURN], /CALL: its registers/);
  rejects([abc('RETURN', 5, 5, 0)], /RETURN: its registers/);
  rejects([abc('VARARG', 5, 5, 0), RETURN], /VARARG: its registers/);
  rejects([encodeAsBx(Op.FORPREP, 5, 0), RETURN], /FORPREP: its registers/);
  rejects([abc('TFOR', 3, 0, 1), jump(0), RETURN], /TFOR: its registers/);
  accepts([abc('TFOR', 2, 0, 1), jump(0), RETURN]);
  accepts([abc('CALL', 5, 3, 4), RETURN]);
});

test('constants, upvalues and children exist', () => {
  rejects([encodeABx(Op.LOADK, 0, 2), RETURN], /there is no constant for Bx/, { constants: STRINGS });
  accepts([encodeABx(Op.LOADK, 0, 1), RETURN], { constants: STRINGS });
  rejects([abc('ADD', 0, 258, 0), RETURN], /there is no rk for B/, { constants: STRINGS });
  rejects([abc('GETTABLE', 0, 1, 0, 1), RETURN], /there is no table for B/);
  rejects([abc('SETTABLE', 1, 0, 0, 1), RETURN], /there is no table for A/);
  rejects([encodeABx(Op.CLOSURE, 0, 0), RETURN], /there is no prototype for Bx/);
});

test('the globals table is only a table', () => {
  accepts([abc('GETTABLE', 0, 0, 0, 1), abc('SETTABLE', 0, 0, 0, 1), RETURN]);
  rejects([abc('UPVAL', 0, 0, 0), RETURN], /there is no upvalue for B/);
  rejects([abc('UPVAL', 0, 0, 0, 1), RETURN], /there is no upvalue for B/);
});

test('modes and unused fields are 0 where they mean nothing', () => {
  rejects([abc('MOVE', 0, 0, 0, 1), RETURN], /MOVE with M/);
  rejects([abc('MOVE', 0, 0, 1), RETURN], /there is no none for C/);
  rejects([abc('UNOP', 0, 0, 2), RETURN], /UNOP: operator 2/);
  rejects([abc('LOADPRI', 0, 0, 3), RETURN], /LOADPRI: value 3/);
  rejects([abc('EVENT', 0, 0, 4), RETURN], /EVENT: part 4/);
  rejects([abc('EVENT', 0, 1, 0), RETURN], /EVENT: B is 1/);
  rejects([abc('EVENT', 0, 0, 2), RETURN], /EVENT: argument 0/);
  rejects([abc('EVENT', 0, 11, 2), RETURN], /EVENT: argument 11/);
  rejects([abc('EVENT', 0, 257, 3), RETURN], /EVENT: the name is no string/, { constants: STRINGS });
  rejects([abc('CONCAT', 0, 2, 2), RETURN], /CONCAT: nothing to join/);
  rejects([abc('CALL', 0, 1, 2, 1), RETURN], /a tail call with a number of results/);
});

test('the extra arguments of a function that has none', () => {
  rejects([abc('VARARG', 0, 2, 0), RETURN], /no extra arguments/, { isVararg: false });
});

test('jumps stay in the code', () => {
  rejects([jump(1), RETURN], 'function 0 `main`, word 0: JMP: there is no jump for Bx');
  rejects([jump(-2), RETURN], /word 0: JMP: there is no jump/);
  accepts([jump(-1)]);
  rejects([jump(0, 9), RETURN], /JMP: register 8/);
});

test('no jump enters an instruction of two words', () => {
  const setList = [abc('SETLIST', 0, 1, 0), 3];
  accepts([...setList, RETURN]);
  rejects([jump(1), ...setList, RETURN], /word 0: a jump into the middle of an instruction/);
  rejects([abc('SETLIST', 0, 1, 0)], /no number of a batch/);
  rejects([abc('SETLIST', 0, 1, 0), 0, RETURN], /no number of a batch/);
  rejects([abc('SETLIST', 0, 1, 0), 0xffff_ffff, RETURN], /no number of a batch/);
  rejects([abc('SETLIST', 0, 1, 0), RETURN], /no number of a batch|does not end here/);
});

test('a comparison, TEST and TFOR have a JMP of their own', () => {
  for (const word of [abc('EQ', 1, 0, 0), abc('LT', 0, 0, 0), abc('LE', 0, 0, 0), abc('TEST', 0, 0, 1)]) {
    accepts([word, jump(0), RETURN]);
    rejects([word, RETURN, RETURN], /no JMP follows/);
    rejects([word], /no JMP follows/);
    rejects([word, jump(-2)], /a skip out of the code/);
    rejects([jump(1), word, jump(0), RETURN], /into the middle/);
  }
  rejects([abc('TFOR', 0, 0, 1), RETURN], /no JMP follows/);
  rejects([abc('TFOR', 0, 0, 0), jump(0), RETURN], /TFOR: no variable/);
  rejects([abc('EQ', 2, 0, 0), jump(0), RETURN], /expected result 2/);
});

test('a load that skips has another load to skip', () => {
  accepts([abc('LOADPRI', 0, 0, 1, 1), abc('LOADPRI', 0, 0, 2), RETURN]);
  rejects([abc('LOADPRI', 0, 0, 1, 1), RETURN, RETURN], /no LOADPRI to skip/);
});

test('the code ends', () => {
  rejects([abc('MOVE', 0, 1, 0)], /the code does not end here/);
  rejects([abc('CALL', 0, 1, 1)], /the code does not end here/);
  accepts([abc('CALL', 0, 1, 0, 1)]);
  rejects([abc('SETLIST', 0, 1, 0), RETURN], /no number of a batch|does not end/);
});

test('open values are used at once, and only by who may', () => {
  const open = abc('VARARG', 2, 0, 0);
  accepts([open, abc('RETURN', 2, 0, 0)]);
  accepts([open, abc('RETURN', 1, 0, 0)]);
  accepts([open, abc('CALL', 1, 0, 1), RETURN]);
  accepts([abc('CALL', 2, 1, 0), abc('SETLIST', 1, 0, 1), RETURN]);
  rejects([open, RETURN], /its open values are not used/);
  rejects([open, abc('MOVE', 0, 1, 0), abc('RETURN', 2, 0, 0)], /no open values before it|are not used/);
  rejects([abc('RETURN', 2, 0, 0)], /no open values before it/);
  rejects([open, abc('RETURN', 3, 0, 0)], /no open values before it/);
  rejects([open, abc('CALL', 2, 0, 1), RETURN], /no open values before it/);
  rejects([jump(1), open, abc('RETURN', 2, 0, 0)], /into the middle/);
});

test('numeric loops are pairs', () => {
  const loop = [encodeAsBx(Op.FORPREP, 0, 2), abc('MOVE', 4, 3, 0), encodeAsBx(Op.FORLOOP, 0, -2)];
  accepts([...loop, RETURN]);
  rejects([encodeAsBx(Op.FORPREP, 0, 0), RETURN], /FORPREP: it has no partner/);
  rejects([RETURN, encodeAsBx(Op.FORLOOP, 0, -2), RETURN], /FORLOOP: it has no partner/);
  rejects([loop[0]!, loop[1]!, encodeAsBx(Op.FORLOOP, 1, -2), RETURN], /it has no partner/);
  rejects([encodeAsBx(Op.FORPREP, 0, 1), loop[1]!, loop[2]!, RETURN], /it has no partner/);
});

test('a numeric loop is entered only at its start, and its body leaves its registers alone', () => {
  const loop = (body: number) => [encodeAsBx(Op.FORPREP, 0, 2), body, encodeAsBx(Op.FORLOOP, 0, -2)];
  rejects([jump(1), ...loop(RETURN), RETURN], /word 0: a jump into a numeric loop/);
  for (const body of [
    abc('MOVE', 1, 4, 0),
    abc('LOADPRI', 0, 5, 0),
    abc('CALL', 2, 1, 1),
    abc('GETTABLE', 2, 0, 0, 1),
  ]) {
    rejects([...loop(body), RETURN], /word 1: it writes a register of the numeric loop around it/);
  }
  accepts([...loop(abc('MOVE', 3, 4, 0)), RETURN]);
  accepts([...loop(abc('SETTABLE', 0, 4, 5, 1)), RETURN]);
  const inner = [encodeAsBx(Op.FORPREP, 3, 1), abc('MOVE', 7, 6, 0), encodeAsBx(Op.FORLOOP, 3, -2)];
  const words = [encodeAsBx(Op.FORPREP, 0, 3), ...inner, encodeAsBx(Op.FORLOOP, 0, -4), RETURN];
  rejects(words, /it has no partner/);
  words[1] = encodeAsBx(Op.FORPREP, 3, 2);
  words[0] = encodeAsBx(Op.FORPREP, 0, 4);
  words[4] = encodeAsBx(Op.FORLOOP, 0, -4);
  accepts(words);
});

test('frames', () => {
  rejects([RETURN], /251 registers/, { registerCount: 251 });
  rejects([RETURN], /0 registers/, { registerCount: 0 });
  rejects([RETURN], /the main chunk has parameters/, { parameterCount: 1 });
  rejects([], /0 words of code/);
  rejects([RETURN], /places in the source do not match/, { spans: new Uint32Array(4) });
  rejects([RETURN], /word 0: its place is outside of the source/, { spans: Uint32Array.of(0, 1) });
  rejects([RETURN], /local `x`/, { locals: [{ name: 'x', register: 8, start: 0, end: 1 }] });
  rejects([RETURN], /local `x`/, { locals: [{ name: 'x', register: 0, start: 0, end: 2 }] });
  rejects([RETURN], /constant 0/, { constants: [{ kind: 'integer', value: 1n << 63n }] });
  rejects([RETURN], /constant 0/, { constants: [{ kind: 'symbol', name: '' }] });
});

test('upvalues come from what the parent has', () => {
  const globals = { fromRegister: false, index: 0, name: '(globals)' };
  const child = (parts: Partial<Prototype>) => prototype({ name: 'f', isVararg: false, ...parts });
  const parent = prototype({ children: [1] });
  const check = (parts: Partial<Prototype>) => verify(moduleOf(parent, child(parts)));
  check({});
  check({ upvalues: [globals, { fromRegister: true, index: 7, name: 'x' }] });
  const rejected = (upvalues: Prototype['upvalues'], message: RegExp) =>
    assert.match(errorOf(() => check({ upvalues })).message, message);
  rejected([], /function 1 `f`: 0 upvalues/);
  rejected([{ ...globals, fromRegister: true }], /upvalue 0 comes from register 0/);
  rejected([globals, { fromRegister: true, index: 8, name: 'x' }], /upvalue 1 comes from register 8/);
  rejected([globals, { fromRegister: false, index: 1, name: 'x' }], /upvalue 1 comes from upvalue 1/);
  // A second way to the globals table could be stored to.
  rejected([globals, globals], /upvalue 1 comes from upvalue 0/);
  assert.match(
    errorOf(() => verify(moduleOf(prototype({ upvalues: [globals, { ...globals, index: 1 }] })))).message,
    /upvalue 1/,
  );
});

test('prototypes form a tree', () => {
  const message = (...prototypes: Prototype[]) => errorOf(() => verify(moduleOf(...prototypes))).message;
  assert.match(message(), /it has no main chunk/);
  assert.match(message(prototype({ children: [0] })), /there is no child 0/);
  assert.match(message(prototype({ children: [1] })), /there is no child 1/);
  assert.match(message(prototype({ children: [1, 1] }), prototype()), /function 1 is the child of two/);
  assert.match(message(prototype(), prototype()), /function 1 is the child of none/);
  assert.match(message(prototype({ children: [1] }), prototype({ children: [1] })), /there is no child 1/);
});

test.run();
