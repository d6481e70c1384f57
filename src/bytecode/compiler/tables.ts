// Code of table constructors.
//
// Positional items are gathered in registers and stored up to fifty at a time by SETLIST, which can only begin at
// positions 1, 51, 101, … Items must enter the table in the order they are written (`pairs` shows it): a keyed item
// therefore first stores the positional ones before it, and those after it are stored one by one up to the next such
// position.

import type { TableExpression } from '../../language/ast.js';
import { Op, SETLIST_BATCH } from '../isa.js';
import { constantRk, isMultiple, open, rk, stableRk, toNext } from './expressions.js';
import type { FunctionState, Register } from './function-state.js';

const MAX_SIZE_HINT = 511;

export function tableToRegister(fs: FunctionState, node: TableExpression, target: Register): void {
  const isTop = fs.isTemporary(target) && target === fs.freeRegister - 1;
  const table = isTop ? target : fs.reserve(1);
  const keyed = node.items.filter((item) => item.key !== undefined).length;
  const positions = Math.min(node.items.length - keyed, MAX_SIZE_HINT);
  fs.emitABC(Op.NEWTABLE, table, positions, Math.min(keyed, MAX_SIZE_HINT), node);

  /** Positions stored, and positions that wait in the registers above the table. */
  let stored = 0;
  let waiting = 0;
  const store = () => {
    if (waiting > 0) emitSetList(fs, node, table, waiting, stored / SETLIST_BATCH + 1);
    stored += waiting;
    waiting = 0;
    fs.freeRegister = table + 1;
  };
  const position = (index: number) => constantRk(fs, { kind: 'integer', value: BigInt(index) }, node);

  for (const [index, item] of node.items.entries()) {
    const place = { start: item.start, end: item.end };
    if (item.key !== undefined) {
      store();
      const key = stableRk(fs, item.key, [item.value]);
      const value = rk(fs, item.value);
      fs.emitABC(Op.SETTABLE, table, key, value, place);
      fs.freeRegister = table + 1;
      continue;
    }
    const isInBatch = stored % SETLIST_BATCH === 0;
    if (index === node.items.length - 1 && isMultiple(item.value)) {
      if (!isInBatch) {
        // The stored part of the batch is read back, to be stored again in front of the open values.
        const first = stored - (stored % SETLIST_BATCH);
        while (first + waiting < stored) {
          const register = fs.reserve(1);
          const mark = fs.freeRegister;
          fs.emitABC(Op.GETTABLE, register, table, position(first + waiting + 1), node);
          fs.freeRegister = mark;
          waiting++;
        }
        stored = first;
      }
      open(fs, item.value, 0);
      emitSetList(fs, node, table, 0, stored / SETLIST_BATCH + 1);
      waiting = 0;
      fs.freeRegister = table + 1;
    } else if (isInBatch) {
      toNext(fs, item.value);
      waiting++;
      if (waiting === SETLIST_BATCH) store();
    } else {
      const key = position(stored + 1);
      const value = rk(fs, item.value);
      fs.emitABC(Op.SETTABLE, table, key, value, place);
      fs.freeRegister = table + 1;
      stored++;
    }
  }
  store();
  if (table !== target) fs.emitABC(Op.MOVE, target, table, 0, node);
}

function emitSetList(fs: FunctionState, node: TableExpression, table: Register, count: number, batch: number): void {
  const fits = batch <= 511;
  fs.emitABC(Op.SETLIST, table, count, fits ? batch : 0, node);
  if (!fits) fs.emit(batch, node);
}
