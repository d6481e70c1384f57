// Runs a script in this process, as a program that embeds the library does, and collects all that comes of it.

import { compileScript, type Diagnostic, KtapError, startTrace, type TraceOptions } from '../../src/index.js';

/** Ways in which the engine can run a script; all must agree on every output. */
export const MODES = {
  default: {},
  'gc-stress': { gcStress: true },
} as const satisfies Record<string, TraceOptions>;

export type Mode = keyof typeof MODES;

export interface ScriptRun {
  /** Byte string. */
  readonly output: string;
  readonly status: number;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  /** Whether the script got as far as running. */
  readonly compiled: boolean;
  /** It was stopped because its time was over. */
  readonly stopped: boolean;
}

export interface RunOptions extends TraceOptions {
  /** Milliseconds after which the run is stopped, as by Ctrl-C twice. */
  readonly timeLimit?: number;
}

/** Runs a script (a byte string, or the bytes of a module) to its end. Rejects only for a fault of the tool itself. */
export async function runScript(
  script: string | Uint8Array,
  args: readonly string[] = [],
  mode: Mode = 'default',
  { timeLimit, ...options }: RunOptions = {},
): Promise<ScriptRun> {
  let compiled: ReturnType<typeof compileScript>;
  try {
    compiled = compileScript(typeof script === 'string' ? Buffer.from(script, 'latin1') : script, { name: 'script' });
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    return { output: '', status: 1, errors: error.diagnostics, warnings: [], compiled: false, stopped: false };
  }
  const pieces: Buffer[] = [];
  const trace = startTrace(compiled, {
    arguments: args,
    onOutput: (bytes) => pieces.push(Buffer.from(bytes)),
    ...MODES[mode],
    ...options,
  });
  let stopped = false;
  const timer =
    timeLimit !== undefined &&
    setTimeout(() => {
      stopped = true;
      trace.stop();
      trace.stop();
    }, timeLimit);
  const { exitCode, diagnostics } = await trace.finished;
  if (timer) clearTimeout(timer);
  return {
    output: Buffer.concat(pieces).toString('latin1'),
    status: exitCode,
    errors: diagnostics.filter((each) => each.severity === 'error'),
    warnings: [...compiled.warnings, ...diagnostics.filter((each) => each.severity === 'warning')],
    compiled: true,
    stopped,
  };
}
