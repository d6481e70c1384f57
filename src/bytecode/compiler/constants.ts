// Constants of scripts: literals, and arithmetic on integer literals, which is folded where it cannot fail.

import type { BinaryExpression, BinaryOperator, Expression } from '../../language/ast.js';
import type { Constant } from '../module.js';

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^';

const OPERATORS: ReadonlySet<string> = new Set<ArithmeticOperator>(['+', '-', '*', '/', '%', '^']);

export interface ArithmeticExpression extends BinaryExpression {
  readonly operator: ArithmeticOperator;
}

export function isArithmetic(expression: Expression): expression is ArithmeticExpression {
  return expression.type === 'Binary' && OPERATORS.has(expression.operator);
}

/** The expression inside parentheses; where one value is wanted they mean nothing. */
export function strip(expression: Expression): Expression {
  let inner = expression;
  while (inner.type === 'Parenthesized') inner = inner.expression;
  return inner;
}

/** Result of an operator on two integers; undefined where it would be an error (or is no arithmetic). */
export function foldArithmetic(operator: BinaryOperator, left: bigint, right: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return wrap(left + right);
    case '-':
      return wrap(left - right);
    case '*':
      return wrap(left * right);
    case '/':
      return right === 0n ? undefined : wrap(left / right);
    case '%':
      return right === 0n ? undefined : wrap(left % right);
    case '^':
      return right < 0n ? undefined : power(left, right);
    default:
      return undefined;
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = wrap(result * square);
    square = wrap(square * square);
  }
  return result;
}

/** The integer that an expression surely is; undefined where it is none or not known. */
export function integerOf(expression: Expression): bigint | undefined {
  const inner = strip(expression);
  if (inner.type === 'Integer') return inner.value;
  if (inner.type === 'Unary' && inner.operator === '-') {
    const value = integerOf(inner.operand);
    return value === undefined ? undefined : wrap(-value);
  }
  if (!isArithmetic(inner)) return undefined;
  // Long chains lean to the left: down to the first operand, then up again.
  const spine: ArithmeticExpression[] = [];
  let first: Expression = inner;
  while (isArithmetic(first)) {
    spine.push(first);
    first = strip(first.left);
  }
  let value = integerOf(first);
  while (value !== undefined) {
    const node = spine.pop();
    if (node === undefined) break;
    const right = integerOf(node.right);
    value = right === undefined ? undefined : foldArithmetic(node.operator, value, right);
  }
  return value;
}

/** The constant that an expression surely is. */
export function constantOf(expression: Expression): Constant | undefined {
  const inner = strip(expression);
  switch (inner.type) {
    case 'Nil':
      return { kind: 'nil' };
    case 'Boolean':
      return { kind: 'boolean', value: inner.value };
    case 'String':
      return { kind: 'string', value: inner.value };
    case 'KernelSymbol':
      return { kind: 'symbol', name: inner.name };
    case 'Integer':
      return { kind: 'integer', value: inner.value };
    case 'Unary':
    case 'Binary': {
      const value = integerOf(inner);
      return value === undefined ? undefined : { kind: 'integer', value };
    }
    default:
      return undefined;
  }
}

/** Truth of an expression that is the same on every run and has no effect; undefined where it is not known. */
export function truthOf(expression: Expression): boolean | undefined {
  const inner = strip(expression);
  switch (inner.type) {
    case 'Nil':
      return false;
    case 'Boolean':
      return inner.value;
    case 'Integer':
    case 'String':
    case 'KernelSymbol':
      return true;
    case 'Unary':
      if (inner.operator === 'not') {
        const truth = truthOf(inner.operand);
        return truth === undefined ? undefined : !truth;
      }
      return integerOf(inner) === undefined ? undefined : true;
    case 'Binary':
      return integerOf(inner) === undefined ? undefined : true;
    default:
      return undefined;
  }
}

/** An expression contains a call, which may run code of the script; functions inside that are only made do not count. */
export function containsCall(expression: Expression): boolean {
  const pending = [expression];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    switch (node.type) {
      case 'Call':
      case 'MethodCall':
        return true;
      case 'Index':
        pending.push(node.object, node.key);
        break;
      case 'Table':
        for (const { key, value } of node.items) pending.push(value, ...(key === undefined ? [] : [key]));
        break;
      case 'Binary':
      case 'Logical':
        pending.push(node.left, node.right);
        break;
      case 'Unary':
        pending.push(node.operand);
        break;
      case 'Parenthesized':
        pending.push(node.expression);
        break;
      default:
        break;
    }
  }
  return false;
}
