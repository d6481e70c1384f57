// Aggregation tables and what reads their values. They live in the interpreter; here is what they take and give.

import type { NativeBuiltinName } from '../engine/native-builtins.js';
import { type Builtin, builtin } from './declare.js';

const reader = (name: NativeBuiltinName, returns: string): Builtin =>
  builtin({
    name,
    family: 'aggregation',
    parameters: [{ name: 'v', type: 'aggregation', optional: true }],
    returns: 'integer',
    doc: `${returns} of an aggregation value, such as \`${name}(s[k])\`; 0 for nil.`,
    native: name,
  });

export const AGGREGATION_BUILTINS = [
  builtin({
    name: 'ptable',
    family: 'aggregation',
    parameters: [],
    returns: 'aggregation table',
    doc: 'Makes an aggregation table: `s[k] <<< n` adds the sample `n` under the key `k`, and `s[k]` keeps their count, sum, minimum and maximum.',
    native: 'ptable',
  }),
  builtin({
    name: 'quantize',
    family: 'aggregation',
    parameters: [],
    returns: 'aggregation table',
    doc: 'Makes an aggregation table that also counts its samples in buckets by powers of two: 0; 1; 2-3; 4-7; … each named by its smallest number, and likewise -1; -3 to -2 (named -2); … below 0.',
    native: 'quantize',
  }),
  builtin({
    name: 'lquantize',
    family: 'aggregation',
    parameters: [
      { name: 'low', type: 'integer' },
      { name: 'high', type: 'integer' },
      { name: 'step', type: 'integer' },
    ],
    returns: 'aggregation table',
    doc: 'Makes an aggregation table that also counts its samples in buckets of `step` numbers from `low` on, with one bucket for what lies below `low` and one for `high` and more.',
    native: 'lquantize',
  }),
  reader('count', 'Number of samples'),
  reader('sum', 'Sum'),
  reader('avg', 'Sum divided by count, rounded toward zero,'),
  reader('min', 'Smallest sample'),
  reader('max', 'Largest sample'),
];
