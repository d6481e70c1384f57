// Live events of the running kernel: counting, order, whose events, the command, names, texts, filters and their errors.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { suite as makeSuite } from 'uvu';
import * as assert from 'uvu/assert';
import { openLive } from '../../src/events/live-source.js';
import { KtapError, renderDiagnostic } from '../../src/language/diagnostics.js';
import { plainPointers, SLOWNESS, testUnless, whyNoTracing } from '../support.js';
import { blocks, delay, getppid, instancesOf, makeMemory, runProgram, TRACEFS, traceEvents } from './live-support.js';

const suite = makeSuite('live source');
const reason = whyNoTracing();
const live = (name: string, body: () => Promise<void> | void): void => testUnless(reason, suite, name, body);

/** The rendered error of attaching definitions. */
function attachError(...definitions: string[]): string {
  const source = openLive(makeMemory());
  try {
    source.attach(blocks(...definitions));
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    return error.diagnostics.map(renderDiagnostic).join('\n');
  } finally {
    source.close();
  }
  throw new Error('attaching succeeded');
}

live('counts every call of a command', async () => {
  const run = await traceEvents(['syscalls:sys_enter_getppid'], { command: getppid(30_000) });
  // Node itself asks once or not at all.
  const calls = run.events.length;
  assert.ok(calls === 30_000 || calls === 30_001, `${calls} calls`);
  assert.is(run.lost, 0);
  assert.equal(run.exit, { status: 0, signal: null });
});

live('hands out the events of all CPUs in the order of their times', async () => {
  const run = await traceEvents(['sched:sched_switch', 'raw_syscalls:sys_enter'], {
    during: async () => {
      await Promise.all([1, 2, 3, 4].map(() => runProgram(['/bin/sh', '-c', 'for i in 1 2 3 4; do /bin/true; done'])));
    },
  });
  assert.ok(run.events.length > 500);
  assert.ok(new Set(run.events.map(({ cpu }) => cpu)).size > 1 || existsSync('/sys/devices/system/cpu/cpu1') === false);
  for (let at = 1; at < run.events.length; at++) assert.ok(run.events[at]!.time >= run.events[at - 1]!.time);
});

live('a command runs from its first instruction on, and only from start() on', async () => {
  const run = await traceEvents(['syscalls:sys_enter_*'], { command: ['/bin/true'] });
  // The loader's first call in a new program; nothing of the shell that held it, and nothing of exec.
  assert.is(run.events[0]?.name, 'sys_enter_brk');
  assert.is(run.events.at(-1)?.name, 'sys_enter_exit_group');
  assert.ok(run.events.every(({ comm }) => comm === 'true'));
});

live('a command that is not started leaves nothing', async () => {
  const source = openLive({ ...makeMemory(), command: ['/bin/sh', '-c', 'echo this must not run; exit 7'] });
  source.attach(blocks('sched:sched_switch'));
  source.close();
  const exit = await source.exited;
  assert.equal(exit, { status: null, signal: 9 });
  assert.equal(instancesOf(), []);
});

live('the status and the signal of a command', async () => {
  const ended = await traceEvents(['sched:sched_process_exit'], { command: ['/bin/sh', '-c', 'exit 42'] });
  assert.equal(ended.exit, { status: 42, signal: null });
  const killed = await traceEvents(['sched:sched_process_exit'], { command: ['/bin/sh', '-c', 'kill -TERM $$'] });
  assert.equal(killed.exit, { status: null, signal: 15 });
});

live('a command that does not exist or cannot be run', () => {
  const failure = (command: string): { message: string; status: unknown } => {
    try {
      openLive({ ...makeMemory(), command: [command] });
    } catch (error) {
      return { message: (error as Error).message, status: (error as { exitStatus?: unknown }).exitStatus };
    }
    throw new Error('no error');
  };
  assert.equal(failure('no-such-command-here'), { message: 'no such command: no-such-command-here', status: 127 });
  assert.equal(failure('/no/such/file'), { message: 'no such command: /no/such/file', status: 127 });
  assert.equal(failure('/etc'), { message: '/etc is a folder', status: 126 });
  assert.equal(failure('/etc/passwd'), { message: '/etc/passwd is not executable', status: 126 });
  assert.equal(instancesOf(), []);
});

live('follows the children of a command, and sees nobody else', async () => {
  const run = await traceEvents(['syscalls:sys_enter_exit_group'], {
    command: ['/bin/sh', '-c', '(/bin/true; /bin/true; true) & /bin/true; wait'],
    during: async () => {
      await runProgram(['/bin/false']);
    },
  });
  const names = run.events.map(({ comm }) => comm).sort();
  assert.equal(names, ['sh', 'sh', 'true', 'true', 'true']);
});

live('-p sees the threads of a process and its later children', async () => {
  const script = `
    const { Worker } = require('node:worker_threads');
    const { spawnSync } = require('node:child_process');
    const worker = new Worker("require('node:worker_threads').parentPort.on('message', () => { for (let i = 0; i < 100; i++) process.ppid; process.exit(); })", { eval: true });
    worker.on('online', () => console.log('ready'));
    process.stdin.once('data', () => {
      for (let i = 0; i < 50; i++) process.ppid;
      worker.postMessage(1);
      worker.on('exit', () => { spawnSync('/bin/sh', ['-c', 'exit']); process.exit(); });
    });`;
  const target = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => target.stdout!.once('data', resolve));
  const run = await traceEvents(['syscalls:sys_enter_getppid', 'syscalls:sys_enter_execve'], {
    pid: target.pid!,
    during: async () => {
      const ended = new Promise((resolve) => target.on('exit', resolve));
      const other = runProgram(getppid(10));
      target.stdin!.write('go\n');
      await Promise.all([ended, other]);
    },
  });
  const calls = run.events.filter(({ name, pid }) => name === 'sys_enter_getppid' && pid === target.pid);
  assert.is(calls.filter(({ tid }) => tid === target.pid).length, 50);
  assert.is(calls.filter(({ tid }) => tid !== target.pid).length, 100);
  const execs = run.events.filter(({ name }) => name === 'sys_enter_execve');
  assert.is(execs.length, 1);
  assert.is.not(execs[0]!.pid, target.pid);
});

live('a process that does not exist', () => {
  assert.throws(() => openLive({ ...makeMemory(), pid: 2 ** 22 + 5 }), /there is no process 4194309/);
});

live('-C sees one CPU', async () => {
  // Nothing may happen on an idle CPU: each of these runs on its own.
  const during = async (): Promise<void> => {
    for (const cpu of ['0', '1']) spawn('taskset', ['-c', cpu, 'true'], { stdio: 'ignore' }).on('error', () => {});
    await delay(200);
  };
  const run = await traceEvents(['sched:sched_switch'], { cpu: 0, during });
  assert.ok(run.events.length > 0);
  assert.ok(run.events.every(({ cpu }) => cpu === 0));
  const source = openLive({ ...makeMemory(), cpu: 9999 });
  assert.throws(() => source.attach(blocks('sched:sched_switch')), /there is no CPU 9999/);
  source.close();
});

live('leaves out the threads of the tracer, unless asked for', async () => {
  const during = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) void process.ppid;
    // The thread pool is started only now.
    await import('node:fs/promises').then(({ stat }) => stat('/'));
  };
  const definitions = ['syscalls:sys_enter_getppid', 'syscalls:sys_enter_statx'];
  const without = await traceEvents(definitions, { during });
  assert.is(without.events.filter(({ pid }) => pid === process.pid).length, 0);
  const own = await traceEvents(definitions, { during, traceSelf: true });
  assert.ok(own.events.filter(({ pid, name }) => pid === process.pid && name === 'sys_enter_getppid').length >= 100);
});

live('leaves out threads of the tracer that begin during the trace, but not its child processes', async () => {
  const calls = 'for (let i = 0; i < 20; i++) process.ppid';
  const run = await traceEvents(['syscalls:sys_enter_getppid'], {
    during: async () => {
      const worker = new Worker(`require('node:worker_threads').parentPort.once('message', () => { ${calls} })`, {
        eval: true,
      });
      await new Promise((resolve) => worker.once('online', resolve));
      // The kernel is told of the thread when the source next looks around.
      await delay(800);
      worker.postMessage('go');
      await new Promise((resolve) => worker.once('exit', resolve));
      await runProgram([process.execPath, '-e', `process.title = 'seen'; ${calls}`]);
    },
  });
  assert.ok(run.events.filter(({ comm }) => comm === 'seen').length >= 20);
  assert.is(run.events.filter(({ pid }) => pid === process.pid).length, 0);
});

live('names and thread groups are those of the moment', async () => {
  const run = await traceEvents(['syscalls:sys_enter_getppid', 'task:task_rename'], {
    during: async () => {
      const script = "process.ppid; process.title = 'renamed'; process.ppid; process.title = 'again'; process.ppid";
      await runProgram([process.execPath, '-e', script]);
    },
  });
  const pid = run.events.find(({ text }) => text.includes('newcomm=renamed'))!.tid;
  const calls = run.events.filter((event) => event.tid === pid && event.name === 'sys_enter_getppid');
  assert.equal(
    calls.slice(-3).map(({ comm }) => comm),
    ['node', 'renamed', 'again'],
  );
  assert.ok(calls.every((event) => event.pid === pid));
});

live('texts are those that the kernel prints for the same records', async () => {
  const source = openLive({ ...makeMemory(), command: ['/bin/sh', '-c', 'cat /etc/hostname >/dev/null; exec true'] });
  try {
    source.attach(blocks('sched:*, signal:*, task:*', 'syscalls:sys_enter_*', 'syscalls:sys_exit_openat'));
    const [instance] = instancesOf();
    const folder = `${TRACEFS}/instances/${instance}`;
    plainPointers(folder);
    source.start();
    await source.exited;
    source.stop();
    // Reading `trace` leaves the records where they are. A line: name, pid, CPU, flags, time, text.
    const expected = readFileSync(`${folder}/trace`, 'latin1')
      .split('\n')
      .flatMap((line) => /^.{16}-\d+ .*? +\d+\.\d{6}: (.*)$/.exec(line)?.[1] ?? []);
    const found: string[] = [];
    const cursor = source.poll(true);
    while (cursor.next()) found.push(source.textOf(source.eventOf(cursor.id)!, cursor.address, cursor.length));
    assert.ok(found.length > 100);
    // A text with a newline in it is more than a line.
    const lines = found.map((text) => text.split('\n')[0]);
    assert.equal(lines, expected);
  } finally {
    source.close();
  }
});

live('the kernel applies a filter', async () => {
  const run = await traceEvents(
    ['syscalls:sys_exit_getppid /ret == 0/', 'syscalls:sys_enter_getppid /common_pid != 0/'],
    {
      command: getppid(100),
    },
  );
  assert.is(run.events.filter(({ name }) => name === 'sys_exit_getppid').length, 0);
  assert.ok(run.events.length >= 100);
});

live('blocks with different filters on one event each get their own records', async () => {
  const run = await traceEvents(
    [
      'syscalls:sys_enter_exit_group /error_code == 3/',
      'syscalls:sys_enter_exit_group',
      'syscalls:sys_enter_exit_group /error_code > 3 && comm == "sh"/',
      'syscalls:sys_exit_close /ret == 0/',
      'syscalls:sys_exit_close /ret < 0/',
    ],
    { command: ['/bin/sh', '-c', '(exec 9>&-; exit 3); (exit 5); exit 4'] },
  );
  const exits = run.events.filter(({ name }) => name === 'sys_enter_exit_group').map((event) => event.blocks.join());
  assert.equal(exits, ['0,1', '1,2', '1,2']);
  const closes = new Set(
    run.events.filter(({ name }) => name === 'sys_exit_close').map((event) => event.blocks.join()),
  );
  assert.ok(closes.has('3'));
  assert.match(
    attachError('sched:sched_switch /prev_pid > 1/', 'sched:sched_switch /prev_pid > 1 || x == 2/'),
    /the kernel refuses this filter of sched:sched_switch: Field not found/,
  );
});

live('a filter that the kernel refuses is shown with its place', () => {
  const lines = attachError('sched:sched_switch /prev_pid > 1 && nofield == 3/').split('\n');
  assert.equal(lines.slice(0, 3), [
    'test.kp:1:43: error: the kernel refuses this filter of sched:sched_switch: Field not found',
    '    trace sched:sched_switch /prev_pid > 1 && nofield == 3/ {}',
    '                                              ^^^^^^^',
  ]);
  assert.match(lines[3]!, /^hint: the fields are common_type, .*prev_comm, prev_pid, /);
  assert.match(
    attachError('sched:sched_switch /prev_pid > /'),
    /the kernel refuses this filter of sched:sched_switch: /,
  );
  assert.match(attachError('sched:sched_switch /(prev_pid > 1/'), /Too many '\('/);
});

live('an event that does not exist is an error with the nearest names', () => {
  const error = attachError('sched:sched_swich');
  assert.match(error, /^test\.kp:1:7: error: there is no event sched:sched_swich\n/);
  assert.match(error, /\^{17}\nhint: the nearest names: sched:sched_switch, /);
  assert.match(attachError('sched:nothing_like_*'), /no event matches sched:nothing_like_\*/);
});

live('several blocks on one event, and one block that names an event twice', async () => {
  const run = await traceEvents(
    ['syscalls:sys_enter_getppid', 'syscalls:sys_enter_getpp*, syscalls:sys_enter_getppid', 'raw_syscalls:sys_exit'],
    { command: getppid(10) },
  );
  const calls = run.events.filter(({ name }) => name === 'sys_enter_getppid');
  assert.ok(calls.length >= 10);
  assert.ok(calls.every((event) => event.blocks.join() === '0,1'));
});

live('events by id', async () => {
  const id = Number(readFileSync('/sys/kernel/tracing/events/syscalls/sys_enter_getppid/id', 'latin1'));
  const [request] = blocks('x:y');
  const byId = { ...request!, definitions: [], ids: [id] };
  const source = openLive({ ...makeMemory(), command: getppid(5) });
  try {
    source.attach([byId]);
    source.start();
    await source.exited;
    source.stop();
    const cursor = source.poll(true);
    let count = 0;
    while (cursor.next()) if (source.eventOf(cursor.id)?.name === 'sys_enter_getppid') count++;
    assert.ok(count >= 5);
  } finally {
    source.close();
  }
  const wrong = openLive(makeMemory());
  assert.throws(() => wrong.attach([{ ...byId, ids: [65_535] }]), /there is no event with the id 65535/);
  wrong.close();
});

live('every event of the kernel can be attached, and is taken away again', async () => {
  const run = await traceEvents(['*:*'], {
    during: () => delay(50 * SLOWNESS),
    keep: (name) => name === 'sched_switch',
  });
  assert.ok(run.events.length > 0);
  assert.equal(instancesOf(), []);
});

live('two sources in one process do not disturb one another', async () => {
  const command = getppid(1000);
  const [first, second] = await Promise.all([
    traceEvents(['syscalls:sys_enter_getppid'], { command }),
    traceEvents(['syscalls:sys_enter_getppid'], { command }),
  ]);
  assert.ok(first.events.length >= 1000 && first.events.length < 1010);
  assert.ok(second.events.length >= 1000 && second.events.length < 1010);
  assert.is.not(first.events[0]!.pid, second.events[0]!.pid);
});

live('losses are counted', async () => {
  const memory = makeMemory();
  const source = openLive({ ...memory, bufferSizeKb: 16, command: getppid(20_000) });
  try {
    source.attach(blocks('syscalls:sys_enter_getppid'));
    source.start();
    await source.exited;
    source.stop();
    const cursor = source.poll(true);
    let seen = 0;
    while (cursor.next()) seen++;
    const lost = source.losses().reduce((sum, { events }) => sum + (events ?? 0), 0);
    assert.ok(seen < 20_000);
    assert.ok(seen + lost === 20_000 || seen + lost === 20_001, `${seen} seen, ${lost} lost`);
  } finally {
    source.close();
  }
});

suite.run();
