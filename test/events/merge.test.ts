// Records of several CPUs in one order of time.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordMerger } from '../../src/events/merge.js';
import { LAYOUT_64_BIT } from '../../src/events/ring-buffer.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from './sub-buffers.js';

const test = suite('merge');

interface Seen {
  cpu: number;
  time: number;
  value: number;
}

function setUp(cpus: number, consumed?: (stream: number, address: number, bytes: number) => void) {
  const memory = new TestMemory();
  const merger = new RecordMerger({
    memory: memory.memory,
    layout: LAYOUT_64_BIT,
    epoch: 0n,
    cpus: Array.from({ length: cpus }, (_, index) => index),
    ...(consumed === undefined ? {} : { consumed }),
  });
  const push = (cpu: number, bytes: Uint8Array): number => {
    const address = memory.place(bytes);
    merger.push(cpu, address, bytes.length);
    return address;
  };
  const drain = (): Seen[] => {
    const seen: Seen[] = [];
    while (merger.next()) {
      seen.push({ cpu: merger.cpu, time: merger.time, value: memory.memory.u32[(merger.address + 8) >>> 2]! });
    }
    return seen;
  };
  return { memory, merger, push, drain };
}

/** A sub-buffer with records at the given times; their values are the times. */
function page(times: readonly number[], missed?: number | 'unknown'): Uint8Array {
  const builder = new SubBufferBuilder(BigInt(times[0] ?? 0), 1024);
  for (const time of times) assert.ok(builder.record(BigInt(time), simpleRecord(1, 1, time)));
  return builder.finish(missed);
}

const times = (seen: readonly Seen[]): number[] => seen.map((each) => each.time);

test('interleaves by time; at equal times the lower CPU comes first', () => {
  const { merger, push, drain } = setUp(3);
  push(2, page([1, 5, 5, 9]));
  push(0, page([3, 5, 10]));
  push(1, page([5, 6]));
  merger.finish();
  assert.equal(
    drain().map((each) => [each.time, each.cpu]),
    [
      [1, 2],
      [3, 0],
      [5, 0],
      [5, 1],
      [5, 2],
      [5, 2],
      [6, 1],
      [9, 2],
      [10, 0],
    ],
  );
});

test('nothing is handed out that something earlier could still precede', () => {
  const { merger, push, drain } = setUp(2);
  push(0, page([10, 20, 30]));
  assert.equal(drain(), [], 'CPU 1 has said nothing');
  merger.setHorizon(1, 20);
  assert.equal(times(drain()), [10, 20], 'CPU 0 comes before CPU 1 at the same time');
  merger.setHorizon(1, 5);
  assert.equal(drain(), [], 'a horizon does not go back');
  push(1, page([25, 40]));
  assert.equal(times(drain()), [25, 30]);
  merger.setHorizon(0, 40);
  assert.equal(drain(), [], 'CPU 0 may still have one at 40, which comes first');
  push(0, page([40]));
  assert.equal(
    drain().map((each) => each.cpu),
    [0],
  );
  merger.setHorizon(0, 41);
  assert.equal(times(drain()), [40]);
  assert.ok(!merger.pending);
});

test('a CPU that has handed out a record cannot be earlier than it any more', () => {
  const { merger, push, drain } = setUp(2);
  push(0, page([10, 20]));
  push(1, page([15]));
  assert.equal(times(drain()), [10, 15]);
  assert.ok(merger.pending);
  push(1, page([16, 30]));
  assert.equal(times(drain()), [16, 20]);
});

test('one CPU alone needs no horizon', () => {
  const { push, drain } = setUp(1);
  push(0, page([1, 2]));
  push(0, page([3]));
  assert.equal(times(drain()), [1, 2, 3]);
  push(0, page([4]));
  assert.equal(times(drain()), [4]);
});

test('finish makes everything ready, and no CPUs at all are well', () => {
  const { merger, push, drain } = setUp(4);
  push(3, page([7]));
  merger.finish();
  assert.equal(times(drain()), [7]);
  const none = setUp(0);
  none.merger.finish();
  assert.equal(none.drain(), []);
});

test('tells which sub-buffers are free, only after their last record was left', () => {
  const free: number[] = [];
  const { merger, push } = setUp(2, (_stream, address) => free.push(address));
  const a = push(0, page([1, 4]));
  const b = push(0, page([5]));
  const c = push(1, page([2]));
  const empty = push(1, page([]));
  merger.finish();
  const steps: number[][] = [];
  while (merger.next()) steps.push([merger.time, ...free]);
  assert.equal(steps, [[1], [2], [4, c, empty], [5, c, empty, a]]);
  assert.equal(free, [c, empty, a, b]);
  assert.is(merger.waiting(0) + merger.waiting(1), 0);
});

test('a consumer may push from the callback', () => {
  const rest = [[3, 4], [5], [], [6]];
  const { memory, merger, drain } = setUp(1, (stream, address) => {
    const next = rest.shift();
    if (next === undefined) return;
    memory.memory.u8.set(page(next), address);
    merger.push(stream, address, 1024);
  });
  merger.push(0, memory.place(page([1, 2])), 1024);
  assert.equal(times(drain()), [1, 2, 3, 4, 5, 6]);
});

test('time that goes back within a CPU keeps its place and is counted', () => {
  const { merger, push, drain } = setUp(2);
  push(0, page([10, 20]));
  push(0, page([5, 30]));
  push(1, page([15, 25]));
  merger.finish();
  assert.equal(times(drain()), [10, 15, 20, 5, 25, 30]);
  assert.is(merger.statistics().backwardSteps, 1);
});

test('losses by CPU', () => {
  const { merger, push, drain } = setUp(3);
  push(0, page([1], 5));
  push(0, page([2], 7));
  push(1, page([1], 'unknown'));
  push(1, page([2], 3));
  push(2, page([1]));
  merger.finish();
  assert.is(drain().length, 5);
  assert.equal(merger.losses(), [
    { cpu: 0, events: 12 },
    { cpu: 1, events: 3 },
    { cpu: 1, events: undefined },
  ]);
});

test('damaged sub-buffers are counted and passed over', () => {
  const { merger, push, drain } = setUp(2);
  const damaged = new SubBufferBuilder(2n, 1024);
  damaged.record(2n, simpleRecord(1, 1, 2));
  damaged.word(0).word(0xffffffff);
  push(0, new Uint8Array(8));
  push(0, damaged.finish());
  push(0, page([3]));
  push(1, new Uint8Array(1024).fill(255));
  merger.finish();
  assert.equal(times(drain()), [2, 3]);
  assert.is(merger.statistics().damagedSubBuffers, 3);
});

/** Streams of sub-buffers over several CPUs with distinct record values, and all records in their right order. */
function randomStreams(seed: number, cpus: number): { pages: Uint8Array[][]; expected: Seen[] } {
  const random = seeded(seed);
  const builders: SubBufferBuilder[] = [];
  const pages: Uint8Array[][] = Array.from({ length: cpus }, () => []);
  const records: Seen[] = [];
  let now = 1_000_000n;
  for (let value = 0; value < 3000; value++) {
    const cpu = random(4) === 0 ? random(cpus) : (records.at(-1)?.cpu ?? 0);
    now += BigInt([0, 1, 500, 2 ** 27 - 1, 2 ** 27, 2 ** 31 + 5][random(6)]!);
    const content = new Uint8Array(12 + 4 * random(random(20) === 0 ? 100 : 8));
    content.set(simpleRecord(1 + random(50), 1, value));
    const options = { big: random(10) === 0, absolute: random(10) === 0 };
    let builder = builders[cpu];
    if (builder === undefined || !builder.record(now, content, options)) {
      if (builder !== undefined) pages[cpu]!.push(builder.finish());
      builder = new SubBufferBuilder(now, 1024);
      builders[cpu] = builder;
      assert.ok(builder.record(now, content, options));
    }
    records.push({ cpu, time: Number(now), value });
  }
  for (const [cpu, builder] of builders.entries()) if (builder !== undefined) pages[cpu]!.push(builder.finish());
  const expected = records.sort((a, b) => a.time - b.time || a.cpu - b.cpu || a.value - b.value);
  return { pages, expected };
}

for (const cpus of [1, 2, 3, 8, 65]) {
  test(`random streams over ${cpus} CPUs, all at once`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { pages, expected } = randomStreams(seed * 7919, cpus);
      const { merger, push, drain } = setUp(cpus);
      for (const [cpu, list] of pages.entries()) for (const bytes of list) push(cpu, bytes);
      merger.finish();
      assert.equal(drain(), expected, `seed ${seed}`);
      assert.is(merger.statistics().backwardSteps, 0);
    }
  });

  test(`random streams over ${cpus} CPUs, arriving bit by bit`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { pages, expected } = randomStreams(seed * 104_729, cpus);
      const random = seeded(seed);
      const { merger, push, drain } = setUp(cpus);
      const seen: Seen[] = [];
      while (pages.some((list) => list.length > 0)) {
        const cpu = random(cpus);
        const bytes = pages[cpu]!.shift();
        if (bytes !== undefined) push(cpu, bytes);
        // What a live reader knows: the CPU has been read up to the next sub-buffer's time stamp.
        const next = pages[cpu]![0];
        merger.setHorizon(
          cpu,
          next === undefined ? Number.POSITIVE_INFINITY : Number(new DataView(next.buffer).getBigUint64(0, true)),
        );
        if (random(3) === 0) seen.push(...drain());
      }
      merger.finish();
      seen.push(...drain());
      assert.equal(seen, expected, `seed ${seed}`);
    }
  });
}

test.run();
