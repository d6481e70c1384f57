// The arguments of a script: `...` of its main chunk and the global table `arg`.

import type { Engine } from '../engine/engine.js';
import type { TableRef, Value } from '../engine/values.js';

/** An argument as the script gets it: a number where it looks like one (decimal or 0x hexadecimal, within 64 bits), else a byte string. */
export function argumentValue(text: string): Value {
  if (/^-?(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) {
    const negative = text.startsWith('-');
    const magnitude = BigInt(negative ? text.slice(1) : text);
    const value = negative ? -magnitude : magnitude;
    if (BigInt.asIntN(64, value) === value) {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
  }
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** `arg`: the script's name at 0, its arguments from 1 on. */
export function argumentTable(engine: Engine, name: string, values: readonly Value[]): TableRef {
  const table = engine.newTable();
  table.set(0, name);
  for (const [index, value] of values.entries()) table.set(index + 1, value);
  return table;
}
