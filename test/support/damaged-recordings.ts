// Searches for damage to recordings that brings out more than an error or a counted loss: an exception from inside, a replay
// that takes very long, memory that grows. Recordings of every form are damaged in ways that a seed decides.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventSource } from '../../src/events/source.js';
import { KtapError } from '../../src/language/diagnostics.js';
import { openAnyRecording } from '../../src/recording/open-recording.js';
import { TASK_BUFFER } from '../../src/recording/recorded-tasks.js';
import { type FileForm, TraceDatWriter } from '../../src/recording/trace-dat-writer.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import { bigEndianRecording } from '../recording/big-endian.js';
import { PerfDataBuilder } from '../recording/perf-data-builder.js';
import { attach, METADATA, textRecord } from '../recording/small-recording.js';

/** Milliseconds and bytes that no small damaged recording may take. */
const LONGEST = 5000;
const LARGEST = 400 * 2 ** 20;

interface Base {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Two CPUs, two buffers, records of all sizes. */
function written(path: string, form: FileForm): Uint8Array {
  const random = seeded(5);
  const writer = new TraceDatWriter(path, 2, 1024, form);
  const further = [0, writer.addBuffer('more'), writer.addBuffer(TASK_BUFFER)];
  const kallsyms = Buffer.from('ffffffff81000000 T _stext\nffffffff81001000 T do_thing\nffffffff82000000 T _end\n');
  let now = 1_000_000n;
  for (let page = 0; page < 40; page++) {
    const builder = new SubBufferBuilder(now, 1024);
    for (let index = 0; index < 20; index++) {
      now += BigInt([0, 40, 900, 2 ** 27][random(4)]!);
      const record = random(2) === 0 ? simpleRecord(300, 1, index) : textRecord(20, 'fixed', 'x'.repeat(random(80)));
      if (!builder.record(now, record, { big: random(9) === 0, absolute: random(9) === 0 })) break;
    }
    writer.append(random(2), builder.finish(page % 5 === 4 ? 3 : undefined), further[page % 3]!);
  }
  writer.finish({ ...METADATA, kallsyms, cpuStatistics: ['entries: 0\noverrun: 3\n', 'entries: 0\n'] });
  return new Uint8Array(readFileSync(path));
}

/** A perf.data with records of each kind. */
function perfData(little: boolean): PerfDataBuilder {
  const random = seeded(6);
  const builder = new PerfDataBuilder(little).comm({ pid: 20, time: 0, cpu: 0 }, 'name');
  for (let index = 0; index < 60; index++) {
    const moment = { pid: 20, time: 1000 + index * 8 - random(30), cpu: random(3) };
    if (random(3) === 0) builder.clock(moment, [0xffffffff81001000n], [0x401000n, 0x402000n]);
    else builder.number(moment, index);
    if (index % 20 === 10) builder.round().fork(moment, { pid: 21, tid: 21 + index });
    if (index % 20 === 15) builder.lost(moment, 3).aux(Buffer.alloc(32, 1)).comm(moment, 'other', true);
  }
  return builder.round();
}

/** The recordings that are damaged. */
function makeBases(folder: string): Base[] {
  const path = join(folder, 'base.dat');
  const bases: Base[] = [
    { name: 'version 6', bytes: written(path, { version: 6, compression: 'none' }) },
    { name: 'version 7', bytes: written(path, { version: 7, compression: 'none' }) },
    { name: 'version 7, zlib', bytes: written(path, { version: 7, compression: 'zlib' }) },
    { name: 'big-endian, 64 bits', bytes: bigEndianRecording(8) },
    { name: 'big-endian, 32 bits', bytes: bigEndianRecording(4) },
    { name: 'perf.data', bytes: perfData(true).file() },
    { name: 'perf.data, big-endian', bytes: perfData(false).file() },
    { name: 'perf.data from a pipe', bytes: perfData(true).stream() },
    { name: 'perf.data in compressed records', bytes: perfData(true).compressed().file() },
    { name: 'cpu-clock', bytes: new Uint8Array(readFileSync('samples/recordings/cpu-clock.data')) },
    { name: 'system calls', bytes: new Uint8Array(readFileSync('samples/recordings/syscalls.dat')) },
  ];
  const zstd = ['convert', '--file-version', '7', '--compression', 'zstd', '-i', 'samples/recordings/syscalls.dat'];
  if (spawnSync('trace-cmd', [...zstd, '-o', path]).status === 0) {
    bases.push({ name: 'version 7, zstd', bytes: new Uint8Array(readFileSync(path)) });
  }
  // No Buffers, whose methods check what they are given.
  return bases.map(({ name, bytes }) => ({ name, bytes: new Uint8Array(bytes) }));
}

/** Numbers that sizes and offsets are set to. */
const BAD_NUMBERS = [0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, (1n << 53n) - 1n, (1n << 64n) - 1n];

/** Damages a copy. What it takes from `random` decides all. */
function damage(original: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = original.slice();
  // Heads are small and matter most.
  const place = (): number => (random(2) === 0 ? random(bytes.length) : random(Math.min(bytes.length, 4096)));
  for (let times = 1 + random(4); times > 0 && bytes.length > 16; times--) {
    const at = place();
    switch (random(6)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random(8));
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2: {
        const size = [2, 4, 8][random(3)]!;
        if (at + 8 > bytes.length) break;
        const value = random(3) === 0 ? BigInt(random(bytes.length * 2)) : BAD_NUMBERS[random(BAD_NUMBERS.length)]!;
        const number = new Uint8Array(new BigUint64Array([value]).buffer);
        bytes.set(number.subarray(0, size), at);
        break;
      }
      case 3:
        bytes.fill([0, 0xff, 0x41][random(3)]!, at, at + random(64));
        break;
      case 4: {
        const from = place();
        bytes.copyWithin(at, from, from + random(2048));
        break;
      }
      default: {
        // Something left out: all that follows is in the wrong place.
        const end = at + 1 + random(32);
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
      }
    }
  }
  return bytes;
}

/** Opens a recording and hands out all that can be: what a session does, and more. */
async function replayAll(path: string, memory: TestMemory): Promise<void> {
  let source: EventSource | undefined;
  try {
    source = await openAnyRecording(path, memory, {});
    attach(source, '*:*', '*:* /common_pid > 3/');
    source.start();
    while (!source.ended) {
      const cursor = source.poll(false);
      while (cursor.next()) {
        const event = source.eventOf(cursor.id);
        if (event === undefined) continue;
        for (const filter of event.filters ?? []) filter?.(cursor.address, cursor.length);
        source.textOf(event, cursor.address, cursor.length);
        source.commOf(memory.memory.i32[(cursor.address + 4) >>> 2]!, cursor.time, cursor.cpu);
        source.stacks?.kernel();
        source.stacks?.user();
        if (!Number.isSafeInteger(cursor.time)) throw new Error(`the time ${cursor.time}`);
      }
      if (Number.isNaN(source.horizon)) throw new Error('no horizon');
    }
    source.kernelSymbol(0xffffffff81001010n);
    source.losses();
    source.warnings?.();
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
  } finally {
    source?.close();
  }
}

let bases: readonly Base[] | undefined;
let folder = '';
const memory = new TestMemory();

/** Damages a recording as a seed says and replays it; what is wrong, or undefined. The recording is kept for a look then. */
export async function checkDamagedRecording(seed: number): Promise<{ name: string; what: string } | undefined> {
  if (bases === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'ktap-damaged-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    bases = makeBases(folder);
  }
  // Small seeds give small first numbers.
  const random = seeded(Math.imul(seed + 1, 0x9e3779b1));
  for (let round = 0; round < 8; round++) random(2);
  const base = bases[random(bases.length)]!;
  const bytes = damage(base.bytes, random);
  const path = join(folder, 'damaged.dat');
  writeFileSync(path, bytes);
  memory.reset();
  const started = performance.now();
  let what: string | undefined;
  try {
    await replayAll(path, memory);
  } catch (error) {
    what = `an exception from inside: ${(error as Error).stack}`;
  }
  const milliseconds = performance.now() - started;
  if (milliseconds > LONGEST) what ??= `it takes ${Math.round(milliseconds)} ms`;
  const { rss } = process.memoryUsage();
  if (rss > LARGEST * 2) what ??= `the process has ${Math.round(rss / 2 ** 20)} MiB`;
  if (what === undefined) return undefined;
  mkdirSync('build/fuzz', { recursive: true });
  const kept = `build/fuzz/recording-${seed}.dat`;
  writeFileSync(kept, bytes);
  return { name: `${kept} (${base.name})`, what };
}
