// Names and processes of the tasks of a perf.data, from its records COMM, FORK and EXIT, which take their place in the
// order of time: what they say holds for the records after them. Those that perf made for tasks that were there before
// have no time and come first.
//
//     COMM: header, u32 pid, u32 tid, comm\0      FORK, EXIT: header, u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time
//     MMAP: header, u32 pid, u32 tid, u64 addr, u64 len, u64 pgoff, path\0; one of the kernel's text comes first
//
// Source: include/uapi/linux/perf_event.h.

import type { LinearMemory } from '../../engine/memory.js';
import { Misc, RecordType } from './abi.js';

/** What the kernel's own trace file shows for a task whose name is not known. */
const UNKNOWN = '<...>';
/** A name has at most 15 bytes, and perf pads; the kernel's mapping has a longer one. */
const LONGEST_NAME = 64;
/** pid of the kernel's own mappings. */
const KERNEL_PID = 0xffffffff;

export class PerfTasks {
  private readonly memory: LinearMemory;
  private readonly names: Map<number, string>;
  private readonly groups = new Map<number, number>();
  private readonly spaces = new Map<number, number>();
  private lastSpace = 0;
  /** Processes that `follow` has begun with and their descendants; undefined: all. */
  private followed: Set<number> | undefined;

  constructor(memory: LinearMemory, names: ReadonlyMap<number, string>) {
    this.memory = memory;
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
      return;
    }
    if (type === RecordType.COMM && size > 16) {
      const tid = u32[word + 3]!;
      if ((u32[word + 1]! & Misc.COMM_EXEC) !== 0) this.spaces.set(u32[word + 2]!, ++this.lastSpace);
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
      if (pid !== parent) this.spaces.set(pid, ++this.lastSpace);
      if (pid !== parent && this.followed?.has(parent)) this.followed.add(pid);
    }
  }

  private chars(start: number, end: number): string {
    const { u8 } = this.memory;
    let name = '';
    for (let at = start; at < Math.min(end, start + LONGEST_NAME) && u8[at] !== 0; at++) {
      name += String.fromCharCode(u8[at]!);
    }
    return name;
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

  /** Names a process as it is between one exec and the next: what its user addresses belong to. */
  spaceOf(pid: number): number {
    let space = this.spaces.get(pid);
    if (space === undefined) {
      space = ++this.lastSpace;
      this.spaces.set(pid, space);
    }
    return space;
  }

  /** Process of a task; the task itself where the recording does not tell. */
  pidOf(tid: number): number {
    return this.groups.get(tid) ?? tid;
  }
}
