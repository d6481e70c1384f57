// Code of expressions. The caller says where the value is wanted: in a register of its choice (`toRegister`), in
// whatever register is cheapest (`operand`), as an RK operand (`rk`), as several values at the top (`open`,
// `expressionList`); conditions are in conditions.ts.
//
// A local is used in its own register, without a copy, unless a call in a later operand may assign it: then it is
// copied when its turn comes (`mayChange`). Chains (`a + b + …`, `a.b.c()…`, `a .. b .. …`) are loops here, not recursion.

import type {
  BinaryExpression,
  CallExpression,
  Expression,
  IndexExpression,
  MethodCallExpression,
  NameExpression,
  VarargExpression,
} from '../../language/ast.js';
import { errorAt, type Span } from '../../language/diagnostics.js';
import { Op, RK_CONSTANT } from '../isa.js';
import type { Constant } from '../module.js';
import { comparisonToRegister, isCondition, logicalToRegister } from './conditions.js';
import {
  type ArithmeticExpression,
  type ArithmeticOperator,
  constantOf,
  containsCall,
  foldArithmetic,
  integerOf,
  isArithmetic,
  strip,
} from './constants.js';
import type { FunctionState, Register } from './function-state.js';
import { BARE_NAMES, type Variable } from './resolver.js';
import { tableToRegister } from './tables.js';

/** Expressions inside one another. */
const MAX_NESTED_EXPRESSIONS = 200;

/** Values that one CONCAT joins at the most; longer chains are joined in parts. */
const CONCAT_BATCH = 100;

export const ARITHMETIC: Readonly<Record<ArithmeticOperator, number>> = {
  '+': Op.ADD,
  '-': Op.SUB,
  '*': Op.MUL,
  '/': Op.DIV,
  '%': Op.MOD,
  '^': Op.POW,
};

/** Everything of an event but named fields: operand C of EVENT. */
const EventPart = { TEXT: 0, NAME: 1, ARGUMENT: 2, FIELD: 3 } as const;

/** Where a table is: in a register, or in an upvalue that the instruction reads itself (M = 1). */
export interface TablePlace {
  readonly index: number;
  readonly mode: 0 | 1;
}

const GLOBALS: TablePlace = { index: 0, mode: 1 };

/** Counts nesting, so that a script can not overflow the native stack. */
export function enter(fs: FunctionState, expression: Expression): void {
  fs.place = expression;
  if (++fs.depth > MAX_NESTED_EXPRESSIONS) {
    throw errorAt(
      fs.context.source,
      { start: expression.start, end: expression.start + 1 },
      `expressions are nested too deeply (limit ${MAX_NESTED_EXPRESSIONS})`,
      'keep parts of it in local variables',
    );
  }
}

export function leave(fs: FunctionState): void {
  fs.depth--;
}

// ---- entry points

/** Evaluates into the next free register and keeps that reserved. */
export function toNext(fs: FunctionState, expression: Expression): Register {
  const target = fs.reserve(1);
  toRegister(fs, expression, target);
  return target;
}

/** Evaluates into any register: a local's own, else `scratch` if given, else a new temporary. */
export function operand(fs: FunctionState, expression: Expression, scratch?: Register): Register {
  const variable = ownVariable(fs, expression);
  if (variable !== undefined) return fs.registerOf(variable);
  const target = scratch ?? fs.reserve(1);
  toRegister(fs, expression, target);
  return target;
}

/** As `operand`, or a constant within reach of an RK operand. */
export function rk(fs: FunctionState, expression: Expression, scratch?: Register): number {
  const constant = constantOf(expression);
  if (constant !== undefined) return constantRk(fs, constant, expression, scratch);
  return operand(fs, expression, scratch);
}

export function constantRk(fs: FunctionState, constant: Constant, span: Span, scratch?: Register): number {
  const reachable = fs.constantOperand(constant);
  if (reachable !== undefined) return reachable;
  const target = scratch ?? fs.reserve(1);
  fs.emitABx(Op.LOADK, target, fs.constant(constant), span);
  return target;
}

/** As `rk` for an operand that must keep its value while `later` are evaluated. */
export function stableRk(
  fs: FunctionState,
  expression: Expression,
  later: readonly Expression[],
  scratch?: Register,
): number {
  if (!mayChange(fs, expression, later)) return rk(fs, expression, scratch);
  const target = scratch ?? fs.reserve(1);
  toRegister(fs, expression, target);
  return target;
}

/** Evaluates into `target`. A target that is a variable in force is written only at the very end. */
export function toRegister(fs: FunctionState, expression: Expression, target: Register): void {
  const node = strip(expression);
  enter(fs, node);
  const mark = fs.freeRegister;
  switch (node.type) {
    case 'Nil':
      fs.emitABC(Op.LOADPRI, target, 0, 0, node);
      break;
    case 'Boolean':
      fs.emitABC(Op.LOADPRI, target, 0, node.value ? 2 : 1, node);
      break;
    case 'Integer':
    case 'String':
    case 'KernelSymbol':
      fs.emitABx(Op.LOADK, target, fs.constant(constantOf(node)!), node);
      break;
    case 'Vararg':
      fs.emitABC(Op.VARARG, target, 2, 0, node);
      break;
    case 'Name':
      nameToRegister(fs, node, target);
      break;
    case 'Index':
    case 'Call':
    case 'MethodCall':
      chain(fs, node, target, 2, 0);
      break;
    case 'Function': {
      const number = fs.context.compileFunction(
        fs,
        { node, name: node.name, parameters: node.parameters, isVararg: node.hasVararg },
        node.body,
      );
      fs.emitABx(Op.CLOSURE, target, fs.addChild(number), node);
      break;
    }
    case 'Table':
      tableToRegister(fs, node, target);
      break;
    case 'Binary':
      if (isArithmetic(node)) arithmetic(fs, node, target);
      else if (node.operator === '..') concatenation(fs, node, target);
      else comparisonToRegister(fs, node, target);
      break;
    case 'Logical':
      logicalToRegister(fs, node, target);
      break;
    case 'Unary': {
      const folded = integerOf(node);
      if (folded !== undefined) {
        fs.emitABx(Op.LOADK, target, fs.constant({ kind: 'integer', value: folded }), node);
      } else if (node.operator === 'not' && isCondition(node.operand)) {
        comparisonToRegister(fs, node, target);
      } else {
        const value = operand(fs, node.operand, fs.isTemporary(target) ? target : undefined);
        fs.emitABC(Op.UNOP, target, value, node.operator === '-' ? 0 : 1, node);
      }
      break;
    }
    case 'EventText':
      fs.emitABC(Op.EVENT, target, 0, EventPart.TEXT, node);
      break;
    case 'EventName':
      fs.emitABC(Op.EVENT, target, 0, EventPart.NAME, node);
      break;
    case 'EventArgument':
      fs.emitABC(Op.EVENT, target, argumentNumber(fs, node.number, node), EventPart.ARGUMENT, node);
      break;
    case 'EventField': {
      const scratch = fs.isTemporary(target) ? target : undefined;
      const field = constantRk(fs, { kind: 'string', value: node.name }, node, scratch);
      fs.emitABC(Op.EVENT, target, field, EventPart.FIELD, node);
      break;
    }
    case 'Parenthesized':
      break;
    default:
      node satisfies never;
  }
  fs.freeRegister = mark;
  leave(fs);
}

/** Field number, counted from 1, that `argN` means in the script's dialect. */
function argumentNumber(fs: FunctionState, number: number, span: Span): number {
  if (fs.context.dialect === '0.5') return number + 1;
  if (number > 0) return number;
  throw errorAt(
    fs.context.source,
    span,
    'arguments are numbered from arg1',
    'a script for ktap 0.5 numbers them from arg0: run it with --dialect 0.5',
  );
}

// ---- names

/** The local of this function that an expression is. */
export function ownVariable(fs: FunctionState, expression: Expression): Variable | undefined {
  const node = strip(expression);
  if (node.type !== 'Name') return undefined;
  const variable = fs.context.resolution.variables.get(node);
  return variable !== undefined && fs.isOwn(variable) ? variable : undefined;
}

/** An operand that is used in place would change while the later expressions are evaluated. */
export function mayChange(fs: FunctionState, expression: Expression, later: readonly Expression[]): boolean {
  const node = strip(expression);
  if (node.type !== 'Name') return false;
  const variable = fs.context.resolution.variables.get(node);
  return variable?.assignedInClosure === true && later.some(containsCall);
}

/** Loads a name; `callee`: it stands before `(`, so a bare built-in is not called. */
export function nameToRegister(fs: FunctionState, node: NameExpression, target: Register, callee = false): void {
  const { resolution, source, allowFfi } = fs.context;
  const variable = resolution.variables.get(node);
  if (variable !== undefined) {
    if (!fs.isOwn(variable)) {
      fs.emitABC(Op.UPVAL, target, fs.upvalueOf(variable), 0, node);
    } else if (fs.registerOf(variable) !== target) {
      fs.emitABC(Op.MOVE, target, fs.registerOf(variable), 0, node);
    }
    return;
  }
  const isSet = resolution.assignedGlobals.has(node.name);
  if (node.name === 'ffi' && !isSet && !allowFfi) throw ffiError(source, node, 'ffi');
  if (!callee && !isSet && BARE_NAMES.has(node.name)) {
    const isTop = fs.isTemporary(target) && target === fs.freeRegister - 1;
    const base = isTop ? target : fs.reserve(1);
    loadGlobal(fs, node.name, node, base);
    fs.emitABC(Op.CALL, base, 1, 2, node);
    if (base !== target) fs.emitABC(Op.MOVE, target, base, 0, node);
    return;
  }
  loadGlobal(fs, node.name, node, target);
}

export function ffiError(source: FunctionState['context']['source'], span: Span, what: string): Error {
  return errorAt(
    source,
    span,
    `\`${what}\` calls C functions of this process, which has to be allowed`,
    'run the script with --ffi if you trust it: such a call can do anything',
  );
}

export function loadGlobal(fs: FunctionState, name: string, span: Span, target: Register): void {
  const scratch = fs.isTemporary(target) ? target : undefined;
  const key = constantRk(fs, { kind: 'string', value: name }, span, scratch);
  fs.emitABC(Op.GETTABLE, target, GLOBALS.index, key, span, GLOBALS.mode);
}

// ---- tables, calls

/** Evaluates a table that is indexed while `later` are still to be evaluated. */
export function tablePlace(
  fs: FunctionState,
  expression: Expression,
  later: readonly Expression[],
  scratch?: Register,
  forceCopy = false,
): TablePlace {
  const node = strip(expression);
  if (forceCopy || mayChange(fs, node, later)) {
    const target = scratch ?? fs.reserve(1);
    toRegister(fs, node, target);
    return { index: target, mode: 0 };
  }
  if (node.type === 'Name') {
    const variable = fs.context.resolution.variables.get(node);
    if (variable !== undefined && !fs.isOwn(variable)) return { index: fs.upvalueOf(variable), mode: 1 };
    checkForeignTable(fs, node);
  }
  return { index: operand(fs, node, scratch), mode: 0 };
}

/** `C.name` reaches C functions. */
function checkForeignTable(fs: FunctionState, node: NameExpression): void {
  const { resolution, allowFfi, source } = fs.context;
  if (node.name !== 'C' || allowFfi) return;
  if (!resolution.variables.has(node) && !resolution.assignedGlobals.has('C')) throw ffiError(source, node, 'C');
}

type ChainNode = IndexExpression | CallExpression | MethodCallExpression;

const prefixOf = (node: ChainNode): Expression =>
  strip(node.type === 'Index' || node.type === 'MethodCall' ? node.object : node.callee);

const isChain = (node: Expression): node is ChainNode =>
  node.type === 'Index' || node.type === 'Call' || node.type === 'MethodCall';

/**
 * Evaluates `a.b[c](…):d(…)…` into `target`. `results` is operand C of a last call, `mode` its M. Where a last call gives
 * several results, `target` must be the top register: they begin there.
 */
export function chain(fs: FunctionState, expression: ChainNode, target: Register, results: number, mode: 0 | 1): void {
  const spine: ChainNode[] = [];
  let prefix: Expression = expression;
  let hasCall = false;
  while (isChain(prefix)) {
    spine.push(prefix);
    hasCall ||= prefix.type !== 'Index';
    prefix = prefixOf(prefix);
  }
  const first = spine.at(-1)!;
  const isTop = target === fs.freeRegister - 1;
  // Where the value so far is kept: for calls, the top of the stack.
  let work: Register | undefined = fs.isTemporary(target) && (isTop || !hasCall) ? target : undefined;
  if (hasCall) work ??= fs.reserve(1);

  let current: TablePlace;
  if (first.type === 'Call') {
    enter(fs, prefix);
    if (prefix.type === 'Name') nameToRegister(fs, prefix, work!, true);
    else toRegister(fs, prefix, work!);
    leave(fs);
    current = { index: work!, mode: 0 };
  } else if (first.type === 'MethodCall') {
    if (prefix.type === 'Name') checkForeignTable(fs, prefix);
    current = { index: operand(fs, prefix, work), mode: 0 };
  } else {
    current = tablePlace(fs, prefix, [first.key], work);
  }

  for (let index = spine.length - 1; index >= 0; index--) {
    const node = spine[index]!;
    const isLast = index === 0;
    fs.place = node;
    if (node.type === 'Index') {
      if (!isLast) work ??= fs.reserve(1);
      const destination = isLast ? target : work!;
      const mark = fs.freeRegister;
      const key = rk(fs, node.key);
      fs.emitABC(Op.GETTABLE, destination, current.index, key, node.object, current.mode);
      fs.freeRegister = mark;
      current = { index: destination, mode: 0 };
      continue;
    }
    const base = work!;
    if (node.type === 'MethodCall') {
      fs.reserve(1);
      const name = constantRk(fs, { kind: 'string', value: node.name }, node);
      fs.emitABC(Op.SELF, base, current.index, name, node.object);
      fs.freeRegister = base + 2;
    }
    const place =
      node.type === 'Call'
        ? { start: node.callee.start, end: node.callee.end }
        : { start: node.object.start, end: node.nameStart + node.name.length };
    const isOpen = args(fs, node.arguments);
    const count = isOpen ? 0 : fs.freeRegister - base;
    fs.emitABC(Op.CALL, base, count, isLast ? results : 2, place, isLast ? mode : 0);
    fs.freeRegister = base + 1;
    current = { index: base, mode: 0 };
    if (isLast && base !== target && results === 2) fs.emitABC(Op.MOVE, target, base, 0, node);
  }
}

/** Pushes arguments; true when the last one left its values up to the top. */
function args(fs: FunctionState, list: readonly Expression[]): boolean {
  for (let index = 0; index < list.length; index++) {
    const argument = list[index]!;
    if (index === list.length - 1 && isMultiple(argument)) {
      open(fs, argument, 0);
      return true;
    }
    toNext(fs, argument);
  }
  return false;
}

// ---- several values

export type MultipleExpression = CallExpression | MethodCallExpression | VarargExpression;

/** May give several values (parentheses cut them to one). */
export function isMultiple(expression: Expression): expression is MultipleExpression {
  return expression.type === 'Call' || expression.type === 'MethodCall' || expression.type === 'Vararg';
}

/** Evaluates to `count` - 1 values (0: all, up to the top) from the next free register on, which is answered and reserved. */
export function open(fs: FunctionState, expression: MultipleExpression, count: number): Register {
  const base = fs.reserve(1);
  enter(fs, expression);
  if (expression.type === 'Vararg') fs.emitABC(Op.VARARG, base, count, 0, expression);
  else chain(fs, expression, base, count, 0);
  leave(fs);
  return base;
}

/** Pushes exactly `wanted` values: the list's, cut or filled up with nil. */
export function expressionList(fs: FunctionState, list: readonly Expression[], wanted: number, span: Span): Register {
  const base = fs.freeRegister;
  for (let index = 0; index < list.length; index++) {
    const expression = list[index]!;
    const missing = wanted - list.length;
    if (index === list.length - 1 && missing > 0 && isMultiple(expression)) {
      open(fs, expression, missing + 2);
      fs.reserve(missing);
      return base;
    }
    const value = toNext(fs, expression);
    // More values than wanted are evaluated and dropped.
    if (index >= wanted) fs.freeRegister = value;
  }
  const missing = base + wanted - fs.freeRegister;
  if (missing > 0) fs.emitABC(Op.LOADPRI, fs.reserve(missing), missing - 1, 0, span);
  return base;
}

// ---- operators

function arithmetic(fs: FunctionState, expression: ArithmeticExpression, target: Register): void {
  const spine: ArithmeticExpression[] = [];
  let first: Expression = expression;
  while (isArithmetic(first)) {
    spine.push(first);
    first = strip(first.left);
  }
  // Operations on known integers, from the innermost on, are done here.
  let level = spine.length - 1;
  let known = integerOf(first);
  while (known !== undefined && level >= 0) {
    const node = spine[level]!;
    const right = integerOf(node.right);
    const value = right === undefined ? undefined : foldArithmetic(node.operator, known, right);
    if (value === undefined) break;
    known = value;
    level--;
  }
  if (known !== undefined && level < 0) {
    fs.emitABx(Op.LOADK, target, fs.constant({ kind: 'integer', value: known }), expression);
    return;
  }

  let work: Register | undefined = fs.isTemporary(target) ? target : undefined;
  let left =
    known === undefined
      ? stableRk(fs, first, [spine[level]!.right], work)
      : constantRk(fs, { kind: 'integer', value: known }, first, work);
  if (left < RK_CONSTANT && fs.isTemporary(left)) work ??= left;
  for (; level >= 0; level--) {
    const node = spine[level]!;
    if (level > 0) work ??= fs.reserve(1);
    const destination = level > 0 ? work! : target;
    const mark = fs.freeRegister;
    const right = rk(fs, node.right, left === work ? undefined : work);
    fs.emitABC(ARITHMETIC[node.operator], destination, left, right, node);
    fs.freeRegister = mark;
    left = destination;
  }
}

function concatenation(fs: FunctionState, expression: BinaryExpression, target: Register): void {
  const operands: Expression[] = [];
  let rest: Expression = expression;
  while (rest.type === 'Binary' && rest.operator === '..') {
    operands.push(rest.left);
    rest = strip(rest.right);
  }
  operands.push(rest);
  const isTop = fs.isTemporary(target) && target === fs.freeRegister - 1;
  if (isTop) fs.freeRegister = target;
  const base = fs.freeRegister;
  for (const each of operands) {
    if (fs.freeRegister - base === CONCAT_BATCH) {
      fs.emitABC(Op.CONCAT, base, base, fs.freeRegister - 1, expression);
      fs.freeRegister = base + 1;
    }
    toNext(fs, each);
  }
  fs.emitABC(Op.CONCAT, target, base, fs.freeRegister - 1, expression);
}
