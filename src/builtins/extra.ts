// Built-ins that a program or `--load FILE.mjs` adds: their declarations and answers come from code that nobody has type
// checked, so both are checked here.

import { ScriptError, type Value } from '../engine/values.js';
import { plainError } from '../language/diagnostics.js';
import type { Builtin } from './declare.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/;

/** Throws KtapError where an added declaration misses something; it may come from a file without types. */
export function checkDeclaration(builtin: Builtin): void {
  const wrong = (what: string): never => {
    throw plainError(
      `a built-in that was added is wrong: ${what}`,
      'docs/builtins.md shows what a declaration needs: name, family, parameters, returns, doc, call',
    );
  };
  if (typeof builtin !== 'object' || builtin === null) wrong(`${String(builtin)} is no declaration`);
  const { name, aliases = [], parameters, call } = builtin;
  for (const each of [name, ...aliases])
    if (typeof each !== 'string' || !NAME.test(each)) wrong(`"${String(each)}" is no name`);
  if (typeof call !== 'function') wrong(`${name} has no function \`call\``);
  if (
    !Array.isArray(parameters) ||
    parameters.some((each) => typeof each?.name !== 'string' || each.type === undefined)
  )
    wrong(`the parameters of ${name} are no list of { name, type }`);
}

/** Errors that JavaScript and Node themselves throw; what other parts of the tool throw is none of these. */
const PLAIN_ERRORS: ReadonlySet<unknown> = new Set([
  Error,
  TypeError,
  RangeError,
  ReferenceError,
  SyntaxError,
  URIError,
]);

/** The function of an added built-in, with its answer checked and its exceptions made errors of the script. */
export function guarded(builtin: Builtin): NonNullable<Builtin['call']> {
  return (context, ...args) => {
    let result: unknown;
    try {
      result = builtin.call!(context, ...args);
    } catch (error) {
      if (error instanceof Error && PLAIN_ERRORS.has(error.constructor))
        throw new ScriptError(`${builtin.name}: ${Buffer.from(error.message, 'utf8').toString('latin1')}`);
      throw error;
    }
    return checkedResult(builtin.name, result);
  };
}

/** What an added built-in answers, as values of a script. */
function checkedResult(name: string, result: unknown): Value | readonly Value[] {
  if (Array.isArray(result)) return result.map((each) => checkedValue(name, each));
  return checkedValue(name, result);
}

function checkedValue(name: string, value: unknown): Value {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isSafeInteger(value)) return value;
      throw new ScriptError(`${name} gave ${value}: numbers of ktap are integers`, 'give integers over 2^53 as bigint');
    case 'bigint':
      return BigInt.asIntN(64, value);
    case 'string':
      if (!/[^\x00-\xff]/.test(value)) return value;
      throw new ScriptError(
        `${name} gave a string with characters that are no bytes`,
        "strings of scripts are bytes: Buffer.from(text, 'utf8').toString('latin1') makes them",
      );
    default:
      if (value === null) return undefined;
      if (typeof value === 'object' && 'kind' in value && 'ref' in value) return value as unknown as Value;
      throw new ScriptError(`${name} gave a JavaScript ${typeof value}, which is no value of a script`);
  }
}
