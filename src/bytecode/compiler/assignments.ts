// Code of assignments: simple, multiple, compound (`+=`, `++`), `<<<`.
//
// Order, as the language defines it: tables and keys of the targets, then the right sides, all from left to right, then
// the stores. A compound assignment reads the old value after its right side.

import type {
  AggregateStatement,
  AssignmentTarget,
  AssignStatement,
  CompoundAssignStatement,
  Expression,
  IndexExpression,
} from '../../language/ast.js';
import type { Span } from '../../language/diagnostics.js';
import { Op } from '../isa.js';
import { integerOf, strip } from './constants.js';
import {
  ARITHMETIC,
  constantRk,
  expressionList,
  operand,
  rk,
  stableRk,
  type TablePlace,
  tablePlace,
  toNext,
  toRegister,
} from './expressions.js';
import type { FunctionState, Register } from './function-state.js';
import type { Variable } from './resolver.js';

/** A target whose table and key are evaluated. */
type Target =
  | { readonly kind: 'local'; readonly register: Register }
  | { readonly kind: 'upvalue'; readonly index: number; readonly span: Span }
  | { readonly kind: 'element'; readonly table: TablePlace; readonly key: number; readonly span: Span };

/** Evaluates a target; `later` are the expressions evaluated after it, `stored` the variables of the same statement. */
function prepare(
  fs: FunctionState,
  target: AssignmentTarget,
  later: readonly Expression[],
  stored?: ReadonlySet<Variable>,
): Target {
  fs.place = target;
  if (target.type === 'Index') return prepareElement(fs, target, later, stored);
  const variable = fs.context.resolution.variables.get(target);
  if (variable === undefined) {
    const key = constantRk(fs, { kind: 'string', value: target.name }, target);
    return { kind: 'element', table: { index: 0, mode: 1 }, key, span: target };
  }
  if (fs.isOwn(variable)) return { kind: 'local', register: fs.registerOf(variable) };
  return { kind: 'upvalue', index: fs.upvalueOf(variable), span: target };
}

function prepareElement(
  fs: FunctionState,
  target: IndexExpression,
  later: readonly Expression[],
  stored?: ReadonlySet<Variable>,
): Target {
  /** The statement itself assigns the variable, perhaps before the element is stored. */
  const isStored = (expression: Expression): boolean => {
    const node = strip(expression);
    if (stored === undefined || node.type !== 'Name') return false;
    const variable = fs.context.resolution.variables.get(node);
    return variable !== undefined && stored.has(variable);
  };
  const table = tablePlace(fs, target.object, [target.key, ...later], undefined, isStored(target.object));
  let key: number;
  if (isStored(target.key)) {
    key = fs.reserve(1);
    toRegister(fs, target.key, key);
  } else {
    key = stableRk(fs, target.key, later);
  }
  return { kind: 'element', table, key, span: { start: target.start, end: target.end } };
}

/** Stores a register, or an RK operand where `value` may be one. */
function store(fs: FunctionState, target: Target, value: number, span: Span): void {
  switch (target.kind) {
    case 'local':
      if (target.register !== value) fs.emitABC(Op.MOVE, target.register, value, 0, span);
      break;
    case 'upvalue':
      fs.emitABC(Op.UPVAL, value, target.index, 0, target.span, 1);
      break;
    case 'element':
      fs.emitABC(Op.SETTABLE, target.table.index, target.key, value, target.span, target.table.mode);
      break;
  }
}

export function assign(fs: FunctionState, node: AssignStatement): void {
  if (node.targets.length === 1 && node.values.length === 1) {
    assignOne(fs, node.targets[0]!, node.values[0]!, node);
    return;
  }
  const stored = new Set<Variable>();
  for (const target of node.targets) {
    const variable = target.type === 'Name' ? fs.context.resolution.variables.get(target) : undefined;
    if (variable !== undefined) stored.add(variable);
  }
  // Targets before the one in question count as later ones too: a copy too many at worst.
  const others = [...node.targets, ...node.values];
  const targets = node.targets.map((target) => prepare(fs, target, others, stored));
  const last = targets.at(-1)!;
  if (node.values.length === targets.length && stored.size === targets.length && last.kind === 'local') {
    // Different locals alone: the last value can go to its variable at once, before the other stores (`a, b = b, a + b`).
    const first = fs.freeRegister;
    for (const value of node.values.slice(0, -1)) toNext(fs, value);
    toRegister(fs, node.values.at(-1)!, last.register);
    for (const [index, target] of targets.slice(0, -1).entries()) store(fs, target, first + index, node);
    return;
  }
  const base = expressionList(fs, node.values, targets.length, node);
  for (const [index, target] of targets.entries()) store(fs, target, base + index, node);
}

/** `target = value`. */
export function assignOne(fs: FunctionState, target: AssignmentTarget, value: Expression, span: Span): void {
  const place = prepare(fs, target, [value]);
  if (place.kind === 'local') toRegister(fs, value, place.register);
  else store(fs, place, place.kind === 'element' ? rk(fs, value) : operand(fs, value), span);
}

export function compoundAssign(fs: FunctionState, node: CompoundAssignStatement): void {
  const target = prepare(fs, node.target, [node.value]);
  const opcode = ARITHMETIC[node.operator];
  switch (target.kind) {
    case 'local': {
      const value = rk(fs, node.value);
      fs.emitABC(opcode, target.register, target.register, value, node, 1);
      break;
    }
    case 'upvalue': {
      const value = rk(fs, node.value);
      const old = fs.reserve(1);
      fs.emitABC(Op.UPVAL, old, target.index, 0, node.target);
      fs.emitABC(opcode, old, old, value, node, 1);
      store(fs, target, old, node);
      break;
    }
    case 'element': {
      const { table, key } = target;
      const subtrahend = node.operator === '-' ? integerOf(node.value) : undefined;
      if (node.operator === '+' || subtrahend !== undefined) {
        // `t[k] -= 5` adds -5: the same at every value, since both wrap.
        const value =
          subtrahend === undefined
            ? rk(fs, node.value)
            : constantRk(fs, { kind: 'integer', value: BigInt.asIntN(64, -subtrahend) }, node.value);
        fs.emitABC(Op.INCTABLE, table.index, key, value, node, table.mode);
        break;
      }
      const value = rk(fs, node.value);
      const old = fs.reserve(1);
      fs.emitABC(Op.GETTABLE, old, table.index, key, node.target, table.mode);
      fs.emitABC(opcode, old, old, value, node, 1);
      store(fs, target, old, node);
      break;
    }
  }
}

export function aggregate(fs: FunctionState, node: AggregateStatement): void {
  const { table, key } = prepareElement(fs, node.target, [node.value]) as Extract<Target, { kind: 'element' }>;
  const value = rk(fs, node.value);
  fs.emitABC(Op.AGGTABLE, table.index, key, value, node, table.mode);
}
