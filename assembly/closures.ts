// Closures and upvalues. An upvalue is open while the variable lives in a register: VALUE points into the stack. When
// the frame ends (or a block whose variables a closure keeps), it is closed: the value moves into the upvalue itself.

import {
  AT_STACK,
  CL_PROTOTYPE,
  CL_UPVALUES,
  CL_UPVALUE_COUNT,
  P_UPVALUES,
  P_UPVALUE_COUNT,
  S_OPEN,
  S_OPEN_SLOT,
  TYPE_CLOSURE,
  TYPE_UPVALUE,
  UP_CLOSED,
  UP_NEXT,
  UP_SIZE,
  UP_VALUE,
} from './generated/constants';
import { allocateObject } from './heap';
import { copyValue } from './values';

/** The open upvalue of a stack slot, made if there is none yet; 0 when memory is short. */
function openUpvalue(slot: u32): u32 {
  let link: u32 = S_OPEN;
  let upvalue = load<u32>(link);
  while (upvalue != 0 && load<u32>(upvalue, UP_VALUE) > slot) {
    link = upvalue + UP_NEXT;
    upvalue = load<u32>(link);
  }
  if (upvalue != 0 && load<u32>(upvalue, UP_VALUE) == slot) return upvalue;
  const made = allocateObject(UP_SIZE, TYPE_UPVALUE);
  if (made == 0) return 0;
  store<u32>(made, slot, UP_VALUE);
  store<u32>(made, upvalue, UP_NEXT);
  store<u32>(link, made);
  store<u32>(S_OPEN_SLOT, load<u32>(load<u32>(S_OPEN), UP_VALUE));
  return made;
}

/** Closes the open upvalues of stack slots from `from` up. */
export function closeUpvalues(from: u32): void {
  let upvalue = load<u32>(S_OPEN);
  while (upvalue != 0 && load<u32>(upvalue, UP_VALUE) >= from) {
    const closed = upvalue + UP_CLOSED;
    copyValue(closed, load<u32>(upvalue, UP_VALUE));
    store<u32>(upvalue, closed, UP_VALUE);
    upvalue = load<u32>(upvalue, UP_NEXT);
  }
  store<u32>(S_OPEN, upvalue);
  store<u32>(S_OPEN_SLOT, upvalue == 0 ? 0 : load<u32>(upvalue, UP_VALUE));
}

export function closeAllUpvalues(): void {
  closeUpvalues(AT_STACK);
}

/** A closure of a prototype made in the frame of `parent` with R[0] at `base`; 0 when memory is short. */
export function newClosure(prototype: u32, parent: u32, base: u32): u32 {
  const count = load<u32>(prototype, P_UPVALUE_COUNT);
  const closure = allocateObject(CL_UPVALUES + (count << 2), TYPE_CLOSURE);
  if (closure == 0) return 0;
  store<u32>(closure, count, CL_UPVALUE_COUNT);
  store<u32>(closure, prototype, CL_PROTOTYPE);
  const sources = load<u32>(prototype, P_UPVALUES);
  for (let i: u32 = 0; i < count; i++) {
    const source = sources + (i << 3);
    const offset = load<u32>(source, 4);
    const upvalue = load<u32>(source) ? openUpvalue(base + offset) : load<u32>(parent + offset);
    if (upvalue == 0) return 0;
    store<u32>(closure + (i << 2), upvalue, CL_UPVALUES);
  }
  return closure;
}

/** The closure of a main chunk: its one upvalue holds the globals table. 0 when memory is short. */
export function newMainClosure(prototype: u32, tag: i32, globals: u32): u32 {
  const upvalue = allocateObject(UP_SIZE, TYPE_UPVALUE);
  if (upvalue == 0) return 0;
  store<u32>(upvalue, upvalue + UP_CLOSED, UP_VALUE);
  store<u32>(upvalue, 0, UP_NEXT);
  store<i32>(upvalue, tag, UP_CLOSED);
  store<i64>(upvalue, <i64>globals, UP_CLOSED + 8);
  const count = load<u32>(prototype, P_UPVALUE_COUNT);
  const closure = allocateObject(CL_UPVALUES + (count << 2), TYPE_CLOSURE);
  if (closure == 0) return 0;
  store<u32>(closure, count, CL_UPVALUE_COUNT);
  store<u32>(closure, prototype, CL_PROTOTYPE);
  for (let i: u32 = 0; i < count; i++) store<u32>(closure + (i << 2), upvalue, CL_UPVALUES);
  return closure;
}
