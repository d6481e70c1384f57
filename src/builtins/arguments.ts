// Checks the arguments of a built-in against its declaration: "bad argument 2 of strfind: string expected, got nil".

import { ScriptError, type Value } from '../engine/values.js';
import type { Builtin, Parameter, ParameterType } from './declare.js';
import { typeName } from './format-value.js';

// Sets of kinds as bits, so that a check is one `&`.
const NIL = 1;
const BOOLEAN = 2;
const NUMBER = 4;
const STRING = 8;
const TABLE = 16;
const AGGREGATION = 32;
const FUNCTION = 64;
const STACK = 128;
const ANY = 255;

const BITS: Record<ParameterType, number> = {
  any: ANY,
  integer: NUMBER,
  string: STRING,
  boolean: BOOLEAN,
  table: TABLE,
  function: FUNCTION,
  aggregation: AGGREGATION,
  stack: STACK,
};

function bitOf(value: Value): number {
  switch (typeof value) {
    case 'undefined':
      return NIL;
    case 'boolean':
      return BOOLEAN;
    case 'number':
    case 'bigint':
      return NUMBER;
    case 'string':
      return STRING;
    default:
      switch (value.kind) {
        case 'aggregation':
          return AGGREGATION;
        case 'function':
          return FUNCTION;
        case 'stack':
          return STACK;
        default:
          return TABLE;
      }
  }
}

const typesOf = ({ type }: Parameter): readonly ParameterType[] => (typeof type === 'string' ? [type] : type);

/** Words for a parameter's types, as messages and the reference show them: `table or string`. */
export function typeWords(parameter: Parameter): string {
  return typesOf(parameter)
    .map((type) => (type === 'integer' ? 'number' : type))
    .join(' or ');
}

/** Throws ScriptError where the arguments do not fit. */
export type ArgumentCheck = (values: readonly Value[]) => void;

/** The check that a declaration asks for; undefined where everything fits. */
export function argumentCheck({ name, parameters }: Builtin): ArgumentCheck | undefined {
  const allowed = parameters.map((each) =>
    typesOf(each).reduce((bits, type) => bits | BITS[type], each.optional === true ? NIL : 0),
  );
  const last = parameters[parameters.length - 1];
  const rest = last?.rest === true;
  if (allowed.every((bits) => bits === ANY)) return undefined;

  const refuse = (index: number, value: Value): never => {
    const parameter = parameters[Math.min(index, parameters.length - 1)]!;
    throw new ScriptError(
      `bad argument ${index + 1} of ${name}: ${typeWords(parameter)} expected, got ${typeName(value)}`,
    );
  };
  const fixed = rest ? allowed.length - 1 : allowed.length;
  const restBits = rest ? allowed[fixed]! : ANY;
  return (values) => {
    for (let index = 0; index < fixed; index++) {
      const value = values[index];
      if ((bitOf(value) & allowed[index]!) === 0) refuse(index, value);
    }
    if (restBits === ANY) return;
    for (let index = fixed; index < values.length; index++)
      if ((bitOf(values[index]) & restBits) === 0) refuse(index, values[index]);
  };
}
