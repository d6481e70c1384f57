// The text of a value as `print` shows it, in one place: print, %s of printf, tostring, rows of histograms.

import { type AggregationValue, type Integer, ScriptError, type TableRef, type Value } from '../engine/values.js';
import type { BuiltinContext } from './declare.js';
import { distributionText } from './distribution.js';
import { quotient, toAddress } from './integers.js';

/** Where symbols of addresses come from. */
export type SymbolSource = Pick<BuiltinContext, 'kernelSymbol' | 'facts'>;

/** Longest text that a table may give: one that holds the same tables again and again would not fit into memory. */
const LONGEST_TEXT = 64 * 1024 * 1024;

/** Bytes after which a table's text is put aside. */
const PIECE = 65_536;

/** What `type(v)` answers. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'undefined':
      return 'nil';
    case 'boolean':
      return 'boolean';
    case 'number':
    case 'bigint':
      return 'number';
    case 'string':
      return 'string';
    default:
      return value.kind === 'aggregation-table' ? 'ptable' : value.kind;
  }
}

/** Byte string; may hold newlines (stacks, distributions), never one at the end. */
export function formatValue(value: Value, symbols: SymbolSource): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return 'nil';
  if (typeof value !== 'object') return String(value);
  switch (value.kind) {
    case 'table':
    case 'aggregation-table':
      return formatTable(value, symbols);
    case 'aggregation':
      return value.buckets === undefined ? aggregationText(value) : distributionText(value).join('\n');
    case 'function':
      return value.name === '' ? 'function' : `function: ${value.name}`;
    case 'stack':
      return value.addresses.map((address) => symbolText(address, symbols, value.space)).join('\n');
  }
}

/**
 * The symbol at an address, `name` or `name+0x10`, or the address itself where there is none. `space`: the process of a
 * user address (StackValue); without it the one of the event at hand.
 */
export function symbolText(address: bigint, symbols: SymbolSource, space?: number): string {
  return symbols.kernelSymbol(address) ?? symbols.facts?.userSymbol?.(address, space) ?? `0x${address.toString(16)}`;
}

/** The symbol of an integer taken as an address. */
export function addressText(value: Integer, symbols: SymbolSource): string {
  return symbolText(toAddress(value), symbols);
}

function aggregationText(value: AggregationValue): string {
  const { count, sum, max, min } = value;
  return `[count: ${count} sum: ${sum} max: ${max} min: ${min} avg: ${count === 0 ? 0 : quotient(sum, count)}]`;
}

/** A table whose text is under way. */
interface OpenTable {
  readonly table: TableRef;
  readonly entries: Iterator<[Value, Value]>;
  /** The value to come after the key that has been written. */
  pending: [Value] | undefined;
  empty: boolean;
}

/** `{k = v, …}`; walks without recursion, since a script can nest tables deeper than the native stack reaches. */
function formatTable(outermost: TableRef, symbols: SymbolSource): string {
  const open: OpenTable[] = [];
  const under = new Set<number>();
  // A string that grows by millions of small pieces keeps a node for each: from time to time they are made one.
  const done: Buffer[] = [];
  let doneLength = 0;
  let text = '';

  const add = (value: Value): void => {
    if (typeof value !== 'object') {
      text += formatValue(value, symbols);
    } else if (value.kind === 'aggregation') {
      text += aggregationText(value);
    } else if (value.kind !== 'table' && value.kind !== 'aggregation-table') {
      text += formatValue(value, symbols);
    } else if (under.has(value.ref)) {
      text += '{...}';
    } else {
      under.add(value.ref);
      open.push({ table: value, entries: value.entries(), pending: undefined, empty: true });
      text += '{';
    }
  };

  add(outermost);
  while (open.length > 0) {
    const current = open[open.length - 1]!;
    if (current.pending !== undefined) {
      const [value] = current.pending;
      current.pending = undefined;
      text += ' = ';
      add(value);
      continue;
    }
    if (text.length > PIECE) {
      done.push(Buffer.from(text, 'latin1'));
      doneLength += text.length;
      text = '';
      if (doneLength > LONGEST_TEXT)
        throw new ScriptError(`the text of this ${typeName(outermost)} is longer than ${LONGEST_TEXT >> 20} MiB`);
    }
    const next = current.entries.next();
    if (next.done) {
      open.pop();
      under.delete(current.table.ref);
      text += '}';
      continue;
    }
    const [key, value] = next.value;
    if (!current.empty) text += ', ';
    current.empty = false;
    current.pending = [value];
    add(key);
  }
  return done.length === 0 ? text : Buffer.concat(done).toString('latin1') + text;
}
