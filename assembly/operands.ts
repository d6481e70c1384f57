// Operands of decoded instructions (src/engine/handlers.ts says what the fields hold).

import {
  I_X,
  I_Y,
  TAG_INTEGER,
  TAG_STRING,
  T_ENTRIES,
  T_ENTRY_BYTES,
  UP_VALUE,
} from './generated/constants';

/** Address of register field `field` of the instruction at pc. */
// @ts-ignore: decorator
@inline
export function reg(base: u32, pc: u32, field: u32): u32 {
  return base + load<u32>(pc + field);
}

/** Address of an rk operand: a register's offset, or a constant's address + 1. */
// @ts-ignore: decorator
@inline
export function rk(base: u32, operand: u32): u32 {
  return operand & 1 ? operand - 1 : base + operand;
}

/** Address of a table operand: a register's offset, or an upvalue's offset in the closure + 1. */
// @ts-ignore: decorator
@inline
export function tableOperand(base: u32, fp: u32, operand: u32): u32 {
  return operand & 1 ? upvalueSlot(fp, operand - 1) : base + operand;
}

// @ts-ignore: decorator
@inline
export function upvalueSlot(fp: u32, offset: u32): u32 {
  return load<u32>(load<u32>(load<u32>(fp) + offset), UP_VALUE);
}

// @ts-ignore: decorator
@inline
export function bothIntegers(a: u32, b: u32): bool {
  return ((load<i32>(a) ^ TAG_INTEGER) | (load<i32>(b) ^ TAG_INTEGER)) == 0;
}

/** Value of a string key in a table by the entry where the instruction found it last, or 0. */
// @ts-ignore: decorator
@inline
export function hinted(table: u32, pc: u32): u32 {
  const hint = load<u32>(pc, I_Y);
  if (hint < load<u32>(table, T_ENTRY_BYTES)) {
    const pair = load<u32>(table, T_ENTRIES) + hint;
    if (load<u32>(pair, 8) == load<u32>(pc, I_X) && load<i32>(pair) == TAG_STRING) return pair + 16;
  }
  return 0;
}
