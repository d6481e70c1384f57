// The threads of processes, and how they get on the lists of tasks that an instance traces or leaves out.

import { readdirSync } from 'node:fs';
import { plainError } from '../language/diagnostics.js';
import type { TracingInstance } from './instance.js';
import { explain } from './tracefs.js';

/** Thread ids of a process; none where there is no such process. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Puts all threads of a process on a list; those that come while that is done, too. Throws KtapError. */
export function addThreads(
  instance: TracingInstance,
  file: 'set_event_pid' | 'set_event_notrace_pid',
  pid: number,
): void {
  const added = new Set<number>();
  for (;;) {
    const tids = threadsOf(pid).filter((tid) => !added.has(tid));
    if (tids.length === 0) return;
    try {
      if (!instance.addPids(file, tids)) {
        if (file === 'set_event_pid')
          throw plainError('this kernel cannot trace single processes: it has no set_event_pid');
        return;
      }
    } catch (error) {
      throw explain(error, `${instance.folder.path}/${file}`, 'processes cannot be selected');
    }
    for (const tid of tids) added.add(tid);
  }
}
