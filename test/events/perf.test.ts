// Perf rings and samples, on rings that the test itself writes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinearMemory } from '../../src/engine/memory.js';
import { addressBytes } from '../../src/engine/values.js';
import { MergedCursor, type StreamCursor } from '../../src/events/merged-cursor.js';
import { encodeAttributes, RecordType, RingPage } from '../../src/events/perf/abi.js';
import { PerfRing, SEGMENT_BYTES } from '../../src/events/perf/ring.js';
import { SampleCursor, type SampledEvent } from '../../src/events/perf/sample-cursor.js';

const EPOCH = 5_000_000_000_000n;
const CLOCK = 1;
const TRACEPOINT = 2;

/** A ring as the kernel would write it, `size` bytes of data behind a page. */
class FakeRing {
  readonly shared: ArrayBuffer;
  private readonly page: DataView;
  private readonly data: Uint8Array;
  private head = 0n;

  constructor(size: number) {
    this.shared = new ArrayBuffer(4096 + size);
    this.page = new DataView(this.shared);
    this.page.setBigUint64(RingPage.DATA_OFFSET, 4096n, true);
    this.page.setBigUint64(RingPage.DATA_SIZE, BigInt(size), true);
    this.data = new Uint8Array(this.shared, 4096);
  }

  get tail(): bigint {
    return this.page.getBigUint64(RingPage.DATA_TAIL, true);
  }

  write(record: Uint8Array): void {
    for (const byte of record) this.data[Number(this.head++ % BigInt(this.data.length))] = byte;
    this.page.setBigUint64(RingPage.DATA_HEAD, this.head, true);
  }
}

function record(type: number, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc((8 + body.length + 7) & ~7);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt16LE(bytes.length, 6);
  bytes.set(body, 8);
  return bytes;
}

interface Sample {
  readonly id?: number;
  readonly pid?: number;
  readonly tid?: number;
  readonly time: number;
  readonly chain?: readonly bigint[];
  readonly raw?: Uint8Array;
}

function sample({ id = CLOCK, pid = 10, tid = 11, time, chain, raw }: Sample): Uint8Array {
  const words = [BigInt(id), BigInt(pid) | (BigInt(tid) << 32n), EPOCH + BigInt(time), 0n];
  if (chain !== undefined) words.push(BigInt(chain.length), ...chain);
  const head = Buffer.from(new BigUint64Array(words.map((word) => BigInt.asUintN(64, word))).buffer);
  if (raw === undefined) return record(RecordType.SAMPLE, head);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(raw.length);
  return record(RecordType.SAMPLE, Buffer.concat([head, size, raw]));
}

/** `struct trace_entry` and a payload. */
function tracepointRecord(type: number, pid: number, text: string): Uint8Array {
  const bytes = Buffer.alloc(12 + text.length);
  bytes.writeUInt16LE(type, 0);
  bytes.writeInt32LE(pid, 4);
  bytes.write(text, 8, 'latin1');
  return bytes;
}

interface Bench {
  readonly memory: LinearMemory;
  readonly fakes: readonly FakeRing[];
  readonly rings: readonly PerfRing[];
  readonly cursor: SampleCursor;
}

function bench({
  sizes = [4096],
  now = 1e9,
  hiddenPid = undefined as number | undefined,
  hasChain = false,
} = {}): Bench {
  const memory = new LinearMemory(new WebAssembly.Memory({ initial: 64 }));
  const fakes = sizes.map((size) => new FakeRing(size));
  const rings = fakes.map(({ shared }, cpu) => new PerfRing(cpu, shared, memory, 4096 + cpu * SEGMENT_BYTES, EPOCH));
  const events = new Map<number, SampledEvent>([
    [CLOCK, { timerId: 65536, hasChain, samples: 0 }],
    [TRACEPOINT, { timerId: undefined, hasChain, samples: 0 }],
  ]);
  return { memory, fakes, rings, cursor: new SampleCursor({ memory, rings, events, hiddenPid, now: () => now }) };
}

function times(cursor: { next(): boolean; readonly time: number }): number[] {
  const found: number[] = [];
  while (cursor.next()) found.push(cursor.time);
  return found;
}

const test = suite('perf');

test('attributes lie where the kernel looks for them', () => {
  const bytes = encodeAttributes({ type: 2, config: 372, period: 1, sampleType: 0x10400, flags: 3, wakeUpBytes: 77 });
  assert.is(bytes.length, 112);
  assert.is(bytes.readUInt32LE(0), 2);
  assert.is(bytes.readUInt32LE(4), 112);
  assert.is(bytes.readBigUInt64LE(8), 372n);
  assert.is(bytes.readBigUInt64LE(24), 0x10400n);
  // disabled, inherit, watermark, use_clockid
  assert.is(bytes.readBigUInt64LE(40), 3n | (1n << 14n) | (1n << 25n));
  assert.is(bytes.readUInt32LE(48), 77);
  assert.is(bytes.readInt32LE(92), 1);
});

test('samples of two CPUs come in one order of time', () => {
  const { fakes, cursor } = bench({ sizes: [4096, 4096] });
  for (const time of [10, 30, 50]) fakes[0]!.write(sample({ time }));
  for (const time of [20, 40]) fakes[1]!.write(sample({ time }));
  cursor.read(false);
  assert.equal(times(cursor), [10, 20, 30, 40, 50]);
});

test('a sample that an interrupt delayed takes the place of its time', () => {
  const { fakes, cursor } = bench();
  for (const time of [10, 30, 20, 40]) fakes[0]!.write(sample({ time }));
  cursor.read(false);
  assert.equal(times(cursor), [10, 20, 30, 40]);
});

test('what is younger than the reading waits for the next one', () => {
  const { fakes, cursor } = bench({ now: 1_000_000 });
  fakes[0]!.write(sample({ time: 1000 }));
  fakes[0]!.write(sample({ time: 900_000 }));
  cursor.read(false);
  assert.equal(times(cursor), [1000]);
  assert.is(cursor.horizon, 500_000);
  cursor.read(true);
  assert.equal(times(cursor), [900_000]);
});

test('records that wrap round the end of the ring are whole, and their room is given back', () => {
  const { fakes, cursor, memory } = bench({ sizes: [256] });
  let read = 0;
  for (let round = 0; round < 50; round++) {
    const raw = tracepointRecord(300, 11, `round ${round}`);
    fakes[0]!.write(sample({ id: TRACEPOINT, time: round * 10, raw }));
    cursor.read(false);
    while (cursor.next()) {
      assert.is(cursor.id, 300);
      assert.is(memory.i32[(cursor.address + 4) >>> 2], 11);
      const text = memory.bytes.toString('latin1', cursor.address + 8, cursor.address + cursor.length);
      assert.is(text.replace(/\0+$/, ''), `round ${round}`);
      read++;
    }
    assert.is(fakes[0]!.tail, BigInt((round + 1) * ((8 + 32 + 4 + raw.length + 7) & ~7)));
  }
  assert.is(read, 50);
});

test('more than the memory holds is read piece by piece, in order', () => {
  const { fakes, cursor } = bench({ sizes: [4 << 20, 4 << 20] });
  const count = 2 * Math.floor(SEGMENT_BYTES / 40);
  for (let i = 0; i < count; i++) fakes[i & 1]!.write(sample({ time: i * 1000 }));
  cursor.read(true);
  const found = times(cursor);
  assert.is(found.length, count);
  assert.ok(found.every((time, i) => time === i * 1000));
});

test('a timer gives a record of common fields; stacks are told apart by whose they are', () => {
  const { fakes, cursor, memory } = bench({ hasChain: true });
  const chain = [-128n, 0xffffffff81000001n, 0xffffffff81000002n, -512n, 0x401000n];
  fakes[0]!.write(sample({ time: 5, pid: 20, tid: 21, chain }));
  fakes[0]!.write(sample({ time: 6, chain: [-512n, 0x402000n] }));
  cursor.read(true);
  assert.ok(cursor.next());
  assert.equal([cursor.id, cursor.length, cursor.cpu, cursor.pid], [65536, 8, 0, 20]);
  assert.is(memory.u32[cursor.address >>> 2], 0);
  assert.is(memory.i32[(cursor.address + 4) >>> 2], 21);
  assert.equal(cursor.chain(), {
    kernel: addressBytes([0xffffffff81000001n, 0xffffffff81000002n]),
    user: addressBytes([0x401000n]),
  });
  assert.ok(cursor.next());
  assert.equal(cursor.chain(), { kernel: '', user: addressBytes([0x402000n]) });
});

test('lost samples are counted, records of other kinds passed over', () => {
  const { fakes, cursor, rings } = bench();
  const lost = new BigUint64Array([1n, 300n, 0n, EPOCH + 7n, 0n, 0n]);
  fakes[0]!.write(record(RecordType.LOST, new Uint8Array(lost.buffer)));
  fakes[0]!.write(record(99, new Uint8Array(16)));
  fakes[0]!.write(sample({ time: 8 }));
  cursor.read(true);
  assert.equal(times(cursor), [8]);
  assert.is(rings[0]!.lost, 300);
});

test('records about tasks are told in the order of time, and are no events', () => {
  const told: [number, number][] = [];
  const { fakes, rings, memory } = bench();
  const cursor = new SampleCursor({
    memory,
    rings,
    events: new Map([[CLOCK, { timerId: 65536, hasChain: false, samples: 0 }]]),
    hiddenPid: undefined,
    now: () => 1e9,
    sideBand: (type, _address, time) => told.push([type, time]),
  });
  fakes[0]!.write(sample({ time: 1 }));
  // EXIT: pid, ppid, tid, ptid, time, and what sample_id_all adds.
  const exit = new BigUint64Array([0n, 0n, 0n, 0n, EPOCH + 2n, 0n, 0n]);
  fakes[0]!.write(record(RecordType.EXIT, new Uint8Array(exit.buffer)));
  fakes[0]!.write(sample({ time: 3 }));
  cursor.read(true);
  assert.equal(times(cursor), [1, 3]);
  assert.equal(told, [[RecordType.EXIT, 2]]);
});

test('events of a hidden process are left out, its timer samples are not', () => {
  const { fakes, cursor } = bench({ hiddenPid: 10 });
  fakes[0]!.write(sample({ id: TRACEPOINT, time: 1, raw: tracepointRecord(300, 11, '') }));
  fakes[0]!.write(sample({ id: TRACEPOINT, time: 2, pid: 12, raw: tracepointRecord(300, 12, '') }));
  fakes[0]!.write(sample({ time: 3 }));
  cursor.read(true);
  assert.equal(times(cursor), [2, 3]);
});

test('a record that no kernel writes ends the reading of what is there', () => {
  const { fakes, cursor } = bench();
  fakes[0]!.write(sample({ time: 1 }));
  fakes[0]!.write(new Uint8Array(24));
  cursor.read(true);
  assert.equal(times(cursor), [1]);
  fakes[0]!.write(sample({ time: 2 }));
  cursor.read(true);
  assert.equal(times(cursor), [2]);
});

/** A cursor over given times, ready up to a horizon. */
function stream(name: number, all: number[]): StreamCursor & { horizon: number; until: number } {
  let at = -1;
  const cursor = {
    address: 0,
    length: 0,
    cpu: 0,
    id: name,
    until: 0,
    get time() {
      return all[at]!;
    },
    get horizon() {
      return Math.min(cursor.until, all[at + 1] ?? Number.POSITIVE_INFINITY);
    },
    next() {
      if (at + 1 >= all.length || all[at + 1]! >= cursor.until) return false;
      at++;
      return true;
    },
  };
  return cursor as StreamCursor & { horizon: number; until: number };
}

test('two cursors are merged by time, each only as far as the other is known', () => {
  const first = stream(1, [10, 20, 50, 60]);
  const second = stream(2, [15, 30, 55]);
  const merged = new MergedCursor(first, second);
  first.until = 40;
  second.until = 20;
  assert.equal(times(merged), [10, 15, 20]);
  second.until = 45;
  assert.equal(times(merged), [30]);
  assert.is(merged.horizon, 40);
  first.until = second.until = 100;
  merged.final = true;
  assert.equal(times(merged), [50, 55, 60]);
});

test.run();
