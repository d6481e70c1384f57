// perf's records about tasks and their memory, live and recorded, as address-spaces.ts wants them.
//
// Source: include/uapi/linux/perf_event.h. After the header of 8 bytes:
//
//     MMAP         +8 u32 pid, tid   +16 u64 address   +24 u64 length   +32 u64 offset   +40 path\0
//     MMAP2        the same, but 32 bytes of the file's identity, protection and flags stand before the path, at +72
//     COMM         +8 u32 pid, tid   +16 name\0        misc says whether exec set it
//     FORK, EXIT   +8 u32 pid, parent's pid            +16 u32 tid, parent's tid            +24 u64 time

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressSpaces } from '../address-spaces.js';
import { Misc, RecordType } from './abi.js';

/** Bytes from a record's start. */
export const MMAP_PATH = 40;
const MMAP2_PATH = 72;
export const COMM_NAME = 16;
/** Of a FORK or EXIT. */
const TASK_SIZE = 32;

/** Tells the spaces what the record of `size` bytes at `address` says; those too short for their type say nothing. */
export function noteSideBand(spaces: AddressSpaces, memory: LinearMemory, address: number, size: number): void {
  const { u32 } = memory;
  const word = address >>> 2;
  const type = u32[word]!;
  const pid = u32[word + 2]!;
  if (type === RecordType.MMAP2) {
    if (size > MMAP2_PATH) noteMapping(spaces, memory, address, size, MMAP2_PATH);
  } else if (type === RecordType.MMAP) {
    if (size > MMAP_PATH) noteMapping(spaces, memory, address, size, MMAP_PATH);
  } else if (type === RecordType.COMM) {
    if (size > COMM_NAME && (u32[word + 1]! & Misc.COMM_EXEC) !== 0) spaces.executed(pid);
  } else if (size >= TASK_SIZE) {
    const isThread = pid !== u32[word + 4]!;
    if (isThread) return;
    if (type === RecordType.FORK) spaces.forked(pid, u32[word + 3]!);
    else if (type === RecordType.EXIT) spaces.ended(pid);
  }
}

/** A part of a process's memory: code, unless the record says data, which nobody asked for. */
function noteMapping(
  spaces: AddressSpaces,
  memory: LinearMemory,
  address: number,
  size: number,
  pathOffset: number,
): void {
  const start = wordPair(memory, address + 16);
  const end = start + wordPair(memory, address + 24);
  const path = textOf(memory, address + pathOffset, address + size);
  spaces.mapped(memory.u32[(address + 8) >>> 2]!, { start, end, offset: wordPair(memory, address + 32), path });
}

/** What the header of a record says of its size. */
export function recordSize({ u16 }: LinearMemory, address: number): number {
  return u16[(address + 6) >>> 1]!;
}

/** A u64 at a multiple of 4. */
export function wordPair({ u32 }: LinearMemory, address: number): bigint {
  const word = address >>> 2;
  return (BigInt(u32[word + 1]!) << 32n) | BigInt(u32[word]!);
}

/** A byte string up to its NUL, or to `end`. */
export function textOf({ bytes }: LinearMemory, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}
