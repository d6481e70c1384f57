// Where a script names a kernel symbol: constants carry no place of their own, the instructions that use them do.

import { modeOf, OPCODES, opcodeOf, operandB, operandBx, operandC, RK_CONSTANT } from '../bytecode/isa.js';
import type { Module, Prototype } from '../bytecode/module.js';
import type { Span } from '../language/diagnostics.js';

/** The place of the first instruction that uses the symbol; the script's beginning where none does. */
export function placeOfSymbol(module: Module, name: string): Span {
  for (const prototype of module.prototypes) {
    const constant = prototype.constants.findIndex((each) => each.kind === 'symbol' && each.name === name);
    if (constant < 0) continue;
    const at = prototype.code.findIndex((word) => usesConstant(word, constant));
    if (at >= 0) return spanOf(prototype, at);
  }
  return { start: 0, end: 0 };
}

/** A second word of an instruction may be taken for one of its own; it would only move the caret. */
function usesConstant(word: number, constant: number): boolean {
  const { b, c, bx } = OPCODES[opcodeOf(word)]!;
  if (bx === 'constant') return modeOf(word) === 0 && operandBx(word) === constant;
  const operand = constant + RK_CONSTANT;
  return (b === 'rk' && operandB(word) === operand) || (c === 'rk' && operandC(word) === operand);
}

function spanOf({ spans }: Prototype, at: number): Span {
  return { start: spans[2 * at]!, end: spans[2 * at + 1]! };
}
