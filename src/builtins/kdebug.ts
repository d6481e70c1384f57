// kdebug.*: what trace and trace_end blocks are made of.

import { type FunctionRef, type Integer, ScriptError, type TableRef, type Value } from '../engine/values.js';
import { type BuiltinContext, builtin } from './declare.js';
import { typeName } from './format-value.js';

/** Ids of events are 16 bits (common_type of a record). */
const LARGEST_ID = 0xffff;

function eventId(value: Value): number {
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new ScriptError(`bad argument 1 of kdebug.probe_by_id: an event id is a number, got ${typeName(value)}`);
  if (value >= 1 && value <= LARGEST_ID) return Number(value);
  throw new ScriptError(
    `bad argument 1 of kdebug.probe_by_id: ${value} is no event id`,
    value > LARGEST_ID || value < 0
      ? 'a C pointer, as ktap 0.4 passed it, has no meaning outside the kernel; give numbers from the id files of the events, or use trace'
      : 'the id of an event is the number in its id file in tracefs',
  );
}

function probeById(
  context: BuiltinContext,
  ids: Integer | TableRef,
  filterOrHandler: string | FunctionRef,
  handler: FunctionRef | undefined,
): void {
  const list = typeof ids === 'object' ? [...ids.entries()].map(([, id]) => eventId(id)) : [eventId(ids)];
  if (list.length === 0) throw new ScriptError('bad argument 1 of kdebug.probe_by_id: the table of ids is empty');
  if (typeof filterOrHandler !== 'string') {
    context.registerTraceById(list, undefined, filterOrHandler);
    return;
  }
  if (handler === undefined) throw new ScriptError('bad argument 3 of kdebug.probe_by_id: function expected, got nil');
  context.registerTraceById(list, filterOrHandler, handler);
}

export const KDEBUG_BUILTINS = [
  builtin({
    name: 'kdebug.probe_by_id',
    aliases: ['kdebug.trace_by_id'],
    family: 'kdebug and timer',
    parameters: [
      { name: 'ids', type: ['integer', 'table'] },
      { name: 'filter_or_fn', type: ['string', 'function'] },
      { name: 'fn', type: 'function', optional: true },
    ],
    returns: 'nothing',
    doc: 'Calls `fn` for the events with these ids, one number or a table of numbers from the `id` files of the events in tracefs, that pass the filter, which may be left out: `kdebug.probe_by_id(ids, fn)`.',
    call: probeById,
  }),
  builtin({
    name: 'kdebug.probe_end',
    aliases: ['kdebug.trace_end'],
    family: 'kdebug and timer',
    parameters: [{ name: 'fn', type: 'function' }],
    returns: 'nothing',
    doc: 'Calls `fn` once when tracing ends, as a trace_end block.',
    call: (context, handler: Value) => {
      context.registerTraceEnd(handler);
    },
  }),
  builtin({
    name: 'kdebug.tracepoint',
    family: 'kdebug and timer',
    parameters: [
      { name: 'name', type: 'string' },
      { name: 'fn', type: 'function' },
    ],
    returns: 'nothing',
    doc: 'Calls `fn` for the events of a tracepoint, `system:event` or `event` alone, as `trace NAME {…}` does.',
    call: (context, name: string, handler: Value) => {
      context.registerTrace(name.includes(':') ? name : `*:${name}`, handler);
    },
  }),
  builtin({
    name: 'kdebug.traceoff',
    family: 'kdebug and timer',
    parameters: [],
    returns: 'nothing',
    doc: 'From here on no further event is handled; timers and trace_end still run.',
    call: (context) => context.stopEvents(),
  }),
];
