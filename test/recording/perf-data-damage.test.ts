// Damaged perf.data files: a clear error or a counted loss, what is whole is handled, never a crash, a hang or memory
// without bounds.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KtapError } from '../../src/language/diagnostics.js';
import { openAnyRecording } from '../../src/recording/open-recording.js';
import { RecordType } from '../../src/recording/perf-data/abi.js';
import { seeded, TestMemory } from '../events/sub-buffers.js';
import { PerfDataBuilder } from './perf-data-builder.js';
import { attach, run, temporaryFolder } from './small-recording.js';

const test = suite('damaged perf.data');
const folder = temporaryFolder();
const path = join(folder, 'perf.data');
const memory = new TestMemory();

interface Outcome {
  /** Of the events that were handled. */
  readonly values: string[];
  readonly warnings: readonly string[];
  /** The message with which the file was refused. */
  readonly refusal: string | undefined;
}

async function outcome(bytes: Uint8Array): Promise<Outcome> {
  writeFileSync(path, bytes);
  memory.reset();
  try {
    const source = await openAnyRecording(path, memory, {});
    try {
      attach(source, '*:*');
      const values = run(source, memory).map(({ text }) => text.replace(/^.*?value=/, ''));
      source.losses();
      return { values, warnings: source.warnings!(), refusal: undefined };
    } finally {
      source.close();
    }
  } catch (error) {
    assert.instance(error, KtapError, String((error as Error).stack));
    return { values: [], warnings: [], refusal: (error as KtapError).diagnostics[0]!.message };
  }
}

/** A few records of each kind. */
function small(little = true): PerfDataBuilder {
  const builder = new PerfDataBuilder(little);
  builder.comm({ pid: 20, time: 0, cpu: 0 }, 'name');
  for (let index = 1; index <= 4; index++) {
    builder.number({ pid: 20, time: 1000 + index * 10, cpu: index % 2 }, index);
  }
  builder.round().fork({ pid: 20, time: 1041, cpu: 0 }, { pid: 21, tid: 21 });
  builder.clock({ pid: 20, time: 1045, cpu: 0 }, [0xffffffff81000010n], [0x401000n]);
  builder.aux(Buffer.alloc(16, 0x55)).lost({ pid: 20, time: 1046, cpu: 0 }, 3);
  return builder.number({ pid: 21, time: 1050, cpu: 1 }, 5).round();
}
const WHOLE = ['1', '2', '3', '4', 'cpu-clock: ip=0xffffffff81000010 period=1000', '5'];

test('cut off at every byte', async () => {
  for (const builder of [small(), small(false)]) {
    for (const whole of [builder.file(), builder.stream()]) {
      assert.equal((await outcome(whole)).values, WHOLE);
      const step = builder.little ? 1 : 13;
      for (let length = 0; length < whole.length; length += step) {
        const { values, warnings, refusal } = await outcome(whole.subarray(0, length));
        if (refusal !== undefined) {
          assert.match(refusal, /truncated|is empty|corrupt|is not a recording|no event of the recording matches/);
          continue;
        }
        // The records that are there, and a word about it if some are not.
        if (values.length === WHOLE.length) continue;
        assert.is(warnings.length > 0 || length >= 16, true, `${length}`);
      }
    }
  }
});

test('a file that ends within its records says how much is missing', async () => {
  const whole = small().file();
  const data = Number(whole.readBigUInt64LE(40));
  const { values, warnings } = await outcome(whole.subarray(0, data + 300));
  assert.is(values.length > 0 && values.length < WHOLE.length, true);
  assert.match(warnings.join('\n'), /is truncated: \d+ bytes of records are missing/);
});

test('a stream that ends within a record says so', async () => {
  const whole = small().stream();
  const { values, warnings } = await outcome(whole.subarray(0, whole.length - 20));
  assert.equal(values, WHOLE.slice(0, -1));
  assert.match(warnings.join('\n'), /ends within a record/);
});

test('perf record that was killed: the size of the data is 0', async () => {
  const whole = small().file();
  const data = Number(whole.readBigUInt64LE(40));
  const size = Number(whole.readBigUInt64LE(48));
  whole.writeBigUInt64LE(0n, 48);
  const { values, warnings } = await outcome(whole.subarray(0, data + size));
  assert.is(values.length, WHOLE.length);
  assert.match(warnings[0]!, 'perf record was not ended in order: the descriptions of its events are missing');
});

test('a flipped bit anywhere', async () => {
  for (const builder of [small(), small(false)]) {
    for (const whole of [builder.file(), builder.stream()]) {
      for (let bit = 0; bit < whole.length * 8; bit += 37) {
        const bytes = Buffer.from(whole);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        await outcome(bytes);
      }
    }
  }
});

test('random damage of many bytes', async () => {
  const random = seeded(3);
  const whole = [small().file(), small(false).file(), small().stream()];
  for (let turn = 0; turn < 800; turn++) {
    const bytes = Buffer.from(whole[random(whole.length)]!);
    for (let count = 1 + random(8); count > 0; count--) bytes[random(bytes.length)] = random(256);
    await outcome(bytes);
  }
  assert.is(memory.memory.memory.buffer.byteLength < 64 * 2 ** 20, true);
});

test('sizes that lie', async () => {
  const field = async (at: number, value: bigint): Promise<Outcome> => {
    const bytes = small().file();
    bytes.writeBigUInt64LE(value, at);
    return outcome(bytes);
  };
  assert.match((await field(16, 7n)).refusal!, 'is corrupt: the attributes cannot have 7 bytes');
  assert.match((await field(24, 1n << 40n)).refusal!, 'is truncated');
  assert.match((await field(32, 1n)).refusal!, 'is corrupt: it has no events');
  assert.match((await field(40, 1n << 50n)).refusal!, 'is truncated: the file ends before its records');
  assert.match((await field(48, 1n << 50n)).warnings.join('\n'), /is truncated: \d+ bytes of records are missing/);
  assert.match((await field(48, (1n << 64n) - 1n)).refusal!, 'is corrupt');
  // The ids of an event.
  assert.match((await field(120 + 136, 1n << 40n)).refusal!, 'is truncated: the file ends within the ids of an event');
});

test('records that cannot be', async () => {
  const start = (): PerfDataBuilder => new PerfDataBuilder().number({ pid: 1, time: 100, cpu: 0 }, 1);
  const end = (builder: PerfDataBuilder): Uint8Array => builder.number({ pid: 1, time: 101, cpu: 0 }, 2).file();

  // A record without a size: nothing after it can be found.
  const empty = start();
  empty.data.u32(RecordType.COMM).u16(0).u16(0);
  const stopped = await outcome(end(empty));
  assert.equal(stopped.values, ['1']);
  assert.match(stopped.warnings[0]!, 'is corrupt: what follows record 1 cannot be read and is left out');

  // Samples that are too short, of an unknown event, or whose parts lie.
  const bad = start();
  bad.record(RecordType.SAMPLE, (bytes) => bytes.u64(71));
  bad.record(RecordType.SAMPLE, (bytes) => bytes.u64(1234, 0, 0, 100, 0, 0, 0, 0, 0));
  bad.record(RecordType.SAMPLE, (bytes) => bytes.u64(71, 0, 0, 100, 0, 0).u32(0xffffffff, 0));
  bad.record(RecordType.COMM, () => {}).record(RecordType.FORK, (bytes) => bytes.u32(1));
  bad.record(RecordType.LOST, () => {}).record(RecordType.ID_INDEX, (bytes) => bytes.u64(1n << 60n));
  bad.record(RecordType.HEADER_BUILD_ID, () => {}).record(RecordType.COMPRESSED2, () => {});
  const handled = await outcome(end(bad));
  assert.equal(handled.values, ['1', '2']);
  assert.match(handled.warnings.join('\n'), '3 samples are damaged and left out');

  // More AUX data than the file has.
  const aux = start().record(RecordType.AUXTRACE, (bytes) => bytes.u64(1 << 30, 0, 0).u32(0, 0, 0, 0));
  assert.equal((await outcome(end(aux))).values, ['1']);
  const huge = start().record(RecordType.AUXTRACE, (bytes) => bytes.u64(1n << 63n, 0, 0).u32(0, 0, 0, 0));
  assert.equal((await outcome(end(huge))).values, ['1']);
});

test('compressed parts that are damaged, or unpack to far more than there can be', async () => {
  const compressed = async (bytes: Uint8Array): Promise<Outcome> => {
    const builder = new PerfDataBuilder().number({ pid: 1, time: 100, cpu: 0 }, 1);
    builder.record(RecordType.COMPRESSED, (out) => out.append(bytes));
    return outcome(builder.number({ pid: 1, time: 101, cpu: 0 }, 2).file());
  };
  const refused = async (...parts: (number | number[])[]): Promise<void> => {
    const { values, warnings } = await compressed(Uint8Array.from(parts.flat()));
    assert.equal(values, ['1', '2']);
    assert.match(warnings.join('\n'), /1 compressed parts are damaged: their events are missing/);
  };
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  const pad = new Array<number>(24).fill(0);
  await refused(1, 2, 3, 4, pad);
  // A window of 3.75 TiB, a dictionary of its own in a single segment.
  await refused(magic, 0, 0xff, pad);
  await refused(
    magic,
    0xe0,
    pad.map(() => 0xff),
  );
  // A second frame behind the last block (u24: 1: last, raw, empty).
  await refused(magic, 0, 0x40, 1, 0, 0, magic, 0, 0xf8, pad);
  // 16,000 blocks of 128 KiB of one byte each: 2 GiB.
  const rle = (128 * 1024 * 8) | 2;
  const bomb = Array.from({ length: 16_000 }, () => [rle & 255, (rle >> 8) & 255, rle >> 16, 0]).flat();
  await refused(magic, 0, 0x40, bomb);
});

test.run();
