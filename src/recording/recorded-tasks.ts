// Names and thread groups of the tasks of a recording. It carries one list of names, as they were at its end; the records
// themselves say more, as they pass by in the order of time:
//
//     task_newtask, sched_process_fork   a new task, its name, and whether it is a thread of its creator
//     task_rename                        the name from the record on, and the one before
//     sched_process_exec, sched_switch   the name at that time
//
// So the names are right as of the record that the cursor is at; the past is not kept.

import type { LinearMemory } from '../engine/memory.js';
import { stringReader } from '../events/filter-fields.js';
import type { EventFormat } from '../events/format.js';
import { TaskNames } from './task-names.js';

/**
 * Name of a further buffer in ktap's own recordings, and of the system that its formats stand under: new tasks and renames,
 * kept whatever the script asks for. Its records are not handed out.
 */
export const TASK_BUFFER = 'ktap-tasks';

const CLONE_THREAD = 0x10000;

type Note = (address: number, length: number) => void;

/** Knows the tasks of a recording up to the record that was noted last. */
export class RecordedTasks extends TaskNames {
  private readonly memory: LinearMemory;
  /** A rename takes effect after its record, which still belongs to the old name. */
  private renamed: { readonly tid: number; readonly name: string } | undefined;

  constructor(memory: LinearMemory, names: ReadonlyMap<number, string>, groups: ReadonlyMap<number, number>) {
    super(names, groups);
    this.memory = memory;
  }

  /** Takes what a record of this kind says about tasks; undefined for kinds that say nothing. */
  noteOf(format: EventFormat): Note | undefined {
    switch (`${format.system === TASK_BUFFER ? 'task' : format.system}:${format.name}`) {
      case 'task:task_newtask': {
        const pid = this.integer(format, 'pid');
        const flags = this.integer(format, 'clone_flags');
        const comm = this.string(format, 'comm');
        return (address, length) => {
          const tid = pid(address, length);
          if (tid === undefined) return;
          const creator = this.creator(address);
          this.begin(tid, creator, comm(address, length));
          const isThread = ((flags(address, length) ?? 0) & CLONE_THREAD) !== 0;
          this.groups.set(tid, isThread ? this.pidOf(creator) : tid);
        };
      }
      case 'sched:sched_process_fork': {
        const child = this.integer(format, 'child_pid');
        const parent = this.integer(format, 'parent_pid');
        const comm = this.string(format, 'child_comm');
        return (address, length) => {
          const tid = child(address, length);
          if (tid !== undefined) this.begin(tid, parent(address, length) ?? 0, comm(address, length));
        };
      }
      case 'task:task_rename': {
        const pid = this.integer(format, 'pid');
        const oldName = this.string(format, 'oldcomm');
        const newName = this.string(format, 'newcomm');
        return (address, length) => {
          const tid = pid(address, length) ?? this.creator(address);
          const name = newName(address, length);
          this.name(tid, oldName(address, length));
          if (name !== undefined) this.renamed = { tid, name };
        };
      }
      case 'sched:sched_switch': {
        const tids = [this.integer(format, 'prev_pid'), this.integer(format, 'next_pid')] as const;
        const names = [this.string(format, 'prev_comm'), this.string(format, 'next_comm')] as const;
        return (address, length) => {
          this.name(tids[0](address, length), names[0](address, length));
          this.name(tids[1](address, length), names[1](address, length));
        };
      }
      case 'sched:sched_process_exec': {
        // The name is that of the program's file, cut as the kernel does.
        const path = this.string(format, 'filename');
        return (address, length) => {
          const name = path(address, length)?.replace(/^.*\//s, '').slice(0, 15);
          if (name !== '') this.name(this.creator(address), name);
        };
      }
      default:
        return undefined;
    }
  }

  /** To be called before a record is looked at: what the record before it announced holds now. */
  advance(): void {
    if (this.renamed === undefined) return;
    this.name(this.renamed.tid, this.renamed.name);
    this.renamed = undefined;
  }

  /** Restricts `isFollowed` to a process with its threads and later children. */
  follow(pid: number): void {
    this.followed = new Set([pid]);
    for (const [tid, group] of this.groups) if (group === pid) this.followed.add(tid);
  }

  private begin(tid: number, creator: number, name: string | undefined): void {
    this.name(tid, name);
    if (this.followed?.has(creator)) this.followed.add(tid);
  }

  private name(tid: number | undefined, name: string | undefined): void {
    if (tid !== undefined && tid !== 0 && name !== undefined) this.names.set(tid, name);
  }

  /** common_pid */
  private creator(address: number): number {
    return this.memory.i32[(address + 4) >>> 2]!;
  }

  private integer(format: EventFormat, name: string): (address: number, length: number) => number | undefined {
    const field = format.fields.find((each) => each.name === name);
    if (field === undefined || field.size < 4 || field.offset % 4 !== 0) return () => undefined;
    const { memory } = this;
    const { offset } = field;
    return (address, length) => (offset + 4 > length ? undefined : memory.i32[(address + offset) >>> 2]!);
  }

  private string(format: EventFormat, name: string): (address: number, length: number) => string | undefined {
    const field = format.fields.find((each) => each.name === name);
    return (field === undefined ? undefined : stringReader(this.memory, field)) ?? (() => undefined);
  }
}
