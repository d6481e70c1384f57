// Where and for whom: the task, the processor and the state that an event met; of ktap itself outside handlers.

import { readFileSync } from 'node:fs';
import { type BuiltinContext, builtin } from './declare.js';
import { unknown } from './unknown.js';

/** TRACE_FLAG_HARDIRQ, TRACE_FLAG_SOFTIRQ and TRACE_FLAG_NMI of include/linux/trace_events.h, in common_flags. */
const IN_INTERRUPT = 0x08 | 0x10 | 0x40;

/** State letter of a task (proc_pid_stat(5)): the field after the name, which may itself contain parentheses. */
function taskState(context: BuiltinContext): string | undefined {
  const { pid, tid } = context.task;
  try {
    const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}

export const EVENT_BUILTINS = [
  builtin({
    name: 'pid',
    family: 'event',
    parameters: [],
    returns: 'integer',
    doc: 'Process (thread group) of the event.',
    call: (context) => context.task.pid,
  }),
  builtin({
    name: 'tid',
    family: 'event',
    parameters: [],
    returns: 'integer',
    doc: 'Thread of the event.',
    call: (context) => context.task.tid,
  }),
  builtin({
    name: 'uid',
    family: 'event',
    parameters: [],
    returns: 'integer or nil',
    doc: 'User of the process of the event, asked when the handler runs; nil where the process is gone by then or the events come from a recording.',
    call: (context) => context.task.uid ?? unknown(context, 'uid'),
  }),
  builtin({
    name: 'execname',
    family: 'event',
    parameters: [],
    returns: 'string',
    doc: 'Name of the thread of the event, as the kernel keeps it (at most 15 bytes).',
    call: (context) => context.task.execname,
  }),
  builtin({
    name: 'cpu',
    family: 'event',
    parameters: [],
    returns: 'integer',
    doc: 'Processor of the event, counted from 0.',
    call: (context) => context.task.cpu,
  }),
  builtin({
    name: 'num_cpus',
    family: 'event',
    parameters: [],
    returns: 'integer',
    doc: 'Number of processors of the machine where the events were made.',
    call: (context) => context.machine.cpuCount,
  }),
  builtin({
    name: 'in_interrupt',
    family: 'event',
    parameters: [],
    returns: '0 or 1',
    doc: '1 when the event happened in an interrupt (hardware, soft or NMI), else 0. 0 is true in a condition: write `in_interrupt() == 1`.',
    answersZeroOrOne: true,
    call: (context) => (context.event !== undefined && (context.event.flags & IN_INTERRUPT) !== 0 ? 1 : 0),
  }),
  builtin({
    name: 'in_iowait',
    family: 'event',
    parameters: [],
    returns: '0 or 1, or nil',
    doc: '1 when the thread of the event waits for a disk, else 0. The thread is asked when the handler runs, for the state D, in which it waits and cannot be interrupted; nil where the thread is gone by then or the events come from a recording. 0 is true in a condition: write `in_iowait() == 1`.',
    answersZeroOrOne: true,
    call: (context) => {
      // Outside handlers it is about ktap itself, which runs.
      if (context.event === undefined) return 0;
      const state = context.replaying ? undefined : taskState(context);
      return state === undefined ? unknown(context, 'in_iowait') : state === 'D' ? 1 : 0;
    },
  }),
  builtin({
    name: 'arch',
    family: 'event',
    parameters: [],
    returns: 'string',
    doc: 'Machine type where the events were made, as `uname -m` prints it.',
    call: (context) => context.machine.arch,
  }),
  builtin({
    name: 'kernel_v',
    family: 'event',
    parameters: [],
    returns: 'string',
    doc: 'Kernel release where the events were made, as `uname -r` prints it.',
    call: (context) => context.machine.kernelVersion,
  }),
];
