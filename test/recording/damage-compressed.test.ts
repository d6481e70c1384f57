// Damage to trace.dat version 7 and its compressed parts: an error that says what, or counted losses and the rest.

import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KtapError } from '../../src/language/diagnostics.js';
import { SubBufferBuilder, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import { ktap } from '../support.js';
import { METADATA, replay, temporaryFolder, writeRecording } from './small-recording.js';

const test = suite('damaged version 7');
const folder = temporaryFolder();
const memory = new TestMemory();
const ZLIB = { version: 7, compression: 'zlib' } as const;

test.before.each(() => memory.reset());

/** A recording of one CPU with a record a page: its values count from 0. */
function pages(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, value) => {
    const page = new SubBufferBuilder(1000n + BigInt(value), 1024);
    page.record(1000n + BigInt(value), simpleRecord(300, 1, value));
    return page.finish();
  });
}

const whole = writeRecording(join(folder, 'whole.dat'), [pages(25), []], 1024, METADATA, ZLIB);
/** Where CPU 0's chunks begin: three, of 10, 10 and 5 pages. */
const CHUNKS = chunksAt(whole);

function chunksAt(bytes: Uint8Array): { count: number; chunks: number[] } {
  const view = new DataView(bytes.buffer);
  // The only buffer option: section, name, clock, page size, CPUs, CPU 0, its place.
  const option = Buffer.from(bytes).lastIndexOf('\0mono\0') + 6;
  const count = Number(view.getBigUint64(option + 12, true));
  const chunks: number[] = [];
  for (let at = count + 4; chunks.length < 3; at += 8 + view.getUint32(at, true)) chunks.push(at);
  return { count, chunks };
}

function changed(
  change: (bytes: Uint8Array, view: DataView) => void,
): ReturnType<typeof replay> & { values: number[] } {
  const bytes = whole.slice();
  change(bytes, new DataView(bytes.buffer));
  const path = join(folder, 'changed.dat');
  writeFileSync(path, bytes);
  const replayed = replay(path, memory, ['test:number']);
  return { ...replayed, values: replayed.handled.map(({ text }) => Number(/\d+$/.exec(text)![0])) };
}

const upTo = (count: number, from = 0): number[] => Array.from({ length: count - from }, (_, n) => n + from);

test('the whole recording', () => {
  const { values, source } = changed(() => {});
  assert.equal(values, upTo(25));
  assert.equal(source.losses(), []);
  assert.equal(source.warnings(), []);
});

test('a chunk that cannot be unpacked costs its own records, counted', async () => {
  const { values, source } = changed((bytes) => bytes.fill(0x55, CHUNKS.chunks[1]! + 10, CHUNKS.chunks[1]! + 20));
  assert.equal(values, [...upTo(10), ...upTo(25, 20)]);
  assert.equal(source.losses(), [{ cpu: 0, events: undefined, damage: { pages: 0, bytes: 10_240 } }]);
  assert.match(source.warnings()[0]!, '10240 bytes of its compressed records cannot be unpacked');

  const script = 'n = 0 trace test:number { n += 1 } trace_end { print(n) }';
  const args = ['-q', '--replay', join(folder, 'changed.dat'), '-e', script];
  const plain = await ktap(args);
  assert.is(plain.stdout, '15\n');
  assert.match(plain.stderr, '10240 bytes of its compressed records cannot be unpacked');
  assert.is(plain.status, 0);
  const strict = await ktap(['--strict', '--stats', ...args]);
  assert.is(strict.status, 3);
  assert.match(strict.stderr, '15 events handled, CPU 0: 0 damaged pages, 10240 bytes missing');
});

test('sizes of chunks that lie', () => {
  const { chunks, count } = CHUNKS;
  const packed = changed((_, view) => view.setUint32(chunks[1]!, 0xffffffff, true));
  assert.equal(packed.values, upTo(10), 'where the next chunk begins is not known');
  assert.is(packed.source.losses().length, 1);
  for (const size of [0xffffffff, 2 ** 25, 10_241, 10_239, 0]) {
    memory.reset();
    const { values, source } = changed((_, view) => view.setUint32(chunks[1]! + 4, size, true));
    assert.equal(values, [...upTo(10), ...upTo(25, 20)], `${size}`);
    assert.is(source.losses().length, size === 0 ? 0 : 1, `${size}`);
  }
  memory.reset();
  const many = changed((_, view) => view.setUint32(count, 0xffffffff, true));
  assert.equal(many.values.slice(0, 25), upTo(25));
  memory.reset();
  assert.equal(changed((_, view) => view.setUint32(count, 0, true)).values, []);
});

test('bombs: what a part unpacks to is bounded', () => {
  const { chunks } = CHUNKS;
  const before = process.memoryUsage.rss();
  // In place of the first chunk, whose size stays as it is.
  const bomb = deflateSync(new Uint8Array(2 ** 17));
  const { source, values } = changed((bytes, view) => {
    assert.ok(bomb.length <= view.getUint32(chunks[0]!, true));
    bytes.set(bomb, chunks[0]! + 8);
  });
  assert.equal(values, upTo(25, 10));
  assert.is(source.losses().length, 1);
  // A section that says it unpacks to 4 GiB, or to more than its bytes can.
  assert.throws(
    () => changed((_, view) => view.setUint32(firstSection() + 20, 0xffffffff, true)),
    /corrupt: a section cannot unpack to 4294967295 bytes/,
  );
  assert.throws(
    () => changed((_, view) => view.setUint32(firstSection() + 20, 2 ** 26, true)),
    /corrupt: a compressed section cannot be unpacked/,
  );
  assert.ok(process.memoryUsage.rss() - before < 200 * 2 ** 20);
});

/** The place of the header section: behind the head. */
function firstSection(): number {
  const name = Buffer.from(whole).indexOf('zlib\0');
  return whole.indexOf(0, name + 5) + 1 + 8;
}

test('cut off at every byte: an error that says so, since the options stand at the end', () => {
  const path = join(folder, 'cut.dat');
  writeFileSync(path, whole);
  for (let size = whole.length - 1; size >= 0; size--) {
    truncateSync(path, size);
    memory.reset();
    try {
      replay(path, memory, ['test:*']);
    } catch (error) {
      assert.instance(error, KtapError, `${size} bytes: ${error}`);
      assert.match((error as Error).message, size === 0 ? 'is empty' : 'is truncated', `${size} bytes`);
      continue;
    }
    assert.unreachable(`${size} bytes`);
  }
});

test('losses that only the statistics of a CPU tell', async () => {
  const path = join(folder, 'statistics.dat');
  const statistics = 'entries: 25\noverrun: 0\ncommit overrun: 2\ndropped events: 40\n';
  writeRecording(path, [pages(5), pages(5)], 1024, { ...METADATA, cpuStatistics: ['entries: 5\n', statistics] });
  const { source } = replay(path, memory, ['test:*']);
  assert.equal(source.losses(), [{ cpu: 1, events: 42 }]);
  memory.reset();
  assert.equal(replay(path, memory, ['test:*'], { cpu: 0 }).source.losses(), []);
  const { stderr, status } = await ktap(['--strict', '--replay', path, '-e', 'trace test:* {}']);
  assert.is(status, 3);
  assert.match(stderr, 'warning: 42 events were lost (CPU 1: 42): the buffers were full when it was recorded');
});

test.run();
