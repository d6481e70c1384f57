// Names and thread groups of a recording's tasks, up to the record that was noted last, and which of them were asked for.
// What records say of tasks differs by format: recorded-tasks.ts (trace.dat), perf-data/tasks.ts.

/** What the kernel's own trace file shows for a task whose name is not known. */
const UNKNOWN = '<...>';

export class TaskNames {
  protected readonly names: Map<number, string>;
  protected readonly groups: Map<number, number>;
  /** What `follow` has begun with and its descendants; undefined: all. */
  protected followed: Set<number> | undefined;

  constructor(names: ReadonlyMap<number, string>, groups: ReadonlyMap<number, number>) {
    this.names = new Map(names);
    this.groups = new Map(groups);
  }

  isFollowed(task: number): boolean {
    return this.followed === undefined || this.followed.has(task);
  }

  /** Name of a task, byte string. `cpu` tells the idle tasks apart; negative: not known. */
  commOf(tid: number, cpu?: number): string {
    if (tid === 0) return cpu === undefined || cpu < 0 ? 'swapper' : `swapper/${cpu}`;
    return this.names.get(tid) ?? UNKNOWN;
  }

  /** Thread group of a task; the task itself where the recording does not tell. */
  pidOf(tid: number): number {
    return this.groups.get(tid) ?? tid;
  }
}
