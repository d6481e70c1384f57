// user_string, kernel_string and curr_task_info.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringAt } from '../../src/builtins/memory.js';
import { openKernelMemory } from '../../src/builtins/memory-reader.js';
import { bench } from './support.js';

const EVENT = { name: 'openat', cpu: 0, tid: process.pid, flags: 0 };

/** Memory that holds these bytes from an address on, and nothing else. */
const memoryAt = (start: bigint, bytes: Buffer) => ({
  read(address: bigint, size: number) {
    const offset = Number(address - start);
    return offset < 0 || offset >= bytes.length ? undefined : bytes.subarray(offset, offset + size);
  },
  close() {},
});

test('a string ends at its NUL, at unmapped memory, or after 4096 bytes', () => {
  assert.is(stringAt(memoryAt(0x1000n, Buffer.from('abc\0def')), 0x1000n), 'abc');
  assert.is(stringAt(memoryAt(0x1000n, Buffer.from('abc')), 0x1000n), 'abc');
  assert.is(stringAt(memoryAt(0x1ff0n, Buffer.from(`${'x'.repeat(40)}\0`)), 0x1ff0n), 'x'.repeat(40));
  assert.is(stringAt(memoryAt(0x1000n, Buffer.alloc(9000, 'y')), 0x1000n), 'y'.repeat(4096));
  assert.is(stringAt(memoryAt(0x1000n, Buffer.from('\0')), 0x1000n), '');
  assert.is(stringAt(memoryAt(0x1000n, Buffer.from('abc')), 0x3000n), undefined);
});

test('user_string reads the process of the event; what cannot be read is nil, counted', () => {
  const { call, unknown } = bench({ event: EVENT, task: { pid: process.pid } });
  assert.is(call('user_string', 0), undefined);
  assert.is(call('user_string', -4096), undefined);
  assert.is(call('user_string', BigInt.asIntN(64, 1n << 63n)), undefined);
  assert.equal(unknown, ['user_string', 'user_string', 'user_string']);
  assert.is(bench({ task: { pid: 0x3fffffff } }).call('user_string', 4096), undefined);
});

test('a string that travelled with the event is taken from there; a recording asks no process', () => {
  const facts = { stringAt: (address: bigint, space: string) => (address === 16n ? `${space}!` : undefined) };
  const { call, unknown } = bench({ event: EVENT, facts, replaying: true, task: { pid: process.pid } });
  assert.is(call('user_string', 16), 'user!');
  assert.is(call('kernel_string', 16), 'kernel!');
  assert.is(call('user_string', 32), undefined);
  assert.is(call('kernel_string', 32), undefined);
  assert.is(call('curr_task_info', 0), undefined);
  assert.equal(unknown, ['user_string', 'kernel_string', 'curr_task_info']);
});

/** An ELF core file with one segment. */
function coreFile(address: bigint, contents: Buffer): Buffer {
  const header = Buffer.alloc(64 + 56);
  header.writeUInt32BE(0x7f454c46, 0);
  header[4] = 2;
  header[5] = 1;
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeBigUInt64LE(120n, 72);
  header.writeBigUInt64LE(address, 80);
  header.writeBigUInt64LE(BigInt(contents.length), 96);
  return Buffer.concat([header, contents]);
}

test('kernel memory is read from a core file by address', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ktap-test-'));
  try {
    const path = join(folder, 'kcore');
    writeFileSync(path, coreFile(0xffff888000000000n, Buffer.from('init\0rest')));
    const memory = openKernelMemory(path);
    if (!('read' in memory)) throw new Error(memory.missing);
    assert.is(stringAt(memory, 0xffff888000000000n), 'init');
    assert.is(stringAt(memory, 0xffff888000000005n), 'rest');
    assert.is(stringAt(memory, 0xffff888000001000n), undefined);
    memory.close();
    writeFileSync(path, 'no core file');
    assert.match((openKernelMemory(path) as { missing: string }).missing, /is no 64-bit little-endian ELF file/);
    assert.match((openKernelMemory(join(folder, 'none')) as { missing: string }).missing, /this kernel has no/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what the machine does not tell is nil, with one warning that names what is missing', () => {
  const { call, warnings, unknown } = bench({ event: EVENT });
  assert.is(call('curr_task_info', 16), undefined);
  assert.is(call('curr_taskinfo', 16, 8), undefined);
  assert.equal(unknown, ['curr_task_info', 'curr_task_info']);
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /^curr_task_info is nil: /);
});

test.run();
