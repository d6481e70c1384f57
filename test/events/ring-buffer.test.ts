// Sub-buffers of the kernel's ring buffer, entry by entry.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LAYOUT_64_BIT, MISSED_UNKNOWN, parseHeaderPage, SubBufferReader } from '../../src/events/ring-buffer.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from './sub-buffers.js';

const test = suite('ring buffer');

interface Seen {
  id: number;
  time: number;
  length: number;
  value: number;
}

/** Walks a sub-buffer to its end. */
function walk(
  bytes: Uint8Array,
  options: { epoch?: bigint; layout?: typeof LAYOUT_64_BIT; available?: number } = {},
): { seen: Seen[]; reader: SubBufferReader } {
  const test = new TestMemory();
  const address = test.place(bytes);
  const reader = new SubBufferReader(test.memory, options.layout ?? LAYOUT_64_BIT, options.epoch ?? 0n);
  reader.open(address, options.available ?? bytes.length);
  const seen: Seen[] = [];
  const { u16, u32 } = test.memory;
  while (reader.next()) {
    assert.ok(reader.address >= address && reader.address + reader.length <= address + bytes.length, 'inside');
    const value = reader.length >= 12 ? u32[(reader.address + 8) >>> 2]! : -1;
    seen.push({ id: u16[reader.address >>> 1]!, time: reader.time, length: reader.length, value });
  }
  assert.not.ok(reader.next(), 'stays at the end');
  return { seen, reader };
}

test('records with their deltas', () => {
  const page = new SubBufferBuilder(1000n);
  page.record(1000n, simpleRecord(7, 1, 10));
  page.record(1005n, simpleRecord(8, 1, 11));
  page.record(1005n + (1n << 27n) - 1n, simpleRecord(9, 1, 12));
  const { seen, reader } = walk(page.finish(), { epoch: 900n });
  assert.equal(seen, [
    { id: 7, time: 100, length: 12, value: 10 },
    { id: 8, time: 105, length: 12, value: 11 },
    { id: 9, time: 105 + 2 ** 27 - 1, length: 12, value: 12 },
  ]);
  assert.is(reader.damaged, false);
  assert.is(reader.missed, 0);
});

test('time extends reach over 27 bits, and times stay exact far from zero', () => {
  const start = 1_790_000_000_123_456_789n;
  const page = new SubBufferBuilder(start);
  page.record(start, simpleRecord(1, 1, 0));
  page.record(start + 86_400_000_000_001n, simpleRecord(2, 1, 0));
  const { seen } = walk(page.finish(), { epoch: start - 3n });
  assert.equal(
    seen.map((each) => each.time),
    [3, 86_400_000_000_004],
  );
});

test('an epoch later than the sub-buffer gives negative times', () => {
  const page = new SubBufferBuilder((5n << 32n) - 10n);
  page.record((5n << 32n) - 10n, simpleRecord(1, 1, 0));
  assert.is(walk(page.finish(), { epoch: 5n << 32n }).seen[0]!.time, -10);
});

test('absolute time stamps take their upper bits from the sub-buffer', () => {
  for (const start of [12_345_678_901n, (1n << 60n) + 5n, (0x1fn << 59n) + 77n]) {
    const page = new SubBufferBuilder(start);
    page.record(start + 4n, simpleRecord(1, 1, 0), { absolute: true });
    page.record(start + 5n, simpleRecord(2, 1, 0));
    page.record(start + 5n + (1n << 35n), simpleRecord(3, 1, 0), { absolute: true });
    assert.equal(
      walk(page.finish(), { epoch: start }).seen.map((each) => each.time),
      [4, 5, 5 + 2 ** 35],
    );
  }
});

test('big records carry their length in a word of their own', () => {
  const page = new SubBufferBuilder(0n, 4096);
  const content = new Uint8Array(1000);
  content.set(simpleRecord(5, 1, 42));
  page.record(2n, content);
  page.record(3n, simpleRecord(6, 1, 43), { big: true });
  assert.equal(walk(page.finish()).seen, [
    { id: 5, time: 2, length: 1000, value: 42 },
    { id: 6, time: 3, length: 12, value: 43 },
  ]);
});

test('discarded records are passed over, their delta counts unless it stands for none', () => {
  const page = new SubBufferBuilder(0n);
  page.record(2n, simpleRecord(1, 1, 0));
  page.discarded(5, 16);
  page.record(8n, simpleRecord(2, 1, 0));
  page.discarded(1, 4);
  page.record(9n, simpleRecord(3, 1, 0));
  assert.equal(
    walk(page.finish()).seen.map((each) => [each.id, each.time]),
    [
      [1, 2],
      [2, 8],
      [3, 9],
    ],
  );
});

test('padding to the end ends the sub-buffer', () => {
  const page = new SubBufferBuilder(0n);
  page.record(2n, simpleRecord(1, 1, 0));
  page.word(29).word(0xffffffff).word(0xffffffff);
  const { seen, reader } = walk(page.finish());
  assert.is(seen.length, 1);
  assert.is(reader.damaged, false);
});

test('lost events: none, a number, an unknown number', () => {
  const make = (missed?: number | 'unknown'): SubBufferReader => {
    const page = new SubBufferBuilder(0n);
    page.record(2n, simpleRecord(1, 1, 0));
    const { seen, reader } = walk(page.finish(missed));
    assert.is(seen.length, 1);
    assert.is(reader.damaged, false);
    return reader;
  };
  assert.is(make().missed, 0);
  assert.is(make(123_456).missed, 123_456);
  assert.is(make('unknown').missed, MISSED_UNKNOWN);
});

test('a 32-bit kernel has a shorter header', () => {
  const layout = parseHeaderPage(
    'field: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n' +
      'field: local_t commit;\toffset:8;\tsize:4;\tsigned:1;\n' +
      'field: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n' +
      'field: char data;\toffset:12;\tsize:4084;\tsigned:1;\n',
  )!;
  assert.equal(layout, { timeStampOffset: 0, commitOffset: 8, commitSize: 4, dataOffset: 12 });
  const page = new SubBufferBuilder(50n, 4096, 4);
  page.record(51n, simpleRecord(3, 1, 9));
  const { seen, reader } = walk(page.finish(17), { layout });
  assert.equal(seen, [{ id: 3, time: 51, length: 12, value: 9 }]);
  assert.is(reader.missed, 17);
});

test('header_page of this 64-bit kernel, and texts that are none', () => {
  const text =
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n' +
    '\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n';
  assert.equal(parseHeaderPage(text), LAYOUT_64_BIT);
  assert.is(parseHeaderPage(''), undefined);
  assert.is(parseHeaderPage(text.replace('offset:16', 'offset:4')), undefined);
  assert.is(parseHeaderPage(text.replace('offset:16', 'offset:17')), undefined);
  assert.is(parseHeaderPage(text.replace('size:8', 'size:4')), undefined);
});

test('sub-buffers of any size', () => {
  for (const size of [1024, 4096, 16384, 65536]) {
    const page = new SubBufferBuilder(0n, size);
    let count = 0;
    while (page.record(BigInt(count), simpleRecord(1, 1, count))) count++;
    assert.is(count, Math.floor((size - 16) / 16));
    assert.is(walk(page.finish()).seen.length, count);
  }
});

test('the whole records of a sub-buffer that is cut off', () => {
  const page = new SubBufferBuilder(0n);
  for (let index = 0; index < 10; index++) page.record(BigInt(index), simpleRecord(1, 1, index));
  const bytes = page.finish();
  for (let available = 0; available < 16 + 160; available++) {
    const { seen, reader } = walk(bytes, { available });
    assert.is(seen.length, Math.max(0, Math.floor((available - 16) / 16)), `${available} bytes`);
    assert.ok(reader.damaged, `${available} bytes`);
  }
});

test('entries that make no sense end the walk', () => {
  const after = (write: (page: SubBufferBuilder) => void): void => {
    const page = new SubBufferBuilder(0n);
    page.record(1n, simpleRecord(1, 1, 0));
    write(page);
    const { seen, reader } = walk(page.finish());
    assert.is(seen.length, 1);
    assert.ok(reader.damaged);
  };
  after((page) => page.word(0).word(0)); // a big record of length 0
  after((page) => page.word(0).word(3));
  after((page) => page.word(0).word(0xffffffff)); // reaches over the end
  after((page) => page.word(28)); // a small one that reaches over the end
  after((page) => page.word(1).word(1)); // shorter than the common fields
  after((page) => page.word(30)); // its second word is missing
  after((page) => page.word(30).word(0xffffffff)); // 18 years later
  after((page) => page.word((5 << 5) | 29).word(0)); // padding of length 0
});

test('a time stamp that is years away is damage', () => {
  const page = new SubBufferBuilder(1n << 60n);
  page.record(1n << 60n, simpleRecord(1, 1, 0));
  const { seen, reader } = walk(page.finish());
  assert.is(seen.length, 0);
  assert.ok(reader.damaged);
});

test('the memory may grow between two records', () => {
  const memory = new TestMemory();
  const page = new SubBufferBuilder(0n);
  for (let index = 0; index < 4; index++) page.record(BigInt(index), simpleRecord(1, 1, index));
  const reader = new SubBufferReader(memory.memory, LAYOUT_64_BIT, 0n);
  reader.open(memory.place(page.finish()), 4096);
  for (let index = 0; index < 4; index++) {
    assert.ok(reader.next());
    assert.is(reader.time, index);
    memory.memory.memory.grow(1);
  }
  assert.not.ok(reader.next());
});

test('flipped bits never lead outside, whatever they say', () => {
  const random = seeded(20261);
  const page = new SubBufferBuilder(1n << 40n);
  for (let index = 0; index < 40; index++) {
    page.record((1n << 40n) + BigInt(index * index * 1000), simpleRecord(1, 1, index), {
      big: index % 3 === 0,
      absolute: index % 7 === 0,
    });
  }
  const good = page.finish(3);
  for (let round = 0; round < 3000; round++) {
    const bytes = good.slice(0, 1024);
    for (let flips = 1 + random(4); flips > 0; flips--) {
      const at = random(round % 2 === 0 ? 64 : 1024);
      bytes[at] = bytes[at]! ^ (1 << random(8));
    }
    for (const { time } of walk(bytes, { epoch: 1n << 40n }).seen) assert.ok(Number.isSafeInteger(time));
  }
});

test.run();
