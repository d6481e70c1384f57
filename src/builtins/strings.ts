// Built-ins on strings. Strings are bytes; positions count from 1.

import type { Integer, Value } from '../engine/values.js';
import { builtin } from './declare.js';
import { formatValue } from './format-value.js';

/** Offset from 0 that a script's position means: from 1, negative from the end; 0 counts as 1. May lie outside. */
function offsetOf(position: Integer, length: number): number {
  const at = Number(position);
  return Math.max(0, at > 0 ? at - 1 : at < 0 ? length + at : 0);
}

export const STRING_BUILTINS = [
  builtin({
    name: 'strfind',
    family: 'strings',
    parameters: [
      { name: 's', type: 'string' },
      { name: 'sub', type: 'string' },
      { name: 'from', type: 'integer', optional: true },
    ],
    returns: 'integer or nil',
    doc: 'Position, counted from 1, of the first place where `s` contains `sub`, else nil. It looks from position `from` on (1 if left out; negative: from the end), byte for byte. There are no patterns. An empty `sub` is found at `from`.',
    call: (_context, s: string, sub: string, from: Integer = 1) => {
      const start = offsetOf(from, s.length);
      if (start > s.length) return undefined;
      const at = s.indexOf(sub, start);
      return at < 0 ? undefined : at + 1;
    },
  }),
  builtin({
    name: 'substr',
    family: 'strings',
    parameters: [
      { name: 's', type: 'string' },
      { name: 'from', type: 'integer' },
      { name: 'n', type: 'integer', optional: true },
    ],
    returns: 'string',
    doc: '`n` bytes of `s`, or all that follow, from position `from` on, counted from 1. A negative `from` counts from the end, -1 being the last byte. What lies outside the string is left away.',
    call: (_context, s: string, from: Integer, n?: Integer) => {
      const start = offsetOf(from, s.length);
      return n === undefined ? s.slice(start) : n > 0 ? s.slice(start, start + Number(n)) : '';
    },
  }),
  builtin({
    name: 'tostring',
    aliases: ['stringof'],
    family: 'strings',
    parameters: [{ name: 'v', type: 'any' }],
    returns: 'string',
    doc: 'The text of a value as `print` shows it.',
    call: (context, value: Value) => formatValue(value, context),
  }),
  builtin({
    name: 'type',
    family: 'strings',
    parameters: [{ name: 'v', type: 'any' }],
    returns: 'string',
    doc: 'The kind of a value by name: `nil`, `boolean`, `number`, `string`, `table`, `ptable` (an aggregation table), `aggregation` (one of its values), `function` or `stack`.',
    native: 'type',
  }),
];
