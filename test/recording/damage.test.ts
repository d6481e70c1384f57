// Recordings that are missing, foreign, cut off or damaged: a clear error, or what is whole of them.

import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KtapError } from '../../src/language/diagnostics.js';
import { openRecording } from '../../src/recording/recording-source.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import { replay, temporaryFolder, textRecord, writeRecording } from './small-recording.js';

const test = suite('damaged recordings');
const folder = temporaryFolder();
const memory = new TestMemory();

/** The message with which a file is refused. */
function refusal(content: string | Uint8Array | undefined, path = join(folder, 'bad.dat')): string {
  if (content !== undefined) writeFileSync(path, content, typeof content === 'string' ? 'latin1' : undefined);
  memory.reset();
  try {
    openRecording(path, memory).close();
  } catch (error) {
    assert.instance(error, KtapError);
    const { message, hint } = (error as KtapError).diagnostics[0]!;
    return message + (hint === undefined ? '' : ` (${hint})`);
  }
  return 'accepted';
}

/** A recording of two CPUs with six records. */
function small(): Uint8Array {
  const first = new SubBufferBuilder(1000n, 1024);
  for (const [time, value] of [
    [1000n, 1],
    [1002n, 3],
    [1004n, 5],
  ] as const) {
    first.record(time, simpleRecord(300, 20, value));
  }
  const second = new SubBufferBuilder(1001n, 1024);
  second.record(1001n, simpleRecord(300, 20, 2));
  second.record(1003n, textRecord(1, 'fixed', 'loose'));
  second.record(1005n, simpleRecord(300, 1, 6), { big: true });
  return writeRecording(join(folder, 'small.dat'), [[first.finish()], [second.finish()]]);
}

const whole = small();

test('the whole recording', () => {
  memory.reset();
  const { handled, source } = replay(join(folder, 'small.dat'), memory, ['test:*']);
  assert.equal(
    handled.map(({ text, time }) => [time, text]),
    [
      [0, 'number: value=1'],
      [1, 'number: value=2'],
      [2, 'number: value=3'],
      [3, 'text: fixed=fixed loose=loose'],
      [4, 'number: value=5'],
      [5, 'number: value=6'],
    ],
  );
  assert.equal(source.warnings(), []);
});

test('no file, a folder, no permission, an empty file, something else', () => {
  assert.is(refusal(undefined, join(folder, 'none.dat')), `cannot read ${folder}/none.dat: no such file`);
  mkdirSync(join(folder, 'sub'));
  assert.match(refusal(undefined, join(folder, 'sub')), /sub: it is a folder \(a recording is read in several places/);
  assert.match(refusal(undefined, '/dev/null'), '/dev/null: it is not a regular file');
  assert.match(refusal(''), 'bad.dat: the file is empty');
  assert.match(refusal('#!/bin/sh\necho\n'), 'bad.dat is not a recording that ktap can replay (ktap replays trace.dat');
  if (process.getuid?.() !== 0) {
    writeFileSync(join(folder, 'secret.dat'), whole);
    chmodSync(join(folder, 'secret.dat'), 0);
    assert.match(refusal(undefined, join(folder, 'secret.dat')), 'secret.dat: permission denied');
  }
});

test('other versions and byte orders', () => {
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = whole.slice();
    bytes[at] = value;
    return bytes;
  };
  assert.match(refusal(changed(10, 0x35)), 'bad.dat is a trace.dat of version 5; ktap reads versions 6 and 7');
  // Numbers read from the wrong end are nonsense soon.
  assert.match(refusal(changed(12, 1)), 'bad.dat is corrupt: the size of header_page cannot be');
  assert.match(refusal(changed(12, 9)), 'bad.dat is corrupt: its byte order cannot be 9');
  assert.match(refusal(changed(13, 5)), 'bad.dat is corrupt: a long cannot have 5 bytes');
  assert.match(refusal(changed(14, 1)), 'bad.dat is corrupt: its pages cannot have');
});

test('the text of a latency tracer', () => {
  const text = Buffer.from(whole).toString('latin1');
  assert.match(refusal(text.replace('flyrecord\0', 'latency  \0')), 'holds the text of a latency tracer, no records');
});

test('sizes and numbers that lie', () => {
  const text = Buffer.from(whole).toString('latin1');
  const after = (word: string, bytes: string): string => {
    const at = text.indexOf(word) + word.length;
    return text.slice(0, at) + bytes + text.slice(at + bytes.length);
  };
  assert.match(refusal(after('header_page\0', '\0\0\0\0\0\0\0\x01')), 'corrupt: the size of header_page cannot be');
  assert.match(refusal(after('header_page\0', '\0\0\0\x7f\0\0\0\0')), 'truncated: the file ends within header_page');
  assert.match(
    refusal(after('header_page\0', '\x10\0\0\0\0\0\0\0')),
    'corrupt: there is no header_event where it should be',
  );
  assert.match(refusal(text.replace('timestamp', 'timestimp')), 'corrupt: header_page does not describe a ring buffer');
  assert.match(refusal(after('test\0', '\xff\xff\xff\xff')), 'corrupt: the size of an event format of test cannot be');
  assert.match(refusal(text.replace('options  \0', 'nonsense!!')), 'neither options nor data are where they should be');
});

test('places of data that lie', () => {
  const at = Buffer.from(whole).indexOf('flyrecord\0') + 10;
  const place = (index: number, value: bigint): Uint8Array => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setBigUint64(at + index * 8, value, true);
    return bytes;
  };
  const values = (bytes: Uint8Array): { values: string[]; warnings: readonly string[] } => {
    const path = join(folder, 'places.dat');
    writeFileSync(path, bytes);
    memory.reset();
    const { handled, source } = replay(path, memory, ['test:number']);
    return { values: handled.map(({ text }) => text.replace(/^.*=/, '')), warnings: source.warnings() };
  };
  const beyond = values(place(0, 1n << 40n));
  assert.equal(beyond.values, ['2', '6']);
  assert.match(beyond.warnings[0]!, 'is truncated: 1024 bytes of records are missing');
  const huge = values(place(1, 0xffff_ffff_ffff_ffffn));
  assert.equal(
    huge.values.sort(),
    ['1', '2', '2', '3', '5', '6', '6'],
    'the data of CPU 1 is read as that of CPU 0 too',
  );
  assert.equal(values(place(1, 0n)).values, ['2', '6']);
  // Data of CPU 0 that begins at the file's start: a page of rubbish and no endless loop.
  assert.ok(values(place(0, 0n)).values.includes('6'));
});

test('a page that is no page costs only its own records', () => {
  const pages = [5n, 6n, 7n].map((time) => {
    const page = new SubBufferBuilder(time, 1024);
    page.record(time, simpleRecord(300, 1, Number(time)));
    return page.finish();
  });
  pages[1]!.fill(0xff);
  const path = join(folder, 'page.dat');
  writeRecording(path, [pages]);
  memory.reset();
  const { handled, source } = replay(path, memory, ['test:number']);
  assert.equal(
    handled.map(({ text }) => text),
    ['number: value=5', 'number: value=7'],
  );
  assert.match(source.warnings()[0]!, 'page.dat is corrupt: records are missing from 1 of its pages');
});

test('a first page with a wrong time stamp does not put the others out of reach', () => {
  const pages = [1n << 62n, 1006n, 1007n, 1008n].map((time) => {
    const page = new SubBufferBuilder(time, 1024);
    page.record(time, simpleRecord(300, 1, Number(time % 10n)));
    return page.finish();
  });
  const path = join(folder, 'stamp.dat');
  writeRecording(path, [pages]);
  memory.reset();
  const { handled, source } = replay(path, memory, ['test:number']);
  assert.equal(
    handled.map(({ text }) => text),
    ['number: value=6', 'number: value=7', 'number: value=8'],
  );
  assert.is(source.epoch, 1006n);
});

test('times that go back: records keep the order of their CPU, and it is said', () => {
  const pages = [5n, 3n, 7n].map((time) => {
    const page = new SubBufferBuilder(time, 1024);
    page.record(time, simpleRecord(300, 1, Number(time)));
    return page.finish();
  });
  const path = join(folder, 'back.dat');
  writeRecording(path, [pages, [pages[2]!]]);
  memory.reset();
  const { handled, source } = replay(path, memory, ['test:number']);
  assert.equal(
    handled.map(({ cpu, text }) => `${cpu} ${text}`),
    ['0 number: value=5', '0 number: value=3', '0 number: value=7', '1 number: value=7'],
  );
  assert.equal(source.warnings(), [`the times of ${path} go back in 1 places: records stay in the order of their CPU`]);
});

test('cut off at every byte: an error that says so, or the records that are whole', () => {
  const path = join(folder, 'cut.dat');
  const dataStart = whole.length - 2048;
  const lengths = new Set<number>();
  writeFileSync(path, whole);
  // From the end on, since shortening a file is much faster than writing it anew.
  for (let size = whole.length - 1; size >= 0; size--) {
    truncateSync(path, size);
    memory.reset();
    let handled: ReturnType<typeof replay>;
    try {
      handled = replay(path, memory, ['test:*']);
    } catch (error) {
      assert.instance(error, KtapError, `${size} bytes: ${error}`);
      assert.match((error as Error).message, size === 0 ? 'is empty' : 'is truncated', `${size} bytes`);
      assert.ok(size < dataStart, `${size} bytes: ${(error as Error).message}`);
      continue;
    }
    lengths.add(handled.handled.length);
    assert.ok(
      handled.source.warnings().some((text) => text.includes('is truncated')),
      `${size} bytes`,
    );
  }
  assert.equal([...lengths].sort(), [0, 1, 2, 3, 4, 5, 6]);
});

test('flipped bits: an error or records, never an exception of another kind', () => {
  const path = join(folder, 'flipped.dat');
  const file = openSync(path, 'w');
  const random = seeded(4711);
  for (let round = 0; round < 2000; round++) {
    const bytes = whole.slice();
    for (let flips = 1 + random(3); flips > 0; flips--) {
      // Some in the header, some in the data.
      const at = round % 3 === 0 ? bytes.length - 1 - random(2048) : random(bytes.length);
      bytes[at] = bytes[at]! ^ (1 << random(8));
    }
    writeSync(file, bytes, 0, bytes.length, 0);
    memory.reset();
    try {
      for (const { time } of replay(path, memory, ['test:*']).handled) assert.ok(Number.isSafeInteger(time));
    } catch (error) {
      assert.instance(error, KtapError, `round ${round}: ${(error as Error).stack}`);
    }
  }
  closeSync(file);
});

test('the sample, cut off in the middle of its records', () => {
  const sample = readFileSync('samples/recordings/syscalls.dat');
  const path = join(folder, 'half.dat');
  writeFileSync(path, sample.subarray(0, sample.length - 50_000));
  assert.ok(statSync(path).size > 100_000);
  memory.reset();
  const { handled, source } = replay(path, memory, ['syscalls:*']);
  assert.ok(handled.length > 1000);
  assert.match(source.warnings()[0]!, /half\.dat is truncated: \d+ bytes of records are missing/);
});

test.run();
