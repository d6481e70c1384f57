// user_string, kernel_string and curr_task_info.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BtfMembers } from '../../src/builtins/btf-members.js';
import { KernelTasks, taskOffsets } from '../../src/builtins/kernel-tasks.js';
import { stringAt } from '../../src/builtins/memory.js';
import { openKernelMemory } from '../../src/events/memory-reader.js';
import { testUnless } from '../support.js';
import { bench, scriptError } from './support.js';

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

testUnless(
  existsSync('/proc/kcore') ? '/proc/kcore is there' : undefined,
  test,
  'what the machine does not tell is nil, with one warning that names what is missing',
  () => {
    const { call, warnings, unknown } = bench({ event: EVENT });
    assert.is(call('curr_task_info', 16), undefined);
    assert.is(call('curr_taskinfo', 16, 8), undefined);
    assert.equal(unknown, ['curr_task_info', 'curr_task_info']);
    assert.is(warnings.length, 1);
    assert.match(warnings[0]!, /^curr_task_info is nil: this kernel has no \/proc\/kcore/);
  },
);

/** Kernel memory with three processes; process 20 has threads 20 and 21. Offsets are made up. */
function tasksInMemory() {
  const offsets = { tasks: 8, pid: 24, tgid: 28, signal: 32, threadNode: 40, threadHead: 16 };
  const base = 0xffff888000000000n;
  const memory = Buffer.alloc(0x1000);
  const at = (task: number, offset: number): number => task * 0x100 + offset;
  const address = (task: number, offset: number): bigint => base + BigInt(at(task, offset));
  const pids = [
    [0, 0],
    [10, 10],
    [20, 20],
    [21, 20],
  ];
  for (const [task, [pid, tgid]] of pids.entries()) {
    memory.writeInt32LE(pid!, at(task, offsets.pid));
    memory.writeInt32LE(tgid!, at(task, offsets.tgid));
    memory.writeUInt32LE(0xf0000000 + task, at(task, 64));
    memory.writeBigUInt64LE(address(8, 0), at(task, offsets.signal));
  }
  const chain = (...nodes: [number, number][]) => {
    for (const [index, [task, offset]] of nodes.entries())
      memory.writeBigUInt64LE(address(...nodes[(index + 1) % nodes.length]!), at(task, offset));
  };
  chain([0, offsets.tasks], [1, offsets.tasks], [2, offsets.tasks]);
  chain([8, offsets.threadHead], [2, offsets.threadNode], [3, offsets.threadNode]);
  return { tasks: new KernelTasks(memoryAt(base, memory), base, offsets), memory, pidOffset: at(3, offsets.pid) };
}

test('the task_struct of a thread is found along the lists of the kernel', () => {
  const { tasks, memory, pidOffset } = tasksInMemory();
  const numberOf = (pid: number, tid: number) => tasks.read(pid, tid, 64, 4)?.readUInt32LE();
  assert.is(numberOf(10, 10), 0xf0000001);
  assert.is(numberOf(20, 20), 0xf0000002);
  assert.is(numberOf(20, 21), 0xf0000003);
  assert.is(numberOf(20, 21), 0xf0000003);
  assert.is(numberOf(20, 22), undefined);
  assert.is(numberOf(30, 30), undefined);
  // A place that has gone to another thread is not used again.
  memory.writeInt32LE(99, pidOffset);
  assert.is(numberOf(20, 21), undefined);
});

testUnless(
  existsSync('/sys/kernel/btf/vmlinux') ? undefined : 'this kernel has no BTF',
  test,
  'offsets of the running kernel come from BTF',
  () => {
    const btf = new BtfMembers(readFileSync('/sys/kernel/btf/vmlinux'));
    const offsets = taskOffsets(btf);
    if (typeof offsets === 'string') throw new Error(offsets);
    assert.is(offsets.tgid, offsets.pid + 4);
    // A member of an unnamed struct in struct sock_common.
    assert.is(btf.offset('sock_common', 'skc_rcv_saddr'), 4);
    assert.is(btf.offset('task_struct', 'no_such_member'), undefined);
    assert.is(new BtfMembers(Buffer.from('no BTF')).offset('task_struct', 'pid'), undefined);
  },
);

test('curr_task_info takes an offset and 4 or 8 bytes', () => {
  const { call } = bench({ event: EVENT });
  assert.throws(() => call('curr_task_info', -1), scriptError(/-1 is no offset in a task_struct/));
  assert.throws(() => call('curr_task_info', 0, 3), scriptError(/4 or 8 bytes can be read, not 3/));
});

test.run();
