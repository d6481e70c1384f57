// Finds the task_struct of a thread in the memory of the kernel: from init_task along the list of processes, then along
// the threads of the process. Offsets come from BTF.
//
//     init_task.tasks ⇄ task_struct.tasks ⇄ …            one for each process (its leading thread)
//     task_struct.signal → signal_struct.thread_head ⇄ task_struct.thread_node ⇄ …   one for each thread

import { readFileSync } from 'node:fs';
import { kernelMemory, type MemoryReader } from '../events/memory-reader.js';
import { BtfMembers } from './btf-members.js';

export interface TaskOffsets {
  readonly tasks: number;
  readonly pid: number;
  readonly tgid: number;
  readonly signal: number;
  readonly threadNode: number;
  readonly threadHead: number;
}

/** No machine has more processes or threads (PID_MAX_LIMIT): a list that is longer changes while it is walked. */
const LONGEST_LIST = 4_194_304;

export class KernelTasks {
  readonly #memory: MemoryReader;
  readonly #initTask: bigint;
  readonly #offsets: TaskOffsets;
  /** Where threads were found last. */
  readonly #known = new Map<number, bigint>();

  constructor(memory: MemoryReader, initTask: bigint, offsets: TaskOffsets) {
    this.#memory = memory;
    this.#initTask = initTask;
    this.#offsets = offsets;
  }

  /** Bytes of the task_struct of thread `tid` of process `pid`; undefined where it is gone. */
  read(pid: number, tid: number, offset: number, size: number): Buffer | undefined {
    let task = this.#known.get(tid);
    if (task === undefined || !this.#isThread(task, pid, tid)) {
      task = this.#find(pid, tid);
      if (task === undefined) {
        this.#known.delete(tid);
        return undefined;
      }
      this.#known.set(tid, task);
    }
    const bytes = this.#memory.read(task + BigInt(offset), size);
    return bytes?.length === size ? bytes : undefined;
  }

  #find(pid: number, tid: number): bigint | undefined {
    const { tasks, tgid, signal, threadHead, threadNode } = this.#offsets;
    const leader = this.#walk(this.#initTask + BigInt(tasks), tasks, (task) => this.#number(task, tgid) === pid);
    if (leader === undefined || pid === tid) return leader;
    const shared = this.#pointer(leader + BigInt(signal));
    if (shared === undefined) return undefined;
    return this.#walk(shared + BigInt(threadHead), threadNode, (task) => this.#isThread(task, pid, tid));
  }

  /** The first object on a circular list whose node lies `node` bytes in it. `head` itself belongs to none of them. */
  #walk(head: bigint, node: number, fits: (object: bigint) => boolean): bigint | undefined {
    let at = this.#pointer(head);
    for (let steps = 0; at !== undefined && at !== head && steps < LONGEST_LIST; steps++) {
      const object = at - BigInt(node);
      if (fits(object)) return object;
      at = this.#pointer(at);
    }
    return undefined;
  }

  #isThread(task: bigint, pid: number, tid: number): boolean {
    return this.#number(task, this.#offsets.pid) === tid && this.#number(task, this.#offsets.tgid) === pid;
  }

  #number(task: bigint, offset: number): number | undefined {
    const bytes = this.#memory.read(task + BigInt(offset), 4);
    return bytes?.length === 4 ? bytes.readInt32LE() : undefined;
  }

  #pointer(address: bigint): bigint | undefined {
    const bytes = this.#memory.read(address, 8);
    return bytes?.length === 8 ? bytes.readBigUInt64LE() : undefined;
  }
}

/** The offsets that BTF tells, or the name of the first that it does not. */
export function taskOffsets(btf: BtfMembers): TaskOffsets | string {
  const places = {
    tasks: ['task_struct', 'tasks'],
    pid: ['task_struct', 'pid'],
    tgid: ['task_struct', 'tgid'],
    signal: ['task_struct', 'signal'],
    threadNode: ['task_struct', 'thread_node'],
    threadHead: ['signal_struct', 'thread_head'],
  } as const;
  const offsets: Record<string, number> = {};
  for (const [key, [struct, member]] of Object.entries(places)) {
    const offset = btf.offset(struct, member);
    if (offset === undefined) return `${struct}.${member}`;
    offsets[key] = offset;
  }
  return offsets as unknown as TaskOffsets;
}

let tasksOfThisMachine: KernelTasks | { readonly missing: string } | undefined;

/** The tasks of this machine, or what is missing to find them; looked for once, it is the same for all sessions. */
export function kernelTasks(): KernelTasks | { readonly missing: string } {
  tasksOfThisMachine ??= openKernelTasks();
  return tasksOfThisMachine;
}

function openKernelTasks(): KernelTasks | { readonly missing: string } {
  const memory = kernelMemory();
  if (!('read' in memory)) return memory;
  let btf: BtfMembers;
  try {
    btf = new BtfMembers(readFileSync('/sys/kernel/btf/vmlinux'));
  } catch {
    return { missing: 'this kernel has no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)' };
  }
  const offsets = taskOffsets(btf);
  if (typeof offsets === 'string') return { missing: `the types of this kernel have no ${offsets}` };
  const initTask = /^([0-9a-f]+) \w init_task$/m.exec(readFileSync('/proc/kallsyms', 'latin1'))?.[1];
  if (initTask === undefined || /^0+$/.test(initTask))
    return { missing: '/proc/kallsyms does not tell where init_task lies (CONFIG_KALLSYMS_ALL, and root)' };
  return new KernelTasks(memory, BigInt(`0x${initTask}`), offsets);
}
