// Names, processes and address spaces of the tasks of a perf.data, from its records COMM, FORK, EXIT, MMAP and MMAP2, which
// take their place in the order of time: what they say holds for the records after them. Those that perf made for tasks that
// were there before have no time and come first.
// events/perf/side-band.ts draws the records.

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressSpaces } from '../../events/address-spaces.js';
import { RecordType } from '../../events/perf/abi.js';
import { COMM_NAME, MMAP_PATH, noteSideBand, textOf, wordPair } from '../../events/perf/side-band.js';
import { TaskNames } from '../task-names.js';

/** pid of the kernel's own mappings. */
const KERNEL_PID = 0xffffffff;

export class PerfTasks extends TaskNames {
  private readonly memory: LinearMemory;
  private readonly spaces: AddressSpaces;

  constructor(memory: LinearMemory, names: ReadonlyMap<number, string>, spaces: AddressSpaces) {
    super(names, new Map());
    this.memory = memory;
    this.spaces = spaces;
  }

  /** Where the kernel's text lies, by the symbol that perf found it by. */
  kernelText: { readonly symbol: string; readonly address: bigint } | undefined;

  /** Takes a record of the types above; others say nothing here. */
  note(address: number, size: number): void {
    const { memory } = this;
    const { u32 } = memory;
    const word = address >>> 2;
    const type = u32[word]!;
    const pid = u32[word + 2]!;
    if (type === RecordType.MMAP && pid === KERNEL_PID && size > MMAP_PATH) {
      const path = textOf(memory, address + MMAP_PATH, address + size);
      const symbol = /^\[kernel\.kallsyms\](\w+)$/.exec(path)?.[1];
      // pgoff is the symbol's address.
      if (symbol !== undefined) this.kernelText ??= { symbol, address: wordPair(memory, address + 32) };
      return;
    }
    noteSideBand(this.spaces, memory, address, size);
    if (type === RecordType.COMM && size > COMM_NAME) {
      const tid = u32[word + 3]!;
      this.groups.set(tid, pid);
      this.names.set(tid, textOf(memory, address + COMM_NAME, address + size));
    } else if (type === RecordType.FORK && size >= 32) {
      const parent = u32[word + 3]!;
      const tid = u32[word + 4]!;
      const name = this.names.get(u32[word + 5]!);
      this.groups.set(tid, pid);
      if (name === undefined) this.names.delete(tid);
      else this.names.set(tid, name);
      if (pid !== parent && this.followed?.has(parent)) this.followed.add(pid);
    }
  }

  /** Restricts `isFollowed` to a process and its later children. */
  follow(pid: number): void {
    this.followed = new Set([pid]);
  }
}
