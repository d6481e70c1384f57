// The instruction set: exactly 32 opcodes. Compiler, verifier, disassembler, interpreter (through the numbers that
// scripts/generate.js writes into assembly/generated/) and docs/bytecode.md all follow from this one table.
//
// A word has 32 bits:
//
//     31        23 22        14 13       6  5   4       0
//     [    B 9   ] [    C 9   ] [   A 8  ] [M] [ opcode 5 ]
//     [         Bx 18 / sBx 18 signed    ] [A] [M] [opcode]
//
// RK operands: a value of 256 or more picks constant (value - 256), else a register.

/** What an operand field means; the verifier and the disassembler act on it. */
export type OperandKind =
  | 'none' // must be 0
  | 'register' // R[x], written or read
  | 'rk' // register or constant
  | 'upvalue' // U[x]
  | 'table' // R[x], or U[x] when M is set
  | 'constant' // K[Bx]
  | 'prototype' // child prototype number Bx
  | 'jump' // signed, relative to the next word
  | 'number'; // a small number with a meaning of the opcode's own

export interface Opcode {
  readonly name: string;
  readonly a: OperandKind;
  /** `b` and `c`, or `bx` alone. */
  readonly b?: OperandKind;
  readonly c?: OperandKind;
  readonly bx?: OperandKind;
  /** What M = 1 means; absent: M must be 0. */
  readonly mode?: string;
  /** What it does, in the words of the reference document. */
  readonly effect: string;
}

const op = (name: string, operands: Omit<Opcode, 'name' | 'effect'>, effect: string): Opcode => ({
  name,
  ...operands,
  effect,
});

const ARITHMETIC_MODE = 'compound assignment: a nil left side counts as 0, a nil right side is an error';

/** The opcodes in the order of their numbers. */
export const OPCODES: readonly Opcode[] = [
  op('MOVE', { a: 'register', b: 'register', c: 'none' }, 'R[A] = R[B]'),
  op('LOADK', { a: 'register', bx: 'constant' }, 'R[A] = K[Bx]'),
  op(
    'LOADPRI',
    { a: 'register', b: 'number', c: 'number', mode: 'then skip the next word' },
    'R[A..A+B] = nil, false or true (C: 0, 1, 2)',
  ),
  op('UPVAL', { a: 'register', b: 'upvalue', c: 'none', mode: 'U[B] = R[A] instead' }, 'R[A] = U[B]'),
  op('GETTABLE', { a: 'register', b: 'table', c: 'rk', mode: 'T is U[B] instead of R[B]' }, 'R[A] = T[RK(C)]'),
  op('SETTABLE', { a: 'table', b: 'rk', c: 'rk', mode: 'T is U[A] instead of R[A]' }, 'T[RK(B)] = RK(C)'),
  op('INCTABLE', { a: 'table', b: 'rk', c: 'rk', mode: 'T is U[A] instead of R[A]' }, 'T[RK(B)] += RK(C)'),
  op('AGGTABLE', { a: 'table', b: 'rk', c: 'rk', mode: 'T is U[A] instead of R[A]' }, 'T[RK(B)] <<< RK(C)'),
  op(
    'NEWTABLE',
    { a: 'register', b: 'number', c: 'number' },
    'R[A] = a new table with room for B positions and C pairs',
  ),
  op(
    'SETLIST',
    { a: 'register', b: 'number', c: 'number' },
    'R[A][(C-1)*50+i] = R[A+i] for 1 <= i <= B (B = 0: to the top; C = 0: the next word is C)',
  ),
  op('SELF', { a: 'register', b: 'register', c: 'rk' }, 'R[A+1] = R[B]; R[A] = R[B][RK(C)]'),
  op('ADD', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) + RK(C)'),
  op('SUB', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) - RK(C)'),
  op('MUL', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) * RK(C)'),
  op('DIV', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) / RK(C)'),
  op('MOD', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) % RK(C)'),
  op('POW', { a: 'register', b: 'rk', c: 'rk', mode: ARITHMETIC_MODE }, 'R[A] = RK(B) ^ RK(C)'),
  op('UNOP', { a: 'register', b: 'register', c: 'number' }, 'R[A] = -R[B] (C = 0) or not R[B] (C = 1)'),
  op('CONCAT', { a: 'register', b: 'register', c: 'register' }, 'R[A] = R[B] .. … .. R[C]'),
  op('JMP', { a: 'number', bx: 'jump' }, 'pc += sBx; A > 0: close the upvalues from R[A-1] up'),
  op('EQ', { a: 'number', b: 'rk', c: 'rk' }, 'if (RK(B) == RK(C)) != A, skip the next word'),
  op('LT', { a: 'number', b: 'rk', c: 'rk' }, 'if (RK(B) < RK(C)) != A, skip the next word'),
  op('LE', { a: 'number', b: 'rk', c: 'rk' }, 'if (RK(B) <= RK(C)) != A, skip the next word'),
  op(
    'TEST',
    { a: 'register', b: 'register', c: 'number', mode: 'where it does not skip, R[A] = R[B]' },
    'if the truth of R[B] is not C, skip the next word',
  ),
  op(
    'CALL',
    { a: 'register', b: 'number', c: 'number', mode: 'tail call; no RETURN follows' },
    'R[A..A+C-2] = R[A](R[A+1..A+B-1]) (B = 0: arguments up to the top; C = 0: sets the top)',
  ),
  op('RETURN', { a: 'register', b: 'number', c: 'none' }, 'return R[A..A+B-2] (B = 0: up to the top)'),
  op(
    'FORPREP',
    { a: 'register', bx: 'jump' },
    'start R[A], limit R[A+1], step R[A+2]: R[A+1] = number of further rounds, R[A+3] = R[A]; without a round pc += sBx',
  ),
  op(
    'FORLOOP',
    { a: 'register', bx: 'jump' },
    'if R[A+1] > 0 (unsigned): R[A+1] -= 1, R[A] += R[A+2], R[A+3] = R[A], pc += sBx',
  ),
  op(
    'TFOR',
    { a: 'register', b: 'none', c: 'number' },
    'R[A+3..A+2+C] = R[A](R[A+1], R[A+2]); if R[A+3] is nil skip the next word, else R[A+2] = R[A+3]',
  ),
  op('CLOSURE', { a: 'register', bx: 'prototype' }, 'R[A] = closure of child prototype Bx'),
  op(
    'VARARG',
    { a: 'register', b: 'number', c: 'none' },
    'R[A..A+B-2] = the extra arguments (B = 0: all, sets the top)',
  ),
  op(
    'EVENT',
    { a: 'register', b: 'number', c: 'number' },
    'R[A] = of the event: its text (C = 0), its name (1), field number B (2), the field named RK(B) (3)',
  ),
];

/** Numbers by name: `Op.MOVE`. */
export const Op = Object.freeze(Object.fromEntries(OPCODES.map((opcode, number) => [opcode.name, number]))) as Readonly<
  Record<OpcodeName, number>
>;

export type OpcodeName =
  | 'MOVE'
  | 'LOADK'
  | 'LOADPRI'
  | 'UPVAL'
  | 'GETTABLE'
  | 'SETTABLE'
  | 'INCTABLE'
  | 'AGGTABLE'
  | 'NEWTABLE'
  | 'SETLIST'
  | 'SELF'
  | 'ADD'
  | 'SUB'
  | 'MUL'
  | 'DIV'
  | 'MOD'
  | 'POW'
  | 'UNOP'
  | 'CONCAT'
  | 'JMP'
  | 'EQ'
  | 'LT'
  | 'LE'
  | 'TEST'
  | 'CALL'
  | 'RETURN'
  | 'FORPREP'
  | 'FORLOOP'
  | 'TFOR'
  | 'CLOSURE'
  | 'VARARG'
  | 'EVENT';

/** An RK operand of this value or more is a constant. */
export const RK_CONSTANT = 256;

export const LIMITS = {
  locals: 200,
  registers: 250,
  upvalues: 255,
  constants: 1 << 18,
  jump: 131_071,
} as const;

/** Values that one SETLIST stores at the most. */
export const SETLIST_BATCH = 50;

export const encodeABC = (opcode: number, a: number, b: number, c: number, m = 0): number =>
  (opcode | (m << 5) | (a << 6) | (c << 14) | (b << 23)) >>> 0;
export const encodeABx = (opcode: number, a: number, bx: number, m = 0): number =>
  (opcode | (m << 5) | (a << 6) | (bx << 14)) >>> 0;
export const encodeAsBx = (opcode: number, a: number, sbx: number): number => encodeABx(opcode, a, sbx & 0x3ffff);

export const opcodeOf = (word: number): number => word & 31;
export const modeOf = (word: number): number => (word >>> 5) & 1;
export const operandA = (word: number): number => (word >>> 6) & 255;
export const operandB = (word: number): number => word >>> 23;
export const operandC = (word: number): number => (word >>> 14) & 511;
export const operandBx = (word: number): number => word >>> 14;
export const operandSBx = (word: number): number => word >> 14;
