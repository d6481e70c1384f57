// A module as text, for people and for tests, which compare it: functions, constants, upvalues, locals, and each word
// with its line, its decoded operands and what it does in terms of the script's names.
//
//     function 1 `add` (2 parameters, 3 registers, line 1)
//       constants
//         K0  "total"
//       upvalues
//         U0  (globals) = upvalue 0 of the parent
//       locals
//         R0  a  0-3
//       code
//          0  line 2    ADD         R2 R0 R1            a + b
//
// Registers are R, constants K, upvalues U; a jump shows the number of the word that it goes to.

import { toUtf8 } from '../language/diagnostics.js';
import {
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
} from './isa.js';
import type { Constant, Module, Prototype } from './module.js';

/** Longest constant that is shown in a comment. */
const SHOWN_CONSTANT = 40;

/** Text of a module (UTF-16), each line ended by a newline. */
export function disassemble(module: Module): string {
  const lineOf = lineFinder(module.source.text);
  const lines: string[] = [];
  for (const [number, prototype] of module.prototypes.entries()) {
    if (number > 0) lines.push('');
    disassemblePrototype(module, number, prototype, lineOf, lines);
  }
  return `${lines.join('\n')}\n`;
}

function disassemblePrototype(
  module: Module,
  number: number,
  prototype: Prototype,
  lineOf: (offset: number) => number,
  lines: string[],
): void {
  const count = (amount: number, what: string) => `${amount} ${what}${amount === 1 ? '' : 's'}`;
  const facts = [
    count(prototype.parameterCount, 'parameter') + (prototype.isVararg ? ' and more' : ''),
    count(prototype.registerCount, 'register'),
    count(prototype.code.length, 'word'),
  ];
  lines.push(`function ${number}${prototype.name === '' ? '' : ` \`${shown(prototype.name)}\``} (${facts.join(', ')})`);
  if (prototype.constants.length > 0) {
    lines.push('  constants');
    for (const [index, constant] of prototype.constants.entries()) lines.push(`    K${index}  ${literal(constant)}`);
  }
  lines.push('  upvalues');
  for (const [index, { name, fromRegister, index: place }] of prototype.upvalues.entries()) {
    const from = number === 0 ? 'of the engine' : `= ${fromRegister ? 'R' : 'U'}${place} of the parent`;
    lines.push(`    U${index}  ${shown(name)} ${from}`);
  }
  if (prototype.locals.length > 0) {
    lines.push('  locals');
    for (const { name, register, start, end } of prototype.locals) {
      lines.push(`    R${register}  ${shown(name)}  ${start}-${end}`);
    }
  }
  lines.push('  code');
  const namer = new Namer(module, prototype);
  for (let pc = 0; pc < prototype.code.length; pc++) {
    const line = lineOf(prototype.spans[2 * pc] ?? 0);
    const head = `    ${String(pc).padStart(4)}  line ${String(line).padEnd(4)} `;
    const word = prototype.code[pc]!;
    const comment = namer.comment(pc, word);
    const text = `${head}${mnemonic(word).padEnd(12)}${operands(word, pc).padEnd(18)}`;
    lines.push(comment === '' ? text.trimEnd() : `${text}  ${comment}`);
    if (opcodeOf(word) === Op.SETLIST && operandC(word) === 0 && pc + 1 < prototype.code.length) {
      pc++;
      lines.push(`    ${String(pc).padStart(4)}            batch       ${prototype.code[pc]}`);
    }
  }
}

const mnemonic = (word: number): string => OPCODES[opcodeOf(word)]!.name + (modeOf(word) === 1 ? '.M' : '');

/** Operands in the order A, B, C. */
function operands(word: number, pc: number): string {
  const opcode = OPCODES[opcodeOf(word)]!;
  const fields = [field(opcode.a, operandA(word), word, pc)];
  if (opcode.bx !== undefined) {
    fields.push(field(opcode.bx, operandBx(word), word, pc));
  } else {
    const isField = opcodeOf(word) === Op.EVENT && operandC(word) === 3;
    fields.push(field(isField ? 'rk' : (opcode.b ?? 'none'), operandB(word), word, pc));
    fields.push(field(opcode.c ?? 'none', operandC(word), word, pc));
  }
  return fields.filter((each) => each !== '').join(' ');
}

function field(kind: OperandKind, value: number, word: number, pc: number): string {
  switch (kind) {
    case 'none':
      return '';
    case 'register':
      return `R${value}`;
    case 'rk':
      return value >= RK_CONSTANT ? `K${value - RK_CONSTANT}` : `R${value}`;
    case 'upvalue':
      return `U${value}`;
    case 'table':
      return `${modeOf(word) === 1 ? 'U' : 'R'}${value}`;
    case 'constant':
      return `K${value}`;
    case 'prototype':
      return `F${value}`;
    case 'jump':
      return `->${pc + 1 + operandSBx(word)}`;
    case 'number':
      return String(value);
  }
}

/** Says what a word does with the names that the script gave. */
class Namer {
  readonly #module: Module;
  readonly #prototype: Prototype;

  constructor(module: Module, prototype: Prototype) {
    this.#module = module;
    this.#prototype = prototype;
  }

  comment(pc: number, word: number): string {
    const [a, b, c, mode] = [operandA(word), operandB(word), operandC(word), modeOf(word)];
    const register = (number: number) => this.#register(pc, number);
    const rk = (operand: number) =>
      operand >= RK_CONSTANT ? this.#constant(operand - RK_CONSTANT) : register(operand);
    const element = (table: number, key: number) =>
      mode === 1 && table === 0 && key >= RK_CONSTANT
        ? this.#globalName(key - RK_CONSTANT)
        : `${mode === 1 ? this.#upvalue(table) : register(table)}[${rk(key)}]`;
    const binary = (operator: string) => `${rk(b)} ${operator}${mode === 1 ? '=' : ''} ${rk(c)}`;
    const test = (operator: string) => `if ${a === 1 ? '' : 'not '}${rk(b)} ${operator} ${rk(c)}`;
    switch (opcodeOf(word)) {
      case Op.MOVE:
        return register(b);
      case Op.LOADK:
        return this.#constant(operandBx(word));
      case Op.LOADPRI: {
        const value = ['nil', 'false', 'true'][c] ?? '?';
        return `${value}${b > 0 ? ` in ${b + 1} registers` : ''}${mode === 1 ? ', skip' : ''}`;
      }
      case Op.UPVAL:
        return mode === 1 ? `${this.#upvalue(b)} = ${register(a)}` : this.#upvalue(b);
      case Op.GETTABLE:
        return element(b, c);
      case Op.SETTABLE:
        return `${element(a, b)} = ${rk(c)}`;
      case Op.INCTABLE:
        return `${element(a, b)} += ${rk(c)}`;
      case Op.AGGTABLE:
        return `${element(a, b)} <<< ${rk(c)}`;
      case Op.SELF:
        return `${register(b)}:${c >= RK_CONSTANT ? this.#globalName(c - RK_CONSTANT) : register(c)}`;
      case Op.ADD:
        return binary('+');
      case Op.SUB:
        return binary('-');
      case Op.MUL:
        return binary('*');
      case Op.DIV:
        return binary('/');
      case Op.MOD:
        return binary('%');
      case Op.POW:
        return binary('^');
      case Op.UNOP:
        return `${c === 0 ? '-' : 'not '}${register(b)}`;
      case Op.EQ:
        return test('==');
      case Op.LT:
        return test('<');
      case Op.LE:
        return test('<=');
      case Op.TEST:
        return `if ${c === 1 ? '' : 'not '}${register(b)}${mode === 1 ? `, ${register(a)} = it` : ''}`;
      case Op.JMP:
        return a > 0 ? `close from R${a - 1}` : '';
      case Op.CALL:
        return mode === 1 ? 'tail call' : '';
      case Op.CLOSURE: {
        const number = this.#prototype.children[operandBx(word)];
        const name = number === undefined ? '' : (this.#module.prototypes[number]?.name ?? '');
        return number === undefined ? '' : `function ${number}${name === '' ? '' : ` \`${shown(name)}\``}`;
      }
      case Op.EVENT:
        if (c === 0) return 'argevent';
        if (c === 1) return 'argname';
        return c === 2 ? `arg${b}` : `args.${b >= RK_CONSTANT ? this.#globalName(b - RK_CONSTANT) : register(b)}`;
      default:
        return '';
    }
  }

  /** The local that is in a register at a word, else the register. */
  #register(pc: number, register: number): string {
    const found = this.#prototype.locals.findLast(
      (each) => each.register === register && each.start <= pc && pc < each.end,
    );
    return found === undefined ? `R${register}` : shown(found.name);
  }

  #constant(index: number): string {
    const constant = this.#prototype.constants[index];
    if (constant === undefined) return `K${index}`;
    const text = literal(constant);
    return text.length > SHOWN_CONSTANT ? `${text.slice(0, SHOWN_CONSTANT - 1)}…` : text;
  }

  /** A name without quotes where a constant is one. */
  #globalName(index: number): string {
    const constant = this.#prototype.constants[index];
    return constant?.kind === 'string' && constant.value.length <= SHOWN_CONSTANT
      ? shown(constant.value)
      : this.#constant(index);
  }

  #upvalue(index: number): string {
    const name = this.#prototype.upvalues[index]?.name;
    return name === undefined || name === '' ? `U${index}` : shown(name);
  }
}

/** A byte string on one line. */
function shown(bytes: string): string {
  return toUtf8(bytes).replace(/[\x00-\x1f\x7f\u2028\u2029]/g, (char) => escapeOf(char));
}

function escapeOf(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\t') return '\\t';
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** A constant as a script would write it. Bytes outside of ASCII are escaped: the text says exactly which they are. */
function literal(constant: Constant): string {
  switch (constant.kind) {
    case 'nil':
      return 'nil';
    case 'boolean':
      return String(constant.value);
    case 'integer':
      return String(constant.value);
    case 'string':
      return `"${constant.value.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, (char) => escapeOf(char))}"`;
    case 'symbol':
      return `\`${shown(constant.name)}\``;
  }
}

/** Answers line numbers of offsets, counted from 1. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
