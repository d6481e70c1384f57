// Values of a finished script as values of the program that ran it.

import type { AggregationValue, Integer, StackValue, TableRef, Value } from '../engine/values.js';

/** A script's value outside its heap. Strings are byte strings; a function is its name in angle brackets. */
export type PlainValue = undefined | boolean | Integer | string | readonly bigint[] | PlainAggregation | PlainTable;

/** Keys and values in insertion order. */
export type PlainTable = Map<PlainValue, PlainValue>;

export interface PlainAggregation {
  readonly count: Integer;
  readonly sum: Integer;
  readonly min: Integer;
  readonly max: Integer;
  readonly buckets?: readonly { readonly low: Integer; readonly count: Integer }[];
}

/** Copies a value out of the heap; a table that contains itself becomes a Map that contains itself. */
export function toPlain(value: Value, seen = new Map<number, PlainTable>()): PlainValue {
  if (typeof value !== 'object') return value;
  switch (value.kind) {
    case 'table':
    case 'aggregation-table':
      return tableToPlain(value, seen);
    case 'aggregation':
      return aggregationToPlain(value);
    case 'stack':
      return (value as StackValue).addresses;
    case 'function':
      return `<${value.name === '' ? 'function' : value.name}>`;
  }
}

function tableToPlain(table: TableRef, seen: Map<number, PlainTable>): PlainTable {
  const known = seen.get(table.ref);
  if (known !== undefined) return known;
  const map: PlainTable = new Map();
  seen.set(table.ref, map);
  for (const [key, value] of table.entries()) map.set(toPlain(key, seen), toPlain(value, seen));
  return map;
}

function aggregationToPlain({ count, sum, min, max, buckets }: AggregationValue): PlainAggregation {
  return { count, sum, min, max, ...(buckets === undefined ? {} : { buckets }) };
}

/** The globals as the built-ins set them, to tell the script's own apart. */
export class GlobalsSnapshot {
  readonly #globals: TableRef;
  readonly #installed = new Map<Value, PlainValue>();

  constructor(globals: TableRef) {
    this.#globals = globals;
    for (const [name, value] of globals.entries()) this.#installed.set(name, identityOf(value));
  }

  /** Copies of the globals that the script has set since. */
  changed(): Map<string, PlainValue> {
    const changed = new Map<string, PlainValue>();
    for (const [name, value] of this.#globals.entries()) {
      if (typeof name !== 'string' || name === 'arg') continue;
      if (!this.#installed.has(name) || this.#installed.get(name) !== identityOf(value))
        changed.set(name, toPlain(value));
    }
    return changed;
  }
}

/** Something that is equal for the same value of a global. */
function identityOf(value: Value): PlainValue {
  return typeof value === 'object' ? value.ref : value;
}
