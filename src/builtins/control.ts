// exit, and the hidden functions that trace blocks, trace_end blocks and timers of a script compile to.

import type { Value } from '../engine/values.js';
import { type Builtin, builtin } from './declare.js';

export const CONTROL_BUILTINS = [
  builtin({
    name: 'exit',
    family: 'control',
    parameters: [{ name: 'code', type: 'integer', optional: true }],
    returns: 'does not return',
    doc: 'Ends the script at once, from any depth: no later event is handled, the trace_end blocks still run. The exit status is `code & 255`, 0 if left out. Inside trace_end it ends the program.',
    native: 'exit',
  }),
];

/** What keywords compile to: globals that no script can name, called with the text of the head and a closure. */
export const HIDDEN_BUILTINS: readonly Builtin[] = [
  builtin({
    name: '(trace)',
    family: 'hidden',
    parameters: [
      { name: 'definition', type: 'string' },
      { name: 'handler', type: 'function' },
    ],
    returns: 'nothing',
    doc: 'A trace block.',
    call: (context, definition: string, handler: Value) => {
      context.registerTrace(definition, handler);
    },
  }),
  builtin({
    name: '(trace_end)',
    family: 'hidden',
    parameters: [
      { name: 'text', type: 'any' },
      { name: 'handler', type: 'function', optional: true },
    ],
    returns: 'nothing',
    doc: 'A trace_end block.',
    call: (context, text: Value, handler: Value) => {
      context.registerTraceEnd(handler ?? text);
    },
  }),
  ...(['tick', 'profile'] as const).map((kind) =>
    builtin({
      name: `(${kind})`,
      family: 'hidden',
      parameters: [
        { name: 'interval', type: 'string' },
        { name: 'handler', type: 'function' },
      ],
      returns: 'nothing',
      doc: `A ${kind} block.`,
      call: (context, interval: string, handler: Value) => {
        context.registerTimer(kind, interval, handler);
      },
    }),
  ),
];
