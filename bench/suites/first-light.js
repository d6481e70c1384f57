// The figures of the first line through the whole system: exact counts, start-up, attaching, the cost of a probe, memory,
// and how quickly everything ends.

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { compare, KTAP, median, runOnce, spread } from '../harness.js';

const GETPPID = 'build/bench/getppid';
const COUNT = 's = 0 trace syscalls:sys_enter_getppid { s += 1 } trace_end { print(s) }';
const INSTANCES = '/sys/kernel/tracing/instances';

export async function* run({ quick }) {
  const rounds = quick ? 3 : 9;
  yield exactCounts();
  yield await startUp(rounds);
  yield await firstEvent(rounds);
  yield* await allEvents(rounds);
  yield await costPerCall(rounds);
  yield peakMemory();
  yield* await interrupts(rounds);
  yield await killed(quick ? 10 : 100);
}

function exactCounts() {
  const count = (threads, calls) => {
    const { stdout, stderr } = runOnce([...KTAP, '-q', '-e', COUNT, '--', GETPPID, String(threads), String(calls)]);
    return `${stdout.trim().split('\n').at(-1)}${/lost/.test(stderr) ? ' (events lost)' : ''}`;
  };
  return {
    what: '1,000,000 getppid in one thread; 200,000 in each of 8: events counted by a handler',
    must: 'exactly that',
    got: `${count(1, 1_000_000)}; ${count(8, 200_000)}`,
  };
}

async function startUp(rounds) {
  const times = await compare(
    { ktap: [...KTAP, '-e', 'print("hello")'], node: [process.execPath, '-e', '0'] },
    rounds * 2,
  );
  return {
    what: '`print("hello")`, whole process, against `node -e 0`',
    must: '≤ 1.5 ×',
    aim: '1.2 ×',
    got: `${(times.ktap.median / times.node.median).toFixed(2)} × (${spread(times.ktap)} ms, node ${spread(times.node)} ms)`,
  };
}

/** From the start of the process to what the first event's handler prints. */
async function firstEvent(rounds) {
  const script = 'trace syscalls:sys_enter_* { print(argname) exit(0) }';
  const untilOutput = () =>
    new Promise((resolve) => {
      const started = performance.now();
      const child = spawn(KTAP[0], [KTAP[1], '-q', '-e', script, '--', '/bin/true']);
      let first = 0;
      child.stdout.on('data', () => {
        first ||= performance.now() - started;
      });
      child.on('close', () => resolve(first));
    });
  const times = await compare({ ktap: untilOutput, node: [process.execPath, '-e', '0'] }, rounds);
  return {
    what: 'all `syscalls:sys_enter_*` attached, first event handled, from process start',
    must: '≤ 350 ms',
    aim: '250 ms',
    got: `${spread(times.ktap, 0)} ms (\`node -e 0\` in the same run: ${spread(times.node, 0)} ms)`,
  };
}

/** Attaching is from start to the message that probes are active; detaching from Ctrl-C to the end. */
async function allEvents(rounds) {
  const on = [];
  const off = [];
  for (let round = 0; round < rounds; round++) {
    const { active, ended } = await traceAndInterrupt('trace *:* {}', 300);
    on.push(active);
    off.push(ended);
  }
  const row = (what, values) => ({
    what,
    must: '≤ 1 s',
    got: `${spread({ median: median(values), min: Math.min(...values), max: Math.max(...values) }, 0)} ms`,
  });
  return [row('`*:*` attached, from process start', on), row('`*:*` detached, from Ctrl-C to exit', off)];
}

/** Starts ktap on a script, waits until it is active and then `milliseconds`, sends SIGINT. Times in ms. */
function traceAndInterrupt(script, milliseconds, waitForActive = true) {
  return new Promise((resolve) => {
    const started = performance.now();
    let active = 0;
    let interrupted = 0;
    const child = spawn(KTAP[0], [KTAP[1], '-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    const interrupt = () =>
      setTimeout(() => {
        interrupted = performance.now();
        child.kill('SIGINT');
      }, milliseconds);
    if (!waitForActive) interrupt();
    child.stderr.on('data', () => {
      if (active > 0 || !waitForActive) return;
      active = performance.now() - started;
      interrupt();
    });
    child.on('exit', () => resolve({ active, ended: performance.now() - interrupted }));
  });
}

/** Each round runs the three in turn; the ratio is one of the medians of what each adds to the untraced call of its round. */
async function costPerCall(rounds) {
  const calls = '2000000';
  const bpftrace = 'tracepoint:syscalls:sys_enter_getppid { @ = count(); }';
  const commands = {
    alone: [GETPPID, '1', calls],
    ktap: [...KTAP, '-q', '-e', COUNT, '--', GETPPID, '1', calls],
    bpftrace: ['bpftrace', '-e', bpftrace, '-c', `${GETPPID} 1 ${calls}`],
  };
  const values = { alone: [], ktap: [], bpftrace: [] };
  for (let round = 0; round < rounds + 2; round++) {
    for (const [name, command] of Object.entries(commands)) {
      values[name].push(Number(/^\d+\.\d+$/m.exec(runOnce(command).stdout)[0]));
    }
  }
  const added = (name) => median(values[name].map((value, round) => value - values.alone[round]));
  const shown = (name) =>
    spread({ median: median(values[name]), min: Math.min(...values[name]), max: Math.max(...values[name]) }, 0);
  return {
    what: 'per-call cost of a counting handler on getppid, against bpftrace',
    must: '≤ 1.3 ×',
    aim: '1.0 ×',
    got: `${(added('ktap') / added('bpftrace')).toFixed(2)} × (call alone ${shown('alone')} ns, with ktap ${shown('ktap')} ns, with bpftrace ${shown('bpftrace')} ns)`,
  };
}

function peakMemory() {
  const ktap = runOnce([...KTAP, '-q', '-e', COUNT, '--', GETPPID, '1', '1000000']);
  const peer = runOnce([
    'bpftrace',
    '-e',
    'tracepoint:syscalls:sys_enter_getppid { @ = count(); }',
    '-c',
    `${GETPPID} 1 1000000`,
  ]);
  const mebibytes = ({ memory }) => (memory / 1024).toFixed(0);
  return {
    what: 'peak memory of a counting run',
    must: "≤ bpftrace's",
    got: `${mebibytes(ktap)} MiB, bpftrace ${mebibytes(peer)} MiB`,
  };
}

async function* interrupts(rounds) {
  const states = {
    'idle trace': ['trace syscalls:sys_enter_getppid {}', true],
    'endless loop in the main chunk': ['while (1) {}', false],
    'endless loop in a handler': ['trace sched:sched_switch { while (1) {} }', true],
    'busy `syscalls:*`': ['s = {} trace syscalls:* { s[argname] += 1 }', true],
    'tick timer': ['tick-1ms {}', true],
  };
  for (const [state, [script, waits]] of Object.entries(states)) {
    const times = [];
    for (let round = 0; round < rounds; round++) times.push((await traceAndInterrupt(script, 400, waits)).ended);
    yield {
      what: `Ctrl-C to exit: ${state}`,
      must: '≤ 200 ms',
      got: `${spread({ median: median(times), min: Math.min(...times), max: Math.max(...times) }, 0)} ms`,
    };
  }
}

async function killed(rounds) {
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => {
      const child = spawn(KTAP[0], [KTAP[1], '-e', 'trace syscalls:sys_enter_* {}'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr.on('data', () => child.kill('SIGKILL'));
      child.on('exit', resolve);
    });
  }
  const before = readdirSync(INSTANCES).filter((name) => name.startsWith('ktap-')).length;
  spawnSync(KTAP[0], [KTAP[1], '--clean']);
  const after = readdirSync(INSTANCES).filter((name) => name.startsWith('ktap-')).length;
  return {
    what: `${rounds} rounds of kill -9 while tracing, then --clean`,
    must: 'nothing left',
    got: `${after} instances left (${before} before --clean)`,
  };
}
