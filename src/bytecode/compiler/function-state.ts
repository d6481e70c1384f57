// The function that is being compiled: its code so far, constants, upvalues, registers, jumps. Knows words and
// registers; what a statement or an expression becomes is decided in statements.ts and expressions.ts.
//
// Registers form a stack: parameters and locals from below, each for its scope; above them temporaries, taken and given
// back within one statement. A call's function, arguments and results lie at the top.

import type { Identifier } from '../../language/ast.js';
import { errorAt, type Span } from '../../language/diagnostics.js';
import {
  encodeABC,
  encodeABx,
  encodeAsBx,
  LIMITS,
  Op,
  opcodeOf,
  operandA,
  operandC,
  operandSBx,
  RK_CONSTANT,
} from '../isa.js';
import type { Constant, Prototype, UpvalueSource } from '../module.js';
import type { CompileContext } from './context.js';
import type { FunctionNode, Variable } from './resolver.js';

export type Register = number;
/** Number of a code word, counted from 0. */
export type Pc = number;
/** JMP words whose target is not known yet. */
export type JumpList = Pc[];

/** A variable in force. */
export interface ActiveVariable {
  readonly variable: Variable;
  readonly register: Register;
  readonly start: Pc;
}

export interface FunctionDescription {
  readonly node: FunctionNode;
  readonly name: string;
  readonly parameters: readonly Identifier[];
  readonly isVararg: boolean;
}

const GLOBALS: UpvalueSource = { fromRegister: false, index: 0, name: '(globals)' };

export class FunctionState {
  readonly context: CompileContext;
  readonly parent: FunctionState | undefined;
  readonly description: FunctionDescription;

  /** First register that nothing occupies. */
  freeRegister: Register = 0;
  /** Variables in force, outermost first. */
  readonly actives: ActiveVariable[] = [];
  /** First register above the variables in force; everything from here on is temporary. */
  variableRegisters: Register = 0;
  /** Where a limit that is passed now is to be reported. */
  place: Span;
  /** Expressions inside one another at the moment. */
  depth = 0;

  readonly #code: number[] = [];
  readonly #spans: number[] = [];
  readonly #constants: Constant[] = [];
  readonly #stringIndices = new Map<string | bigint, number>();
  readonly #constantIndices = new Map<string | bigint, number>();
  readonly #upvalues: UpvalueSource[] = [GLOBALS];
  readonly #upvalueIndices = new Map<Variable, number>();
  readonly #children: number[] = [];
  readonly #locals: Prototype['locals'][number][] = [];
  readonly #registers = new Map<Variable, Register>();
  #registerCount = 0;

  constructor(context: CompileContext, parent: FunctionState | undefined, description: FunctionDescription) {
    this.context = context;
    this.parent = parent;
    this.description = description;
    this.place = { start: description.node.start, end: Math.min(description.node.start + 1, description.node.end) };
  }

  /** The limit errors of this function. */
  limitError(what: string, limit: number): Error {
    const { name } = this.description;
    const where = name === '' ? 'a function' : `\`${name}\``;
    return errorAt(this.context.source, this.place, `too many ${what} in ${where} (limit ${limit})`);
  }

  // ---- code

  /** Number of the next word. */
  get pc(): Pc {
    return this.#code.length;
  }

  emit(word: number, span: Span): Pc {
    this.#code.push(word);
    this.#spans.push(span.start, span.end);
    return this.#code.length - 1;
  }

  emitABC(opcode: number, a: number, b: number, c: number, span: Span, mode = 0): Pc {
    return this.emit(encodeABC(opcode, a, b, c, mode), span);
  }

  emitABx(opcode: number, a: number, bx: number, span: Span): Pc {
    return this.emit(encodeABx(opcode, a, bx), span);
  }

  // ---- jumps

  /** Emits a jump whose target follows; `close` is the first register whose upvalues it closes. */
  jump(span: Span, close?: Register): Pc {
    return this.emit(encodeAsBx(Op.JMP, close === undefined ? 0 : close + 1, 0), span);
  }

  /** Sets the target of jumps (JMP, FORPREP or FORLOOP). */
  patch(jumps: JumpList, target: Pc): void {
    for (let index = 0; index < jumps.length; index++) this.#retarget(jumps[index]!, target);
  }

  patchHere(jumps: JumpList): void {
    this.patch(jumps, this.pc);
  }

  /** Makes an emitted JMP close upvalues as well. */
  closeAt(pc: Pc, register: Register): void {
    const word = this.#code[pc]!;
    this.#code[pc] = encodeAsBx(Op.JMP, register + 1, operandSBx(word));
  }

  #retarget(pc: Pc, target: Pc): void {
    const distance = target - (pc + 1);
    if (distance > LIMITS.jump || distance < -LIMITS.jump) {
      const place = { start: this.#spans[2 * pc]!, end: this.#spans[2 * pc + 1]! };
      throw errorAt(
        this.context.source,
        place,
        `a jump from here would pass ${LIMITS.jump} instructions, the limit of one function`,
        'split the function',
      );
    }
    const word = this.#code[pc]!;
    this.#code[pc] = encodeAsBx(opcodeOf(word), operandA(word), distance);
  }

  // ---- constants

  constant(constant: Constant): number {
    const key = constantKey(constant);
    const indices = constant.kind === 'string' ? this.#stringIndices : this.#constantIndices;
    const known = indices.get(key);
    if (known !== undefined) return known;
    const index = this.#constants.length;
    if (index >= LIMITS.constants) throw this.limitError('constants', LIMITS.constants);
    this.#constants.push(constant);
    indices.set(key, index);
    return index;
  }

  /** RK operand of a constant; undefined where the operand cannot reach it. */
  constantOperand(constant: Constant): number | undefined {
    const index = this.constant(constant);
    return index < RK_CONSTANT ? RK_CONSTANT + index : undefined;
  }

  // ---- registers

  /** Takes registers from the top; answers the first. */
  reserve(count: number): Register {
    const first = this.freeRegister;
    this.freeRegister += count;
    this.touch(this.freeRegister);
    return first;
  }

  /** Makes sure that the frame has `count` registers. */
  touch(count: number): void {
    if (count <= this.#registerCount) return;
    if (count > LIMITS.registers) throw this.limitError('registers needed', LIMITS.registers);
    this.#registerCount = count;
  }

  /** Not the register of a variable in force: may be overwritten before an expression is finished. */
  isTemporary(register: Register): boolean {
    return register >= this.variableRegisters;
  }

  // ---- variables

  /** Brings a variable into force in a register that is reserved already. */
  activate(variable: Variable, register: Register): void {
    if (this.actives.length >= LIMITS.locals) {
      this.place = variable.declaration;
      throw this.limitError('local variables', LIMITS.locals);
    }
    this.actives.push({ variable, register, start: this.pc });
    this.#registers.set(variable, register);
    this.variableRegisters = register + 1;
  }

  /** Ends the variables from number `count` on. */
  deactivate(count: number): void {
    for (const { variable, register, start } of this.actives.splice(count)) {
      this.#locals.push({ name: variable.name, register, start, end: this.pc });
    }
  }

  registerOf(variable: Variable): Register {
    return this.#registers.get(variable)!;
  }

  isOwn(variable: Variable): boolean {
    return variable.owner === this.description.node;
  }

  /** First register of a captured variable among those from number `count` on; undefined where nothing is to be closed. */
  closeLevel(count: number): Register | undefined {
    for (let index = count; index < this.actives.length; index++) {
      const { variable, register } = this.actives[index]!;
      if (variable.captured) return register;
    }
    return undefined;
  }

  upvalueOf(variable: Variable): number {
    const known = this.#upvalueIndices.get(variable);
    if (known !== undefined) return known;
    if (this.#upvalues.length >= LIMITS.upvalues) throw this.limitError('upvalues', LIMITS.upvalues);
    const parent = this.parent!;
    const fromRegister = parent.isOwn(variable);
    const source = fromRegister ? parent.registerOf(variable) : parent.upvalueOf(variable);
    const index = this.#upvalues.length;
    this.#upvalues.push({ fromRegister, index: source, name: variable.name });
    this.#upvalueIndices.set(variable, index);
    return index;
  }

  addChild(prototype: number): number {
    if (this.#children.length >= LIMITS.constants) throw this.limitError('functions', LIMITS.constants);
    this.#children.push(prototype);
    return this.#children.length - 1;
  }

  // ---- end

  finish(): Prototype {
    this.#threadJumps();
    return {
      name: this.description.name,
      parameterCount: this.description.parameters.length,
      isVararg: this.description.isVararg,
      registerCount: this.#registerCount,
      code: Uint32Array.from(this.#code),
      constants: this.#constants,
      upvalues: this.#upvalues,
      children: this.#children,
      spans: Uint32Array.from(this.#spans),
      locals: this.#locals.sort((a, b) => a.start - b.start || a.register - b.register),
    };
  }

  /** Makes a jump to a jump go to the end of the way at once. */
  #threadJumps(): void {
    const code = this.#code;
    for (let pc = 0; pc < code.length; pc++) {
      const opcode = opcodeOf(code[pc]!);
      // The second word of a SETLIST is no instruction.
      if (opcode === Op.SETLIST && operandC(code[pc]!) === 0) pc++;
      if (opcode !== Op.JMP) continue;
      const first = pc + 1 + operandSBx(code[pc]!);
      let target = first;
      // An endless loop of jumps alone would never end here.
      for (let steps = 0; steps < 8; steps++) {
        const word = code[target];
        if (word === undefined || opcodeOf(word) !== Op.JMP || operandA(word) !== 0) break;
        target += 1 + operandSBx(word);
      }
      const distance = target - (pc + 1);
      if (target !== first && Math.abs(distance) <= LIMITS.jump) this.#retarget(pc, target);
    }
  }
}

/** Tells a constant from all others of its map; strings have a map of their own. */
function constantKey(constant: Constant): string | bigint {
  switch (constant.kind) {
    case 'nil':
      return 'nil';
    case 'boolean':
      return constant.value ? 'true' : 'false';
    case 'integer':
    case 'string':
      return constant.value;
    case 'symbol':
      return `\`${constant.name}`;
  }
}
