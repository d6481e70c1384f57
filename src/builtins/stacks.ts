// Stacks of the event and the symbols of their addresses.

import { type Integer, ScriptError, type Value } from '../engine/values.js';
import { type BuiltinContext, builtin } from './declare.js';
import { addressText, formatValue } from './format-value.js';
import { unknown } from './unknown.js';

const DEFAULT_FRAMES = 10;
/**
 * Scripts of ktap 0.4 pass how many frames of the tracer itself to leave away, up to this many. There are none here, so
 * nothing is left away for them; only what is above counts.
 */
const FRAMES_OF_A_TRACER = 12;

/** Bytes of an address. */
const ADDRESS = 8;

/** A stack value of `max` frames (all if negative), or nil where the event has none. */
function stackOf(context: BuiltinContext, name: string, space: 'kernel' | 'user', skip: Integer, max: Integer): Value {
  if (context.event === undefined)
    throw new ScriptError(`${name} is only known while the handler of an event runs`, 'call it inside a trace block');
  const from = Math.max(0, Number(skip) - FRAMES_OF_A_TRACER) * ADDRESS;
  const to = max < 0 ? undefined : from + Number(max) * ADDRESS;
  if (space === 'user') {
    const stack = context.facts?.userStack?.();
    if (stack === undefined) return unknown(context, name);
    return context.engine.newStack(stack.addresses.slice(from, to), stack.space);
  }
  const addresses = context.facts?.kernelStack?.();
  if (addresses === undefined) return unknown(context, name);
  return context.engine.newStack(addresses.slice(from, to));
}

const skip = { name: 'skip', type: 'integer', optional: true } as const;
const max = { name: 'max', type: 'integer', optional: true } as const;

export const STACK_BUILTINS = [
  builtin({
    name: 'backtrace',
    family: 'stacks',
    parameters: [skip, max],
    returns: 'stack or nil',
    doc: "The kernel stack of the event: a value that can be a table key and prints as symbols, one a line, innermost first. Empty where the task was in user mode. At most `max` frames (10 if left out, all if negative). The tracer's own frames are never in it, so that a `skip` up to 12, which scripts of ktap 0.4 pass to leave those away, leaves nothing away; each one more drops a frame.",
    call: (context, skip: Integer = 0, max: Integer = DEFAULT_FRAMES) =>
      stackOf(context, 'backtrace', 'kernel', skip, max),
  }),
  builtin({
    name: 'stack',
    family: 'stacks',
    parameters: [max, skip],
    returns: 'stack or nil',
    doc: '`backtrace` with its arguments the other way round, as in ktap 0.5.',
    call: (context, max: Integer = DEFAULT_FRAMES, skip: Integer = 0) => stackOf(context, 'stack', 'kernel', skip, max),
  }),
  builtin({
    name: 'ustack',
    family: 'stacks',
    parameters: [max],
    returns: 'stack or nil',
    doc: 'The user stack of the event: a value as `backtrace` gives it, at most `max` frames (10 if left out, all if negative), empty for kernel threads. Stacks of two processes are never equal. The kernel follows frame pointers, so a program that was compiled without them shows few frames; code that a program makes itself has the names of its `/tmp/perf-PID.map` (`node --perf-basic-prof`).',
    call: (context, max: Integer = DEFAULT_FRAMES) => stackOf(context, 'ustack', 'user', 0, max),
  }),
  builtin({
    name: 'print_backtrace',
    family: 'stacks',
    parameters: [],
    returns: 'nothing',
    doc: 'Writes the whole kernel stack of the event, symbols one a line.',
    call: (context) => {
      const stack = stackOf(context, 'print_backtrace', 'kernel', 0, -1);
      if (stack !== undefined) context.write(`${formatValue(stack, context)}\n`);
    },
  }),
  builtin({
    name: 'ipof',
    family: 'stacks',
    parameters: [{ name: 'address', type: 'integer' }],
    returns: 'string',
    doc: 'The symbol at an address, `name` or `name+0x10`; where there is none the address itself, `0x…`.',
    call: (context, address: Integer) => addressText(address, context),
  }),
];
