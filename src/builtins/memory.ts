// Built-ins that read memory: strings of the process of the event and of the kernel, fields of the current task.

import { type Integer, ScriptError, type Value } from '../engine/values.js';
import { kernelMemory, type MemoryReader, processMemory } from '../events/memory-reader.js';
import { type BuiltinContext, builtin } from './declare.js';
import { toAddress, toInteger } from './integers.js';
import { kernelTasks } from './kernel-tasks.js';
import { unknown } from './unknown.js';

/** Where a string ends that has no end. */
const LONGEST_STRING = 4096;
/** No page of any machine is smaller; a read never crosses one, for the next may not be there. */
const PAGE = 4096n;
/** Beyond any task_struct. */
const LARGEST_TASK = 65_536;

/** The bytes at an address up to the first NUL, at most `longest`; undefined where the first one cannot be read. */
export function stringAt(memory: MemoryReader, address: bigint, longest = LONGEST_STRING): string | undefined {
  let text = '';
  let at = address;
  while (text.length < longest) {
    const room = Math.min(longest - text.length, Number(PAGE - (at % PAGE)));
    // Most strings are short: a first small bite saves copying whole pages.
    const size = text.length === 0 ? Math.min(room, 256) : room;
    const bytes = memory.read(at, size);
    if (bytes === undefined || bytes.length === 0) return at === address ? undefined : text;
    const end = bytes.indexOf(0);
    text += bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
    if (end >= 0) return text;
    at += BigInt(bytes.length);
  }
  return text;
}

function userString(context: BuiltinContext, address: Integer): Value {
  const at = toAddress(address);
  const travelled = context.facts?.stringAt?.(at, 'user');
  if (travelled !== undefined) return travelled;
  if (context.replaying) return unknown(context, 'user_string');
  const memory = processMemory(context.task.pid);
  if (memory === undefined) return unknown(context, 'user_string');
  try {
    return stringAt(memory, at) ?? unknown(context, 'user_string');
  } finally {
    memory.close();
  }
}

function kernelString(context: BuiltinContext, address: Integer): Value {
  const at = toAddress(address);
  const travelled = context.facts?.stringAt?.(at, 'kernel');
  if (travelled !== undefined) return travelled;
  const memory = kernel(context, 'kernel_string');
  if (memory === undefined) return unknown(context, 'kernel_string');
  return stringAt(memory, at) ?? unknown(context, 'kernel_string');
}

function currentTaskInfo(context: BuiltinContext, offset: Integer, bytes: Integer = 4): Value {
  if (offset < 0 || offset > LARGEST_TASK)
    throw new ScriptError(`bad argument 1 of curr_task_info: ${offset} is no offset in a task_struct`);
  if (bytes !== 4 && bytes !== 8)
    throw new ScriptError(`bad argument 2 of curr_task_info: 4 or 8 bytes can be read, not ${bytes}`);
  const tasks = context.replaying
    ? { missing: 'a recording does not hold the task_struct of its tasks' }
    : kernelTasks();
  if ('missing' in tasks) {
    context.warnOnce('curr_task_info', `curr_task_info is nil: ${tasks.missing}`);
    return unknown(context, 'curr_task_info');
  }
  const found = tasks.read(context.task.pid, context.task.tid, Number(offset), bytes);
  if (found === undefined) return unknown(context, 'curr_task_info');
  return bytes === 4 ? found.readUInt32LE() : toInteger(found.readBigInt64LE());
}

/** Kernel memory of this machine, with one warning where it cannot be read. */
function kernel(context: BuiltinContext, name: string): MemoryReader | undefined {
  if (context.replaying) {
    context.warnOnce(name, `${name} is nil: a recording does not hold kernel memory`);
    return undefined;
  }
  const memory = kernelMemory();
  if ('read' in memory) return memory;
  context.warnOnce(name, `${name} is nil: ${memory.missing}`);
  return undefined;
}

export const MEMORY_BUILTINS = [
  builtin({
    name: 'user_string',
    family: 'memory',
    parameters: [{ name: 'addr', type: 'integer' }],
    returns: 'string or nil',
    doc: 'The string at an address of the process of the event, up to its first NUL byte and at most 4096 bytes. Read when the event happens where the kernel can, else from the process when the handler runs; nil where that is not possible (the process is gone, the address is not mapped).',
    call: userString,
  }),
  builtin({
    name: 'kernel_string',
    family: 'memory',
    parameters: [{ name: 'addr', type: 'integer' }],
    returns: 'string or nil',
    doc: 'The string at an address of the kernel, up to its first NUL byte and at most 4096 bytes, read from /proc/kcore when the handler runs; nil, with one warning, where that file is missing or not readable.',
    call: kernelString,
  }),
  builtin({
    name: 'curr_task_info',
    aliases: ['curr_taskinfo'],
    family: 'memory',
    parameters: [
      { name: 'offset', type: 'integer' },
      { name: 'bytes', type: 'integer', optional: true },
    ],
    returns: 'integer or nil',
    doc: 'The number in 4 bytes (without sign), or 8, at an offset of the `task_struct` of the thread of the event, read from /proc/kcore when the handler runs; the structure is found by the types (BTF) and symbols of the kernel. nil where the thread is gone, and with one warning that names what is missing where the machine does not tell.',
    call: currentTaskInfo,
  }),
];
