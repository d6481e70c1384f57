// Names, processes and address spaces of the tasks of a perf.data, from its records COMM, FORK, EXIT, MMAP and MMAP2, which
// take their place in the order of time: what they say holds for the records after them. Those that perf made for tasks that
// were there before have no time and come first.
//
//     COMM: header, u32 pid, u32 tid, comm\0      FORK, EXIT: header, u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time
//     MMAP: header, u32 pid, u32 tid, u64 addr, u64 len, u64 pgoff, path\0; one of the kernel's text comes first
//     MMAP2: the same, but that 32 bytes of the file's identity, protection and flags stand before the path
//
// Source: include/uapi/linux/perf_event.h.

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressSpaces } from '../../events/address-spaces.js';
import { Misc, RecordType } from './abi.js';

/** What the kernel's own trace file shows for a task whose name is not known. */
const UNKNOWN = '<...>';
/** pid of the kernel's own mappings. */
const KERNEL_PID = 0xffffffff;

export class PerfTasks {
  private readonly memory: LinearMemory;
  private readonly names: Map<number, string>;
  private readonly groups = new Map<number, number>();
  private readonly spaces: AddressSpaces;
  /** Processes that `follow` has begun with and their descendants; undefined: all. */
  private followed: Set<number> | undefined;

  constructor(memory: LinearMemory, names: ReadonlyMap<number, string>, spaces: AddressSpaces) {
    this.memory = memory;
    this.spaces = spaces;
    this.names = new Map(names);
  }

  /** Where the kernel's text lies, by the symbol that perf found it by. */
  kernelText: { readonly symbol: string; readonly address: bigint } | undefined;

  /** Takes a record of the types above; others say nothing here. */
  note(address: number, size: number): void {
    const { u32 } = this.memory;
    const word = address >>> 2;
    const type = u32[word]!;
    if (type === RecordType.MMAP && u32[word + 2] === KERNEL_PID && size > 40) {
      const symbol = /^\[kernel\.kallsyms\](\w+)$/.exec(this.chars(address + 40, address + size))?.[1];
      // pgoff is the symbol's address.
      const place = BigInt(u32[word + 8]!) | (BigInt(u32[word + 9]!) << 32n);
      if (symbol !== undefined) this.kernelText ??= { symbol, address: place };
    } else if (type === RecordType.MMAP && size > 40) {
      this.mapped(address, size, 40);
    } else if (type === RecordType.MMAP2 && size > 72) {
      this.mapped(address, size, 72);
    } else if (type === RecordType.EXIT && size >= 32) {
      if (u32[word + 2] === u32[word + 4]) this.spaces.ended(u32[word + 2]!);
    } else if (type === RecordType.COMM && size > 16) {
      const tid = u32[word + 3]!;
      if ((u32[word + 1]! & Misc.COMM_EXEC) !== 0) this.spaces.executed(u32[word + 2]!);
      this.groups.set(tid, u32[word + 2]!);
      this.names.set(tid, this.chars(address + 16, address + size));
    } else if (type === RecordType.FORK && size >= 32) {
      const pid = u32[word + 2]!;
      const parent = u32[word + 3]!;
      const tid = u32[word + 4]!;
      const name = this.names.get(u32[word + 5]!);
      this.groups.set(tid, pid);
      if (name === undefined) this.names.delete(tid);
      else this.names.set(tid, name);
      if (pid !== parent) this.spaces.forked(pid, parent);
      if (pid !== parent && this.followed?.has(parent)) this.followed.add(pid);
    }
  }

  /** A part of a process's memory: code, unless the record says data, which nobody asked for. */
  private mapped(address: number, size: number, pathOffset: number): void {
    const { u32 } = this.memory;
    const wide = (offset: number): bigint => {
      const word = (address + offset) >>> 2;
      return (BigInt(u32[word + 1]!) << 32n) | BigInt(u32[word]!);
    };
    const start = wide(16);
    const path = this.chars(address + pathOffset, address + size);
    this.spaces.mapped(u32[(address + 8) >>> 2]!, { start, end: start + wide(24), offset: wide(32), path });
  }

  /** Text up to its NUL, within the record. */
  private chars(start: number, end: number): string {
    const { bytes } = this.memory;
    const text = bytes.toString('latin1', start, end);
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  /** Restricts `isFollowed` to a process and its later children. */
  follow(pid: number): void {
    this.followed = new Set([pid]);
  }

  isFollowed(pid: number): boolean {
    return this.followed === undefined || this.followed.has(pid);
  }

  /** Name of a task, byte string. `cpu` tells the idle tasks apart. */
  commOf(tid: number, cpu?: number): string {
    if (tid === 0) return cpu === undefined || cpu < 0 ? 'swapper' : `swapper/${cpu}`;
    return this.names.get(tid) ?? UNKNOWN;
  }

  /** Process of a task; the task itself where the recording does not tell. */
  pidOf(tid: number): number {
    return this.groups.get(tid) ?? tid;
  }
}
