// Replay of made-up perf.data files: order, names, stacks, losses, both byte orders, files and streams.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressBytes } from '../../src/engine/values.js';
import { KtapError } from '../../src/language/diagnostics.js';
import { openAnyRecording } from '../../src/recording/open-recording.js';
import { RecordType } from '../../src/recording/perf-data/abi.js';
import { PerfDataSource } from '../../src/recording/perf-data/perf-data-source.js';
import type { RecordingSelection } from '../../src/recording/recording-source.js';
import { seeded, TestMemory } from '../events/sub-buffers.js';
import { PerfDataBuilder } from './perf-data-builder.js';
import { attach, type Handled, run, temporaryFolder } from './small-recording.js';

const test = suite('perf.data');
const folder = temporaryFolder();
const memory = new TestMemory();

async function open(bytes: Uint8Array, selection: RecordingSelection = {}): Promise<PerfDataSource> {
  const path = join(folder, 'perf.data');
  writeFileSync(path, bytes);
  memory.reset();
  const source = await openAnyRecording(path, memory, selection);
  assert.instance(source, PerfDataSource);
  return source as PerfDataSource;
}

/** Attaches a block for each definition, runs to the end, closes. */
async function replay(
  bytes: Uint8Array,
  texts: readonly string[],
  selection: RecordingSelection = {},
): Promise<{ handled: Handled[]; source: PerfDataSource }> {
  const source = await open(bytes, selection);
  try {
    attach(source, ...texts);
    return { handled: run(source, memory), source };
  } finally {
    source.close();
  }
}

/** Two CPUs in two rounds, as the picture in time-order.ts has them. */
function twoRounds(little = true): PerfDataBuilder {
  const builder = new PerfDataBuilder(little);
  const at = (cpu: number, time: number): void => {
    builder.number({ pid: 20 + cpu, time: 1000 + time, cpu }, time);
  };
  builder.comm({ pid: 20, time: 0, cpu: 0 }, 'first').comm({ pid: 21, time: 0, cpu: 0 }, 'second');
  for (const time of [1, 4, 7]) at(0, time);
  for (const time of [2, 3, 9]) at(1, time);
  builder.round();
  for (const time of [8, 11]) at(0, time);
  for (const time of [10, 12]) at(1, time);
  return builder.round();
}

const values = (handled: readonly Handled[]): string[] => handled.map(({ text }) => text.replace(/^.*value=/, ''));

test('records of all CPUs in order of time, over the ends of rounds', async () => {
  const { handled, source } = await replay(twoRounds().file(), ['test:number']);
  assert.equal(values(handled), ['1', '2', '3', '4', '7', '8', '9', '10', '11', '12']);
  assert.equal(
    handled.slice(0, 2).map(({ event, cpu, time, tid, pid, comm, text }) => [event, cpu, time, tid, pid, comm, text]),
    [
      ['number', 0, 0, 20, 20, 'first', 'number: value=1'],
      ['number', 1, 1, 21, 21, 'second', 'number: value=2'],
    ],
  );
  assert.is(source.epoch, 1001n);
  assert.is(source.wallClockOffset, 999_600n);
  assert.equal(source.machine, { arch: 'x86_64', kernelVersion: '6.1.0-test', cpuCount: 2 });
  assert.equal(source.warnings(), []);
  assert.equal(source.losses(), []);
});

test('the stream that perf writes into a pipe, kept in a file', async () => {
  const { handled, source } = await replay(twoRounds().stream(), ['test:number']);
  assert.equal(values(handled), ['1', '2', '3', '4', '7', '8', '9', '10', '11', '12']);
  assert.is(handled[0]!.comm, 'first');
  assert.is(source.machine.kernelVersion, '6.1.0-test');
  assert.equal(source.warnings(), []);
});

test('the other byte order gives the same', async () => {
  const both = (little: boolean): PerfDataBuilder => {
    const builder = twoRounds(little);
    const moment = { pid: 20, tid: 22, time: 1020, cpu: 1 };
    builder.fork({ pid: 20, time: 1013, cpu: 0 }, { pid: 20, tid: 22 });
    builder.comm({ pid: 20, tid: 22, time: 1014, cpu: 0 }, 'thread');
    builder.clock(moment, [0xffffffff81000010n, 0xffffffff81000020n], [0x7f0000001234n]);
    return builder
      .lost(moment, 3)
      .aux(Buffer.alloc(64, 0xff))
      .number({ ...moment, time: 1021 }, 0x01020304);
  };
  const native = await replay(both(true).file(), ['test:number', 'perf:cpu-clock']);
  assert.is(native.handled.length, 12);
  assert.equal(
    native.handled.slice(-2).map(({ comm, pid, tid, text }) => [comm, pid, tid, text]),
    [
      ['thread', 20, 22, 'cpu-clock: ip=0xffffffff81000010 period=1000'],
      ['thread', 20, 22, 'number: value=16909060'],
    ],
  );
  for (const bytes of [both(false).file(), both(false).stream(), both(true).stream()]) {
    const other = await replay(bytes, ['test:number', 'perf:cpu-clock']);
    assert.equal(other.handled, native.handled);
    assert.equal(other.source.losses(), [{ cpu: 1, events: 3 }]);
    assert.equal(other.source.warnings(), []);
  }
});

test('stacks of samples', async () => {
  for (const little of [true, false]) {
    const builder = new PerfDataBuilder(little);
    builder.clock({ pid: 5, time: 10, cpu: 0 }, [0xffffffff81000010n, 0xffffffff81000020n], [0x401000n, 0x402000n]);
    builder.clock({ pid: 5, time: 11, cpu: 0 }, [], [0x401000n]);
    builder.number({ pid: 5, time: 12, cpu: 0 }, 1);
    const source = await open(builder.file());
    attach(source, 'perf:cpu-clock', 'test:number');
    const stacks: unknown[] = [];
    while (!source.ended) {
      const cursor = source.poll(false);
      while (cursor.next()) stacks.push([source.stacks.kernel(), source.stacks.user()?.addresses]);
    }
    source.close();
    assert.equal(stacks, [
      [addressBytes([0xffffffff81000010n, 0xffffffff81000020n]), addressBytes([0x401000n, 0x402000n])],
      ['', addressBytes([0x401000n])],
      [undefined, undefined],
    ]);
  }
});

test('names hold from their record on', async () => {
  const builder = new PerfDataBuilder();
  builder.comm({ pid: 7, time: 0, cpu: 0 }, 'shell');
  builder.number({ pid: 7, time: 100, cpu: 0 }, 1);
  builder.fork({ pid: 7, time: 110, cpu: 0 }, { pid: 8, tid: 8 });
  builder.number({ pid: 8, time: 120, cpu: 1 }, 2);
  builder.comm({ pid: 8, time: 130, cpu: 1 }, 'program', true);
  builder.number({ pid: 8, time: 140, cpu: 1 }, 3);
  builder.number({ pid: 9, time: 150, cpu: 1 }, 4);
  builder.number({ pid: 0, time: 160, cpu: 1 }, 5);
  const { handled } = await replay(builder.file(), ['test:number']);
  assert.equal(
    handled.map(({ comm }) => comm),
    ['shell', 'shell', 'program', '<...>', 'swapper'],
  );
});

test('-p: a process with its threads and later children; -C: a CPU', async () => {
  const builder = new PerfDataBuilder();
  builder.number({ pid: 7, tid: 71, time: 100, cpu: 0 }, 1);
  builder.number({ pid: 6, time: 105, cpu: 1 }, 2);
  builder.fork({ pid: 7, time: 110, cpu: 0 }, { pid: 8, tid: 8 });
  builder.fork({ pid: 6, time: 111, cpu: 0 }, { pid: 9, tid: 9 });
  builder.number({ pid: 8, time: 120, cpu: 1 }, 3);
  builder.number({ pid: 9, time: 130, cpu: 1 }, 4);
  assert.equal(values((await replay(builder.file(), ['test:number'], { pid: 7 })).handled), ['1', '3']);
  assert.equal(values((await replay(builder.file(), ['test:number'], { cpu: 1 })).handled), ['2', '3', '4']);
  assert.equal(values((await replay(builder.file(), ['test:number'], { cpu: 1, pid: 7 })).handled), ['3']);
});

test('filters, globs, and what the recording does not have', async () => {
  const { handled } = await replay(twoRounds().file(), ['test:number /value > 9/', '*:*']);
  assert.equal(values(handled.filter(({ block }) => block === 0)), ['10', '11', '12']);
  assert.is(handled.filter(({ block }) => block === 1).length, 10);
  const source = await open(twoRounds().file());
  try {
    attach(source, 'sched:sched_switch');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KtapError);
    const { message, hint } = (error as KtapError).diagnostics[0]!;
    assert.is(message, 'the recording has no event sched:sched_switch');
    assert.match(hint!, 'the recording knows test:* (1), perf:* (1)');
  }
  source.close();
});

test('losses: the larger of what the buffers and what the events count, by CPU', async () => {
  const builder = new PerfDataBuilder();
  builder.number({ pid: 7, time: 100, cpu: 0 }, 1);
  builder.lost({ pid: 7, time: 101, cpu: 0 }, 5).lost({ pid: 7, time: 102, cpu: 1 }, 2);
  builder.lost({ pid: 7, time: 103, cpu: 0 }, 1).lostSamples({ pid: 0, time: 0, cpu: 1 }, 9);
  const { source } = await replay(builder.file(), ['test:number']);
  assert.equal(source.losses(), [
    { cpu: 0, events: 6 },
    { cpu: 1, events: 9 },
  ]);
});

test('compressed records, cut anywhere', async () => {
  for (const little of [true, false]) {
    const builder = twoRounds(little).compressed();
    for (const bytes of [builder.file(), builder.stream()]) {
      const { handled, source } = await replay(bytes, ['test:number']);
      assert.equal(values(handled), ['1', '2', '3', '4', '7', '8', '9', '10', '11', '12']);
      assert.equal(source.warnings(), []);
    }
  }
});

test('a recording of perf record -z -g -e cpu-clock', async () => {
  const { handled, source } = await replay(readFileSync('samples/recordings/cpu-clock.data'), ['perf:cpu-clock']);
  const counts = new Map<string, number>();
  for (const { comm } of handled) counts.set(comm, (counts.get(comm) ?? 0) + 1);
  // What perf script says.
  assert.equal(Object.fromEntries(counts), { grep: 190, ls: 66, sort: 10, uniq: 2, sh: 2, wc: 1 });
  assert.equal(source.warnings(), []);
});

test('a time stamp that is far from all others', async () => {
  const builder = new PerfDataBuilder();
  builder
    .number({ pid: 1, time: 100, cpu: 0 }, 1)
    .number({ pid: 1, time: 1n << 60n, cpu: 0 }, 2)
    .round();
  builder.number({ pid: 1, time: 102, cpu: 0 }, 3);
  const { handled, source } = await replay(builder.file(), ['test:number']);
  assert.equal(
    handled.map(({ time, text }) => [time, text]),
    [
      [0, 'number: value=1'],
      [0, 'number: value=2'],
      [2, 'number: value=3'],
    ],
  );
  assert.match(source.warnings()[0]!, '1 time stamps are damaged');
});

test('AUX data is passed over, in pieces of any size, and records that nobody knows', async () => {
  const builder = new PerfDataBuilder();
  builder.number({ pid: 7, time: 100, cpu: 0 }, 1).aux(Buffer.alloc(16, 0xff));
  builder.record(99, (bytes) => bytes.u64(1, 2, 3)).record(RecordType.LOST, (bytes) => bytes.u64(1));
  builder.number({ pid: 7, time: 101, cpu: 0 }, 2).aux(Buffer.alloc(700_000, 9));
  builder.number({ pid: 7, time: 102, cpu: 0 }, 3).aux(Buffer.alloc(0));
  builder.number({ pid: 7, time: 103, cpu: 0 }, 4);
  for (const bytes of [builder.file(), builder.stream()]) {
    const { handled, source } = await replay(bytes, ['test:number']);
    assert.equal(values(handled), ['1', '2', '3', '4']);
    assert.equal(source.warnings(), []);
  }
});

test('interleaved CPUs of random rounds come out sorted, equal times in the order of the file', async () => {
  const random = seeded(8);
  for (let turn = 0; turn < 20; turn++) {
    const cpus = 1 + random(8);
    const builder = new PerfDataBuilder(random(2) === 0);
    const next = Array.from({ length: cpus }, () => 1000);
    const expected: { time: number; index: number }[] = [];
    let index = 0;
    // At the end of a round every CPU has been read up to the start of the round at least.
    for (let round = 1; round < 40; round++) {
      for (let cpu = 0; cpu < cpus; cpu++) {
        const until = 1000 + round * 50 + random(50);
        for (; next[cpu]! < until; next[cpu]! += random(20)) {
          expected.push({ time: next[cpu]!, index });
          builder.number({ pid: 1, time: next[cpu]!, cpu }, index++);
        }
      }
      builder.round();
    }
    expected.sort((a, b) => a.time - b.time || a.index - b.index);
    const { handled, source } = await replay(builder.file(), ['test:number']);
    assert.equal(
      values(handled).map(Number),
      expected.map((each) => each.index),
    );
    assert.equal(source.warnings(), []);
  }
});

test('many records in constant memory, ones that come too late in their order', async () => {
  const builder = new PerfDataBuilder();
  for (let time = 0; time < 60_000; time++) {
    builder.number({ pid: 1, time: 1000 + time, cpu: 0 }, time);
    if (time % 500 === 0) builder.round();
  }
  // Of long before the last round.
  builder.number({ pid: 1, time: 1500, cpu: 1 }, 7).round().round();
  const before = memory.memory.memory.buffer.byteLength;
  const { handled, source } = await replay(builder.file(), ['test:number']);
  assert.is(handled.length, 60_001);
  assert.is(values(handled).at(-1) === '7' || values(handled).lastIndexOf('7') > 1000, true);
  assert.match(source.warnings()[0]!, '1 events came later than their place in the order of time');
  assert.is(memory.memory.memory.buffer.byteLength - before <= 4 * 2 ** 20, true);
});

test('-C needs CPUs in the samples', async () => {
  const bytes = twoRounds().file();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // sample_type of both attributes: neither CPU nor PERIOD.
  for (const at of [120, 264]) view.setUint32(at + 24, view.getUint32(at + 24, true) & ~((1 << 7) | (1 << 8)), true);
  try {
    await open(bytes, { cpu: 0 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KtapError);
    assert.match((error as KtapError).diagnostics[0]!.message, 'perf.data does not tell the CPUs of its events');
  }
});

test.run();
