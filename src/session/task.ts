// The task that a script asks about with pid(), execname() and the like: ktap itself, or the task of an event.

import { readFileSync } from 'node:fs';
import type { TaskView } from '../builtins/declare.js';

/** Reads a small file of /proc; undefined where the task is gone or the file is not for us. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Real user id of a task, as proc_pid_status(5) gives it; undefined where the task is gone. */
export function uidOf(tid: number): number | undefined {
  const match = /^Uid:\s+(\d+)/m.exec(readProc(`/proc/${tid}/status`) ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** ktap's own task, which the main chunk, timers and trace_end speak of. */
export const ownTask: TaskView = {
  pid: process.pid,
  tid: process.pid,
  get cpu() {
    // Field 39, counted behind the name, which may hold spaces (proc_pid_stat(5)).
    const stat = readProc('/proc/self/stat') ?? '';
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[36] ?? 0);
  },
  get execname() {
    return (readProc('/proc/self/comm') ?? 'ktap').trimEnd();
  },
  get uid() {
    return process.getuid?.();
  },
};
