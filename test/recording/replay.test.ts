// Replaying recordings: which events blocks get, in which order, with which names, and what errors say.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KtapError, renderDiagnostic } from '../../src/language/diagnostics.js';
import { openRecording } from '../../src/recording/recording-source.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import {
  attach,
  METADATA,
  NUMBER_FORMAT,
  replay,
  run,
  temporaryFolder,
  textRecord,
  tracepoint,
  writeRecording,
} from './small-recording.js';

const test = suite('replay');
const folder = temporaryFolder();
const memory = new TestMemory();
const SAMPLE = 'samples/recordings/syscalls.dat';

test.before.each(() => memory.reset());

/** A recording of the given records of one CPU. */
function recording(name: string, records: readonly Uint8Array[], start = 1000n): string {
  const page = new SubBufferBuilder(start, 4096);
  for (const [index, record] of records.entries()) assert.ok(page.record(start + BigInt(index), record));
  const path = join(folder, name);
  writeRecording(path, [[page.finish()]], 4096);
  return path;
}

/** The text that a person sees of an error. */
function failure(body: () => void): string {
  try {
    body();
  } catch (error) {
    assert.instance(error, KtapError);
    return renderDiagnostic((error as KtapError).diagnostics[0]!);
  }
  return 'no error';
}

test('blocks get the events that they name, in program order', () => {
  const path = recording('blocks.dat', [
    simpleRecord(300, 1, 7),
    textRecord(20, 'abcdefgh', 'xyz'),
    simpleRecord(999, 1, 0),
  ]);
  const { handled } = replay(path, memory, ['test:*', 'test:number', 'test:text', '*:*']);
  assert.equal(
    handled.map(({ block, event, time, tid, comm, text }) => [block, event, time, tid, comm, text]),
    [
      [0, 'number', 0, 1, 'init', 'number: value=7'],
      [1, 'number', 0, 1, 'init', 'number: value=7'],
      [3, 'number', 0, 1, 'init', 'number: value=7'],
      [0, 'text', 1, 20, 'a name', 'text: fixed=abcdefgh loose=xyz'],
      [2, 'text', 1, 20, 'a name', 'text: fixed=abcdefgh loose=xyz'],
      [3, 'text', 1, 20, 'a name', 'text: fixed=abcdefgh loose=xyz'],
    ],
  );
});

test('a block that names an event twice gets it once', () => {
  const path = recording('twice.dat', [simpleRecord(300, 1, 7)]);
  const source = openRecording(path, memory);
  const { definition, source: script } = tracepoint('test:number');
  source.attach([
    { block: 0, definitions: [definition, { ...definition, event: '*' }], source: script, span: { start: 0, end: 11 } },
  ]);
  assert.is(run(source, memory).length, 1);
  source.close();
});

test('events by id', () => {
  const path = recording('ids.dat', [simpleRecord(300, 1, 7), simpleRecord(300, 1, 8)]);
  const request = (ids: number[]) => ({
    block: 0,
    definitions: [],
    ids,
    filter: 'value == 8',
    source: { name: '-e', text: 'by id' },
    span: { start: 0, end: 5 },
  });
  const source = openRecording(path, memory);
  source.attach([request([300])]);
  assert.equal(
    run(source, memory).map(({ text }) => text),
    ['number: value=8'],
  );
  source.close();
  const other = openRecording(path, memory);
  assert.match(
    failure(() => other.attach([request([77])])),
    'the recording has no event with the id 77',
  );
  other.close();
});

test('what the recording says about its machine', () => {
  const path = join(folder, 'machine.dat');
  writeRecording(path, [[], [], []], 1024, { ...METADATA, wallClockOffset: 1_700_000_000_123_456_000n });
  const source = openRecording(path, memory);
  assert.equal(source.machine, { arch: 'x86_64', kernelVersion: '6.1.0-test', cpuCount: 3 });
  assert.is(source.wallClockOffset, 1_700_000_000_123_456_000n);
  source.close();
  const { uname: _, ...silent } = METADATA;
  writeRecording(path, [[]], 1024, silent);
  const other = openRecording(path, memory);
  assert.equal(other.machine, { arch: '', kernelVersion: '', cpuCount: 1 });
  assert.is(other.wallClockOffset, undefined);
  other.close();
});

test('an unknown event: the place, the nearest names, what there is', () => {
  const path = recording('unknown.dat', []);
  const source = openRecording(path, memory);
  assert.is(
    failure(() => attach(source, 'test:numbr')),
    '-e:1:1: error: the recording has no event test:numbr\n' +
      '    test:numbr\n    ^^^^^^^^^^\n' +
      'hint: the nearest names: test:number, test:text; the recording knows test:* (2)',
  );
  assert.match(
    failure(() => attach(source, 'sched:*')),
    'no event of the recording matches sched:*',
  );
  const sample = openRecording(SAMPLE, memory);
  assert.match(
    failure(() => attach(sample, 'syscalls:sys_enter_raed')),
    /nearest names: syscalls:sys_enter_read, .*, .*; the recording knows sched:\* \(4\), syscalls:\* \(\d+\), task:\* \(2\)/,
  );
  source.close();
  sample.close();
});

test('other kinds of probes are not in a recording', () => {
  const source = openRecording(recording('kinds.dat', []), memory);
  const definition = { kind: 'kprobe', text: 'probe:vfs_read', offset: 0, symbol: 'vfs_read', args: '' } as const;
  const request = {
    block: 0,
    definitions: [definition],
    source: { name: '-e', text: 'probe:vfs_read' },
    span: { start: 0, end: 14 },
  };
  assert.match(
    failure(() => source.attach([request])),
    'probes on kernel functions cannot be traced in a recording',
  );
  source.close();
});

test('a broken format file costs only its event', () => {
  const path = join(folder, 'format.dat');
  const broken = NUMBER_FORMAT.replace('ID: 300', 'ID: 302')
    .replace('name: number', 'name: broken')
    .replace(/size:4/g, 'syze');
  const formats = new Map([['test', [NUMBER_FORMAT, broken]]]);
  const page = new SubBufferBuilder(5n, 1024);
  page.record(5n, simpleRecord(300, 1, 1));
  page.record(6n, simpleRecord(302, 1, 2));
  writeRecording(path, [[page.finish()]], 1024, { ...METADATA, formats });
  const { handled, source } = replay(path, memory, ['test:*']);
  assert.equal(
    handled.map(({ text }) => text),
    ['number: value=1'],
  );
  assert.match(source.warnings().join('\n'), 'the format of test:broken is damaged: a field of broken has no size');
  memory.reset();
  assert.match(
    failure(() => replay(path, memory, ['test:broken'])),
    'the format of test:broken in the recording is damaged',
  );
});

test('filters decide by block', () => {
  const path = recording(
    'filters.dat',
    [1, 2, 3, 4].map((value) => simpleRecord(300, value, value)),
  );
  const { handled } = replay(path, memory, ['test:number /value > 2/', 'test:number', 'test:number /common_pid == 1/']);
  const of = (block: number): number => handled.filter((each) => each.block === block).length;
  assert.equal([of(0), of(1), of(2)], [2, 4, 1]);
});

test('a filter that fits no event of a glob is an error at its place; one that fits some leaves the others out', () => {
  const path = recording('globs.dat', [simpleRecord(300, 1, 7), textRecord(1, 'f', 'l')]);
  const { handled } = replay(path, memory, ['test:* /value == 7/']);
  assert.equal(
    handled.map(({ event }) => event),
    ['number'],
  );
  memory.reset();
  assert.is(
    failure(() => replay(path, memory, ['test:* / other == 7/'])),
    '-e:1:10: error: the filter does not fit test:number: field not found\n' +
      '    test:* / other == 7/\n             ^^^^^\n' +
      'hint: the fields are common_type, common_flags, common_preempt_count, common_pid, value',
  );
});

test('only one CPU, only one process', () => {
  const all = replay(SAMPLE, memory, ['*:*']).handled;
  memory.reset();
  const second = replay(SAMPLE, memory, ['*:*'], { cpu: 1 }).handled;
  assert.equal(
    second.map(({ time }) => time),
    all.filter(({ cpu }) => cpu === 1).map(({ time }) => time),
  );
  memory.reset();
  assert.match(
    failure(() => openRecording(SAMPLE, memory, { cpu: 2 })),
    'there is no CPU 2 in samples/recordings/syscalls.dat: it has 2',
  );
  // The shell of the sample starts each of its programs; `ls` starts none.
  const tidOf = (comm: string): number => all.find((each) => each.comm === comm)!.tid;
  memory.reset();
  const shell = replay(SAMPLE, memory, ['syscalls:*'], { pid: tidOf('sh') }).handled;
  assert.equal([...new Set(shell.map(({ comm }) => comm))].sort(), [
    'cat',
    'find',
    'git',
    'grep',
    'head',
    'ls',
    'sh',
    'sleep',
    'sort',
    'uniq',
    'wc',
  ]);
  memory.reset();
  const ls = replay(SAMPLE, memory, ['syscalls:*'], { pid: tidOf('ls') }).handled;
  assert.equal([...new Set(ls.map(({ tid }) => tid))], [tidOf('ls')]);
});

test('names follow forks, renames and execs', () => {
  const { handled } = replay(SAMPLE, memory, ['*:*']);
  const renames = handled.filter(({ event }) => event === 'task_rename');
  assert.ok(renames.length >= 8);
  for (const { text, comm, tid } of renames) {
    const [, from, to] = /oldcomm=(\S+) newcomm=(\S+)/.exec(text)!;
    assert.is(comm, from, 'the rename itself still happens under the old name');
    const later = handled.findLast((each) => each.tid === tid)!;
    assert.is(later.comm, to);
  }
  assert.not.ok(
    handled.some(({ comm }) => comm === '<...>'),
    'all tasks of the sample are known',
  );
});

test('threads belong to the process of their creator', () => {
  const newtask = METADATA.formats
    .get('test')![0]!
    .replace('name: number', 'name: task_newtask')
    .replace(
      /\tfield:unsigned int value.*\n/,
      '\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;\n' +
        '\tfield:unsigned long clone_flags;\toffset:32;\tsize:8;\tsigned:0;\n',
    );
  const begin = (creator: number, tid: number, flags: number): Uint8Array => {
    const bytes = new Uint8Array(40);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 300, true);
    view.setInt32(4, creator, true);
    view.setInt32(8, tid, true);
    bytes.set(Buffer.from('worker'), 12);
    view.setUint32(32, flags, true);
    return bytes;
  };
  const page = new SubBufferBuilder(1n, 1024);
  page.record(1n, begin(20, 21, 0x10000)); // a thread of 20
  page.record(2n, begin(21, 22, 0x10000)); // and one that the thread makes
  page.record(3n, begin(22, 30, 0)); // a process
  for (const tid of [20, 21, 22, 30]) page.record(10n, begin(tid, 99, 0));
  const path = join(folder, 'threads.dat');
  writeRecording(path, [[page.finish()]], 1024, { ...METADATA, formats: new Map([['task', [newtask]]]) });
  const { handled } = replay(path, memory, ['task:*']);
  assert.equal(
    handled.slice(3).map(({ tid, pid, comm }) => [tid, pid, comm]),
    [
      [20, 20, 'a name'],
      [21, 20, 'worker'],
      [22, 20, 'worker'],
      [30, 30, 'worker'],
    ],
  );
});

test('a record that is too short for its fields says so instead of showing what lies behind it', () => {
  const path = recording('short.dat', [simpleRecord(300, 1, 7).subarray(0, 8), simpleRecord(300, 1, 8)]);
  const { handled } = replay(path, memory, ['test:number']);
  assert.equal(
    handled.map(({ text }) => text),
    ['number: [damaged record of 8 bytes]', 'number: value=8'],
  );
});

test('losses are told by CPU', () => {
  const page = new SubBufferBuilder(1n, 1024);
  page.record(1n, simpleRecord(300, 1, 1));
  const path = join(folder, 'losses.dat');
  writeRecording(path, [[], [page.finish(17)]]);
  const { source } = replay(path, memory, ['test:*']);
  assert.equal(source.losses(), [{ cpu: 1, events: 17 }]);
});

test('a recording far larger than the memory for it streams through, in order', () => {
  const random = seeded(99);
  const pages: Uint8Array[][] = [[], [], []];
  const builders: (SubBufferBuilder | undefined)[] = [];
  let now = 5_000_000_000n;
  const expected: string[] = [];
  for (let value = 0; value < 150_000; value++) {
    const cpu = random(3);
    now += BigInt(1 + random(1000));
    const record = simpleRecord(300, 1, value);
    if (builders[cpu]?.record(now, record) !== true) {
      if (builders[cpu] !== undefined) pages[cpu]!.push(builders[cpu]!.finish());
      builders[cpu] = new SubBufferBuilder(now, 4096);
      builders[cpu]!.record(now, record);
    }
    expected.push(`${cpu} ${Number(now - 5_000_000_000n)} number: value=${value}`);
  }
  for (const [cpu, builder] of builders.entries()) pages[cpu]!.push(builder!.finish());
  const path = join(folder, 'large.dat');
  const { length } = writeRecording(path, pages, 4096);
  let allocated = 0;
  const counting = {
    memory: memory.memory,
    allocateBuffer: (bytes: number): number => {
      allocated += bytes;
      return memory.allocateBuffer(bytes);
    },
  };
  const source = openRecording(path, counting);
  attach(source, 'test:number');
  const first = Number(BigInt(expected[0]!.split(' ')[1]!));
  const seen = run(source, counting).map(({ cpu, time, text }) => `${cpu} ${time + first} ${text}`);
  source.close();
  assert.equal(seen, expected);
  assert.ok(allocated * 2 < length, `${allocated} bytes of memory for a file of ${length}`);
});

test('stop ends it at once; close can be called twice', () => {
  const source = openRecording(SAMPLE, memory);
  attach(source, '*:*');
  const cursor = source.poll(false);
  assert.ok(cursor.next());
  source.stop();
  assert.ok(source.ended);
  assert.not.ok(source.poll(true).next());
  source.close();
  source.close();
});

test('two recordings at a time do not disturb one another', () => {
  const sources = [0, 1].map(() => openRecording(SAMPLE, memory));
  for (const source of sources) attach(source, '*:*');
  const cursors = sources.map((source) => source.poll(false));
  for (let count = 0; count < 500; count++) {
    assert.ok(cursors[0]!.next() && cursors[1]!.next());
    assert.is(cursors[0]!.time, cursors[1]!.time);
    assert.is(cursors[0]!.id, cursors[1]!.id);
  }
  for (const source of sources) source.close();
});

test.run();
