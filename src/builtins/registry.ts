// All built-ins in one list, and how they become globals of an engine.

import type { Engine } from '../engine/engine.js';
import { FIRST_HOST_BUILTIN, nativeBuiltinId } from '../engine/native-builtins.js';
import { ScriptError, type TableRef, type Value } from '../engine/values.js';
import { plainError } from '../language/diagnostics.js';
import { AGGREGATION_BUILTINS } from './aggregation.js';
import { ANSI_BUILTINS } from './ansi.js';
import { type ArgumentCheck, argumentCheck } from './arguments.js';
import { CONTROL_BUILTINS, HIDDEN_BUILTINS } from './control.js';
import type { Builtin, BuiltinContext } from './declare.js';
import { EVENT_BUILTINS } from './event.js';
import { HISTOGRAM_BUILTINS } from './histogram.js';
import { KDEBUG_BUILTINS } from './kdebug.js';
import { MEMORY_BUILTINS } from './memory.js';
import { NET_BUILTINS } from './net.js';
import { OUTPUT_BUILTINS } from './output.js';
import { STACK_BUILTINS } from './stacks.js';
import { STRING_BUILTINS } from './strings.js';
import { TABLE_BUILTINS } from './tables.js';
import { TIME_BUILTINS } from './time.js';
import { TIMER_BUILTINS } from './timer.js';

/** The built-ins that a script can name, in the order of the reference. */
export const BUILTINS: readonly Builtin[] = [
  ...OUTPUT_BUILTINS,
  ...TABLE_BUILTINS,
  ...STRING_BUILTINS,
  ...AGGREGATION_BUILTINS,
  ...HISTOGRAM_BUILTINS,
  ...EVENT_BUILTINS,
  ...TIME_BUILTINS,
  ...STACK_BUILTINS,
  ...MEMORY_BUILTINS,
  ...CONTROL_BUILTINS,
  ...ANSI_BUILTINS,
  ...KDEBUG_BUILTINS,
  ...TIMER_BUILTINS,
  ...NET_BUILTINS,
];

/** What the compiler knows of built-ins, by the names of globals (`ansi`, not `ansi.set_color`). */
export function builtinNames(): {
  readonly builtinNames: ReadonlySet<string>;
  /** Those that answer 0 or 1, both of which are true as a condition. */
  readonly zeroOrOneBuiltins: ReadonlySet<string>;
} {
  const namesOf = ({ name, aliases = [] }: Builtin): string[] => [name, ...aliases].map((each) => each.split('.')[0]!);
  return {
    builtinNames: new Set(BUILTINS.flatMap(namesOf)),
    zeroOrOneBuiltins: new Set(BUILTINS.filter((each) => each.answersZeroOrOne).flatMap(namesOf)),
  };
}

export interface InstalledBuiltins {
  /** Calls host built-in `id` (EngineHost.callBuiltin). Throws ScriptError for wrong arguments. */
  callBuiltin(id: number, args: Value[]): Value | readonly Value[];
}

interface HostBuiltin {
  readonly call: NonNullable<Builtin['call']>;
  readonly check: ArgumentCheck | undefined;
}

/**
 * Makes the globals of all built-ins, and of those that a program or `--load` adds. An extra one takes the place of a
 * built-in of the same name. Throws KtapError for a declaration that cannot be used.
 */
export function installBuiltins(
  engine: Engine,
  context: BuiltinContext,
  extra: readonly Builtin[] = [],
): InstalledBuiltins {
  const host: HostBuiltin[] = [];
  const tables = new Map<string, TableRef>();

  const setGlobal = (name: string, value: Value): void => {
    const point = name.indexOf('.');
    if (point < 0) {
      engine.setGlobal(name, value);
      return;
    }
    const tableName = name.slice(0, point);
    let table = tables.get(tableName);
    if (table === undefined) {
      table = engine.newTable();
      tables.set(tableName, table);
      engine.setGlobal(tableName, table);
    }
    table.set(name.slice(point + 1), value);
  };
  const define = (builtin: Builtin, call: Builtin['call']): void => {
    let id: number;
    if (builtin.native !== undefined) {
      id = nativeBuiltinId(builtin.native);
    } else {
      id = FIRST_HOST_BUILTIN + host.length;
      host.push({ call: call!, check: argumentCheck(builtin) });
    }
    const value = engine.newBuiltin(id, builtin.name);
    for (const name of [builtin.name, ...(builtin.aliases ?? [])]) setGlobal(name, value);
  };

  for (const builtin of [...BUILTINS, ...HIDDEN_BUILTINS]) define(builtin, builtin.call);
  for (const builtin of extra) {
    checkDeclaration(builtin);
    define(builtin, (context, ...args) => checkedResult(builtin.name, builtin.call!(context, ...args)));
  }

  return {
    callBuiltin(id, args) {
      const { call, check } = host[id - FIRST_HOST_BUILTIN]!;
      check?.(args);
      return (call as (context: BuiltinContext, ...args: Value[]) => Value | readonly Value[])(context, ...args);
    },
  };
}

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

/** What an added built-in answers, as values of a script; text becomes UTF-8 bytes. */
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
      return /[^\x00-\xff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
    default:
      if (value === null) return undefined;
      if (typeof value === 'object' && 'kind' in value && 'ref' in value) return value as unknown as Value;
      throw new ScriptError(`${name} gave a JavaScript ${typeof value}, which is no value of a script`);
  }
}
