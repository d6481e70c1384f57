// All built-ins in one list, and how they become globals of an engine.

import type { Engine } from '../engine/engine.js';
import { FIRST_HOST_BUILTIN, nativeBuiltinId } from '../engine/native-builtins.js';
import type { TableRef, Value } from '../engine/values.js';
import { AGGREGATION_BUILTINS } from './aggregation.js';
import { ANSI_BUILTINS } from './ansi.js';
import { type ArgumentCheck, argumentCheck } from './arguments.js';
import { CONTROL_BUILTINS, HIDDEN_BUILTINS } from './control.js';
import type { Builtin, BuiltinContext } from './declare.js';
import { EVENT_BUILTINS } from './event.js';
import { checkDeclaration, guarded } from './extra.js';
import { Ffi, ffiBuiltins } from './ffi/ffi.js';
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
  ...ffiBuiltins(),
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
  /**
   * Calls host built-in `id` (EngineHost.callBuiltin). An array is several results, undefined none. Throws ScriptError for
   * wrong arguments.
   */
  callBuiltin(id: number, args: Value[]): Value | readonly Value[];
}

export interface InstallOptions {
  /** The script may call C functions. */
  readonly allowFfi?: boolean;
}

/** One nil, as against no result at all. */
const NIL: readonly Value[] = [undefined];

interface HostBuiltin {
  readonly call: NonNullable<Builtin['call']>;
  /** Its answer is a value, so that an undefined one is nil. */
  readonly answers: boolean;
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
  options: InstallOptions = {},
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
      host.push({ call: call!, answers: builtin.returns !== 'nothing', check: argumentCheck(builtin) });
    }
    const value = engine.newBuiltin(id, builtin.name);
    for (const name of [builtin.name, ...(builtin.aliases ?? [])]) setGlobal(name, value);
  };

  for (const builtin of [...BUILTINS, ...HIDDEN_BUILTINS]) define(builtin, builtin.call);
  if (options.allowFfi) {
    const ffi = new Ffi({
      engine,
      context,
      newFunction(name, answers, call) {
        host.push({ call: (_context, ...args) => call(args), answers, check: undefined });
        return engine.newBuiltin(FIRST_HOST_BUILTIN + host.length - 1, name);
      },
    });
    for (const builtin of ffiBuiltins(ffi)) define(builtin, builtin.call);
    setGlobal('ffi.C', ffi.library);
    setGlobal('C', ffi.library);
  }
  for (const builtin of extra) {
    checkDeclaration(builtin);
    define(builtin, guarded(builtin));
  }

  return {
    callBuiltin(id, args) {
      const { call, answers, check } = host[id - FIRST_HOST_BUILTIN]!;
      check?.(args);
      const result = (call as (context: BuiltinContext, ...args: Value[]) => Value | readonly Value[])(
        context,
        ...args,
      );
      return result === undefined && answers ? NIL : result;
    },
  };
}
