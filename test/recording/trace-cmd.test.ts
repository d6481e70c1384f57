// The same recordings, read by ktap and by trace-cmd; files written by either are read by the other.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openRecording } from '../../src/recording/recording-source.js';
import { TraceDatWriter } from '../../src/recording/trace-dat-writer.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import { testUnless } from '../support.js';
import { METADATA, replay, temporaryFolder, textRecord, writeRecording } from './small-recording.js';

const test = suite('trace-cmd');
const folder = temporaryFolder();
const memory = new TestMemory();
const SAMPLE = 'samples/recordings/syscalls.dat';
const noTraceCmd = spawnSync('trace-cmd', ['--version']).error === undefined ? undefined : 'trace-cmd is not installed';

test.before.each(() => memory.reset());

const traceCmd = (...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync('trace-cmd', args, { encoding: 'latin1', maxBuffer: 1 << 28 });
  assert.is(status, 0, stderr);
  return stdout;
};

/** CPU, time and event of each record, as trace-cmd sees them. */
function reported(path: string): string[] {
  return [...traceCmd('report', '-t', path).matchAll(/^ *.*-\d+ +\[(\d+)\] +(\d+)\.(\d+): (\w+): /gm)].map(
    ([, cpu, seconds, fraction, event]) => `${Number(cpu)} ${BigInt(seconds! + fraction!)} ${event}`,
  );
}

function replayed(path: string): string[] {
  const { handled, source } = replay(path, memory, ['*:*']);
  const offset = source.epoch + (source.wallClockOffset ?? 0n);
  return handled.map(({ cpu, time, event }) => `${cpu} ${BigInt(time) + offset} ${event}`);
}

testUnless(noTraceCmd, test, 'sees the same records in the sample', () => {
  const ours = replayed(SAMPLE);
  assert.ok(ours.length > 3000);
  assert.equal(ours, reported(SAMPLE));
});

testUnless(noTraceCmd, test, 'reads what the writer wrote', () => {
  const random = seeded(7);
  const pages: Uint8Array[][] = [[], [], []];
  let now = 1_000_000_000_000n;
  for (let page = 0; page < 30; page++) {
    const builder = new SubBufferBuilder(now, 4096);
    for (let index = 0; index < 60; index++) {
      now += BigInt([0, 40, 900, 2 ** 27, 2 ** 33][random(5)]!);
      const record = random(2) === 0 ? simpleRecord(300, 1, index) : textRecord(20, 'fixed', 'x'.repeat(random(150)));
      if (!builder.record(now, record, { big: random(9) === 0, absolute: random(9) === 0 })) break;
    }
    pages[random(3)]!.push(builder.finish(page % 5 === 4 ? 3 : undefined));
  }
  const path = join(folder, 'written.dat');
  writeRecording(path, pages, 4096);
  const ours = replayed(path);
  assert.ok(ours.length > 800);
  assert.equal(ours, reported(path));
  const text = traceCmd('report', path);
  assert.match(text, /a name-20 .* text: +fixed=fixed loose=x+/);
  assert.match(traceCmd('dump', '--options', path), 'Linux host 6.1.0-test x86_64');
});

testUnless(noTraceCmd, test, 'version 7 without compression', () => {
  const path = join(folder, 'seven.dat');
  traceCmd('convert', '--file-version', '7', '--compression', 'none', '-i', SAMPLE, '-o', path);
  assert.is(readFileSync(path).toString('latin1', 10, 11), '7');
  const seven = replayed(path);
  memory.reset();
  assert.equal(seven, replayed(SAMPLE));
});

testUnless(noTraceCmd, test, 'version 7, compressed by whatever trace-cmd has', () => {
  const listed = traceCmd('list', '-c');
  const names = [...listed.matchAll(/^\t(\w+), /gm)].map(([, name]) => name!);
  assert.ok(names.length > 0, listed);
  const expected = replayed(SAMPLE);
  for (const name of names) {
    const path = join(folder, `${name}.dat`);
    traceCmd('convert', '--file-version', '7', '--compression', name, '-i', SAMPLE, '-o', path);
    memory.reset();
    assert.equal(replayed(path), expected, name);
  }
});

test('an unknown compression: the error says how to convert it', () => {
  const head = Buffer.from('\x17\x08\x44tracing7\0\0\x08\0\x10\0\0lzma\x005\0\0\0\0\0\0\0\0\0', 'latin1');
  // The options, compressed.
  const section = Buffer.alloc(24);
  section.writeUInt16LE(1, 2);
  head.writeBigUInt64LE(BigInt(head.length), head.length - 8);
  const path = join(folder, 'lzma.dat');
  writeFileSync(path, Buffer.concat([head, section]));
  assert.throws(() => openRecording(path, memory), /lzma\.dat is compressed with lzma, which ktap does not read/);
});

for (const form of [
  { version: 6, compression: 'none' },
  { version: 7, compression: 'none' },
] as const) {
  testUnless(noTraceCmd, test, `several buffers, each with its CPUs (version ${form.version})`, () => {
    const path = join(folder, 'buffers.dat');
    const writer = new TraceDatWriter(path, 2, 1024, form);
    const buffers = [0, writer.addBuffer('one'), writer.addBuffer('two')];
    for (let n = 0; n < 24; n++) {
      const page = new SubBufferBuilder(1000n + BigInt(n), 1024);
      page.record(1000n + BigInt(n), simpleRecord(300, 1, n));
      writer.append(n & 1, page.finish(), buffers[n % 3]);
    }
    writer.finish(METADATA);
    const { handled, source } = replay(path, memory, ['test:number']);
    assert.equal(
      handled.map(({ cpu, text }) => [cpu, text]),
      Array.from({ length: 24 }, (_, n) => [n & 1, `number: value=${n}`]),
    );
    assert.equal(source.losses(), []);
    const shown = traceCmd('report', '-t', path);
    for (const name of ['one', 'two']) assert.is(shown.split(`${name}: `).length - 1, 8, shown);
    const values = [...shown.matchAll(/number: +value=(\d+)/g)].map(([, value]) => Number(value));
    assert.equal(values, Array.from(values.keys()));
    assert.is(values.length, 24);
  });
}

/** Writes a recording with an option of some number and content, by changing that of the recorder's name. */
function withOption(path: string, number: number, content: Uint8Array): void {
  const pages = [0, 400].map((time) => {
    const page = new SubBufferBuilder(10_000n + BigInt(time), 1024);
    page.record(10_000n + BigInt(time), simpleRecord(300, 1, time));
    return page.finish();
  });
  const name = '?'.repeat(content.length - 1);
  const bytes = writeRecording(path, [pages], 1024, { ...METADATA, clock: 'x86-tsc', recorder: name });
  const at = Buffer.from(bytes).indexOf(name);
  new DataView(bytes.buffer).setUint16(at - 6, number, true);
  bytes.set(content, at);
  writeFileSync(path, bytes);
}

testUnless(noTraceCmd, test, 'a clock in cycles whose speed is told, and an offset of all times', () => {
  const path = join(folder, 'cycles.dat');
  // 3 / 2^2 nanoseconds a cycle.
  const speed = new Uint8Array(16);
  new DataView(speed.buffer).setUint32(0, 3, true);
  new DataView(speed.buffer).setUint32(4, 2, true);
  withOption(path, 14, speed);
  const { handled, source } = replay(path, memory, ['test:number']);
  assert.is(source.epoch, 7500n);
  assert.equal(
    handled.map(({ time }) => time),
    [0, 300],
  );
  assert.equal(source.warnings(), []);
  assert.match(traceCmd('report', '-t', path), /0\.000007500: number.*\n.*0\.000007800: number/);

  withOption(path, 7, Buffer.from('5000000000\0'));
  memory.reset();
  const moved = replay(path, memory, ['test:number']).source;
  assert.is(moved.epoch, 5_000_010_000n);
  assert.match(moved.warnings()[0]!, 'does not count nanoseconds');
});

test('options sections of version 7 that form a loop', () => {
  const head = Buffer.alloc(200);
  head.write('\x17\x08\x44tracing7\0\0\x08', 0, 'latin1');
  head.writeUInt32LE(4096, 14);
  head.write('none\0\0', 18, 'latin1');
  head.writeBigUInt64LE(40n, 24);
  // A section of options with nothing but DONE, which leads back to it.
  head.writeUInt16LE(0, 40);
  head.writeBigUInt64LE(14n, 48);
  head.writeUInt16LE(0, 56);
  head.writeUInt32LE(8, 58);
  head.writeBigUInt64LE(40n, 62);
  const path = join(folder, 'loop.dat');
  writeFileSync(path, head);
  assert.throws(() => openRecording(path, memory), /loop\.dat is corrupt: its options sections form a loop/);
  head.writeBigUInt64LE(0n, 62);
  writeFileSync(path, head);
  assert.throws(() => openRecording(path, memory), /loop\.dat is corrupt: it has no header_page/);
});

test('the writer leaves nothing beside its file, also where it is abandoned', () => {
  const path = join(folder, 'left.dat');
  const writer = new TraceDatWriter(path, 2, 1024);
  writer.append(0, new Uint8Array(16));
  writer.abandon();
  writer.abandon();
  assert.throws(() => readFileSync(`${path}.cpu0`), /ENOENT/);
  assert.throws(() => readFileSync(path), /ENOENT/);
  writeRecording(path, [[], []]);
  assert.throws(() => readFileSync(`${path}.cpu1`), /ENOENT/);
});

test('a place that cannot be written is an error', () => {
  assert.throws(
    () => new TraceDatWriter('/no/such/folder/x.dat', 1, 1024),
    /cannot record to \/no\/such\/folder\/x\.dat/,
  );
});

test('metadata comes back as it was written', () => {
  const path = join(folder, 'metadata.dat');
  const kallsyms = Buffer.from(
    'ffffffff81000000 T _stext\nffffffff81001000 T do_thing\nffffffff81002000 t other\nffffffff82000000 T _end\n',
  );
  const clock = 'boot';
  writeRecording(path, [[]], 1024, { ...METADATA, kallsyms, clock, cpuStatistics: ['entries: 0\n'] });
  const source = openRecording(path, memory);
  assert.is(source.kernelSymbol(0xffffffff81001010n), 'do_thing+0x10');
  assert.is(source.kernelTextSymbol(0xffffffff81002000n), 'other');
  assert.is(source.kernelTextSymbol(0xffffffff81002001n), undefined);
  assert.is(source.commOf(20, 0), 'a name');
  assert.is(source.commOf(21, 0), '<...>');
  assert.is(source.pidOf(21, 0), 21);
  source.close();
  writeRecording(path, [[]], 1024, { ...METADATA, clock: 'x86-tsc' });
  const ticks = replay(path, memory, ['test:*']).source;
  assert.match(ticks.warnings()[0]!, 'x86-tsc, does not count nanoseconds');
});

test.run();
