// Loads a module: its prototypes become records in linear memory, its words become instructions in the form that the
// interpreter runs (handlers.ts): 32 bytes each at the same index, operands as byte offsets of registers or addresses of
// constants. Comparisons and tests take the jump that follows them along.
//
// After the last word stand extra instructions that some need to come back to: a RETURN for a tail call of a built-in,
// the second half of TFOR. Their WORD tells which word they belong to.

import {
  modeOf,
  OPCODES,
  Op,
  opcodeOf,
  operandA,
  operandB,
  operandBx,
  operandC,
  operandSBx,
  RK_CONSTANT,
  SETLIST_BATCH,
} from '../bytecode/isa.js';
import type { Constant, Module, Prototype } from '../bytecode/module.js';
import { errorAt, plainError, type Span } from '../language/diagnostics.js';
import { Handler, type HandlerName } from './handlers.js';
import type { Heap } from './heap.js';
import { ClosureObject, Instruction, PrototypeRecord } from './heap-layout.js';
import { Tag } from './layout.js';
import { ScriptError } from './values.js';

/** A loaded function, as errors and translations look it up by PrototypeRecord.ID. */
export interface LoadedPrototype {
  readonly module: Module;
  readonly prototype: Prototype;
  readonly index: number;
  readonly record: number;
  readonly code: number;
}

const W = Instruction.SIZE;
/** U[0] is the globals table in every function; the verifier sees to it. */
const GLOBALS = 0;

/** Loads all prototypes; the first is the main chunk's. They are appended to `loaded`. */
export function loadModule(
  heap: Heap,
  module: Module,
  loaded: LoadedPrototype[],
  resolveSymbol: (name: string) => bigint,
): LoadedPrototype {
  const firstId = loaded.length;
  const records = module.prototypes.map(() => permanent(heap, PrototypeRecord.SIZE));
  module.prototypes.forEach((prototype, index) => {
    const constants = writeConstants(heap, module, prototype, resolveSymbol);
    const decoder = new Decoder(heap, prototype, records, index, constants);
    const code = decoder.decode();
    const record = records[index]!;
    const field = (offset: number, value: number): void => {
      heap.memory.u32[(record + offset) >>> 2] = value;
    };
    const upvalues = permanent(heap, prototype.upvalues.length * 8);
    prototype.upvalues.forEach((source, i) => {
      heap.memory.u32[(upvalues >>> 2) + 2 * i] = source.fromRegister ? 1 : 0;
      heap.memory.u32[(upvalues >>> 2) + 2 * i + 1] = source.fromRegister
        ? source.index * 16
        : ClosureObject.UPVALUES + source.index * 4;
    });
    field(PrototypeRecord.CODE, code);
    field(PrototypeRecord.REGISTER_BYTES, prototype.registerCount * 16);
    field(PrototypeRecord.PARAMETER_BYTES, prototype.parameterCount * 16);
    field(PrototypeRecord.IS_VARARG, prototype.isVararg ? 1 : 0);
    field(PrototypeRecord.CONSTANTS, constants);
    field(PrototypeRecord.CONSTANT_COUNT, prototype.constants.length);
    field(PrototypeRecord.CALLS, 0);
    field(PrototypeRecord.BACK_EDGES, 0);
    field(PrototypeRecord.UPVALUE_COUNT, prototype.upvalues.length);
    field(PrototypeRecord.UPVALUES, upvalues);
    field(PrototypeRecord.ID, firstId + index);
    heap.exports.registerPrototype(record);
    loaded.push({ module, prototype, index, record, code });
    heap.prototypeNames[firstId + index] = prototype.name;
  });
  return loaded[firstId]!;
}

function permanent(heap: Heap, bytes: number): number {
  return heap.checked(heap.exports.allocatePermanent(Math.max(bytes, 16)));
}

/** Writes a prototype's constants; answers their address. Throws KtapError at a kernel symbol that is not known. */
function writeConstants(
  heap: Heap,
  module: Module,
  prototype: Prototype,
  resolveSymbol: (name: string) => bigint,
): number {
  const address = permanent(heap, prototype.constants.length * 16);
  prototype.constants.forEach((constant, i) => {
    try {
      heap.write(address + 16 * i, constantValue(constant, resolveSymbol));
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      throw errorAt(module.source, placeOfConstant(prototype, i), error.message, error.hint);
    }
  });
  return address;
}

/** What the first instruction that uses a constant marks in the source. */
function placeOfConstant(prototype: Prototype, constant: number): Span {
  const { code, spans } = prototype;
  const word = code.findIndex((each) => {
    const opcode = OPCODES[opcodeOf(each)]!;
    if (opcode.bx === 'constant') return operandBx(each) === constant;
    return (
      (opcode.b === 'rk' && operandB(each) === RK_CONSTANT + constant) ||
      (opcode.c === 'rk' && operandC(each) === RK_CONSTANT + constant)
    );
  });
  return { start: spans[2 * word] ?? 0, end: spans[2 * word + 1] ?? 0 };
}

function constantValue(
  constant: Constant,
  resolveSymbol: (name: string) => bigint,
): undefined | boolean | bigint | string {
  switch (constant.kind) {
    case 'nil':
      return undefined;
    case 'symbol':
      return BigInt.asIntN(64, resolveSymbol(constant.name));
    default:
      return constant.value;
  }
}

/** Fields of an instruction beside its handler; those that are left out are 0. */
interface Fields {
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly x?: number;
  readonly y?: number;
  readonly z?: number;
}

class Decoder {
  readonly #heap: Heap;
  readonly #prototype: Prototype;
  readonly #records: readonly number[];
  readonly #record: number;
  readonly #constants: number;
  #code = 0;
  /** Index of the next extra instruction. */
  #extra: number;

  constructor(heap: Heap, prototype: Prototype, records: readonly number[], index: number, constants: number) {
    this.#heap = heap;
    this.#prototype = prototype;
    this.#records = records;
    this.#record = records[index]!;
    this.#constants = constants;
    this.#extra = prototype.code.length;
  }

  /** Writes the instructions; answers their address. */
  decode(): number {
    const { code } = this.#prototype;
    let extras = 0;
    for (const word of code) if (opcodeOf(word) === Op.TFOR || opcodeOf(word) === Op.CALL) extras++;
    const size = (code.length + extras) * W;
    this.#code = permanent(this.#heap, size);
    this.#heap.memory.u8.fill(0, this.#code, this.#code + size);
    for (let index = 0; index < code.length; index++) {
      const word = code[index]!;
      this.#decodeWord(index, word);
      if (opcodeOf(word) === Op.SETLIST && operandC(word) === 0) index++;
    }
    return this.#code;
  }

  #at(index: number): number {
    return this.#code + index * W;
  }

  #emit(index: number, handler: HandlerName, fields: Fields, word = index): void {
    const { u32 } = this.#heap.memory;
    const at = this.#at(index) >>> 2;
    u32[at] = Handler[handler];
    u32[at + 1] = fields.a ?? 0;
    u32[at + 2] = fields.b ?? 0;
    u32[at + 3] = fields.c ?? 0;
    u32[at + 4] = fields.x ?? 0;
    u32[at + 5] = fields.y ?? 0;
    u32[at + 6] = fields.z ?? 0;
    u32[at + 7] = word;
  }

  #emitExtra(handler: HandlerName, fields: Fields, word: number): number {
    const index = this.#extra++;
    this.#emit(index, handler, fields, word);
    return this.#at(index);
  }

  // ---- operands

  #constant(operand: number): number {
    return this.#constants + 16 * (operand - RK_CONSTANT);
  }

  #rk(operand: number): number {
    return operand >= RK_CONSTANT ? this.#constant(operand) + 1 : operand * 16;
  }

  #upvalue(index: number): number {
    return ClosureObject.UPVALUES + index * 4;
  }

  #table(operand: number, mode: number): number {
    return mode ? this.#upvalue(operand) + 1 : operand * 16;
  }

  #tag(constant: number): number {
    return this.#heap.memory.u32[constant >>> 2]!;
  }

  #isConstant(operand: number, tag: number): boolean {
    return operand >= RK_CONSTANT && this.#tag(this.#constant(operand)) === tag;
  }

  /** The two halves of a constant's payload, for X and Y. */
  #payload(constant: number): { x: number; y: number } {
    const { u32 } = this.#heap.memory;
    return { x: u32[(constant >>> 2) + 2]!, y: u32[(constant >>> 2) + 3]! };
  }

  // ---- jumps

  #backEdges(): number {
    return this.#record + PrototypeRecord.BACK_EDGES;
  }

  /** Where the instruction at `index` leads to: past it, or with it if it is a plain jump forward. */
  #through(index: number): number {
    const word = this.#prototype.code[index];
    if (word !== undefined && opcodeOf(word) === Op.JMP && operandA(word) === 0 && operandSBx(word) >= 0) {
      return this.#at(index + 1 + operandSBx(word));
    }
    return this.#at(index);
  }

  /** Fields X (taken when the condition holds) and Y of a test that skips the next word when the condition is not `expected`. */
  #branches(index: number, expected: boolean): { x: number; y: number } {
    const next = this.#through(index + 1);
    const skip = this.#at(index + 2);
    return expected ? { x: next, y: skip } : { x: skip, y: next };
  }

  // ---- words

  #decodeWord(index: number, word: number): void {
    const opcode = opcodeOf(word);
    const mode = modeOf(word);
    const a = operandA(word);
    const b = operandB(word);
    const c = operandC(word);
    const ra = a * 16;
    switch (opcode) {
      case Op.MOVE:
        this.#emit(index, 'MOVE', { a: ra, b: b * 16 });
        return;
      case Op.LOADK: {
        const constant = this.#constants + 16 * operandBx(word);
        const tag = this.#tag(constant);
        const handler = tag === Tag.INTEGER ? 'LOADINT' : 'LOADK';
        this.#emit(index, handler, { a: ra, b: tag, ...this.#payload(constant) });
        return;
      }
      case Op.LOADPRI:
        if (b === 0 && mode === 0) {
          this.#emit(index, 'LOADPRI1', { a: ra, b: c });
          return;
        }
        this.#emit(index, 'LOADPRI', { a: ra, b: c, c: b * 16, x: this.#at(index + 1 + mode) });
        return;
      case Op.UPVAL:
        this.#emit(index, mode ? 'SETUPVAL' : 'GETUPVAL', { a: ra, b: this.#upvalue(b) });
        return;
      case Op.GETTABLE:
        this.#getTable(index, mode, ra, b, c);
        return;
      case Op.SETTABLE:
        this.#storeTable(index, ['SETGLOBAL', 'SETFIELD', 'SETTABLE_RR', 'SETTABLE'], mode, a, b, c);
        return;
      case Op.INCTABLE:
        this.#storeTable(index, ['INCGLOBAL', 'INCFIELD', 'INCTABLE_RR', 'INCTABLE'], mode, a, b, c);
        return;
      case Op.AGGTABLE:
        this.#emit(index, 'AGGTABLE', { a: this.#table(a, mode), b: this.#rk(b), c: this.#rk(c) });
        return;
      case Op.NEWTABLE:
        this.#emit(index, 'NEWTABLE', { a: ra, b, c });
        return;
      case Op.SETLIST: {
        const batch = c === 0 ? this.#prototype.code[index + 1]! : c;
        const next = this.#at(index + (c === 0 ? 2 : 1));
        this.#emit(index, 'SETLIST', {
          a: ra,
          b: b === 0 ? -1 : b * 16,
          x: (batch - 1) * SETLIST_BATCH + 1,
          y: next,
        });
        return;
      }
      case Op.SELF:
        this.#emit(index, 'SELF', { a: ra, b: b * 16, c: this.#rk(c) });
        return;
      case Op.ADD:
      case Op.SUB:
      case Op.MUL:
      case Op.DIV:
      case Op.MOD:
      case Op.POW:
        this.#arithmetic(index, opcode, mode, ra, b, c);
        return;
      case Op.UNOP:
        this.#emit(index, c === 0 ? 'MINUS' : 'NOT', { a: ra, b: b * 16 });
        return;
      case Op.CONCAT:
        this.#emit(index, 'CONCAT', { a: ra, b: b * 16, c: c * 16 });
        return;
      case Op.JMP: {
        const offset = operandSBx(word);
        const x = this.#at(index + 1 + offset);
        const z = this.#backEdges();
        if (a > 0) {
          this.#emit(index, 'JUMP_CLOSE', { a: (a - 1) * 16, x, z });
          return;
        }
        this.#emit(index, offset >= 0 ? 'JUMP' : 'JUMP_BACK', { x, z });
        return;
      }
      case Op.EQ: {
        const branches = this.#branches(index, a === 1);
        if (b < RK_CONSTANT && c < RK_CONSTANT) this.#emit(index, 'EQ_RR', { b: b * 16, c: c * 16, ...branches });
        else if (b < RK_CONSTANT) this.#emit(index, 'EQ_RK', { b: b * 16, c: this.#constant(c), ...branches });
        else if (c < RK_CONSTANT) this.#emit(index, 'EQ_RK', { b: c * 16, c: this.#constant(b), ...branches });
        else this.#emit(index, 'EQ', { b: this.#rk(b), c: this.#rk(c), ...branches });
        return;
      }
      case Op.LT:
        this.#order(index, b, c, 0, this.#branches(index, a === 1));
        return;
      case Op.LE: {
        const { x, y } = this.#branches(index, a === 1);
        this.#order(index, c, b, 1, { x: y, y: x });
        return;
      }
      case Op.TEST:
        if (mode) {
          this.#emit(index, 'TESTSET', {
            a: ra,
            b: b * 16,
            c,
            x: this.#through(index + 1),
            y: this.#at(index + 2),
          });
          return;
        }
        this.#emit(index, 'TEST', { b: b * 16, ...this.#branches(index, c === 1) });
        return;
      case Op.CALL: {
        const bytes = b === 0 ? -1 : (b - 1) * 16;
        if (!mode) {
          this.#emit(index, 'CALL', { a: ra, b: bytes, c: c - 1 });
          return;
        }
        const x = this.#emitExtra('RETURN', { a: ra, b: -1 }, index);
        this.#emit(index, 'TAILCALL', { a: ra, b: bytes, x });
        return;
      }
      case Op.RETURN:
        if (b === 1) {
          this.#emit(index, 'RETURN0', {});
          return;
        }
        if (b === 2) {
          this.#emit(index, 'RETURN1', { a: ra });
          return;
        }
        this.#emit(index, 'RETURN', { a: ra, b: b === 0 ? -1 : (b - 1) * 16 });
        return;
      case Op.FORPREP:
        this.#emit(index, 'FORPREP', { a: ra, x: this.#at(index + 1 + operandSBx(word)) });
        return;
      case Op.FORLOOP:
        this.#emit(index, 'FORLOOP', {
          a: ra,
          x: this.#at(index + 1 + operandSBx(word)),
          z: this.#backEdges(),
        });
        return;
      case Op.TFOR: {
        const fields = { a: ra, c, x: this.#at(index + 1), y: this.#at(index + 2) };
        const b = this.#emitExtra('TFOR_CHECK', fields, index);
        this.#emit(index, 'TFOR', { ...fields, b });
        return;
      }
      case Op.CLOSURE:
        this.#emit(index, 'CLOSURE', { a: ra, b: this.#records[this.#prototype.children[operandBx(word)]!]! });
        return;
      case Op.VARARG:
        this.#emit(index, 'VARARG', { a: ra, b: b - 1 });
        return;
      case Op.EVENT:
        if (c === 3) {
          this.#emit(index, 'EVENT_NAMED', { a: ra, b: this.#rk(b) });
          return;
        }
        this.#emit(index, (['EVENT_TEXT', 'EVENT_NAME', 'EVENT_FIELD'] as const)[c]!, { a: ra, b });
        return;
      default:
        throw plainError(`opcode ${OPCODES[opcode]?.name ?? opcode} cannot be decoded`);
    }
  }

  #getTable(index: number, mode: number, a: number, b: number, c: number): void {
    if (this.#isConstant(c, Tag.STRING)) {
      const key = this.#constant(c);
      const { x } = this.#payload(key);
      if (mode && b === GLOBALS) {
        this.#emit(index, 'GETGLOBAL', { a, x });
        return;
      }
      if (!mode) {
        this.#emit(index, 'GETFIELD', { a, b: b * 16, c: key + 1, x });
        return;
      }
    }
    if (!mode && c < RK_CONSTANT) {
      this.#emit(index, 'GETTABLE_RR', { a, b: b * 16, c: c * 16 });
      return;
    }
    this.#emit(index, 'GETTABLE', { a, b: this.#table(b, mode), c: this.#rk(c) });
  }

  #storeTable(
    index: number,
    [onGlobal, onField, registers, general]: readonly [HandlerName, HandlerName, HandlerName, HandlerName],
    mode: number,
    a: number,
    b: number,
    c: number,
  ): void {
    const value = this.#rk(c);
    if (this.#isConstant(b, Tag.STRING)) {
      const key = this.#constant(b);
      const { x } = this.#payload(key);
      if (mode && a === GLOBALS) {
        this.#emit(index, onGlobal, { b: key + 1, c: value, x });
        return;
      }
      if (!mode) {
        this.#emit(index, onField, { a: a * 16, b: key + 1, c: value, x });
        return;
      }
    }
    if (!mode && b < RK_CONSTANT) {
      this.#emit(index, registers, { a: a * 16, b: b * 16, c: value });
      return;
    }
    this.#emit(index, general, { a: this.#table(a, mode), b: this.#rk(b), c: value });
  }

  #arithmetic(index: number, opcode: number, mode: number, a: number, b: number, c: number): void {
    const z = opcode + (mode ? 256 : 0);
    const withRegisters = ARITHMETIC_RR[opcode];
    if (withRegisters !== undefined && b < RK_CONSTANT && c < RK_CONSTANT) {
      this.#emit(index, withRegisters, { a, b: b * 16, c: c * 16, z });
      return;
    }
    const withInteger = ARITHMETIC_RI[opcode];
    if (withInteger !== undefined && b < RK_CONSTANT && this.#isConstant(c, Tag.INTEGER)) {
      const constant = this.#constant(c);
      this.#emit(index, withInteger, { a, b: b * 16, c: constant + 1, ...this.#payload(constant), z });
      return;
    }
    this.#emit(index, 'ARITHMETIC', { a, b: this.#rk(b), c: this.#rk(c), z });
  }

  /** B < C. */
  #order(index: number, b: number, c: number, z: number, branches: { x: number; y: number }): void {
    if (b < RK_CONSTANT && c < RK_CONSTANT) {
      this.#emit(index, 'LT_RR', { b: b * 16, c: c * 16, z, ...branches });
    } else if (b < RK_CONSTANT && this.#isConstant(c, Tag.INTEGER)) {
      this.#emit(index, 'LT_RI', { b: b * 16, c: this.#constant(c), z, ...branches });
    } else if (c < RK_CONSTANT && this.#isConstant(b, Tag.INTEGER)) {
      this.#emit(index, 'LT_IR', { b: this.#constant(b), c: c * 16, z, ...branches });
    } else {
      this.#emit(index, 'LT', { b: this.#rk(b), c: this.#rk(c), z, ...branches });
    }
  }
}

const ARITHMETIC_RR: Readonly<Record<number, HandlerName>> = {
  [Op.ADD]: 'ADD_RR',
  [Op.SUB]: 'SUB_RR',
  [Op.MUL]: 'MUL_RR',
  [Op.MOD]: 'MOD_RR',
};
const ARITHMETIC_RI: Readonly<Record<number, HandlerName>> = {
  [Op.ADD]: 'ADD_RI',
  [Op.SUB]: 'SUB_RI',
  [Op.MUL]: 'MUL_RI',
  [Op.DIV]: 'DIV_RI',
  [Op.MOD]: 'MOD_RI',
};
