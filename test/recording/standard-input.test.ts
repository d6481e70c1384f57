// Recordings that come by standard input: a pipe, a file, nothing.

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KTAP, type Ran, run } from '../support.js';

const test = suite('standard input');
const SAMPLE = 'samples/recordings/syscalls.dat';
const SCRIPT = 'n = 0 trace sched:sched_switch { n += 1 } trace_end { print(n) }';

/** Runs ktap with what a shell gives it. */
const shell = (before: string, after = ''): Promise<Ran> =>
  run('sh', ['-c', `${before} ${process.execPath} ${KTAP} --replay - -e '${SCRIPT}' ${after}`]);

test('a pipe and a file', async () => {
  const expected = (await run(process.execPath, [KTAP, '--replay', SAMPLE, '-e', SCRIPT])).stdout;
  assert.match(expected, /^\d+\n$/);
  for (const [before, after] of [
    [`cat ${SAMPLE} |`, ''],
    ['', `< ${SAMPLE}`],
  ] as const) {
    const { status, stdout, stderr } = await shell(before, after);
    assert.is(stderr, '');
    assert.is(stdout, expected);
    assert.is(status, 0);
  }
});

test('a pipe that breaks off', async () => {
  const { status, stdout, stderr } = await shell(`head -c 100000 ${SAMPLE} |`, '--strict');
  assert.is(status, 3, stderr);
  assert.match(stdout, /^\d+\n$/);
  assert.match(stderr, 'ktap: warning: standard input is truncated: 129376 bytes of records are missing');
});

test('nothing, and something else', async () => {
  assert.match((await shell('true |')).stderr, 'error: nothing came through standard input');
  assert.match((await shell('echo no |')).stderr, 'standard input is not a stream that ktap can replay');
});

test('Ctrl-C while the recording still comes ends the wait', async () => {
  const child = spawn(process.execPath, [KTAP, '--replay', '-', '-e', SCRIPT]);
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stdin.on('error', () => {});
  await new Promise<void>((resolve) => createReadStream(SAMPLE).on('end', resolve).pipe(child.stdin, { end: false }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  child.kill('SIGINT');
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.is(status, 0);
  assert.match(stdout, /^\d+\n$/);
});

test.run();
