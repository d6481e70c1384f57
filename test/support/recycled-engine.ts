// Runs many scripts one after the other in one engine: a session makes an engine of its own, which costs more than a
// small script. Blocks of events and timers are refused; all else is as in a session.

import { installBuiltins } from '../../src/builtins/registry.js';
import type { Engine } from '../../src/engine/engine.js';
import { createInterpreter } from '../../src/engine/index.js';
import { RunStatus } from '../../src/engine/layout.js';
import { type FunctionRef, ScriptError, type Value } from '../../src/engine/values.js';
import { compileScript, type Diagnostic, KtapError } from '../../src/index.js';
import { SessionContext } from '../../src/session/context.js';
import type { ScriptRun } from './run-script.js';

/** Scripts after which a new engine is made: what modules take of its memory is never given back. */
const SCRIPTS = 400;
const BUDGET = 1_000_000;

export class RecycledEngine {
  readonly #maxMemory: number;
  readonly #timeLimit: number;
  #engine: Engine | undefined;
  #globals: readonly (readonly [Value, Value])[] = [];
  #used = 0;
  #output = '';
  #traceEnds: FunctionRef[] = [];
  #phase: 'main' | 'end' = 'main';

  /** Bytes of the heap, and milliseconds that a part of a script may take. */
  constructor(maxMemory: number, timeLimit: number) {
    this.#maxMemory = maxMemory;
    this.#timeLimit = timeLimit;
  }

  /** Runs a byte string to its end. */
  run(text: string): ScriptRun {
    if (this.#engine === undefined || this.#used++ > SCRIPTS) this.#renew();
    const engine = this.#engine!;
    let script: ReturnType<typeof compileScript>;
    try {
      script = compileScript(Buffer.from(text, 'latin1'), { name: 'script' });
    } catch (error) {
      if (!(error instanceof KtapError)) throw error;
      return { output: '', status: 1, errors: error.diagnostics, warnings: [], compiled: false, stopped: false };
    }
    this.#output = '';
    this.#traceEnds = [];
    this.#phase = 'main';
    const errors: Diagnostic[] = [];
    let status = 0;
    let stopped = false;
    /** What the call of a part ends with. */
    const finish = (): 'done' | 'exit' | 'error' => {
      const deadline = performance.now() + this.#timeLimit;
      for (;;) {
        switch (engine.run(BUDGET)) {
          case RunStatus.DONE:
            return 'done';
          case RunStatus.EXIT:
            status = engine.exitCode() & 255;
            return 'exit';
          case RunStatus.ERROR:
            errors.push(engine.error());
            return 'error';
          default:
            if (performance.now() < deadline) continue;
            stopped = true;
            engine.abandon();
            return 'error';
        }
      }
    };
    engine.start(engine.load(script.module), []);
    if (finish() !== 'error') {
      this.#phase = 'end';
      for (const block of this.#traceEnds) {
        engine.start(block, []);
        if (finish() === 'exit') break;
      }
    }
    for (const { ref } of this.#traceEnds) engine.unpin(ref);
    this.#restoreGlobals();
    const { warnings } = script;
    return { output: this.#output, status: errors.length > 0 ? 1 : status, errors, warnings, compiled: true, stopped };
  }

  #renew(): void {
    const refuse = (): never => {
      throw new ScriptError('there are no events here');
    };
    const engine = createInterpreter({
      maxMemory: this.#maxMemory,
      host: {
        eventText: () => '',
        eventField: () => undefined,
        callBuiltin: (id, args) => builtins.callBuiltin(id, args),
      },
    });
    const context = new SessionContext({
      engine,
      source: undefined,
      inEvent: false,
      eventName: '',
      timerTime: undefined,
      write: (bytes) => {
        this.#output += bytes;
      },
      message: () => {},
      registerTrace: refuse,
      registerTraceById: refuse,
      registerTimer: refuse,
      registerTraceEnd: (handler) => {
        if (this.#phase === 'end') throw new ScriptError('a trace_end block in a trace_end block');
        engine.pin((handler as FunctionRef).ref);
        this.#traceEnds.push(handler as FunctionRef);
      },
      stopEvents: () => {},
    });
    const builtins = installBuiltins(engine, context);
    engine.setGlobal('arg', engine.newTable());
    this.#engine = engine;
    this.#globals = [...engine.globals.entries()];
    this.#used = 0;
  }

  #restoreGlobals(): void {
    const { globals } = this.#engine!;
    const installed = new Map(this.#globals);
    for (const [name] of [...globals.entries()]) if (!installed.has(name)) globals.set(name, undefined);
    for (const [name, value] of this.#globals) globals.set(name, value);
  }
}
