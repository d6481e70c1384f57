// Compares the engine with the reference evaluator on random programs, and tries what damage to scripts and modules
// brings out. What a check finds is a text; nothing found is undefined.
//
// To be run where the stack is large (a thread of workers.ts), since the reference nests the script's calls.

import { crc32 } from 'node:zlib';
import { compileScript, KtapError, moduleBytes } from '../../src/index.js';
import { parseChunk, positionOf } from '../../src/language/index.js';
import { runReference } from '../reference/index.js';
import type { Choices } from './choices.js';
import { RecycledEngine } from './recycled-engine.js';
import { type Mode, type RunOptions, runScript, type ScriptRun } from './run-script.js';

/** Milliseconds after which a run is stopped; well-formed programs end long before. */
const TIME_LIMIT = 20_000;
/** The same for damaged ones, which often never end. */
const DAMAGED_TIME_LIMIT = 50;
const MAX_MEMORY = 32 << 20;

const engine = new RecycledEngine(MAX_MEMORY, TIME_LIMIT);
const options: RunOptions = { timeLimit: TIME_LIMIT, maxMemory: MAX_MEMORY };

/** Whether the engine, in every mode and from a module's bytes too, does what the reference does. */
export async function checkProgram(text: string, thorough = true): Promise<string | undefined> {
  const reference = runReference(parseChunk({ name: 'script', text }), [], { maxSteps: 2_000_000 });
  const run = engine.run(text);
  if (!run.compiled) return `is not compiled: ${run.errors[0]!.message}`;
  if (typeof reference !== 'string') {
    const expected = { output: reference.output, status: reference.status, errors: reference.errors.map(withLine) };
    const found = difference(summary(run), JSON.stringify(expected, undefined, 1), 'the engine and the reference');
    if (found !== undefined) return found;
  }
  if (!thorough) return undefined;
  const module = moduleBytes(compileScript(Buffer.from(text, 'latin1'), { name: 'script' }));
  const session = await runScript(text, [], 'default', options);
  const again = await runScript(module, [], 'default', options);
  const stress = await runScript(text, [], 'gc-stress' satisfies Mode, options);
  return (
    difference(summary(session), summary(run), 'a session and an engine in use') ??
    difference(summary(again), summary(run), 'a module written and read again and the script') ??
    difference(summary(stress), summary(run), 'gc-stress and the default')
  );

  function withLine({ message, offset }: { message: string; offset: number }): string {
    return errorText(message, offset);
  }
  function summary({ output, status, errors }: ScriptRun): string {
    const texts = errors.map(({ message, span }) => errorText(message, span?.start ?? 0));
    return JSON.stringify({ output, status, errors: texts }, undefined, 1);
  }
  function errorText(message: string, offset: number): string {
    return `line ${positionOf({ name: '', text }, offset).line}: ${plainMessage(message)}`;
  }
}

/**
 * A message without what the reference does not tell: the name of the variable, and that `a > b` is run as `b < a` and
 * `a -= 1` as `a += -1`.
 */
function plainMessage(message: string): string {
  return message
    .replace(/ \((?:global|local|upvalue|field|method|constant|parameter) '.*?'\)/, '')
    .replace(/^(cannot compute \w+) - /, '$1 + ')
    .replace(
      /^((?:sort_pairs )?cannot compare) (.*) with (.*)$/,
      (_, start, ...types: string[]) => `${start} ${types.slice(0, 2).sort().join(' with ')}`,
    );
}

function difference(actual: string, expected: string, what: string): string | undefined {
  if (actual === expected) return undefined;
  const lines = (text: string): string[] => text.replaceAll('\\n', '\n').split('\n');
  const [a, b] = [lines(actual), lines(expected)];
  const at = a.findIndex((line, i) => line !== b[i]);
  const from = Math.max(0, (at < 0 ? a.length : at) - 2);
  const part = (list: string[]): string => list.slice(from, from + 8).join('\n    ');
  return `${what} differ:\n    ${part(a)}\n  against\n    ${part(b)}`;
}

/** Runs a damaged script or module: an error or a run, never an exception from inside. */
async function survives(script: string | Uint8Array): Promise<string | undefined> {
  try {
    await runScript(script, [], 'default', { timeLimit: DAMAGED_TIME_LIMIT, maxMemory: MAX_MEMORY });
    return undefined;
  } catch (error) {
    return `an exception from inside: ${(error as Error).stack}`;
  }
}

/** Words that make a script reach for the machine; damaged scripts with one of them are only compiled. */
const REACHES_OUT = /trace|tick|profile|kdebug|timer|ffi|cdef/;
const PIECES =
  '( ) { } [ ] " \' ` # = < > ! . : ; , - + / \\ \n \0 [[ ]] .. -- ++ <<< function until end nil local'.split(' ');

/** Damage to a script's bytes. Answers the damaged script and what is wrong. */
export async function checkDamagedScript(
  text: string,
  choices: Choices,
): Promise<{ script: string; found: string | undefined }> {
  let script = text;
  for (let count = 1 + choices.below(5); count > 0; count--) {
    const at = choices.below(script.length + 1);
    const insert = choices.chance(50) ? choices.pick(PIECES) : String.fromCharCode(choices.below(256));
    script = script.slice(0, at) + (choices.chance(60) ? insert : '') + script.slice(at + choices.below(4));
  }
  if (!REACHES_OUT.test(script)) return { script, found: await survives(script) };
  try {
    compileScript(Buffer.from(script, 'latin1'));
  } catch (error) {
    if (!(error instanceof KtapError)) return { script, found: `an exception from inside: ${(error as Error).stack}` };
  }
  return { script, found: undefined };
}

const CHECKSUM_AT = 12;
const BODY_AT = 16;

/** Damage to a module's bytes; mostly with its checksum made right again, so that the verifier sees it. */
export async function checkDamagedModule(text: string, choices: Choices): Promise<string | undefined> {
  const bytes = Buffer.from(moduleBytes(compileScript(Buffer.from(text, 'latin1'))));
  for (let count = 1 + choices.below(3); count > 0; count--) {
    // Where the code is, mostly: behind the script's own text.
    const from = choices.chance(90) ? Math.min(BODY_AT + text.length + 10, bytes.length - 1) : 8;
    const at = from + choices.below(bytes.length - from);
    bytes[at] = choices.chance(50) ? bytes[at]! ^ (1 << choices.below(8)) : choices.below(256);
  }
  const cut = choices.chance(5) ? bytes.subarray(0, choices.below(bytes.length)) : bytes;
  if (cut.length > BODY_AT && choices.chance(95)) cut.writeUInt32LE(crc32(cut.subarray(BODY_AT)), CHECKSUM_AT);
  return survives(cut);
}
