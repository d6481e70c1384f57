// perf's records about tasks and their memory, as address-spaces.ts wants them.
//
// Source: include/uapi/linux/perf_event.h. After the header of 8 bytes:
//
//     MMAP2        +8 u32 pid, tid   +16 u64 address   +24 u64 length   +32 u64 offset   +72 path\0
//     COMM         +8 u32 pid, tid   +16 name\0        misc says whether exec set it
//     FORK, EXIT   +8 u32 pid, parent's pid            +16 u32 tid, parent's tid

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressSpaces } from '../address-spaces.js';
import { MISC_COMM_EXEC, RecordType } from './abi.js';

/** Tells the spaces what the record of `type` at `address` says. */
export function noteSideBand(spaces: AddressSpaces, memory: LinearMemory, type: number, address: number): void {
  const { u16, u32, u64, bytes } = memory;
  const word = address >>> 2;
  const pid = u32[word + 2]!;
  if (type === RecordType.MMAP2) {
    const place = address >>> 3;
    const start = u64[place + 2]!;
    const from = address + 72;
    const path = bytes.toString('latin1', from, bytes.indexOf(0, from));
    spaces.mapped(pid, { start, end: start + u64[place + 3]!, offset: u64[place + 4]!, path });
  } else if (type === RecordType.COMM) {
    if ((u16[(address + 4) >>> 1]! & MISC_COMM_EXEC) !== 0) spaces.executed(pid);
  } else {
    const isThread = pid !== u32[word + 4]!;
    if (isThread) return;
    if (type === RecordType.FORK) spaces.forked(pid, u32[word + 3]!);
    else if (type === RecordType.EXIT) spaces.ended(pid);
  }
}
