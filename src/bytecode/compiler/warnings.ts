// Warnings: what is allowed but hardly meant. Each has a code by which it can be turned off.

import type { Block, Expression, Statement } from '../../language/ast.js';
import type { Diagnostic, Span } from '../../language/diagnostics.js';
import { integerOf, strip, truthOf } from './constants.js';
import type { CompileContext } from './context.js';
import type { Condition } from './resolver.js';

/** Codes of all warnings with what they say, for the option that turns them off. */
export const WARNINGS: Readonly<Record<string, string>> = {
  'unused-local': 'a local that is never read',
  'constant-condition': 'a condition that is always true or always false',
  'zero-is-true': 'a built-in that answers 0 or 1 as a condition, where 0 is true',
  'mixed-dialect': 'names of ktap 0.5 together with argN counted as in 0.4',
  unreachable: 'a statement that is never reached',
};

/** Warnings of a resolved script, in the order of their places. */
export function findWarnings(context: CompileContext, zeroOrOne: ReadonlySet<string>): Diagnostic[] {
  const found: Diagnostic[] = [];
  const warn = (code: string, span: Span, message: string, hint?: string) => {
    const { start, end } = span;
    const place = { source: context.source, span: { start, end } };
    found.push({ severity: 'warning', code, message, ...place, ...(hint === undefined ? {} : { hint }) });
  };
  const { resolution } = context;
  for (const variables of resolution.localStatements) {
    // `local a, b = f()`: names before one that is read are needed to get at it.
    const lastRead = variables.findLastIndex((variable) => variable.read);
    for (const { name, kind, declaration } of variables.slice(lastRead + 1)) {
      if (name.startsWith('_')) continue;
      const what = kind === 'function' ? 'local function' : 'local';
      warn('unused-local', declaration, `${what} ${name} is never used`, 'a name that begins with _ gives no warning');
    }
  }
  for (const condition of resolution.conditions) {
    constantCondition(condition, warn);
    zeroIsTrue(context, condition.expression, zeroOrOne, warn);
  }
  for (const block of resolution.blocks) unreachable(block, warn);
  mixedDialect(context, warn);
  return found.sort((a, b) => a.span!.start - b.span!.start);
}

type Warn = (code: string, span: Span, message: string, hint?: string) => void;

// ---- conditions

/** Truth of a condition; knows more than `truthOf`, which only answers where no code is needed. */
function surelyTrue(expression: Expression): boolean | undefined {
  const node = strip(expression);
  switch (node.type) {
    case 'Function':
    case 'Table':
      return true;
    case 'Unary':
      if (node.operator === 'not') {
        const truth = surelyTrue(node.operand);
        return truth === undefined ? undefined : !truth;
      }
      return truthOf(node);
    case 'Logical': {
      const truths = [surelyTrue(node.left), surelyTrue(node.right)];
      const decisive = node.operator === 'or';
      if (truths.includes(decisive)) return decisive;
      return truths.includes(undefined) ? undefined : !decisive;
    }
    case 'Binary': {
      const left = integerOf(node.left);
      const right = integerOf(node.right);
      return left === undefined || right === undefined ? truthOf(node) : compare(node.operator, left, right);
    }
    default:
      return truthOf(node);
  }
}

function compare(operator: string, left: bigint, right: bigint): boolean | undefined {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      return undefined;
  }
}

function constantCondition({ expression, of }: Condition, warn: Warn): void {
  const truth = surelyTrue(expression);
  if (truth === undefined) return;
  const node = strip(expression);
  const isZero = node.type === 'Integer' && node.value === 0n;
  // The usual ways to write an endless loop.
  if ((of === 'while' || of === 'for') && truth && !isZero) return;
  if (of === 'until' && !truth) return;
  const hint = isZero ? '0 is true: only nil and false are false' : undefined;
  warn('constant-condition', expression, `the condition is always ${truth}`, hint);
}

/** Name of the built-in that an expression calls: `in_interrupt`, `t.f`. */
function calledBuiltin(context: CompileContext, node: Expression): string | undefined {
  if (node.type !== 'Call') return undefined;
  const callee = strip(node.callee);
  const isGlobal = (name: Expression) =>
    name.type === 'Name' &&
    !context.resolution.variables.has(name) &&
    !context.resolution.assignedGlobals.has(name.name);
  if (callee.type === 'Name') return isGlobal(callee) ? callee.name : undefined;
  if (callee.type !== 'Index' || callee.key.type !== 'String' || callee.object.type !== 'Name') return undefined;
  return isGlobal(callee.object) ? `${callee.object.name}.${callee.key.value}` : undefined;
}

function zeroIsTrue(context: CompileContext, condition: Expression, zeroOrOne: ReadonlySet<string>, warn: Warn): void {
  const pending = [condition];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const inner = strip(node);
    if (inner.type === 'Logical') pending.push(inner.left, inner.right);
    else if (inner.type === 'Unary' && inner.operator === 'not') pending.push(inner.operand);
    const name = calledBuiltin(context, inner);
    if (name !== undefined && zeroOrOne.has(name)) {
      warn('zero-is-true', inner, `${name} answers 0 or 1, and both are true`, `write ${name}() == 1`);
    }
  }
}

// ---- statements

function unreachable(block: Block, warn: Warn): void {
  let isReached = true;
  for (const statement of block.statements) {
    if (statement.type === 'Label') isReached = true;
    if (!isReached) {
      warn('unreachable', statement, 'this statement is never reached');
      return;
    }
    if (leaves(statement)) isReached = false;
  }
}

/** What follows the statement in its block is not reached from it. */
function leaves(statement: Statement): boolean {
  switch (statement.type) {
    case 'Return':
    case 'Break':
    case 'Continue':
    case 'Goto':
      return true;
    case 'Do':
      return blockLeaves(statement.body);
    case 'If':
      return (
        statement.otherwise !== undefined &&
        blockLeaves(statement.otherwise) &&
        statement.clauses.every(({ body }) => blockLeaves(body))
      );
    default:
      return false;
  }
}

const blockLeaves = (block: Block): boolean => {
  const last = block.statements.at(-1);
  return last !== undefined && leaves(last);
};

// ---- dialects

function mixedDialect({ dialect, resolution, source }: CompileContext, warn: Warn): void {
  const argument = resolution.eventArguments[0];
  if (dialect !== '0.4' || argument === undefined) return;
  const bare = resolution.bareNames.filter(
    ({ name }) => name === 'execname' && !resolution.assignedGlobals.has('execname'),
  );
  const newer = [...resolution.newerNames, ...bare].sort((a, b) => a.start - b.start)[0];
  if (newer === undefined) return;
  const name = source.text.slice(newer.start, newer.end);
  warn(
    'mixed-dialect',
    newer,
    `${name} is a name of ktap 0.5, where the arguments of an event are counted from arg0; here they count from arg1`,
    'run a script for ktap 0.5 with --dialect 0.5',
  );
}
