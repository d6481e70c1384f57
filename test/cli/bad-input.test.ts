// Bad input of every kind gets a clear error, never an exception from inside the tool.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KTAP, ktap, run, testUnless, whyNoTracing } from '../support.js';

const bad = suite<{ folder: string }>('bad input');
let folder = '';
bad.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ktap-test-'));
});
bad.after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/** Runs ktap and expects one error, status 1, nothing on standard output. */
async function fails(args: readonly string[], message: string | RegExp): Promise<void> {
  const { status, stdout, stderr } = await ktap(args);
  assert.is(stdout, '');
  assert.match(stderr, message);
  assert.not.match(stderr, 'internal error');
  assert.is(status, 1);
}

bad('a file that is not there', () => fails(['/no/such.kp'], 'ktap: error: cannot read /no/such.kp: no such file\n'));

bad('a folder', () => fails([folder], `cannot read ${folder}: it is a folder`));

bad('a file without read permission', async () => {
  const path = file('secret.kp', 'print(1)');
  chmodSync(path, 0o000);
  if (process.getuid?.() !== 0) return fails([path], 'no permission');
  // Root reads everything; another user must not.
  chmodSync(folder, 0o755);
  const { status, stderr } = await run('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, KTAP, path]);
  if (/setpriv: (execv|failed)|EACCES.*bin\/ktap|Cannot find module/.test(stderr)) {
    console.log('SKIP a file without read permission: another user cannot read this checkout');
    return;
  }
  assert.match(stderr, `cannot read ${path}: no permission`);
  assert.is(status, 1);
});

bad('an empty script', () => fails([file('empty.kp', '')], 'the script is empty'));
bad('a script of white space', () => fails([file('blank.kp', '\n  \n')], 'the script is empty'));

bad('binary rubbish as script', () => {
  const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919 + 13) & 255);
  return fails([file('rubbish.kp', bytes)], /rubbish\.kp:\d+:\d+: error: /);
});

bad('binary rubbish as module', async () => {
  const bytes = Buffer.concat([Buffer.from('\x1bKPC'), Buffer.alloc(500, 0xa5)]);
  await fails([file('rubbish.kpc', bytes)], /rubbish\.kpc: error: /);
});

bad('a truncated module, at every length', async () => {
  const path = join(folder, 'whole.kpc');
  assert.is((await ktap(['--compile', path, '-e', 'function f(a) { return a .. "x" } print(f("y"))'])).status, 0);
  assert.is((await ktap([path])).stdout, 'yx\n');
  const whole = readFileSync(path);
  for (const length of [5, 20, whole.length >> 1, whole.length - 1]) {
    await fails([file('cut.kpc', whole.subarray(0, length))], /cut\.kpc: error: /);
  }
});

bad('an unclosed string, with line and caret', () =>
  fails(['-e', 'x = 1\nprint("hello)\n'], /^-e:2:7: error: .*\n {4}print\("hello\)\n {10}\^+\n/),
);
bad('an unclosed bracket', () => fails(['-e', 'print((1 + 2)\n'], /^-e:\d+:\d+: error: /));
bad('an unclosed long string', () => fails(['-e', 'print([[abc\n'], /^-e:1:7: error: /));

bad('out of memory', async () => {
  const script = 't = {} i = 0 while (1) { t[i] = "text " .. i i += 1 }';
  await fails(['--max-memory', '4M', '-e', script], /^-e:1:\d+: error: .*memory/);
});

bad('a recording that is not there', () =>
  fails(['--replay', '/no/such.dat', '-e', 'trace sched:sched_switch {}'], 'cannot read /no/such.dat: no such file'),
);
bad('a foreign file as recording', () =>
  fails(['--replay', file('foreign.dat', 'this is no recording'), '-e', 'trace sched:sched_switch {}'], /foreign\.dat/),
);
bad('an empty recording', () =>
  fails(['--replay', file('empty.dat', ''), '-e', 'trace sched:sched_switch {}'], /empty\.dat/),
);
bad('a truncated recording', () => {
  const whole = readFileSync('samples/recordings/syscalls.dat');
  return fails(['--replay', file('cut.dat', whole.subarray(0, 1000)), '-e', 'trace sched:sched_switch {}'], /cut\.dat/);
});

bad('standard output on a full device is an error', async () => {
  const { status, stderr } = await run('sh', ['-c', '"$0" "$1" -e "print(1)" >/dev/full', process.execPath, KTAP]);
  assert.match(stderr, 'cannot write the output: no space left on the device');
  assert.is(status, 1);
});

bad('a reader that leaves ends the script quietly', async () => {
  const script = 'i = 0 while (1) { print(i) i += 1 }';
  const { stdout, stderr } = await run('sh', ['-c', `"$0" "$1" -e '${script}' | head -2`, process.execPath, KTAP]);
  assert.is(stdout, '0\n1\n');
  assert.is(stderr, '');
});

testUnless(
  whyNoTracing(),
  bad,
  'a reader that leaves ends a trace quietly and leaves nothing in the kernel',
  async () => {
    const script = 'trace syscalls:sys_enter_* { print(argname) }';
    const { stdout, stderr } = await run('sh', ['-c', `"$0" "$1" -q -e '${script}' | head -2`, process.execPath, KTAP]);
    assert.is(stdout.split('\n').length, 3);
    assert.is(stderr, '');
  },
);

bad('a closed standard output is an error or nothing, not a crash', async () => {
  const { stderr } = await run('sh', ['-c', '"$0" "$1" -e "print(1)" >&-', process.execPath, KTAP]);
  assert.not.match(stderr, 'internal error');
});

bad('-o into a folder that is not there', () =>
  fails(['-o', join(folder, 'no', 'out'), '-e', 'print(1)'], 'no such file'),
);

bad('a folder as -o', () => {
  mkdirSync(join(folder, 'dir'), { recursive: true });
  return fails(['-o', join(folder, 'dir'), '-e', 'print(1)'], 'it is a folder');
});

bad.run();
