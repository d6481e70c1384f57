// Recording live events, and what ktap and trace-cmd see in the file afterwards.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ktap, testUnless, whyNoTracing } from '../support.js';
import { temporaryFolder } from './small-recording.js';

const test = suite('recording');
const folder = temporaryFolder();
const noTracing = whyNoTracing();
const noTraceCmd =
  noTracing ?? (spawnSync('trace-cmd', ['--version']).error === undefined ? undefined : 'trace-cmd is not installed');

const SHOW = 'print(cpu(), pid(), tid(), execname(), argname, argevent)';
const NAMES = 'sched:sched_process_exec, sched:sched_process_fork, syscalls:sys_enter_*';
/** Names that change, children, and a thread. */
const WORKLOAD = ['sh', '-c', 'ls / >/dev/null; (exec cat /dev/null); sh -c "exec true"'];
const getppid = (count: number): string[] => [
  process.execPath,
  '-e',
  `for (let i = 0; i < ${count}; i++) process.ppid`,
];

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

for (const form of [[], ['--file-version', '7'], ['--file-version', '7', '--compression', 'none']]) {
  testUnless(
    noTracing,
    test,
    `a script shows the same live and replayed (${form.join(' ') || 'version 6'})`,
    async () => {
      const path = join(folder, 'same.dat');
      const args = ['--record', path, ...form, '-e', `trace ${NAMES} { ${SHOW} }`];
      const live = await ktap([...args, '--', ...WORKLOAD]);
      assert.match(live.stderr, /^ktap: \d+ events recorded in .*same\.dat \(\d+\.\d MiB\)\n$/);
      assert.is(live.status, 0);
      assert.ok(lines(live.stdout).length > 100);
      assert.match(live.stdout, /\tsh\t.*\n.*\tls\t/);
      const replayed = await ktap(['--replay', path, '-e', `trace ${NAMES} { ${SHOW} }`]);
      assert.is(replayed.stderr, '');
      assert.equal(lines(replayed.stdout), lines(live.stdout));
      assert.equal(
        readdirSync(folder).filter((name) => name.includes('.cpu')),
        [],
      );
    },
  );
}

for (const form of [[], ['--file-version', '7', '--compression', 'none']]) {
  testUnless(
    noTraceCmd,
    test,
    `trace-cmd report shows the same records (${form.join(' ') || 'version 6'})`,
    async () => {
      const path = join(folder, 'report.dat');
      const events = 'syscalls:sys_enter_*,sched:*';
      const recorded = await ktap(['--record', path, ...form, '--events', events, '--', ...WORKLOAD]);
      assert.is(recorded.status, 0, recorded.stderr);
      const { stdout, status } = spawnSync('trace-cmd', ['report', '-t', path], {
        encoding: 'latin1',
        maxBuffer: 1 << 28,
      });
      assert.is(status, 0);
      const reported = [...stdout.matchAll(/^ +(.*)-(\d+) +\[(\d+)\] +(\d+\.\d+): (\w+): /gm)].map(
        ([, , tid, cpu, time, event]) => `${Number(cpu)} ${tid} ${time} ${event}`,
      );
      const script = `trace *:* { t = gettimeofday_ns() printf("%d %d %d.%09d %s\\n", cpu(), tid(), t / 1000000000, t % 1000000000, argname) }`;
      const replayed = await ktap(['--replay', path, '-e', script]);
      assert.ok(reported.length > 100, stdout.slice(0, 500));
      assert.equal(lines(replayed.stdout), reported);
      // Names at the end, as trace-cmd itself keeps them.
      assert.match(stdout, / +ls-\d+ /);
    },
  );
}

testUnless(noTracing, test, 'many events: all are in the file, or counted as lost', async () => {
  const path = join(folder, 'load.dat');
  const count = 100_000;
  for (const size of ['32M', '64K']) {
    const { status, stderr } = await ktap([
      ...['--record', path, '--buffer-size', size, '--events', 'syscalls:sys_enter_getppid'],
      ...['--', ...getppid(count)],
    ]);
    assert.is(status, 0);
    const script = 'n = 0 trace syscalls:sys_enter_getppid { n += 1 } trace_end { print(n) }';
    const replayed = await ktap(['--replay', path, '--stats', '-e', script]);
    const lost = Number(/warning: (\d+) events were lost/.exec(stderr)?.[1] ?? 0);
    const lostThen = Number(/warning: (\d+) events were lost/.exec(replayed.stderr)?.[1] ?? 0);
    assert.is(lostThen, lost, 'the recording knows what was lost');
    const found = Number(replayed.stdout);
    // Node itself asks a few times more.
    assert.ok(found + lost >= count && found + lost < count + 50, `${found} found, ${lost} lost with ${size}`);
    if (size === '32M') assert.is(lost, 0);
    assert.match(stderr, `ktap: ${found} events recorded in`);
  }
});

testUnless(
  noTracing,
  test,
  'a handler that is too slow: the loss is counted, --strict makes it exit status 3',
  async () => {
    const script = 'trace syscalls:sys_enter_getppid { for (i = 1, 3000) {} }';
    const args = ['--buffer-size', '64K', '-e', script, '--', ...getppid(100_000)];
    const lossy = await ktap(args);
    assert.is(lossy.status, 0);
    assert.match(
      lossy.stderr,
      /^ktap: warning: \d+ events were lost \(CPU \d: \d+.*\): the kernel's buffers were full\. A larger --buffer-size/,
    );
    const strict = await ktap(['--strict', '--stats', ...args]);
    assert.is(strict.status, 3);
    assert.match(strict.stderr, /events handled, CPU \d: \d+ lost/);
    assert.match(strict.stderr, 'ktap: exit status 3, since events were lost (--strict)');
  },
);

testUnless(noTracing, test, 'exit() ends a recording, -p and -C choose what is in it', async () => {
  const path = join(folder, 'exit.dat');
  const script = 'trace syscalls:sys_enter_openat { exit(4) }';
  const ended = await ktap([
    '--record',
    path,
    '-C',
    '0',
    '-p',
    String(process.pid),
    '-e',
    `${script} tick-10ms { exit(5) }`,
  ]);
  assert.ok(ended.status === 4 || ended.status === 5, ended.stderr);
  const replayed = await ktap(['--replay', path, '-C', '0', '-e', 'trace *:* { print(cpu(), pid()) }']);
  assert.is(replayed.status, 0, replayed.stderr);
  for (const line of lines(replayed.stdout)) assert.is(line, `0\t${process.pid}`);
});

testUnless(noTracing, test, 'what a recording does not hold is an error that lists what it has', async () => {
  const path = join(folder, 'holds.dat');
  await ktap(['--record', path, '--events', 'sched:sched_switch', '--', 'true']);
  const { status, stderr } = await ktap(['--replay', path, '-e', 'trace task:task_rename {}']);
  assert.is(status, 1);
  assert.match(stderr, 'the recording has no event task:task_rename');
  assert.match(stderr, 'the recording knows sched:* (1)');
});

testUnless(noTracing, test, 'a place that cannot be written is an error before anything is traced', async () => {
  const there = join(folder, 'there');
  mkdirSync(there);
  for (const [path, reason] of [
    [there, 'it is a folder'],
    [join(folder, 'none', 'x.dat'), 'there is no such folder'],
  ] as const) {
    const { status, stderr, stdout } = await ktap(['--record', path, '--events', 'sched:*', '--', 'echo', 'ran']);
    assert.is(status, 1);
    assert.match(stderr, `error: cannot record to ${path}: ${reason}`);
    assert.is(stdout, '', 'the command does not run');
  }
});

testUnless(noTracing, test, 'a full disk ends the recording with an error', async () => {
  const { status, stderr } = await ktap(['--record', '/dev/full', '--events', 'sched:*', '--', 'true']);
  assert.is(status, 1);
  assert.match(stderr, 'cannot record to /dev/full: ');
});

test('a script that fails before tracing leaves an earlier file alone', async () => {
  const path = join(folder, 'earlier.dat');
  writeFileSync(path, 'precious');
  const { status } = await ktap(['--record', path, '-e', 'error("no")']);
  assert.is(status, 1);
  assert.is(readFileSync(path, 'latin1'), 'precious');
  assert.is((await ktap(['--record', join(folder, 'new.dat'), '-e', 'error("no")'])).status, 1);
  assert.not(existsSync(join(folder, 'new.dat')));
  assert.ok(statSync(folder).isDirectory());
});

test.run();
