// Recordings that the installed perf makes of this machine, against what `perf script` says of them.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressBytes } from '../../src/engine/values.js';
import { openAnyRecording } from '../../src/recording/open-recording.js';
import { TestMemory } from '../events/sub-buffers.js';
import { attach, type Handled, run, temporaryFolder } from './small-recording.js';

const folder = temporaryFolder();
const memory = new TestMemory();
/** Enough forks and switches that an idle machine, too, has some hundred events to compare. */
const COMMAND = [
  'sh',
  '-c',
  'ls -lR /usr/share/doc > /dev/null; n=0; while [ $n -lt 40 ]; do ls / | sort > /dev/null; n=$((n + 1)); done',
];

/** Why nothing can be recorded here; undefined: it can. */
function hindrance(): string | undefined {
  const path = join(folder, 'trial.data');
  const { error, status } = spawnSync('perf', ['record', '-e', 'sched:sched_switch', '-o', path, 'true']);
  if (error !== undefined) return 'there is no perf';
  return status === 0 ? undefined : 'perf may not record tracepoints here';
}
const reason = hindrance();
if (reason !== undefined) console.log(`SKIP recordings of perf: ${reason}`);

const suiteOf = suite('recordings of perf');
const test = reason === undefined ? suiteOf : suiteOf.skip;

function record(name: string, ...options: string[]): string {
  const path = join(folder, name);
  execFileSync('perf', ['record', '-m', '2048', '-o', path, ...options, '--', ...COMMAND], { stdio: 'ignore' });
  return path;
}

const script = (path: string, ...options: string[]): string =>
  execFileSync('perf', ['script', '-i', path, ...options], { encoding: 'latin1', maxBuffer: 2 ** 30, stdio: 'pipe' });

async function replay(path: string, ...texts: string[]): Promise<{ handled: Handled[]; warnings: readonly string[] }> {
  memory.reset();
  const source = await openAnyRecording(path, memory, {});
  try {
    attach(source, ...texts);
    const handled = run(source, memory);
    return { handled, warnings: source.warnings!() };
  } finally {
    source.close();
  }
}

/** Lines of perf script: name, tid, CPU, event and text. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, comm, tid, cpu, rest] =
        /^\s*(.*?)\s+(-?\d+) \[(\d+)\]\s+[\d.]+:\s+\w+:(.*)$/.exec(line) ?? (assert.unreachable(line) as never);
      return `${comm} ${tid} ${Number(cpu)} ${rest!.trimEnd()}`;
    });
}
const shown = (handled: readonly Handled[]): string[] =>
  handled.map(({ comm, tid, cpu, text }) => `${comm.replace(/^swapper.*/, 'swapper')} ${tid} ${cpu} ${text.trimEnd()}`);

/**
 * Compares long lists by their first difference. For the last switch of a task that ends perf's sample has no task any more
 * (`:-1 -1`), while the record itself still names it: there the rest of the line is compared.
 */
function same(found: readonly string[], expected: readonly string[]): void {
  const withoutTask = (line = ''): string => line.replace(/^.*? -?\d+ (?=\d+ \w+: )/, '');
  for (const [index, line] of expected.entries()) {
    const whose = line.startsWith(':-1 -1 ') ? withoutTask : (each = ''): string => each;
    if (whose(found[index]) !== whose(line)) assert.is(found[index], line, `${index}`);
  }
  assert.is(found.length, expected.length);
}

test('tracepoints of the whole machine: order, names, texts', async () => {
  const path = record('tracepoints.data', '-a', '-e', 'sched:sched_switch,sched:sched_waking,sched:sched_process_fork');
  const { handled, warnings } = await replay(path, 'sched:*');
  assert.is(handled.length > 100, true);
  assert.equal(warnings, []);
  same(shown(handled), lines(script(path, '--ns')));
});

test('compressed: the same counts', async () => {
  const path = record('compressed.data', '-z', '-a', '-e', 'sched:sched_switch,raw_syscalls:sys_enter,cpu-clock');
  const counts = new Map<string, number>();
  const { handled, warnings } = await replay(path, '*:*');
  for (const { event } of handled) counts.set(event, (counts.get(event) ?? 0) + 1);
  const expected = new Map<string, number>();
  for (const name of script(path, '-F', 'event').match(/\S+(?=:)/g)!) {
    const event = name.replace(/^.*:/, '');
    expected.set(event, (expected.get(event) ?? 0) + 1);
  }
  assert.equal([...counts].sort(), [...expected].sort());
  assert.equal(warnings, []);
});

test('what perf writes into a pipe', async () => {
  const path = record('stream.data', '-e', 'sched:sched_process_exec,sched:sched_process_fork');
  const piped = join(folder, 'piped.data');
  execFileSync('sh', [
    '-c',
    `perf record -o - -e sched:sched_process_exec -- sh -c 'ls / > /dev/null' > ${piped} 2> /dev/null`,
  ]);
  const { handled, warnings } = await replay(piped, 'sched:*');
  assert.equal(
    handled.map(({ comm, text }) => `${comm} ${/filename=\S+/.exec(text)![0].replace(/\/.*\//, '')}`),
    ['sh filename=sh', 'ls filename=ls'],
  );
  assert.equal(warnings, []);
  // A file does not end at its header as a stream does.
  assert.is(readFileSync(path).readBigUInt64LE(8), 104n);
});

test('samples of the CPU clock: names and stacks', async () => {
  const path = record('clock.data', '-g', '-e', 'cpu-clock');
  memory.reset();
  const source = await openAnyRecording(path, memory, {});
  attach(source, 'perf:cpu-clock');
  const found: string[] = [];
  while (!source.ended) {
    const cursor = source.poll(false);
    while (cursor.next()) found.push(source.stacks!.kernel()!);
  }
  source.close();
  // perf shows user addresses by their place in the file that they are in, so only kernel ones can be compared.
  const chains = script(path, '-F', 'ip')
    .trim()
    .split('\n\n')
    .map((chain) => chain.match(/ffff[8-f][0-9a-f]{11}/g) ?? []);
  same(
    found,
    chains.map((chain) => addressBytes(chain.map((address) => BigInt(`0x${address}`)))),
  );
  assert.is(found.length > 20, true);
});

suiteOf.run();
