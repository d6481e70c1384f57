// Built-ins on tables. They live in the interpreter; here is what they take and give.

import { builtin } from './declare.js';

const table = { name: 't', type: 'table' } as const;

export const TABLE_BUILTINS = [
  builtin({
    name: 'pairs',
    family: 'tables',
    parameters: [table],
    returns: 'function, table, nil',
    doc: 'Walks a table in the order in which its keys were set, for `for (k, v in pairs(t)) {…}`. A key that was removed and set again comes last. Removing entries on the way is safe; entries that are added meanwhile may be visited.',
    native: 'pairs',
  }),
  builtin({
    name: 'sort_pairs',
    family: 'tables',
    parameters: [table, { name: 'cmp', type: 'function', optional: true }],
    returns: 'function, table, nil',
    doc: 'As `pairs`, over a sorted copy, smallest value first (aggregation values by their count), or in the order of `cmp(v1, v2)`, which answers true when `v1` comes first. Equal values keep the order of `pairs`.',
    native: 'sort_pairs',
  }),
  builtin({
    name: 'len',
    family: 'tables',
    parameters: [{ name: 'v', type: ['table', 'string'] }],
    returns: 'integer',
    doc: 'Number of pairs of a table, or of bytes of a string.',
    native: 'len',
  }),
  builtin({
    name: 'delete',
    family: 'tables',
    parameters: [table],
    returns: 'nothing',
    doc: 'Removes all entries of a table. To remove one entry, store nil: `t[k] = nil`.',
    native: 'delete',
  }),
  builtin({
    name: 'table.new',
    family: 'tables',
    parameters: [
      { name: 'narr', type: 'integer', optional: true },
      { name: 'nrec', type: 'integer', optional: true },
    ],
    returns: 'table',
    doc: 'An empty table with room for `narr` values with the keys 1, 2, 3, … and `nrec` other pairs, so that filling it need not make it larger step by step.',
    native: 'table_new',
  }),
];
