// Replay of perf.data against `perf script`: a million events counted by name, plain and compressed, and memory.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, KTAP, runOnce, spread } from '../harness.js';

const GETPPID = 'build/bench/getppid';
const EVENTS = 'syscalls:sys_enter_getppid,syscalls:sys_exit_getppid';
const COUNT = 's = {} trace *:* { s[argname] += 1 } trace_end { for (name, n in pairs(s)) { print(name, n) } }';

export async function* run({ quick }) {
  const rounds = quick ? 3 : 9;
  const folder = mkdtempSync(join(tmpdir(), 'ktap-bench-'));
  try {
    const record = (name, calls, ...options) => {
      const path = join(folder, name);
      const { status } = spawnSync('perf', [
        'record',
        '-m',
        '512',
        ...options,
        '-o',
        path,
        '-e',
        EVENTS,
        '--',
        GETPPID,
        '1',
        calls,
      ]);
      if (status !== 0) throw new Error('perf record failed');
      return path;
    };
    const none = record('none.data', '1');
    yield await count(
      'replay of perf.data, 1 M events, counted by name, start-up subtracted, against perf script',
      rounds,
      {
        none,
        path: record('plain.data', '500000'),
      },
    );
    yield await count('the same of perf record -z', rounds, { none, path: record('z.data', '500000', '-z') });
    yield memory(record('large.data', quick ? '1000000' : '6000000'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function count(what, rounds, { none, path }) {
  const replay = (file) => [...KTAP, '-q', '--replay', file, '-e', COUNT];
  const times = await compare(
    {
      ktap: replay(path),
      start: replay(none),
      perf: ['sh', '-c', `perf script -i ${path} | awk '{n[$5]++} END {for (k in n) print k, n[k]}'`],
      events: ['sh', '-c', `perf script -F event -i ${path} | sort | uniq -c`],
    },
    rounds,
  );
  const net = times.ktap.median - times.start.median;
  return {
    what,
    must: '≥ 5 ×',
    aim: '10 ×',
    got:
      `${(times.perf.median / net).toFixed(1)} × (ktap ${spread(times.ktap, 0)} ms, of it start-up ${spread(times.start, 0)}; ` +
      `\`perf script | awk\` ${spread(times.perf, 0)}, \`perf script -F event | sort | uniq -c\` ${spread(times.events, 0)})`,
  };
}

function memory(path) {
  const { memory, wall, status } = runOnce([...KTAP, '-q', '--replay', path, '-e', COUNT]);
  const mebibytes = (statSync(path).size / 2 ** 20).toFixed(0);
  return {
    what: 'a perf.data of about 1 GiB: peak memory',
    must: '≤ 200 MiB',
    got: `${(memory / 1024).toFixed(0)} MiB for ${mebibytes} MiB in ${(wall / 1000).toFixed(1)} s${status === 0 ? '' : ' (failed)'}`,
  };
}
