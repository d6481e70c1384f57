// Code of statements. Scopes, loops and jumps out of them are kept by control-flow.ts.

import type {
  Block,
  CForStatement,
  Expression,
  GenericForStatement,
  Identifier,
  IfStatement,
  NumericForStatement,
  RepeatStatement,
  ReturnStatement,
  Statement,
  TimerStatement,
  TraceEndStatement,
  TraceStatement,
  WhileStatement,
} from '../../language/ast.js';
import type { Span } from '../../language/diagnostics.js';
import { encodeAsBx, Op } from '../isa.js';
import { aggregate, assign, assignOne, compoundAssign } from './assignments.js';
import { jumpIf } from './conditions.js';
import { truthOf } from './constants.js';
import type { ControlFlow, Loop } from './control-flow.js';
import {
  chain,
  constantRk,
  expressionList,
  ffiError,
  isMultiple,
  loadGlobal,
  open,
  operand,
  toNext,
  toRegister,
} from './expressions.js';
import type { FunctionState, JumpList, Register } from './function-state.js';

/** Compiles the statements of a function's body, or of a block in a scope that the caller has opened. */
export function statements(fs: FunctionState, flow: ControlFlow, block: Block, isUntilBody = false): void {
  /** Number of statements but for labels at the end. */
  let count: number | undefined;
  for (let index = 0; index < block.statements.length; index++) {
    const statement = block.statements[index]!;
    fs.place = statement;
    if (statement.type === 'Label') {
      count ??= block.statements.findLastIndex(({ type }) => type !== 'Label') + 1;
      flow.label(statement, !isUntilBody && index >= count);
    } else {
      compileStatement(fs, flow, statement);
    }
    fs.freeRegister = fs.variableRegisters;
  }
}

function scopedBlock(fs: FunctionState, flow: ControlFlow, block: Block): void {
  flow.open();
  statements(fs, flow, block);
  flow.close(endOf(block));
}

/** What is marked when nothing of the script itself is to blame: the end of a block. */
const endOf = (block: Span): Span => ({ start: Math.max(block.start, block.end - 1), end: block.end });

function compileStatement(fs: FunctionState, flow: ControlFlow, node: Statement): void {
  switch (node.type) {
    case 'Local':
      local(fs, node.names, node.values, node);
      break;
    case 'LocalFunction': {
      const register = declare(fs, node.name, fs.reserve(1));
      toRegister(fs, node.function, register);
      break;
    }
    case 'FunctionStatement':
      assignOne(fs, node.target, node.function, node);
      break;
    case 'Assign':
      assign(fs, node);
      break;
    case 'CompoundAssign':
      compoundAssign(fs, node);
      break;
    case 'Aggregate':
      aggregate(fs, node);
      break;
    case 'CallStatement':
      chain(fs, node.call, fs.reserve(1), 1, 0);
      break;
    case 'Do':
      scopedBlock(fs, flow, node.body);
      break;
    case 'If':
      ifStatement(fs, flow, node);
      break;
    case 'While':
      whileStatement(fs, flow, node);
      break;
    case 'Repeat':
      repeatStatement(fs, flow, node);
      break;
    case 'NumericFor':
      numericFor(fs, flow, node);
      break;
    case 'CFor':
      cFor(fs, flow, node);
      break;
    case 'GenericFor':
      genericFor(fs, flow, node);
      break;
    case 'Return':
      returnStatement(fs, node);
      break;
    case 'Break':
      flow.break(node);
      break;
    case 'Continue':
      flow.continue(node);
      break;
    case 'Goto':
      flow.goto(node);
      break;
    case 'Label':
      break;
    case 'Trace':
      probe(fs, node, `trace ${node.definition}`, '(trace)', node.definition, {
        start: node.definitionStart,
        end: node.definitionStart + node.definition.length,
      });
      break;
    case 'TraceEnd':
      probe(fs, node, 'trace_end', '(trace_end)', undefined, { start: node.start, end: node.start + 9 });
      break;
    case 'Timer': {
      const name = `${node.kind}-${node.interval}`;
      const head = { start: node.start, end: node.start + name.length };
      probe(fs, node, name, `(${node.kind})`, node.interval, head);
      break;
    }
    case 'Cdef': {
      if (!fs.context.allowFfi) throw ffiError(fs.context.source, { start: node.start, end: node.start + 4 }, 'cdef');
      const base = fs.reserve(1);
      loadGlobal(fs, 'ffi', node, base);
      const name = constantRk(fs, { kind: 'string', value: 'cdef' }, node);
      fs.emitABC(Op.GETTABLE, base, base, name, node);
      fs.freeRegister = base + 1;
      toNext(fs, node.declarations);
      fs.emitABC(Op.CALL, base, 2, 1, node);
      break;
    }
    default:
      node satisfies never;
  }
}

/** Registers a handler: a call of a hidden global with the definition's text, if there is one, and the closure. */
function probe(
  fs: FunctionState,
  node: TraceStatement | TraceEndStatement | TimerStatement,
  name: string,
  global: string,
  text: string | undefined,
  head: Span,
): void {
  const base = fs.reserve(1);
  loadGlobal(fs, global, head, base);
  if (text !== undefined) fs.emitABx(Op.LOADK, fs.reserve(1), fs.constant({ kind: 'string', value: text }), head);
  const number = fs.context.compileFunction(fs, { node, name, parameters: [], isVararg: false }, node.body);
  fs.emitABx(Op.CLOSURE, fs.reserve(1), fs.addChild(number), head);
  fs.emitABC(Op.CALL, base, fs.freeRegister - base, 1, head);
}

// ---- locals

/** Brings a declared name into force. */
function declare(fs: FunctionState, name: Identifier, register: Register): Register {
  fs.activate(fs.context.resolution.declarations.get(name)!, register);
  return register;
}

function local(fs: FunctionState, names: readonly Identifier[], values: readonly Expression[], span: Span): void {
  const base = expressionList(fs, values, names.length, span);
  for (let index = 0; index < names.length; index++) declare(fs, names[index]!, base + index);
}

// ---- branches and loops

function ifStatement(fs: FunctionState, flow: ControlFlow, node: IfStatement): void {
  const ends: JumpList = [];
  for (const [index, { condition, body }] of node.clauses.entries()) {
    // `if (c) { break }` is one conditional jump.
    const only = body.statements.length === 1 ? body.statements[0]! : undefined;
    const direct = only === undefined ? undefined : flow.directJump(only);
    if (direct !== undefined) {
      direct.push(...jumpIf(fs, condition, true));
      continue;
    }
    const otherwise = jumpIf(fs, condition, false);
    scopedBlock(fs, flow, body);
    const hasMore = index < node.clauses.length - 1 || node.otherwise !== undefined;
    if (hasMore && !endsInReturn(body)) ends.push(fs.jump(endOf(body)));
    fs.patchHere(otherwise);
  }
  if (node.otherwise !== undefined) scopedBlock(fs, flow, node.otherwise);
  fs.patchHere(ends);
}

const endsInReturn = (block: Block): boolean => block.statements.at(-1)?.type === 'Return';

/** Loops test at their end: one jump a round. */
function whileStatement(fs: FunctionState, flow: ControlFlow, node: WhileStatement): void {
  const toTest = truthOf(node.condition) === true ? [] : [fs.jump(node.condition)];
  const start = fs.pc;
  const loop = flow.openLoop();
  statements(fs, flow, node.body);
  flow.continueHere(loop);
  flow.close(endOf(node.body));
  fs.patchHere(toTest);
  fs.patch(jumpIf(fs, node.condition, true), start);
  flow.endLoop(loop);
}

function repeatStatement(fs: FunctionState, flow: ControlFlow, node: RepeatStatement): void {
  const start = fs.pc;
  const loop = flow.openLoop();
  statements(fs, flow, node.body, true);
  flow.continueHere(loop);
  fs.place = node.condition;
  if (flow.closeLevel() === undefined) {
    fs.patch(jumpIf(fs, node.condition, false), start);
    flow.close(node.condition);
  } else {
    // The body's locals are closed after the test, on both ways.
    const exits = jumpIf(fs, node.condition, true);
    fs.patch([fs.jump(node.condition, flow.closeLevel())], start);
    fs.patchHere(exits);
    flow.close(node.condition);
  }
  flow.endLoop(loop);
}

function numericFor(fs: FunctionState, flow: ControlFlow, node: NumericForStatement): void {
  flow.open();
  const base = toNext(fs, node.from);
  toNext(fs, node.limit);
  if (node.step !== undefined) toNext(fs, node.step);
  else fs.emitABx(Op.LOADK, fs.reserve(1), fs.constant({ kind: 'integer', value: 1n }), node.limit);
  flow.hideRegisters();
  const head = { start: node.from.start, end: (node.step ?? node.limit).end };
  const prepare = fs.emit(encodeAsBx(Op.FORPREP, base, 0), head);
  const loop = flow.openLoop();
  declare(fs, node.variable, fs.reserve(1));
  statements(fs, flow, node.body);
  endFor(flow, loop, node.body);
  const next = fs.emit(encodeAsBx(Op.FORLOOP, base, 0), head);
  fs.patch([next], prepare + 1);
  fs.patch([prepare], next + 1);
  flow.endLoop(loop);
  flow.close(endOf(node.body));
}

/** Where `continue` arrives, and the body's variables end. */
function endFor(flow: ControlFlow, loop: Loop, body: Block): void {
  flow.continueHere(loop);
  flow.close(endOf(body));
}

function genericFor(fs: FunctionState, flow: ControlFlow, node: GenericForStatement): void {
  flow.open();
  const iterators = { start: node.iterators[0]!.start, end: node.iterators.at(-1)!.end };
  const base = expressionList(fs, node.iterators, 3, iterators);
  flow.hideRegisters();
  // The iterator is called in the three registers from R[base+3] on.
  fs.touch(base + 3 + Math.max(3, node.names.length));
  const toTest = fs.jump(iterators);
  const start = fs.pc;
  const loop = flow.openLoop();
  for (const name of node.names) declare(fs, name, fs.reserve(1));
  statements(fs, flow, node.body);
  endFor(flow, loop, node.body);
  fs.patchHere([toTest]);
  fs.emitABC(Op.TFOR, base, 0, node.names.length, iterators);
  fs.patch([fs.jump(iterators)], start);
  flow.endLoop(loop);
  flow.close(endOf(node.body));
}

/** As in C: one variable for body, test and step. */
function cFor(fs: FunctionState, flow: ControlFlow, node: CForStatement): void {
  flow.open();
  if (node.variable !== undefined) {
    const register = fs.reserve(1);
    if (node.from === undefined) fs.emitABC(Op.LOADPRI, register, 0, 0, node.variable);
    else toRegister(fs, node.from, register);
    declare(fs, node.variable, register);
  }
  const isEndless = node.condition === undefined || truthOf(node.condition) === true;
  const toTest = isEndless ? [] : [fs.jump(node.condition!)];
  const start = fs.pc;
  const loop = flow.openLoop();
  statements(fs, flow, node.body);
  endFor(flow, loop, node.body);
  if (node.step !== undefined) {
    fs.place = node.step;
    compileStatement(fs, flow, node.step);
    fs.freeRegister = fs.variableRegisters;
  }
  fs.patchHere(toTest);
  if (node.condition === undefined) fs.patch([fs.jump(endOf(node.body))], start);
  else fs.patch(jumpIf(fs, node.condition, true), start);
  flow.endLoop(loop);
  flow.close(endOf(node.body));
}

function returnStatement(fs: FunctionState, node: ReturnStatement): void {
  const { values } = node;
  const only = values.length === 1 ? values[0]! : undefined;
  if (only !== undefined && (only.type === 'Call' || only.type === 'MethodCall')) {
    chain(fs, only, fs.reserve(1), 0, 1);
    return;
  }
  if (only !== undefined && !isMultiple(only)) {
    fs.emitABC(Op.RETURN, operand(fs, only), 2, 0, node);
    return;
  }
  const base = fs.freeRegister;
  for (const [index, value] of values.entries()) {
    if (index === values.length - 1 && isMultiple(value)) {
      open(fs, value, 0);
      fs.emitABC(Op.RETURN, base, 0, 0, node);
      return;
    }
    toNext(fs, value);
  }
  fs.emitABC(Op.RETURN, values.length === 0 ? 0 : base, values.length + 1, 0, node);
}
