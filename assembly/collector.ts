// The collector: mark (all at once, at a safepoint), then sweep page by page as cells are needed.
//
// An object is live when its mark byte is the current epoch (1 or 2, they alternate), so marks need no clearing.
// Marking links the containers still to be looked at through their GRAY word: no recursion and no memory of its own.
// It also counts the live bytes anew, so that sweeping need not count.
//
// The table of strings holds them weakly: the sweep takes dead strings out; one that is looked up in between is given
// the current epoch and so lives on (strings.ts).
//
// Roots: the value stack up to the top frame's end, callees of frames, open upvalues, constants, globals, pins, names
// in event descriptors. The stack above is set to nil, so a register that a later frame has not yet written never
// holds a freed object.

import {
  AGG_BUCKETED_SIZE,
  AGG_BUCKETS,
  AGG_BUCKET_COUNT,
  AGG_SIZE,
  AT_FRAMES,
  AT_STACK,
  AT_STACK_END,
  BI_SIZE,
  CL_GRAY,
  CL_PROTOTYPE,
  CL_UPVALUES,
  CL_UPVALUE_COUNT,
  DF_NAME,
  DF_SIZE,
  D_ARG_COUNT,
  D_FIELDS,
  D_NAME,
  D_NAMED_COUNT,
  D_NEXT,
  F_BASE,
  F_CALLEE,
  F_SIZE,
  IT_GRAY,
  IT_NEXT,
  IT_SIZE,
  IT_TABLE,
  P_CONSTANTS,
  P_CONSTANT_COUNT,
  P_NEXT,
  P_REGISTER_BYTES,
  SO_COUNT,
  SO_GRAY,
  SO_PAIRS,
  SO_SIZE,
  SO_SOURCE,
  SO_TARGET,
  STR_BYTES,
  STR_LENGTH,
  S_COLLECTIONS,
  S_DESCRIPTORS,
  S_EPOCH,
  S_FP,
  S_GC_DUE,
  S_GLOBALS,
  S_GRAY,
  S_ITERATORS,
  S_LARGE,
  S_LARGE_CURSOR,
  S_MAX_MEMORY,
  S_OPEN,
  S_PEAK,
  S_PINS,
  S_PIN_COUNT,
  S_PROTOTYPES,
  S_STACK_SOFT,
  S_SWEEPING,
  S_THRESHOLD,
  S_TOP,
  S_USED,
  TAG_STRING,
  TYPE_AGGREGATION,
  TYPE_AGGREGATION_TABLE,
  TYPE_BUILTIN,
  TYPE_CLOSURE,
  TYPE_FREE,
  TYPE_ITERATOR,
  TYPE_SORTED,
  TYPE_STACK,
  TYPE_STRING,
  TYPE_TABLE,
  TYPE_UPVALUE,
  T_AGGREGATION_SIZE,
  T_ENTRIES,
  T_GRAY,
  T_MASK,
  T_SIZE,
  T_USED,
  UP_NEXT,
  UP_SIZE,
  UP_VALUE,
} from './generated/constants';
import {
  CLASS_COUNT,
  CURRENT_PAGE,
  LARGE_HEAD,
  LG_NEXT,
  PAGES,
  PAGE_HEAD,
  PAGE_UNITS,
  PG_BUMP,
  PG_CELL,
  PG_NEXT,
  PG_PREVIOUS,
  SWEEP_CURSOR,
  footprint,
  freeListOf,
  objectFootprint,
  releaseLarge,
  releaseRaw,
  setFreeList,
} from './heap';
import { freeSpan } from './spans';
import { forgetString } from './strings';
import { tableBufferBytes } from './tables';
import { refOf, setNil, tagOf, typeOf } from './values';

/** Below this many bytes a collection is not worth its while. */
const SMALLEST_THRESHOLD: u32 = 4 << 20;
/** Pages that one refill sweeps beside its own class's, so that sweeping ends well before the next collection. */
const SWEEP_BATCH: u32 = 4;
/** How far beyond the top frame the stack may be used before this is noted again; as much is cleared in each collection. */
const STACK_STEP: u32 = 1 << 13;

// ---- marking

// @ts-ignore: decorator
@inline
function isMarked(object: u32): bool {
  return <u32>load<u8>(object, 1) == load<u32>(S_EPOCH);
}

// @ts-ignore: decorator
@inline
function count(bytes: u32): void {
  store<u32>(S_USED, load<u32>(S_USED) + bytes);
}

// @ts-ignore: decorator
@inline
function gray(object: u32, link: i32): void {
  store<u32>(object + link, load<u32>(S_GRAY));
  store<u32>(S_GRAY, object);
}

export function markObject(object: u32): void {
  if (isMarked(object)) return;
  store<u8>(object, <u8>load<u32>(S_EPOCH), 1);
  const type = typeOf(object);
  count(objectFootprint(objectBytes(object, type)));
  switch (type) {
    case TYPE_TABLE:
    case TYPE_AGGREGATION_TABLE:
      gray(object, T_GRAY);
      break;
    case TYPE_CLOSURE:
      gray(object, CL_GRAY);
      break;
    case TYPE_ITERATOR:
      gray(object, IT_GRAY);
      break;
    case TYPE_SORTED:
      gray(object, SO_GRAY);
      break;
    case TYPE_AGGREGATION:
      if (load<u32>(object, AGG_BUCKETS) != 0) count(footprint(load<u32>(object, AGG_BUCKET_COUNT) << 3));
      break;
    default:
      break;
  }
}

/** Bytes of the object itself. */
function objectBytes(object: u32, type: i32): u32 {
  switch (type) {
    case TYPE_STRING:
    case TYPE_STACK:
      return stringBytes(load<u32>(object, STR_LENGTH));
    case TYPE_TABLE:
      return T_SIZE;
    case TYPE_AGGREGATION_TABLE:
      return T_AGGREGATION_SIZE;
    case TYPE_AGGREGATION:
      return load<u16>(object, 2) ? AGG_BUCKETED_SIZE : AGG_SIZE;
    case TYPE_CLOSURE:
      return CL_UPVALUES + (load<u32>(object, CL_UPVALUE_COUNT) << 2);
    case TYPE_UPVALUE:
      return UP_SIZE;
    case TYPE_BUILTIN:
      return BI_SIZE;
    case TYPE_ITERATOR:
      return IT_SIZE;
    default:
      return SO_SIZE;
  }
}

// @ts-ignore: decorator
@inline
export function stringBytes(length: u32): u32 {
  return STR_BYTES + ((length + 7) & ~7);
}

// @ts-ignore: decorator
@inline
function markValue(value: u32): void {
  if (tagOf(value) >= TAG_STRING) markObject(refOf(value));
}

function markValues(from: u32, to: u32): void {
  for (; from < to; from += 16) markValue(from);
}

function scan(object: u32): void {
  const type = typeOf(object);
  if (type == TYPE_TABLE || type == TYPE_AGGREGATION_TABLE) {
    store<u32>(S_GRAY, load<u32>(object, T_GRAY));
    const entries = load<u32>(object, T_ENTRIES);
    if (entries == 0) return;
    count(footprint(tableBufferBytes(object)));
    const used = load<u32>(object, T_USED);
    // A removed pair has both tags nil; a packed table has values only.
    markValues(entries, entries + (load<u32>(object, T_MASK) ? used << 5 : used << 4));
  } else if (type == TYPE_CLOSURE) {
    store<u32>(S_GRAY, load<u32>(object, CL_GRAY));
    const end = object + CL_UPVALUES + (load<u32>(object, CL_UPVALUE_COUNT) << 2);
    for (let at = object + CL_UPVALUES; at < end; at += 4) {
      const upvalue = load<u32>(at);
      if (upvalue == 0 || isMarked(upvalue)) continue;
      store<u8>(upvalue, <u8>load<u32>(S_EPOCH), 1);
      count(objectFootprint(UP_SIZE));
      markValue(load<u32>(upvalue, UP_VALUE));
    }
  } else if (type == TYPE_ITERATOR) {
    store<u32>(S_GRAY, load<u32>(object, IT_GRAY));
    markObject(load<u32>(object, IT_TABLE));
  } else {
    store<u32>(S_GRAY, load<u32>(object, SO_GRAY));
    const n = load<u32>(object, SO_COUNT);
    const pairs = load<u32>(object, SO_PAIRS);
    if (pairs == 0) return;
    count(footprint(n << 5));
    if (load<u32>(object, SO_SOURCE)) count(footprint(n << 2));
    if (load<u32>(object, SO_TARGET)) count(footprint(n << 2));
    markValues(pairs, pairs + (n << 5));
  }
}

function markRoots(): void {
  markObject(load<u32>(S_GLOBALS));
  const fp = load<u32>(S_FP);
  let end = load<u32>(S_TOP);
  for (let frame: u32 = AT_FRAMES; frame <= fp; frame += F_SIZE) {
    const callee = load<u32>(frame, F_CALLEE);
    if (callee == 0) continue;
    markObject(callee);
    const registers =
      typeOf(callee) == TYPE_CLOSURE ? load<u32>(load<u32>(callee, CL_PROTOTYPE), P_REGISTER_BYTES) : <u32>128;
    end = max(end, load<u32>(frame, F_BASE) + registers);
  }
  end = max(end, AT_STACK);
  markValues(AT_STACK, end);
  const soft = load<u32>(S_STACK_SOFT);
  for (let at = end; at < soft; at += 16) setNil(at);
  store<u32>(S_STACK_SOFT, min((end + STACK_STEP) & ~15, max(soft, AT_STACK + STACK_STEP)));
  for (let upvalue = load<u32>(S_OPEN); upvalue != 0; upvalue = load<u32>(upvalue, UP_NEXT)) markObject(upvalue);
  for (let p = load<u32>(S_PROTOTYPES); p != 0; p = load<u32>(p, P_NEXT)) {
    const constants = load<u32>(p, P_CONSTANTS);
    markValues(constants, constants + (load<u32>(p, P_CONSTANT_COUNT) << 4));
  }
  for (let d = load<u32>(S_DESCRIPTORS); d != 0; d = load<u32>(d, D_NEXT)) {
    markObject(load<u32>(d, D_NAME));
    const fields = d + D_FIELDS;
    const last = fields + (load<u32>(d, D_ARG_COUNT) + load<u32>(d, D_NAMED_COUNT)) * DF_SIZE;
    for (let field = fields; field < last; field += DF_SIZE) markObject(load<u32>(field, DF_NAME));
  }
  const pins = load<u32>(S_PINS);
  for (let i: u32 = 0; i < load<u32>(S_PIN_COUNT); i++) markObject(load<u32>(pins + (i << 2)));
}

/** Iterators that died are taken off the list that compaction of tables walks. */
function pruneIterators(): void {
  let link: u32 = S_ITERATORS;
  for (let iterator = load<u32>(link); iterator != 0; iterator = load<u32>(iterator, IT_NEXT)) {
    if (!isMarked(iterator)) continue;
    store<u32>(link, iterator);
    link = iterator + IT_NEXT;
  }
  store<u32>(link, 0);
}

/** Marks everything and starts a sweep. Only at safepoints, with the registers of `run` written to their frame. */
export function collect(): void {
  finishSweep();
  const used = load<u32>(S_USED);
  if (used > load<u32>(S_PEAK)) store<u32>(S_PEAK, used);
  store<u32>(S_EPOCH, 3 - load<u32>(S_EPOCH));
  store<u32>(S_USED, 0);
  store<u32>(S_GRAY, 0);
  markRoots();
  for (let object = load<u32>(S_GRAY); object != 0; object = load<u32>(S_GRAY)) scan(object);
  pruneIterators();
  for (let cls: u32 = 0; cls < CLASS_COUNT << 2; cls += 4) {
    setFreeList(cls, 0);
    store<u32>(SWEEP_CURSOR + cls, load<u32>(PAGES + cls));
  }
  store<u32>(S_LARGE_CURSOR, load<u32>(S_LARGE));
  store<u32>(S_SWEEPING, 1);
  store<u32>(S_GC_DUE, 0);
  store<u32>(S_COLLECTIONS, load<u32>(S_COLLECTIONS) + 1);
  setThreshold();
}

/** The next collection comes when the heap has doubled, or half of what is left is used. */
export function setThreshold(): void {
  const live = load<u32>(S_USED);
  const limit = load<u32>(S_MAX_MEMORY);
  const room = live < limit ? (limit - live) >>> 1 : 0;
  store<u32>(S_THRESHOLD, live + min(max(live, SMALLEST_THRESHOLD), room));
}

// ---- sweeping

/** Frees what a dead object owns. */
function finalize(object: u32, type: i32): void {
  switch (type) {
    case TYPE_STRING:
    case TYPE_STACK:
      forgetString(object);
      break;
    case TYPE_TABLE:
    case TYPE_AGGREGATION_TABLE: {
      const entries = load<u32>(object, T_ENTRIES);
      if (entries != 0) releaseRaw(entries, tableBufferBytes(object));
      break;
    }
    case TYPE_AGGREGATION: {
      const buckets = load<u32>(object, AGG_BUCKETS);
      if (buckets != 0) releaseRaw(buckets, load<u32>(object, AGG_BUCKET_COUNT) << 3);
      break;
    }
    case TYPE_SORTED: {
      const n = load<u32>(object, SO_COUNT);
      const pairs = load<u32>(object, SO_PAIRS);
      const source = load<u32>(object, SO_SOURCE);
      const target = load<u32>(object, SO_TARGET);
      if (pairs != 0) releaseRaw(pairs, n << 5);
      if (source != 0) releaseRaw(source, n << 2);
      if (target != 0) releaseRaw(target, n << 2);
      break;
    }
    default:
      break;
  }
}

/** Sweeps one page: its free cells go to the class's list; a page without a live cell goes back as a span. */
function sweepPage(page: u32, cls: u32): void {
  const epoch = load<u32>(S_EPOCH);
  const bytes = load<u32>(page, PG_CELL);
  const end = load<u32>(page, PG_BUMP);
  let list = freeListOf(cls);
  let isUsed = false;
  for (let cell = page + PAGE_HEAD; cell < end; cell += bytes) {
    const type = typeOf(cell);
    if (type != TYPE_FREE) {
      if (<u32>load<u8>(cell, 1) == epoch) {
        isUsed = true;
        continue;
      }
      finalize(cell, type);
      store<u32>(cell, 0);
    }
    store<u32>(cell, list, 4);
    list = cell;
  }
  if (isUsed) {
    setFreeList(cls, list);
    return;
  }
  const next = load<u32>(page, PG_NEXT);
  const previous = load<u32>(page, PG_PREVIOUS);
  if (previous != 0) store<u32>(previous, next, PG_NEXT);
  else store<u32>(PAGES + cls, next);
  if (next != 0) store<u32>(next, previous, PG_PREVIOUS);
  if (load<u32>(CURRENT_PAGE + cls) == page) store<u32>(CURRENT_PAGE + cls, 0);
  freeSpan(page, PAGE_UNITS);
}

/** Sweeps the next page of a class that was there when the sweep began; false when there is none left. */
function sweepNext(cls: u32): bool {
  const page = load<u32>(SWEEP_CURSOR + cls);
  if (page == 0) return false;
  store<u32>(SWEEP_CURSOR + cls, load<u32>(page, PG_NEXT));
  sweepPage(page, cls);
  return true;
}

/** Sweeps pages of a class until it has a free cell. */
export function sweepForClass(cls: u32): void {
  while (freeListOf(cls) == 0) if (!sweepNext(cls)) return;
}

/** Sweeps a few pages, and large objects, of any class. */
export function sweepSome(): void {
  if (!load<u32>(S_SWEEPING)) return;
  let left = SWEEP_BATCH;
  for (let cls: u32 = 0; cls < CLASS_COUNT << 2; cls += 4) {
    while (sweepNext(cls)) if (--left == 0) return;
  }
  if (sweepLarge(64)) store<u32>(S_SWEEPING, 0);
}

/** Sweeps some large objects before another one is made, so that the memory of dead ones is used again. */
export function sweepLargeSome(): void {
  if (load<u32>(S_SWEEPING)) sweepLarge(16);
}

/** Sweeps up to `most` large objects; true when none is left. */
function sweepLarge(most: u32): bool {
  const epoch = load<u32>(S_EPOCH);
  let head = load<u32>(S_LARGE_CURSOR);
  for (; head != 0 && most > 0; most--) {
    const next = load<u32>(head, LG_NEXT);
    const object = head + LARGE_HEAD;
    if (<u32>load<u8>(object, 1) != epoch) {
      finalize(object, typeOf(object));
      releaseLarge(head);
    }
    head = next;
  }
  store<u32>(S_LARGE_CURSOR, head);
  return head == 0;
}

export function finishSweep(): void {
  if (!load<u32>(S_SWEEPING)) return;
  for (let cls: u32 = 0; cls < CLASS_COUNT << 2; cls += 4) {
    while (sweepNext(cls)) {}
  }
  sweepLarge(0xffffffff);
  store<u32>(S_SWEEPING, 0);
}

/** Gives a dead object that the sweep has not reached yet its life back (strings only). */
export function revive(object: u32, bytes: u32): void {
  if (isMarked(object)) return;
  store<u8>(object, <u8>load<u32>(S_EPOCH), 1);
  count(objectFootprint(bytes));
}

/** End of the stack that the collector looks at; used where a frame is entered beyond it. */
export function raiseStackSoft(needed: u32): bool {
  if (needed > AT_STACK_END - 4096) return false;
  store<u32>(S_STACK_SOFT, min(max(load<u32>(S_STACK_SOFT), needed) + STACK_STEP, AT_STACK_END));
  return true;
}
