// Code of truth: conditions that jump, and logical expressions whose value is wanted.
//
// A comparison is a pair of words: the comparison, which skips the next word when its result is not the expected one, and
// a JMP. Operands are swapped for > and >=; the result is never negated by choosing another comparison, since any
// comparison with nil is false.

import type { BinaryExpression, Expression, LogicalExpression } from '../../language/ast.js';
import { Op } from '../isa.js';
import { strip, truthOf } from './constants.js';
import { enter, leave, operand, ownVariable, rk, stableRk, toRegister } from './expressions.js';
import type { FunctionState, JumpList, Register } from './function-state.js';

const COMPARISONS = new Map<string, { opcode: number; swap: boolean; negate: boolean }>([
  ['==', { opcode: Op.EQ, swap: false, negate: false }],
  ['!=', { opcode: Op.EQ, swap: false, negate: true }],
  ['<', { opcode: Op.LT, swap: false, negate: false }],
  ['<=', { opcode: Op.LE, swap: false, negate: false }],
  ['>', { opcode: Op.LT, swap: true, negate: false }],
  ['>=', { opcode: Op.LE, swap: true, negate: false }],
]);

function isComparison(node: Expression): node is BinaryExpression {
  return node.type === 'Binary' && COMPARISONS.has(node.operator);
}

/** A comparison, `not`, `and` or `or`: cheaper to jump on than to evaluate. */
export function isCondition(expression: Expression): boolean {
  const node = strip(expression);
  return isComparison(node) || node.type === 'Logical' || (node.type === 'Unary' && node.operator === 'not');
}

/** Operands of a chain of one logical operator, `a and b and c`, in order. */
function logicalOperands(expression: LogicalExpression): Expression[] {
  const operands: Expression[] = [];
  let rest: Expression = expression;
  while (rest.type === 'Logical' && rest.operator === expression.operator) {
    operands.push(rest.right);
    rest = strip(rest.left);
  }
  operands.push(rest);
  return operands.reverse();
}

/** Emits code that jumps when the truth of an expression is `when`, and else goes on. Answers the jumps. */
export function jumpIf(fs: FunctionState, expression: Expression, when: boolean): JumpList {
  const node = strip(expression);
  const truth = truthOf(node);
  if (truth !== undefined) return truth === when ? [fs.jump(node)] : [];
  enter(fs, node);
  const jumps: JumpList = [];
  const mark = fs.freeRegister;
  if (node.type === 'Logical') {
    const operands = logicalOperands(node);
    const decisive = node.operator === 'or';
    if (when === decisive) {
      for (const each of operands) jumps.push(...jumpIf(fs, each, when));
    } else {
      const skips: JumpList = [];
      const last = operands.pop()!;
      for (const each of operands) skips.push(...jumpIf(fs, each, decisive));
      jumps.push(...jumpIf(fs, last, when));
      fs.patchHere(skips);
    }
  } else if (node.type === 'Unary' && node.operator === 'not') {
    jumps.push(...jumpIf(fs, node.operand, !when));
  } else if (isComparison(node)) {
    const { opcode, swap, negate } = COMPARISONS.get(node.operator)!;
    const left = stableRk(fs, node.left, [node.right]);
    const right = rk(fs, node.right);
    fs.emitABC(opcode, when !== negate ? 1 : 0, swap ? right : left, swap ? left : right, node);
    jumps.push(fs.jump(node));
  } else {
    const value = operand(fs, node);
    fs.emitABC(Op.TEST, value, value, when ? 1 : 0, node);
    jumps.push(fs.jump(node));
  }
  fs.freeRegister = mark;
  leave(fs);
  return jumps;
}

/** Turns a condition into true or false. */
export function comparisonToRegister(fs: FunctionState, node: Expression, target: Register): void {
  const whenTrue = jumpIf(fs, node, true);
  loadBooleans(fs, node, target, [], whenTrue);
}

/** Two loads that jumps can enter: from above and from `whenFalse` false, from `whenTrue` true. */
function loadBooleans(
  fs: FunctionState,
  node: Expression,
  target: Register,
  whenFalse: JumpList,
  whenTrue: JumpList,
): void {
  fs.patchHere(whenFalse);
  fs.emitABC(Op.LOADPRI, target, 0, 1, node, 1);
  fs.patchHere(whenTrue);
  fs.emitABC(Op.LOADPRI, target, 0, 2, node);
}

/** Ways out of a logical expression before its last operand. */
interface Exits {
  /** The target holds the value already. */
  readonly valued: JumpList;
  /** The value is false, or true, and not in the target yet. */
  readonly whenFalse: JumpList;
  readonly whenTrue: JumpList;
}

/** Value of `a and b`, `a or b`. */
export function logicalToRegister(fs: FunctionState, node: LogicalExpression, target: Register): void {
  const operands = logicalOperands(node);
  const last = strip(operands.pop()!);
  const exits: Exits = { valued: [], whenFalse: [], whenTrue: [] };
  for (const each of operands) exitIf(fs, each, node.operator === 'or', target, exits);
  const { valued, whenFalse, whenTrue } = exits;
  if (isCondition(last) && last.type !== 'Logical') {
    whenTrue.push(...jumpIf(fs, last, true));
    loadBooleans(fs, node, target, whenFalse, whenTrue);
  } else {
    toRegister(fs, last, target);
    if (whenFalse.length + whenTrue.length > 0) valued.push(fs.jump(node));
    if (whenFalse.length > 0 && whenTrue.length > 0) {
      loadBooleans(fs, node, target, whenFalse, whenTrue);
    } else if (whenFalse.length + whenTrue.length > 0) {
      fs.patchHere(whenFalse);
      fs.patchHere(whenTrue);
      fs.emitABC(Op.LOADPRI, target, 0, whenTrue.length > 0 ? 2 : 1, node);
    }
  }
  fs.patchHere(valued);
}

/** Emits code that leaves with the value of an operand when its truth is `when`, and else goes on. */
function exitIf(fs: FunctionState, expression: Expression, when: boolean, target: Register, exits: Exits): void {
  const node = strip(expression);
  const truth = truthOf(node);
  if (truth !== undefined) {
    if (truth !== when) return;
    toRegister(fs, node, target);
    exits.valued.push(fs.jump(node));
    return;
  }
  enter(fs, node);
  const mark = fs.freeRegister;
  if (node.type === 'Logical') {
    const operands = logicalOperands(node);
    const decisive = node.operator === 'or';
    if (when === decisive) {
      for (const each of operands) exitIf(fs, each, when, target, exits);
    } else {
      const skips: JumpList = [];
      const last = operands.pop()!;
      for (const each of operands) skips.push(...jumpIf(fs, each, decisive));
      exitIf(fs, last, when, target, exits);
      fs.patchHere(skips);
    }
  } else if (isCondition(node)) {
    (when ? exits.whenTrue : exits.whenFalse).push(...jumpIf(fs, node, when));
  } else {
    let value: Register;
    if (ownVariable(fs, node) !== undefined || !fs.isTemporary(target)) {
      value = operand(fs, node);
    } else {
      toRegister(fs, node, target);
      value = target;
    }
    fs.emitABC(Op.TEST, target, value, when ? 1 : 0, node, value === target ? 0 : 1);
    exits.valued.push(fs.jump(node));
  }
  fs.freeRegister = mark;
  leave(fs);
}
