// Decides whether a module may run. A module may come from a file that anybody made: what passes here can not lead the
// interpreter, or translated code, outside of what is its own. They may rely on all of the following, and check none of it.
//
// Module
// - Prototype 0 is the main chunk: no parameters. Every other prototype is the child of exactly one, of a smaller number.
// - U[0] of every prototype is the globals table; nothing reads or writes it but as the table of GETTABLE, SETTABLE,
//   INCTABLE and AGGTABLE, and no other upvalue is it. Every upvalue comes from a register or an upvalue that the parent has.
// - Counts keep to LIMITS; a frame has 1 to 250 registers, parameters among them.
// Words
// - The fields of a word are what OPCODES says: registers below the frame's count (also the last of a range), constants,
//   upvalues and children that there are, unused fields and modes 0, numbers within their meaning. A constant that names a
//   field of an event is a string.
// - Control never leaves the code: jumps go to the first word of an instruction; the last word is RETURN, a JMP, or a tail
//   CALL.
// - EQ, LT, LE, TEST and TFOR are followed by a JMP that nothing else jumps to, so the two are one instruction; a skip over
//   that JMP stays in the code. LOADPRI with M is followed by another LOADPRI, and by something after it.
// - The top is set (CALL with C = 0, VARARG with B = 0) only where the next word uses it (CALL, RETURN, SETLIST with B = 0),
//   and that word is reached in no other way; it begins below the open values.
// - FORPREP and FORLOOP are pairs: FORPREP jumps behind its FORLOOP, which jumps behind its FORPREP. The words from there up
//   to FORLOOP are entered in no other way, write none of the loop's three registers themselves, and pairs nest.
//
// Not promised: the type of any value (an upvalue may change even the registers of a numeric loop), that a register was
// written before it is read (a frame must begin with valid values), how many values are open at the top, how deep calls go.

import { KtapError } from '../language/diagnostics.js';
import {
  LIMITS,
  modeOf,
  OPCODES,
  Op,
  type OperandKind,
  opcodeOf,
  operandA,
  operandB,
  operandBx,
  operandC,
  operandSBx,
  RK_CONSTANT,
  SETLIST_BATCH,
} from './isa.js';
import type { Module, Prototype } from './module.js';

/** Words of one function. */
const MAX_WORDS = 1 << 24;
/** Largest position of a table that SETLIST can name, as a batch. */
const MAX_BATCH = Math.floor(0x7fff_ffff / SETLIST_BATCH);
/** Largest number of an event's argument, arg9 with arg0. */
const MAX_ARGUMENT = 10;
const UNBOUNDED = 1 << 20;
const NOTHING: readonly [number, number] = [UNBOUNDED, -1];

/** Throws KtapError that names the prototype and the word, unless the module may run. */
export function verify(module: Module): void {
  const { prototypes } = module;
  if (prototypes.length === 0) throw fail(module, 'it has no main chunk');
  const parents = parentsOf(module);
  for (let number = 0; number < prototypes.length; number++) {
    const parent = number === 0 ? undefined : prototypes[parents[number]!]!;
    new PrototypeVerifier(module, number, parent).verify();
  }
}

function fail(module: Module, message: string): KtapError {
  return new KtapError({
    severity: 'error',
    message: `the module is not valid: ${message}`,
    source: module.source,
    hint: 'compile the script again: ktap --compile FILE.kpc SCRIPT',
  });
}

/** Numbers of the parents; checks that the prototypes form a tree. */
function parentsOf(module: Module): Int32Array {
  const { prototypes } = module;
  const parents = new Int32Array(prototypes.length).fill(-1);
  for (const [number, { children }] of prototypes.entries()) {
    for (const child of children) {
      if (!(child > number && child < prototypes.length)) {
        throw fail(module, `function ${number}: there is no child ${child}`);
      }
      if (parents[child] !== -1) throw fail(module, `function ${child} is the child of two`);
      parents[child] = number;
    }
  }
  const lost = parents.indexOf(-1, 1);
  if (lost > 0) throw fail(module, `function ${lost} is the child of none`);
  return parents;
}

interface NumericLoop {
  readonly outer: NumericLoop | undefined;
  /** Its first register; the two after it belong to it too. */
  readonly register: number;
  /** Words of the body, FORLOOP included. */
  readonly first: number;
  readonly last: number;
}

class PrototypeVerifier {
  readonly #module: Module;
  readonly #number: number;
  readonly #prototype: Prototype;
  readonly #parent: Prototype | undefined;
  readonly #code: Uint32Array;
  /** 1 for words that something may jump to. */
  readonly #enterable: Uint8Array;
  /** 1 for second words of instructions; known up to the word that is being verified. */
  readonly #second: Uint8Array;
  /** Innermost numeric loop around each word; empty where there is none at all. */
  readonly #loops: (NumericLoop | undefined)[] = [];

  constructor(module: Module, number: number, parent: Prototype | undefined) {
    this.#module = module;
    this.#number = number;
    this.#prototype = module.prototypes[number]!;
    this.#parent = parent;
    this.#code = this.#prototype.code;
    this.#second = new Uint8Array(this.#code.length);
    this.#enterable = new Uint8Array(this.#code.length).fill(1);
  }

  verify(): void {
    this.#verifyFrame();
    this.#verifyUpvalues();
    this.#verifyTables();
    this.#eachInstruction((pc, word) => this.#verifyWord(pc, word));
    this.#verifyEnd();
    this.#findLoops();
    this.#eachInstruction((pc, word) => this.#verifyFlow(pc, word));
  }

  #error(message: string, pc?: number): KtapError {
    const { name } = this.#prototype;
    const place = `function ${this.#number}${name === '' ? '' : ` \`${name.slice(0, 40)}\``}`;
    return fail(this.#module, `${place}${pc === undefined ? '' : `, word ${pc}`}: ${message}`);
  }

  #eachInstruction(check: (pc: number, word: number) => void): void {
    for (let pc = 0; pc < this.#code.length; pc++) {
      const word = this.#code[pc]!;
      check(pc, word);
      if (hasSecondWord(word)) pc++;
    }
  }

  // ---- what is not code

  #verifyFrame(): void {
    const { parameterCount, registerCount, constants, code, spans, locals, children } = this.#prototype;
    if (!(registerCount >= 1 && registerCount <= LIMITS.registers)) throw this.#error(`${registerCount} registers`);
    if (!(parameterCount >= 0 && parameterCount <= registerCount)) throw this.#error(`${parameterCount} parameters`);
    if (this.#number === 0 && parameterCount !== 0) throw this.#error('the main chunk has parameters');
    if (constants.length > LIMITS.constants) throw this.#error(`${constants.length} constants`);
    if (children.length > LIMITS.constants) throw this.#error(`${children.length} children`);
    if (code.length === 0 || code.length > MAX_WORDS) throw this.#error(`${code.length} words of code`);
    if (spans.length !== 2 * code.length) throw this.#error('places in the source do not match the code');
    const { length } = this.#module.source.text;
    for (let at = 0; at < spans.length; at += 2) {
      if (!(spans[at]! <= spans[at + 1]! && spans[at + 1]! <= length)) {
        throw this.#error('its place is outside of the source', at / 2);
      }
    }
    for (const { register, start, end, name } of locals) {
      if (!(register < registerCount && start <= end && end <= code.length)) throw this.#error(`local \`${name}\``);
    }
  }

  #verifyUpvalues(): void {
    const { upvalues } = this.#prototype;
    if (upvalues.length === 0 || upvalues.length > LIMITS.upvalues) throw this.#error(`${upvalues.length} upvalues`);
    for (const [number, { fromRegister, index }] of upvalues.entries()) {
      const parent = this.#parent;
      const isGlobals = !fromRegister && index === 0;
      const exists =
        parent !== undefined && index >= 0 && index < (fromRegister ? parent.registerCount : parent.upvalues.length);
      if (number === 0 ? !isGlobals : isGlobals || !exists) {
        throw this.#error(`upvalue ${number} comes from ${fromRegister ? 'register' : 'upvalue'} ${index}`);
      }
    }
  }

  #verifyTables(): void {
    for (const [index, constant] of this.#prototype.constants.entries()) {
      const isValid =
        constant.kind === 'integer'
          ? BigInt.asIntN(64, constant.value) === constant.value
          : constant.kind === 'symbol'
            ? constant.name !== ''
            : ['nil', 'boolean', 'string'].includes(constant.kind);
      if (!isValid) throw this.#error(`constant ${index}`);
    }
  }

  // ---- words

  #verifyWord(pc: number, word: number): void {
    const opcode = OPCODES[opcodeOf(word)]!;
    if (modeOf(word) === 1 && opcode.mode === undefined) throw this.#error(`${opcode.name} with M`, pc);
    this.#verifyField(pc, word, 'A', opcode.a, operandA(word));
    if (opcode.bx !== undefined) {
      this.#verifyField(pc, word, 'Bx', opcode.bx, operandBx(word));
    } else {
      this.#verifyField(pc, word, 'B', opcode.b ?? 'none', operandB(word));
      this.#verifyField(pc, word, 'C', opcode.c ?? 'none', operandC(word));
    }
    this.#verifyNumbers(pc, word);
  }

  #verifyField(pc: number, word: number, field: string, kind: OperandKind, value: number): void {
    const { registerCount, constants, upvalues, children } = this.#prototype;
    let isValid = true;
    switch (kind) {
      case 'none':
        isValid = value === 0;
        break;
      case 'register':
        isValid = value < registerCount;
        break;
      case 'rk':
        isValid = value >= RK_CONSTANT ? value - RK_CONSTANT < constants.length : value < registerCount;
        break;
      case 'upvalue':
        isValid = value > 0 && value < upvalues.length;
        break;
      case 'table':
        isValid = value < (modeOf(word) === 1 ? upvalues.length : registerCount);
        break;
      case 'constant':
        isValid = value < constants.length;
        break;
      case 'prototype':
        isValid = value < children.length;
        break;
      case 'jump': {
        const target = pc + 1 + operandSBx(word);
        isValid = target >= 0 && target < this.#code.length;
        break;
      }
      case 'number':
        break;
    }
    if (!isValid) throw this.#error(`${OPCODES[opcodeOf(word)]!.name}: there is no ${kind} for ${field}`, pc);
  }

  /** Numbers with a meaning of the opcode's own, ranges of registers, and the words that must follow. */
  #verifyNumbers(pc: number, word: number): void {
    const a = operandA(word);
    const b = operandB(word);
    const c = operandC(word);
    const mode = modeOf(word);
    const { registerCount, constants, isVararg } = this.#prototype;
    const opcode = opcodeOf(word);
    switch (opcode) {
      case Op.LOADPRI:
        this.#require(pc, c <= 2, `value ${c}`);
        this.#requireRange(pc, a + b + 1);
        if (mode === 1) {
          this.#require(pc, this.#opcodeAt(pc + 1) === Op.LOADPRI, 'no LOADPRI to skip');
          this.#require(pc, pc + 2 < this.#code.length, 'a skip out of the code');
        }
        break;
      case Op.SETLIST:
        this.#require(pc, b <= SETLIST_BATCH, `${b} values`);
        this.#requireRange(pc, a + b + 1);
        if (c === 0) {
          const batch = this.#code[pc + 1];
          this.#require(pc, batch !== undefined && batch >= 1 && batch <= MAX_BATCH, 'no number of a batch');
          this.#enterable[pc + 1] = 0;
          this.#second[pc + 1] = 1;
        }
        break;
      case Op.SELF:
        this.#requireRange(pc, a + 2);
        break;
      case Op.UNOP:
        this.#require(pc, c <= 1, `operator ${c}`);
        break;
      case Op.CONCAT:
        this.#require(pc, b < c, 'nothing to join');
        break;
      case Op.JMP:
        this.#require(pc, a <= registerCount, `register ${a - 1}`);
        break;
      case Op.EQ:
      case Op.LT:
      case Op.LE:
        this.#require(pc, a <= 1, `expected result ${a}`);
        this.#requireJump(pc);
        break;
      case Op.TEST:
        this.#require(pc, c <= 1, `expected truth ${c}`);
        this.#requireJump(pc);
        break;
      case Op.CALL:
        if (b > 0) this.#requireRange(pc, a + b);
        if (mode === 1) this.#require(pc, c === 0, 'a tail call with a number of results');
        else if (c > 0) this.#requireRange(pc, a + c - 1);
        break;
      case Op.RETURN:
        if (b > 0) this.#requireRange(pc, a + b - 1);
        break;
      case Op.FORPREP:
      case Op.FORLOOP:
        this.#requireRange(pc, a + 4);
        break;
      case Op.TFOR:
        this.#require(pc, c >= 1, 'no variable');
        // The iterator is called in the three registers from R[A+3] on.
        this.#requireRange(pc, a + 3 + Math.max(c, 3));
        this.#requireJump(pc);
        break;
      case Op.VARARG:
        this.#require(pc, isVararg, 'the function has no extra arguments');
        if (b > 0) this.#requireRange(pc, a + b - 1);
        break;
      case Op.EVENT:
        this.#require(pc, c <= 3, `part ${c}`);
        if (c < 2) this.#require(pc, b === 0, `B is ${b}`);
        if (c === 2) this.#require(pc, b >= 1 && b <= MAX_ARGUMENT, `argument ${b}`);
        if (c === 3) {
          this.#verifyField(pc, word, 'B', 'rk', b);
          this.#require(pc, b < RK_CONSTANT || constants[b - RK_CONSTANT]!.kind === 'string', 'the name is no string');
        }
        break;
    }
    if (usesTop(word)) {
      const before = pc > 0 && this.#second[pc - 1] !== 1 ? this.#code[pc - 1]! : undefined;
      const first = opcode === Op.RETURN ? a : a + 1;
      this.#require(
        pc,
        before !== undefined && setsTop(before) && operandA(before) >= first,
        'no open values before it',
      );
      this.#enterable[pc] = 0;
    }
    if (setsTop(word)) {
      const next = this.#code[pc + 1];
      this.#require(pc, next !== undefined && usesTop(next), 'its open values are not used');
    }
  }

  #require(pc: number, condition: boolean, what: string): void {
    if (!condition) throw this.#error(`${OPCODES[opcodeOf(this.#code[pc]!)]!.name}: ${what}`, pc);
  }

  #requireRange(pc: number, end: number): void {
    this.#require(pc, end <= this.#prototype.registerCount, 'its registers pass the end of the frame');
  }

  #requireJump(pc: number): void {
    this.#require(pc, this.#opcodeAt(pc + 1) === Op.JMP, 'no JMP follows');
    this.#require(pc, pc + 2 < this.#code.length, 'a skip out of the code');
    this.#enterable[pc + 1] = 0;
  }

  #opcodeAt(pc: number): number | undefined {
    const word = this.#code[pc];
    return word === undefined ? undefined : opcodeOf(word);
  }

  #verifyEnd(): void {
    const last = this.#code.length - 1;
    const word = this.#code[last]!;
    const opcode = opcodeOf(word);
    const ends = opcode === Op.RETURN || opcode === Op.JMP || (opcode === Op.CALL && modeOf(word) === 1);
    if (!ends || this.#second[last] === 1) throw this.#error('the code does not end here', last);
  }

  // ---- loops and jumps

  #findLoops(): void {
    const open: NumericLoop[] = [];
    this.#eachInstruction((pc, word) => {
      while (open.length > 0 && open.at(-1)!.last < pc) open.pop();
      const outer = open.at(-1);
      if (outer !== undefined) this.#loops[pc] = outer;
      const opcode = opcodeOf(word);
      if (opcode !== Op.FORPREP && opcode !== Op.FORLOOP) return;
      const target = pc + 1 + operandSBx(word);
      const partner = this.#code[target - 1];
      const isPair =
        partner !== undefined &&
        opcodeOf(partner) === (opcode === Op.FORPREP ? Op.FORLOOP : Op.FORPREP) &&
        this.#second[target - 1] !== 1 &&
        operandA(partner) === operandA(word) &&
        target + operandSBx(partner) === pc + 1 &&
        (opcode === Op.FORPREP ? target > pc + 1 : target <= pc);
      if (!isPair) throw this.#error(`${OPCODES[opcode]!.name}: it has no partner`, pc);
      if (opcode === Op.FORLOOP) return;
      const loop: NumericLoop = { outer, register: operandA(word), first: pc + 1, last: target - 1 };
      if (outer !== undefined && (loop.last >= outer.last || loop.register < outer.register + 3)) {
        throw this.#error('FORPREP: its loop does not nest in the one around it', pc);
      }
      open.push(loop);
    });
  }

  #verifyFlow(pc: number, word: number): void {
    const loop = this.#loops[pc];
    const opcode = opcodeOf(word);
    if (OPCODES[opcode]!.bx === 'jump') {
      const target = pc + 1 + operandSBx(word);
      if (this.#enterable[target] !== 1) throw this.#error('a jump into the middle of an instruction', pc);
      const around = this.#loops[target];
      if (around !== undefined && !(pc >= around.first && pc <= around.last)) {
        throw this.#error('a jump into a numeric loop', pc);
      }
    }
    if (loop === undefined) return;
    const written = writtenRegisters(word);
    for (let each: NumericLoop | undefined = loop; each !== undefined; each = each.outer) {
      const isOwn = opcode === Op.FORLOOP && pc === each.last;
      if (!isOwn && written[0] < each.register + 3 && written[1] >= each.register) {
        throw this.#error('it writes a register of the numeric loop around it', pc);
      }
    }
  }
}

const hasSecondWord = (word: number): boolean => opcodeOf(word) === Op.SETLIST && operandC(word) === 0;

/** The word leaves values up to the top. */
function setsTop(word: number): boolean {
  const opcode = opcodeOf(word);
  if (opcode === Op.CALL) return operandC(word) === 0 && modeOf(word) === 0;
  return opcode === Op.VARARG && operandB(word) === 0;
}

/** The word takes values up to the top. */
function usesTop(word: number): boolean {
  const opcode = opcodeOf(word);
  return (opcode === Op.CALL || opcode === Op.RETURN || opcode === Op.SETLIST) && operandB(word) === 0;
}

/** First and last register that a word itself may write; first > last where there is none. */
function writtenRegisters(word: number): readonly [number, number] {
  const a = operandA(word);
  const b = operandB(word);
  const mode = modeOf(word);
  switch (opcodeOf(word)) {
    case Op.SETTABLE:
    case Op.INCTABLE:
    case Op.AGGTABLE:
    case Op.SETLIST:
    case Op.JMP:
    case Op.EQ:
    case Op.LT:
    case Op.LE:
    case Op.RETURN:
      return NOTHING;
    case Op.UPVAL:
    case Op.TEST:
      return (opcodeOf(word) === Op.TEST) === (mode === 1) ? [a, a] : NOTHING;
    case Op.LOADPRI:
      return [a, a + b];
    case Op.SELF:
      return [a, a + 1];
    case Op.CALL:
      return [a, UNBOUNDED];
    case Op.TFOR:
      return [a + 2, UNBOUNDED];
    case Op.VARARG:
      return b === 0 ? [a, UNBOUNDED] : [a, a + b - 2];
    case Op.FORPREP:
    case Op.FORLOOP:
      return [a, a + 3];
    default:
      return [a, a];
  }
}
