// Threads that search for disagreements (differential.ts), one for each processor, with a large stack each. A file that
// uses them is the threads' program too: it calls `work` there.

import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { compileScript } from '../../src/index.js';
import { Choices, choicesFrom, choicesFromSeed } from './choices.js';
import { checkDamagedRecording } from './damaged-recordings.js';
import { checkDamagedModule, checkDamagedScript, checkProgram } from './differential.js';
import { type GeneratorOptions, generateProgram } from './generate.js';

export type SearchKind = 'programs' | 'damaged scripts' | 'damaged modules' | 'damaged recordings';

export interface Search {
  readonly kind: SearchKind;
  /** Seeds [first, first + count). */
  readonly first: number;
  readonly count: number;
  /** Milliseconds after which no further seed is begun. */
  readonly milliseconds?: number;
}

export interface Finding {
  readonly kind: SearchKind;
  readonly seed: number;
  /** The shortest program that was found to show it. */
  readonly program: string;
  readonly what: string;
}

export interface SearchResult {
  readonly checked: number;
  readonly findings: readonly Finding[];
}

/** A search ends early after so many findings a thread. */
const ENOUGH = 5;
const STACK_MEGABYTES = 400;
/** A check that goes on so long after the end of the search does not end. */
const HANGING_MILLISECONDS = 120_000;
/** Every so many programs one is run in all modes. */
const THOROUGH = 40;
const GENERATOR: GeneratorOptions = { statements: 8 };
/** How often a finding is tried with a smaller stream of choices. */
const SHRINK_TRIES = 600;

/** Searches with all processors; `program` is the import.meta.url of the calling file. */
export async function searchInThreads(program: string, search: Search): Promise<SearchResult> {
  const threads = Math.max(1, Math.min(availableParallelism(), search.count));
  const results = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const share = Math.floor((search.count + threads - 1 - thread) / threads);
      return runThread(program, { ...search, first: search.first + thread, count: share, stride: threads });
    }),
  );
  return {
    checked: results.reduce((sum, { checked }) => sum + checked, 0),
    findings: results.flatMap(({ findings }) => findings),
  };
}

type ThreadSearch = Search & { readonly stride: number };

function runThread(program: string, search: ThreadSearch): Promise<SearchResult> {
  // The seed that is being checked, for the case that its check never ends.
  const current = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(program), {
    workerData: { ...search, current },
    resourceLimits: { stackSizeMb: STACK_MEGABYTES },
  });
  return new Promise((resolve, reject) => {
    const { kind, milliseconds } = search;
    if (milliseconds !== undefined) {
      setTimeout(() => {
        const finding = { kind, seed: current[0]!, program: '', what: 'it does not end' };
        resolve({ checked: 0, findings: [finding] });
        void worker.terminate();
      }, milliseconds + HANGING_MILLISECONDS).unref();
    }
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the thread ended without an answer')));
  });
}

/** The thread's side. */
export async function work(): Promise<void> {
  const { kind, first, count, stride, milliseconds, current } = workerData as ThreadSearch & { current: Float64Array };
  const deadline = performance.now() + (milliseconds ?? Number.POSITIVE_INFINITY);
  const findings: Finding[] = [];
  let checked = 0;
  for (let i = 0; i < count && findings.length < ENOUGH && performance.now() < deadline; i++) {
    const seed = first + i * stride;
    current[0] = seed;
    const finding = await checkSeed(kind, seed);
    checked++;
    if (finding !== undefined) findings.push(finding);
  }
  parentPort!.postMessage({ checked, findings } satisfies SearchResult);
}

/** Checks the program of one seed; a finding comes with a shrunk program. */
export async function checkSeed(kind: SearchKind, seed: number): Promise<Finding | undefined> {
  if (kind === 'damaged recordings') {
    const found = await checkDamagedRecording(seed);
    return found === undefined ? undefined : { kind, seed, program: found.name, what: found.what };
  }
  const thorough = seed % THOROUGH === 0;
  const numbers: number[] = [];
  const source = choicesFromSeed(seed);
  const recorded = new Choices(() => {
    const number = source.below(0x1000000);
    numbers.push(number);
    return number;
  });
  const found = await check(kind, recorded, thorough);
  if (found.what === undefined) return undefined;
  let best = { ...found, what: found.what };
  let list = numbers;
  let tries = 0;
  // Pieces of the stream are left out or made 0 while that still shows something wrong.
  for (let size = list.length >> 1; size > 0 && tries < SHRINK_TRIES; size >>= 1) {
    for (let at = 0; at < list.length && tries < SHRINK_TRIES; ) {
      const without = [...list.slice(0, at), ...list.slice(at + size)];
      const zeroed = list.map((number, i) => (i >= at && i < at + size ? 0 : number));
      const candidates = list.slice(at, at + size).some((number) => number > 0) ? [without, zeroed] : [without];
      let smaller: number[] | undefined;
      for (const candidate of candidates) {
        tries++;
        const result = await check(kind, choicesFrom(candidate), thorough);
        if (result.what === undefined || result.program.length > best.program.length) continue;
        best = { program: result.program, what: result.what };
        smaller = candidate;
        break;
      }
      if (smaller === undefined || smaller.length === list.length) at += size;
      if (smaller !== undefined) list = smaller;
    }
  }
  if (kind === 'programs') best = await withoutLines(best, thorough);
  return { kind, seed, ...best };
}

/** Leaves out lines while the program is one and still shows something wrong. */
async function withoutLines(best: { program: string; what: string }, thorough: boolean): Promise<typeof best> {
  let tries = 0;
  for (let size = 16; size > 0; size >>= 1) {
    for (let at = 0; tries < SHRINK_TRIES; ) {
      const lines = best.program.split('\n');
      if (at >= lines.length) break;
      const program = [...lines.slice(0, at), ...lines.slice(at + size)].join('\n');
      tries++;
      const what = isProgram(program) ? await checkProgram(program, thorough) : undefined;
      if (what === undefined) at += size;
      else best = { program, what };
    }
  }
  return best;
}

function isProgram(text: string): boolean {
  try {
    compileScript(Buffer.from(text, 'latin1'));
    return true;
  } catch {
    return false;
  }
}

async function check(
  kind: SearchKind,
  choices: Choices,
  thorough: boolean,
): Promise<{ program: string; what: string | undefined }> {
  const program = generateProgram(choices, GENERATOR);
  try {
    if (kind === 'programs') return { program, what: await checkProgram(program, thorough) };
    if (kind === 'damaged modules') return { program, what: await checkDamagedModule(program, choices) };
    const { script, found } = await checkDamagedScript(program, choices);
    return { program: script, what: found };
  } catch (error) {
    return { program, what: `an exception from inside: ${(error as Error).stack}` };
  }
}

/** A finding as a person reads it. */
export function findingText({ kind, seed, program, what }: Finding): string {
  return `${kind}, seed ${seed}: ${what}\n--- program\n${program}---\n`;
}
