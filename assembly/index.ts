// What the host and translated code call. Arguments are 32-bit: addresses of values, objects and raw memory. A function
// that can fail answers an error code (ErrorCode of src/engine/heap-layout.ts).

import {
  AT_FRAMES,
  AT_HEAP,
  AT_STACK,
  BI_ID,
  BI_SIZE,
  F_BASE,
  F_CALLEE,
  F_PC,
  F_SIZE,
  H_CALL,
  H_HALT,
  H_SORT,
  I_A,
  I_B,
  I_C,
  MAX_DEPTH,
  S_DESCRIPTORS,
  S_EPOCH,
  S_EVENT,
  S_FP,
  S_FRAME_LIMIT,
  S_GC_STRESS,
  S_GLOBALS,
  S_MAX_MEMORY,
  S_MEMORY_END,
  S_PINS,
  S_PIN_CAPACITY,
  S_PIN_COUNT,
  S_PROTOTYPES,
  S_RECORD,
  S_RECORD_LENGTH,
  S_STACK_SOFT,
  S_TOP,
  P_NEXT,
  D_NEXT,
  TAG_FUNCTION,
  TAG_TABLE,
  TYPE_BUILTIN,
  TYPE_TABLE,
  E_MEMORY,
  E_NONE,
} from './generated/constants';
import { CODE_CALL, CODE_HALT, CODE_SORT, hasStack } from './calls';
import { closeAllUpvalues, newMainClosure } from './closures';
import { setThreshold } from './collector';
import { allocateObject, initializeHeap, releaseRaw, takeRaw } from './heap';
import { timedCollect } from './safepoints';
import { UNIT_SHIFT, allocateSpan, freeSpan } from './spans';
import { initializeStrings, stringOf } from './strings';
import { findValue, newTable } from './tables';
import { integerOf, setNil, setRef, tagOf } from './values';

export { addSample } from './aggregation';
export { run } from './interpreter';
export { concat, getIndex, incrementIndex, setIndex } from './operations';
export { clearTable, newTable, nextPair } from './tables';
export { closeUpvalues, newClosure } from './closures';

function emit(at: u32, handler: i32, a: u32, b: i32, c: i32): void {
  store<i32>(at, handler);
  store<u32>(at, a, I_A);
  store<i32>(at, b, I_B);
  store<i32>(at, c, I_C);
}

/** Once, before anything else. */
export function initialize(maxMemory: u32, gcStress: i32): void {
  store<u32>(S_MAX_MEMORY, maxMemory);
  store<i32>(S_GC_STRESS, gcStress);
  store<u32>(S_EPOCH, 1);
  const end = <u32>memory.size() << 16;
  store<u32>(S_MEMORY_END, end);
  if (end > AT_HEAP) freeSpan(AT_HEAP, (end - AT_HEAP) >>> UNIT_SHIFT);
  initializeHeap();
  initializeStrings();
  setThreshold();
  emit(CODE_CALL, H_CALL, 0, -1, -1);
  emit(CODE_HALT, H_HALT, 0, 0, 0);
  emit(CODE_SORT, H_SORT, 0, 0, 0);
  store<u32>(S_STACK_SOFT, AT_STACK);
  hasStack(AT_STACK);
  store<u32>(S_TOP, AT_STACK);
  store<u32>(AT_FRAMES, AT_STACK, F_BASE);
  reset();
  store<u32>(S_GLOBALS, newTable(TYPE_TABLE));
}

/** No call under way. */
function reset(): void {
  store<u32>(S_FP, AT_FRAMES);
  store<u32>(AT_FRAMES, 0, F_CALLEE);
  store<u32>(AT_FRAMES, CODE_CALL, F_PC);
  store<u32>(S_FRAME_LIMIT, AT_FRAMES + (MAX_DEPTH + 1) * F_SIZE);
  store<u32>(S_EVENT, 0);
  store<u32>(S_RECORD, 0);
}

/** Readies a call of the value at the stack's bottom with the arguments up to `top` after it. */
export function startCall(top: u32): void {
  store<u32>(AT_FRAMES, CODE_CALL, F_PC);
  store<u32>(S_TOP, top);
  store<u32>(S_EVENT, 0);
  store<u32>(S_RECORD, 0);
}

/** Readies a call of a handler. */
export function startHandler(closure: u32, event: u32, record: u32, length: u32): void {
  setRef(AT_STACK, TAG_FUNCTION, closure);
  store<u32>(AT_FRAMES, CODE_CALL, F_PC);
  store<u32>(S_TOP, AT_STACK + 16);
  store<u32>(S_EVENT, event);
  store<u32>(S_RECORD, record);
  store<u32>(S_RECORD_LENGTH, length);
}

/** Gives up the call under way, if there is one. */
export function unwind(): void {
  closeAllUpvalues();
  store<u32>(S_TOP, AT_STACK);
  reset();
  // What the frames held must not look alive to the registers of the next call.
  const soft = load<u32>(S_STACK_SOFT);
  for (let at = AT_STACK; at < soft; at += 16) setNil(at);
  store<u32>(S_STACK_SOFT, AT_STACK);
  hasStack(AT_STACK);
}

export function collectNow(): void {
  timedCollect();
}

/** Makes sure that the stack may be used up to `end`; 0 when it is too small. */
export function ensureStack(end: u32): i32 {
  return hasStack(end) ? 1 : 0;
}

// ---- objects for the host

export function stringAt(from: u32, length: u32, type: i32): u32 {
  return stringOf(from, length, type);
}

export function newBuiltin(id: i32): u32 {
  const builtin = allocateObject(BI_SIZE, TYPE_BUILTIN);
  if (builtin != 0) store<i32>(builtin, id, BI_ID);
  return builtin;
}

export function mainClosure(prototype: u32): u32 {
  return newMainClosure(prototype, TAG_TABLE, load<u32>(S_GLOBALS));
}

/** Address of the value of the key at `key`, or 0. */
export function find(table: u32, key: u32): u32 {
  return findValue(table, tagOf(key), integerOf(key));
}

/** Keeps an object alive until unpin. */
export function pin(object: u32): i32 {
  const count = load<u32>(S_PIN_COUNT);
  const capacity = load<u32>(S_PIN_CAPACITY);
  let pins = load<u32>(S_PINS);
  if (count == capacity) {
    const wanted = max(capacity << 1, 64);
    const bigger = takeRaw(wanted << 2);
    if (bigger == 0) return E_MEMORY;
    if (pins != 0) {
      memory.copy(bigger, pins, count << 2);
      releaseRaw(pins, capacity << 2);
    }
    pins = bigger;
    store<u32>(S_PINS, pins);
    store<u32>(S_PIN_CAPACITY, wanted);
  }
  store<u32>(pins + (count << 2), object);
  store<u32>(S_PIN_COUNT, count + 1);
  return E_NONE;
}

/** Takes back one pin. */
export function unpin(object: u32): void {
  const pins = load<u32>(S_PINS);
  const count = load<u32>(S_PIN_COUNT);
  for (let i = count; i > 0; i--) {
    if (load<u32>(pins + ((i - 1) << 2)) != object) continue;
    store<u32>(pins + ((i - 1) << 2), load<u32>(pins + ((count - 1) << 2)));
    store<u32>(S_PIN_COUNT, count - 1);
    return;
  }
}

// ---- memory that is not collected

/** Memory for what lives as long as the engine; 0 when there is none. */
export function allocatePermanent(bytes: u32): u32 {
  return takeRaw(bytes);
}

export function registerPrototype(prototype: u32): void {
  store<u32>(prototype, load<u32>(S_PROTOTYPES), P_NEXT);
  store<u32>(S_PROTOTYPES, prototype);
}

export function registerDescriptor(descriptor: u32): void {
  store<u32>(descriptor, load<u32>(S_DESCRIPTORS), D_NEXT);
  store<u32>(S_DESCRIPTORS, descriptor);
}

/** Whole 4-KiB units for buffers of the host. */
export function allocateUnits(units: u32): u32 {
  return allocateSpan(units);
}

export function freeUnits(address: u32, units: u32): void {
  freeSpan(address, units);
}
