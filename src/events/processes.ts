// Names and thread groups of tasks as of a moment. /proc tells only how things are now, so new tasks and renames (exec is
// one) are watched by two events in an instance of their own: there the filters, pids and losses of the user's events do
// not touch them, and they can be read ahead of the user's events, which is what makes the answer exact:
//
//     rename ────────●────────────────────   oldcomm before, newcomm from here on
//     user's event ●   handled ───────●      asks at its own time: oldcomm
//
// A task that was there before is looked up in /proc when it is first asked for, and a few at a time while nothing else is
// to be done, so that its name is known even if it ends before. After each look the watched events are read: a rename that
// came before the look is then in the history with the old name.

import { readdirSync } from 'node:fs';
import type { LinearMemory } from '../engine/memory.js';
import type { EventCatalogue, EventName } from './event-catalogue.js';
import type { EventFormat } from './format.js';
import { TracingInstance } from './instance.js';
import { LiveBuffers } from './live-buffers.js';
import type { FirstTask } from './recorder.js';
import type { SubBufferLayout } from './ring-buffer.js';
import { readText } from './tracefs.js';

const NEW_TASK: EventName = { system: 'task', event: 'task_newtask' };
const RENAME: EventName = { system: 'task', event: 'task_rename' };
const CLONE_THREAD = 0x10000;
/** KiB of each CPU's buffer: about 4,000 forks between two readings. */
const BUFFER_KB = 256;
/** Processes looked up in one go, and how long that may go on before something else is done; 50 µs a task. */
const TASKS_AT_ONCE = 16;
const LOOK_MILLISECONDS = 5;
/** History of so many tasks before that of ended ones is dropped, and entries of one task before old ones are. */
const MANY_TASKS = 20_000;
const MANY_ENTRIES = 16;
/** What the kernel's own trace file shows for a task whose name is not known any more. */
const UNKNOWN = '<...>';

/** From `time` on; -Infinity: since before the trace. */
interface Entry {
  readonly time: number;
  readonly comm: string;
  /** Before this entry, for renames. */
  readonly oldComm?: string;
  /** Thread group; undefined: as before. */
  readonly pid?: number;
}

export interface TaskHistoryOptions {
  readonly root: string;
  readonly catalogue: EventCatalogue;
  readonly memory: LinearMemory;
  readonly layout: SubBufferLayout;
  readonly epoch: bigint;
  allocateBuffer(bytes: number): number;
  /** Called when a new thread of this process has been seen. */
  onOwnThread(tid: number): void;
  /** The sub-buffers of the watched events are kept by somebody, who wants them as large as these bytes. */
  readonly recorded?:
    | { readonly subBufferBytes: number; readonly received: (cpu: number, subBuffer: Uint8Array) => void }
    | undefined;
}

export class TaskHistory {
  private readonly tasks = new Map<number, Entry[]>();
  private readonly memory: LinearMemory;
  private readonly onOwnThread: (tid: number) => void;
  private readonly instance: TracingInstance | undefined;
  private readonly buffers: LiveBuffers | undefined;
  private readonly newTask: EventFormat | undefined;
  private readonly rename: EventFormat | undefined;
  /** Tasks that are still to be looked up. */
  private unseen: number[] = [];
  private readonly root: string;
  private savedCommands: ReadonlyMap<number, string> | undefined;
  /** Everything up to here has been handled, so older history is of no use. */
  private handled = Number.NEGATIVE_INFINITY;

  /** Without rights or on a kernel without these events, only /proc is asked. */
  constructor(options: TaskHistoryOptions) {
    const { root, catalogue } = options;
    this.root = root;
    this.memory = options.memory;
    this.onOwnThread = options.onOwnThread;
    if (!catalogue.has(NEW_TASK.system, NEW_TASK.event) || !catalogue.has(RENAME.system, RENAME.event)) return;
    this.newTask = catalogue.formatOf(NEW_TASK);
    this.rename = catalogue.formatOf(RENAME);
    // Small sub-buffers: a reading takes what is there anyway.
    const { recorded } = options;
    const subBufferSizeKb = recorded === undefined ? 4 : recorded.subBufferBytes / 1024;
    this.instance = TracingInstance.create(root, { bufferSizeKb: BUFFER_KB, subBufferSizeKb });
    this.instance.enable(['task:task_newtask', 'task:task_rename'], (_, error) => {
      throw error;
    });
    const { instance } = this;
    this.buffers = new LiveBuffers({ ...options, instance, cpus: instance.cpus, received: recorded?.received });
  }

  /** From here on names are watched. `first`: processes to look up at once. */
  start(first: readonly number[]): void {
    if (this.instance !== undefined) this.instance.tracing = true;
    for (const pid of first) this.lookUp(numbersIn(`/proc/${pid}/task`));
    // The newest are likely to end first: they are looked up first.
    this.unseen = numbersIn('/proc');
    this.lookUpSome();
  }

  /** Reads what has been watched up to now. `handled`: no question about an earlier time will come. */
  update(handled: number): void {
    this.handled = handled;
    const { buffers } = this;
    if (buffers === undefined) return;
    // All that is there, without waiting for other CPUs: an event's time decides its place in the task's history.
    buffers.read(true);
    while (buffers.merger.next()) this.take(buffers.merger);
    if (this.tasks.size > MANY_TASKS) this.forgetEnded();
  }

  private take({ id, address, time }: LiveBuffers['merger']): void {
    const { newTask, rename, memory } = this;
    if (newTask !== undefined && id === newTask.id) {
      const flags = memory.u32[(address + offsetOf(newTask, 'clone_flags')) >>> 2]!;
      const creator = memory.i32[(address + 4) >>> 2]!;
      const tid = memory.i32[(address + offsetOf(newTask, 'pid')) >>> 2]!;
      const isThread = (flags & CLONE_THREAD) !== 0;
      const pid = isThread ? this.pidOf(creator, time) : tid;
      if (isThread && pid === process.pid) this.onOwnThread(tid);
      this.add(tid, { time, comm: this.chars(address + offsetOf(newTask, 'comm')), pid });
    } else if (rename !== undefined && id === rename.id) {
      const tid = memory.i32[(address + offsetOf(rename, 'pid')) >>> 2]!;
      const comm = this.chars(address + offsetOf(rename, 'newcomm'));
      this.add(tid, { time, comm, oldComm: this.chars(address + offsetOf(rename, 'oldcomm')) });
    }
  }

  private chars(address: number): string {
    const bytes = this.memory.u8.subarray(address, address + 16);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
  }

  private add(tid: number, entry: Entry): void {
    const entries = this.tasks.get(tid);
    if (entries === undefined) {
      this.tasks.set(tid, [entry]);
      return;
    }
    let at = entries.length;
    while (at > 0 && entries[at - 1]!.time > entry.time) at--;
    entries.splice(at, 0, entry);
    if (entries.length <= MANY_ENTRIES) return;
    const current = entries.findLastIndex((each) => each.time <= this.handled);
    if (current <= 0) return;
    const pid = pidAt(entries, current);
    const dropped = entries.splice(0, current);
    if (pid !== undefined && dropped.length > 0) entries[0] = { ...entries[0]!, pid };
  }

  /** Name of a task at a time, a byte string. `cpu` tells the idle tasks apart. */
  commOf(tid: number, time: number, cpu?: number): string {
    if (tid === 0) return cpu === undefined ? 'swapper' : `swapper/${cpu}`;
    const entries = this.entriesOf(tid);
    for (let at = entries.length - 1; at >= 0; at--) if (entries[at]!.time <= time) return entries[at]!.comm;
    return entries[0]?.oldComm ?? this.savedCommand(tid);
  }

  /** Thread group of a task at a time; the task itself where nothing is known. */
  pidOf(tid: number, time: number): number {
    if (tid === 0) return 0;
    const entries = this.entriesOf(tid);
    const at = entries.findLastIndex((entry) => entry.time <= time);
    const known = pidAt(entries, at);
    if (known !== undefined) return known;
    // Only renames are known of it: it was there before the trace, and its thread group does not change.
    if (entries.some((entry) => entry.pid !== undefined)) return tid;
    const pid = threadGroup(tid);
    const first = entries[0];
    if (pid !== undefined && first !== undefined) {
      entries.unshift({ time: Number.NEGATIVE_INFINITY, comm: first.oldComm ?? first.comm, pid });
    }
    return pid ?? tid;
  }

  private entriesOf(tid: number): Entry[] {
    const known = this.tasks.get(tid);
    if (known !== undefined) return known;
    this.lookUp([tid]);
    let entries = this.tasks.get(tid);
    if (entries === undefined) {
      // It is gone and nothing was seen of it; this stands so that it is not looked up again for each of its events.
      entries = [{ time: Number.NEGATIVE_INFINITY, comm: this.savedCommand(tid) }];
      this.tasks.set(tid, entries);
    }
    return entries;
  }

  /** Enters tasks as /proc shows them now, unless something has been seen of them meanwhile. */
  private lookUp(tids: readonly number[]): void {
    const looked: { tid: number; comm: string; pid: number | undefined }[] = [];
    for (const tid of tids) {
      const comm = tryRead(`/proc/${tid}/comm`);
      if (comm !== undefined) looked.push({ tid, comm: comm.replace(/\n$/, ''), pid: threadGroup(tid) });
    }
    this.update(this.handled);
    for (const { tid, comm, pid } of looked) {
      if (this.tasks.has(tid)) continue;
      const entry: Entry = { time: Number.NEGATIVE_INFINITY, comm };
      this.tasks.set(tid, [pid === undefined ? entry : { ...entry, pid }]);
    }
  }

  /** Looks up some tasks that were there when the trace began; to be called while nothing else is to be done. */
  lookUpSome(): void {
    const until = performance.now() + LOOK_MILLISECONDS;
    while (this.unseen.length > 0 && performance.now() < until) {
      const tids = this.unseen.splice(-TASKS_AT_ONCE).flatMap((pid) => numbersIn(`/proc/${pid}/task`));
      this.lookUp(tids.filter((tid) => !this.tasks.has(tid)));
    }
  }

  /** The events that are watched; none where the kernel does not have them. */
  get watched(): readonly EventName[] {
    return this.buffers === undefined ? [] : [NEW_TASK, RENAME];
  }

  /** All tasks that there are now; before `start`. */
  *everyTask(): Iterable<FirstTask> {
    this.lookUp(numbersIn('/proc').flatMap((pid) => numbersIn(`/proc/${pid}/task`)));
    for (const [tid, entries] of this.tasks) yield { tid, comm: entries[0]!.comm, pid: entries[0]!.pid ?? tid };
  }

  /** The last known name of each task. */
  *lastNames(): Iterable<readonly [tid: number, comm: string]> {
    for (const [tid, entries] of this.tasks) yield [tid, entries.at(-1)!.comm];
  }

  /** Name from the kernel's own list of recently seen tasks, which has no times. */
  private savedCommand(tid: number): string {
    if (this.savedCommands === undefined) {
      const text = tryRead(`${this.root}/saved_cmdlines`) ?? '';
      this.savedCommands = new Map([...text.matchAll(/^(\d+) (.*)$/gm)].map(([, pid, name]) => [Number(pid), name!]));
    }
    return this.savedCommands.get(tid) ?? UNKNOWN;
  }

  private forgetEnded(): void {
    const alive = new Set(numbersIn('/proc'));
    for (const [tid, entries] of this.tasks) {
      const last = entries.at(-1)!;
      if (last.time < this.handled && !alive.has(tid) && !alive.has(last.pid ?? tid)) this.tasks.delete(tid);
    }
  }

  close(): void {
    this.buffers?.close();
    this.instance?.remove();
  }
}

function offsetOf(format: EventFormat, name: string): number {
  return format.fields.find((field) => field.name === name)?.offset ?? 0;
}

/** Thread group by the last entry up to `at` that says it. */
function pidAt(entries: readonly Entry[], at: number): number | undefined {
  for (let index = at; index >= 0; index--) if (entries[index]!.pid !== undefined) return entries[index]!.pid;
  return undefined;
}

function threadGroup(tid: number): number | undefined {
  const group = /^Tgid:\s*(\d+)/m.exec(tryRead(`/proc/${tid}/status`) ?? '')?.[1];
  return group === undefined ? undefined : Number(group);
}

function tryRead(path: string): string | undefined {
  try {
    return readText(path);
  } catch {
    return undefined;
  }
}

/** The entries of a folder that are numbers. */
function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
