// Makes an engine with a few built-ins and runs scripts on it, without a session.

import { compile } from '../../src/bytecode/index.js';
import { createInterpreter, type Engine, type EngineHost } from '../../src/engine/index.js';
import { RunStatus } from '../../src/engine/layout.js';
import { FIRST_HOST_BUILTIN, NATIVE_BUILTINS, nativeBuiltinId } from '../../src/engine/native-builtins.js';
import { type FunctionRef, ScriptError, type Value } from '../../src/engine/values.js';
import { parseChunk, positionOf } from '../../src/language/index.js';

export type HostFunction = (engine: Engine, ...args: Value[]) => Value | readonly Value[];

export interface TestEngine {
  readonly engine: Engine;
  /** What `out(…)` was called with. */
  readonly output: Value[][];
  load(text: string): FunctionRef;
  /** Runs a script to its end in slices of `budget`; answers the status. */
  run(text: string, budget?: number): number;
}

export interface TestEngineOptions {
  readonly maxMemory?: number;
  readonly gcStress?: boolean;
  readonly functions?: Readonly<Record<string, HostFunction>>;
  readonly host?: Partial<EngineHost>;
}

export function testEngine({
  maxMemory = 64 << 20,
  gcStress,
  functions = {},
  host,
}: TestEngineOptions = {}): TestEngine {
  const output: Value[][] = [];
  const all: Record<string, HostFunction> = {
    out: (_engine, ...args) => {
      output.push(args);
      return undefined;
    },
    ...functions,
  };
  const bodies = Object.values(all);
  const engine: Engine = createInterpreter({
    maxMemory,
    ...(gcStress === undefined ? {} : { gcStress }),
    host: {
      eventText: () => 'event text',
      eventField: (index) => index,
      callBuiltin: (id, args) => bodies[id - FIRST_HOST_BUILTIN]!(engine, ...args),
      ...host,
    },
    resolveSymbol: (name) => {
      if (name === 'known') return 0xffff_ffff_8100_0000n;
      throw new ScriptError(`the kernel symbol ${name} is unknown`);
    },
  });
  for (const name of NATIVE_BUILTINS) engine.setGlobal(name, engine.newBuiltin(nativeBuiltinId(name), name));
  Object.keys(all).forEach((name, i) => {
    engine.setGlobal(name, engine.newBuiltin(FIRST_HOST_BUILTIN + i, name));
  });
  const load = (text: string): FunctionRef => {
    const source = { name: 'test.kp', text };
    return engine.load(compile(parseChunk(source), source).module);
  };
  return {
    engine,
    output,
    load,
    run(text, budget = 1_000_000) {
      engine.start(load(text), []);
      return finish(engine, budget);
    },
  };
}

/** Runs the call under way to its end. */
export function finish(engine: Engine, budget = 1_000_000): number {
  for (;;) {
    const status = engine.run(budget);
    if (status !== RunStatus.BUDGET) return status;
  }
}

/** `line: message` of the error that a call ended with. */
export function errorLine(engine: Engine): string {
  const { message, source, span } = engine.error();
  return `${source === undefined ? 0 : positionOf(source, span!.start).line}: ${message}`;
}
