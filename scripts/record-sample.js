// Makes samples/recordings/syscalls.dat: system calls, context switches, forks and execs of a small workload on this
// machine's kernel. Needs root and tracefs; see samples/recordings/README.md.

import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { hostname, machine, release } from 'node:os';
import { importTypeScript } from './generate.js';

process.chdir(new URL('..', import.meta.url).pathname);

const TARGET = process.argv[2] ?? 'samples/recordings/syscalls.dat';
const TRACEFS = '/sys/kernel/tracing';
const INSTANCE = `${TRACEFS}/instances/sample-${process.pid}`;
const PAGE = 4096;
const EVENTS = [
  'syscalls:*',
  'sched:sched_switch',
  'sched:sched_process_fork',
  'sched:sched_process_exec',
  'sched:sched_process_exit',
  'task:task_newtask',
  'task:task_rename',
];
const WORKLOAD = `
ls -R /etc/apt /etc/default | sort | uniq -c | sort -rn | head -3
cat /etc/passwd /etc/no-such-file | grep -c :
find /etc/alternatives -name 'a*' | wc -l
git log --oneline -3
sleep 0.05
`;

const { TraceDatWriter } = await importTypeScript('src/recording/trace-dat-writer.ts');
const { SubBufferReader, LAYOUT_64_BIT } = await importTypeScript('src/events/ring-buffer.ts');
const { LinearMemory } = await importTypeScript('src/engine/memory.ts');

const read = (path) => readFileSync(path, 'latin1');

/** Runs the workload under the instance's eyes. */
async function trace() {
  const set = (file, text) => writeFileSync(`${INSTANCE}/${file}`, text);
  set('tracing_on', '0');
  set('trace_clock', 'mono');
  set('buffer_size_kb', '4096');
  set('options/event-fork', '1');
  const shell = spawn('sh', [], { stdio: ['pipe', 'ignore', 'ignore'] });
  set('set_event_pid', String(shell.pid));
  for (const event of EVENTS) writeFileSync(`${INSTANCE}/set_event`, event, { flag: 'a' });
  set('tracing_on', '1');
  shell.stdin.end(WORKLOAD);
  await new Promise((resolve) => shell.on('close', resolve));
  set('tracing_on', '0');
}

/** All sub-buffers of a CPU. */
function pagesOf(cpu) {
  const pages = [];
  const fd = openSync(`${INSTANCE}/per_cpu/${cpu}/trace_pipe_raw`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    for (;;) {
      const page = new Uint8Array(PAGE);
      if (readSync(fd, page, 0, PAGE, null) === 0) break;
      pages.push(page);
    }
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  } finally {
    closeSync(fd);
  }
  return pages;
}

/** Ids of the events and numbers of the tasks that the records name. */
function survey(pages) {
  const memory = new LinearMemory(new WebAssembly.Memory({ initial: 1 }));
  const reader = new SubBufferReader(memory, LAYOUT_64_BIT, 0n);
  const ids = new Map();
  const tasks = new Set();
  for (const page of pages) {
    memory.u8.set(page, 0);
    reader.open(0, PAGE);
    while (reader.next()) {
      const id = memory.u16[reader.address >> 1];
      ids.set(id, (ids.get(id) ?? 0) + 1);
      tasks.add(memory.i32[(reader.address + 4) >> 2]);
    }
  }
  return { ids, tasks };
}

/** Format files of the tracers' own events and of those that were recorded (`sys_exit_x` and `sys_enter_x` go together). */
function formats(ids) {
  const bySystem = new Map([['ftrace', []]]);
  for (const system of ['ftrace', 'sched', 'syscalls', 'task']) {
    const texts = new Map();
    for (const entry of readdirSync(`${TRACEFS}/events/${system}`, { withFileTypes: true })) {
      if (entry.isDirectory()) texts.set(entry.name, read(`${TRACEFS}/events/${system}/${entry.name}/format`));
    }
    const seen = (name) => ids.has(Number(/^ID: (\d+)/m.exec(texts.get(name) ?? '')?.[1]));
    const wanted = [...texts.keys()].filter(
      (name) =>
        system === 'ftrace' ||
        seen(name) ||
        seen(name.replace('sys_enter_', 'sys_exit_')) ||
        seen(name.replace('sys_exit_', 'sys_enter_')),
    );
    bySystem.set(
      system,
      wanted.map((name) => texts.get(name)),
    );
  }
  return bySystem;
}

mkdirSync(INSTANCE);
try {
  await trace();
  const cpus = readdirSync(`${INSTANCE}/per_cpu`).sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  const data = cpus.map(pagesOf);
  const { ids, tasks } = survey(data.flat());
  const names = [...read(`${TRACEFS}/saved_cmdlines`).matchAll(/^(\d+) (.*)$/gm)]
    .map(([, tid, name]) => [Number(tid), name])
    .filter(([tid]) => tasks.has(tid));
  const writer = new TraceDatWriter(TARGET, cpus.length, PAGE);
  for (const [cpu, pages] of data.entries()) for (const page of pages) writer.append(cpu, page);
  writer.finish({
    headerPage: read(`${TRACEFS}/events/header_page`),
    headerEvent: read(`${TRACEFS}/events/header_event`),
    formats: formats(ids),
    cmdlines: new Map(names),
    clock: 'mono',
    uname: `Linux ${hostname()} ${release()} ${machine()}`,
    wallClockOffset: BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint(),
    cpuStatistics: cpus.map((cpu) => read(`${INSTANCE}/per_cpu/${cpu}/stats`)),
  });
  console.log(`${TARGET}: ${data.flat().length} pages, ${[...ids.values()].reduce((a, b) => a + b)} records`);
} finally {
  writeFileSync(`${INSTANCE}/tracing_on`, '0');
  writeFileSync(`${INSTANCE}/set_event`, '');
  rmdirSync(INSTANCE);
}
