// Operators of the language on values of the reference evaluator (section 3).

import type { BinaryOperator, CompoundOperator } from '../../src/language/ast.js';
import {
  AggregationTable,
  ReferenceScriptError,
  someType,
  someValue,
  Table,
  typeName,
  type Value,
  wrap,
} from './values.js';

export function arithmetic(operator: '+' | '-' | '*' | '/' | '%' | '^', left: Value, right: Value): Value {
  const isNumberOrNil = (value: Value): boolean => value === undefined || typeof value === 'bigint';
  if (!isNumberOrNil(left) || !isNumberOrNil(right)) {
    throw new ReferenceScriptError(`cannot compute ${typeName(left)} ${operator} ${typeName(right)}`);
  }
  if (typeof left !== 'bigint' || typeof right !== 'bigint') return undefined;
  switch (operator) {
    case '+':
      return wrap(left + right);
    case '-':
      return wrap(left - right);
    case '*':
      return wrap(left * right);
    case '/':
      if (right === 0n) throw new ReferenceScriptError('division by zero');
      return wrap(left / right);
    case '%':
      if (right === 0n) throw new ReferenceScriptError('division by zero');
      return left % right;
    case '^':
      return power(left, right);
  }
}

function power(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) throw new ReferenceScriptError('negative exponent');
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = wrap(square * square)) {
    if (rest & 1n) result = wrap(result * square);
  }
  return result;
}

/** `old op= value`: nil counts as 0 at the left and is an error at the right. */
export function compound(operator: CompoundOperator, old: Value, value: Value): Value {
  if (value === undefined) throw new ReferenceScriptError(`the right side of ${operator}= is nil`);
  if (typeof value !== 'bigint')
    throw new ReferenceScriptError(`cannot compute ${typeName(old)} ${operator} ${typeName(value)}`);
  return arithmetic(operator, old === undefined ? 0n : old, value);
}

export function negate(value: Value): Value {
  if (value === undefined) return undefined;
  if (typeof value !== 'bigint') throw new ReferenceScriptError(`cannot negate ${someType(value)}`);
  return wrap(-value);
}

export function join(values: readonly Value[]): string {
  for (const value of values) {
    if (typeof value !== 'string' && typeof value !== 'bigint') {
      throw new ReferenceScriptError(`cannot join ${someType(value)} with ..`);
    }
  }
  return values.join('');
}

export function less(left: Value, right: Value, orEqual: boolean): boolean {
  if (left === undefined || right === undefined) return false;
  const comparable =
    (typeof left === 'bigint' && typeof right === 'bigint') || (typeof left === 'string' && typeof right === 'string');
  if (!comparable) throw new ReferenceScriptError(`cannot compare ${someType(left)} with ${someType(right)}`);
  return left < right || (orEqual && left === right);
}

export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  switch (operator) {
    case '..':
      return join([left, right]);
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return less(left, right, false);
    case '<=':
      return less(left, right, true);
    case '>':
      return less(right, left, false);
    case '>=':
      return less(right, left, true);
    default:
      return arithmetic(operator, left, right);
  }
}

export function index(object: Value, key: Value): Value {
  if (!(object instanceof Table || object instanceof AggregationTable)) {
    throw new ReferenceScriptError(`cannot index ${someValue(object)}`);
  }
  return object.map.get(key);
}

export function store(object: Value, key: Value, value: Value): void {
  if (!(object instanceof Table || object instanceof AggregationTable)) {
    throw new ReferenceScriptError(`cannot index ${someValue(object)}`);
  }
  if (key === undefined) throw new ReferenceScriptError('a table key is nil');
  if (value === undefined) object.map.delete(key);
  else if (object instanceof AggregationTable) throw new ReferenceScriptError('cannot store into an aggregation table');
  else object.map.set(key, value);
}
