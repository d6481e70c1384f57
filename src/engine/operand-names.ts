// What an operand is called in the script: asked of the bytecode, by the instruction that last set the register.

import {
  modeOf,
  OPCODES,
  Op,
  opcodeOf,
  operandA,
  operandB,
  operandC,
  operandSBx,
  RK_CONSTANT,
} from '../bytecode/isa.js';
import type { Prototype } from '../bytecode/module.js';

/** `local 'x'`, `global 'x'`, `field 'x'`, `arg3` …, or undefined where no name fits. */
export function operandName(prototype: Prototype, word: number, register: number): string | undefined {
  const local = prototype.locals.find(
    (each) => each.register === register && each.start <= word && word < each.end && !each.name.startsWith('('),
  );
  if (local !== undefined) return `local '${local.name}'`;
  const setter = lastSetter(prototype, word, register);
  if (setter < 0) return undefined;
  const instruction = prototype.code[setter]!;
  switch (opcodeOf(instruction)) {
    case Op.MOVE: {
      const from = operandB(instruction);
      return from < register ? operandName(prototype, setter, from) : undefined;
    }
    case Op.UPVAL: {
      const upvalue = prototype.upvalues[operandB(instruction)];
      return upvalue === undefined || upvalue.name.startsWith('(') ? undefined : `local '${upvalue.name}'`;
    }
    case Op.GETTABLE: {
      const key = constantName(prototype, operandC(instruction));
      if (key === undefined) return undefined;
      const isGlobal = modeOf(instruction) === 1 && prototype.upvalues[operandB(instruction)]?.name === '(globals)';
      return `${isGlobal ? 'global' : 'field'} '${key}'`;
    }
    case Op.SELF: {
      const key = constantName(prototype, operandC(instruction));
      return key === undefined || register !== operandA(instruction) ? undefined : `method '${key}'`;
    }
    case Op.EVENT:
      switch (operandC(instruction)) {
        case 0:
          return 'argevent';
        case 1:
          return 'argname';
        case 2:
          return `arg${operandB(instruction)}`;
        default:
          return `args.${constantName(prototype, operandB(instruction)) ?? '?'}`;
      }
    default:
      return undefined;
  }
}

function constantName(prototype: Prototype, operand: number): string | undefined {
  if (operand < RK_CONSTANT) return undefined;
  const constant = prototype.constants[operand - RK_CONSTANT];
  return constant?.kind === 'string' ? constant.value : undefined;
}

/** The word that set a register last before `end` on every way there, or -1. */
function lastSetter(prototype: Prototype, end: number, register: number): number {
  let setter = -1;
  // Inside code that a forward jump passes over, a register is set only on some ways.
  let joinsAt = 0;
  for (let word = 0; word < end; word++) {
    const instruction = prototype.code[word]!;
    const opcode = opcodeOf(instruction);
    if (opcode === Op.JMP) {
      const target = word + 1 + operandSBx(instruction);
      if (target > word && target <= end && target > joinsAt) joinsAt = target;
      continue;
    }
    if (sets(instruction, opcode, register)) setter = word < joinsAt ? -1 : word;
    if (opcode === Op.SETLIST && operandC(instruction) === 0) word++;
  }
  return setter;
}

function sets(instruction: number, opcode: number, register: number): boolean {
  const a = operandA(instruction);
  switch (opcode) {
    case Op.LOADPRI:
      return register >= a && register <= a + operandB(instruction);
    case Op.UPVAL:
      return modeOf(instruction) === 0 && register === a;
    case Op.SELF:
      return register === a || register === a + 1;
    case Op.TEST:
      return modeOf(instruction) === 1 && register === a;
    case Op.CALL:
    case Op.VARARG:
      return register >= a;
    case Op.TFOR:
      return register >= a + 2;
    case Op.FORPREP:
    case Op.FORLOOP:
      return register >= a && register <= a + 3;
    case Op.SETTABLE:
    case Op.INCTABLE:
    case Op.AGGTABLE:
    case Op.SETLIST:
    case Op.RETURN:
      return false;
    default:
      return OPCODES[opcode]!.a === 'register' && register === a;
  }
}
