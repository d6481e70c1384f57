// The allocator: cells of size classes in pages of 32 KiB, spans for what is larger. Two families of cells:
//
// - objects, found by the collector's sweep, which walks the pages; each begins with its type and mark;
// - raw cells (arrays of tables, buckets), freed by their one owner.
//
// An object page begins with 32 bytes: next page of the class, previous one, cell size, address up to which cells
// have been handed out. A large object (more than 4 KiB) has a span of its own with a
// head of 32 bytes before it: next, previous, units.
//
// Sweeping is lazy: after a collection the lists of free cells are empty, and a class that needs cells sweeps its
// pages one after the other (collector.ts has the rest of the story).

import {
  S_EPOCH,
  S_GC_DUE,
  S_LARGE,
  S_LENIENT,
  S_MAX_MEMORY,
  S_PEAK,
  S_REMAINING,
  S_THRESHOLD,
  S_TICKS,
  S_USED,
} from './generated/constants';
import { sweepForClass, sweepLargeSome, sweepSome } from './collector';
import { UNIT_SHIFT, allocateSpan, extendSpan, freeSpan } from './spans';

export const PAGE_UNITS: u32 = 8;
export const PAGE_BYTES: u32 = PAGE_UNITS << UNIT_SHIFT;
export const PAGE_HEAD: u32 = 32;
export const PG_NEXT: u32 = 0;
export const PG_PREVIOUS: u32 = 4;
export const PG_CELL: u32 = 8;
export const PG_BUMP: u32 = 12;
export const LARGE_HEAD: u32 = 32;
export const LG_NEXT: u32 = 0;
export const LG_PREVIOUS: u32 = 4;
export const LG_UNITS: u32 = 8;

export const LARGEST_CELL: u32 = 4096;
export const CLASS_COUNT: u32 = 32;

// Bookkeeping of the classes, between the internal instructions and the static data.
/** Byte for each size / 16: its class. */
const CLASS_OF: u32 = 0x900;
/** u32 arrays by class. */
const CELL_BYTES: u32 = 0xa80;
const FREE_OBJECTS: u32 = 0xb00;
const FREE_RAW: u32 = 0xb80;
const RAW_BUMP: u32 = 0xc00;
const RAW_END: u32 = 0xc80;
/** Page in which cells of the class are handed out for the first time. */
export const CURRENT_PAGE: u32 = 0xd00;
/** All pages of the class. */
export const PAGES: u32 = 0xd80;
/** Next page to sweep. */
export const SWEEP_CURSOR: u32 = 0xe00;

/** Makes the table of size classes: steps of 16 up to 128, then four for each doubling. */
export function initializeHeap(): void {
  let size: u32 = 16;
  let step: u32 = 16;
  let from: u32 = 0;
  for (let cls: u32 = 0; from <= LARGEST_CELL >>> 4 && size <= LARGEST_CELL; cls++) {
    store<u32>(CELL_BYTES + (cls << 2), size);
    for (; from <= size >>> 4; from++) store<u8>(CLASS_OF + from, <u8>cls);
    if (size >= 128 && (size & (size - 1)) == 0) step = size >>> 2;
    size += step;
  }
}

// @ts-ignore: decorator
@inline
function classFor(bytes: u32): u32 {
  return (<u32>load<u8>(CLASS_OF + ((bytes + 15) >>> 4))) << 2;
}

// @ts-ignore: decorator
@inline
function spanUnits(bytes: u32): u32 {
  return (bytes + ((1 << UNIT_SHIFT) - 1)) >>> UNIT_SHIFT;
}

/** Bytes that an allocation of this size counts. */
export function footprint(bytes: u32): u32 {
  if (bytes <= LARGEST_CELL) return load<u32>(CELL_BYTES + classFor(bytes));
  return spanUnits(bytes) << UNIT_SHIFT;
}

export function objectFootprint(bytes: u32): u32 {
  if (bytes <= LARGEST_CELL) return load<u32>(CELL_BYTES + classFor(bytes));
  return spanUnits(bytes + LARGE_HEAD) << UNIT_SHIFT;
}

/** Makes the next safepoint collect. */
export function requestCollection(): void {
  if (load<u32>(S_GC_DUE)) return;
  store<u32>(S_GC_DUE, 1);
  store<i32>(S_REMAINING, load<i32>(S_REMAINING) + max(load<i32>(S_TICKS), 0));
  store<i32>(S_TICKS, 0);
}

/** Counts bytes about to be handed out; false where they would pass the limit. */
// @ts-ignore: decorator
@inline
function account(bytes: u32): bool {
  const used = load<u32>(S_USED) + bytes;
  if (used >= load<u32>(S_THRESHOLD)) {
    if (!accountSlowly(bytes)) return false;
  }
  store<u32>(S_USED, used);
  return true;
}

function accountSlowly(bytes: u32): bool {
  const used = <u64>load<u32>(S_USED) + <u64>bytes;
  const limit = <u64>load<u32>(S_MAX_MEMORY);
  requestCollection();
  // The host cannot collect in the middle of a built-in: it may pass the limit once, and the next safepoint decides.
  if (load<u32>(S_LENIENT)) return <u64>bytes <= limit && used <= 0xf0000000;
  return used <= limit;
}

// @ts-ignore: decorator
@inline
function giveBack(bytes: u32): void {
  const used = load<u32>(S_USED);
  if (used > load<u32>(S_PEAK)) store<u32>(S_PEAK, used);
  store<u32>(S_USED, used - bytes);
}

// ---- objects

/** A new object of the type, marked as live, the rest of it undefined; 0 when memory is short. */
export function allocateObject(bytes: u32, type: i32): u32 {
  let object: u32;
  if (bytes <= LARGEST_CELL) {
    const cls = classFor(bytes);
    if (!account(load<u32>(CELL_BYTES + cls))) return 0;
    object = load<u32>(FREE_OBJECTS + cls);
    if (object != 0) {
      store<u32>(FREE_OBJECTS + cls, load<u32>(object, 4));
    } else {
      object = refill(cls);
      if (object == 0) {
        giveBack(load<u32>(CELL_BYTES + cls));
        return 0;
      }
    }
  } else {
    if (bytes > 0xf0000000) return 0;
    const units = spanUnits(bytes + LARGE_HEAD);
    if (!account(units << UNIT_SHIFT)) return 0;
    sweepLargeSome();
    const head = allocateSpan(units);
    if (head == 0) {
      giveBack(units << UNIT_SHIFT);
      return 0;
    }
    const next = load<u32>(S_LARGE);
    store<u32>(head, next, LG_NEXT);
    store<u32>(head, 0, LG_PREVIOUS);
    store<u32>(head, units, LG_UNITS);
    if (next != 0) store<u32>(next, head, LG_PREVIOUS);
    store<u32>(S_LARGE, head);
    object = head + LARGE_HEAD;
  }
  store<u32>(object, <u32>type | (load<u32>(S_EPOCH) << 8));
  return object;
}

/** A cell of a class whose list is empty: from swept pages, else fresh. */
function refill(cls: u32): u32 {
  sweepForClass(cls);
  let cell = load<u32>(FREE_OBJECTS + cls);
  if (cell != 0) {
    store<u32>(FREE_OBJECTS + cls, load<u32>(cell, 4));
    return cell;
  }
  const bytes = load<u32>(CELL_BYTES + cls);
  let page = load<u32>(CURRENT_PAGE + cls);
  if (page == 0 || load<u32>(page, PG_BUMP) + bytes > page + PAGE_BYTES) {
    sweepSome();
    page = allocateSpan(PAGE_UNITS);
    if (page == 0) return 0;
    const next = load<u32>(PAGES + cls);
    store<u32>(page, next, PG_NEXT);
    store<u32>(page, 0, PG_PREVIOUS);
    store<u32>(page, bytes, PG_CELL);
    store<u32>(page, page + PAGE_HEAD, PG_BUMP);
    if (next != 0) store<u32>(next, page, PG_PREVIOUS);
    store<u32>(PAGES + cls, page);
    store<u32>(CURRENT_PAGE + cls, page);
  }
  cell = load<u32>(page, PG_BUMP);
  store<u32>(page, cell + bytes, PG_BUMP);
  return cell;
}

/** Gives an object of `bytes` bytes back that nothing refers to. */
export function freeObject(object: u32, bytes: u32): void {
  if (bytes <= LARGEST_CELL) {
    const cls = classFor(bytes);
    giveBack(load<u32>(CELL_BYTES + cls));
    pushFree(cls, object);
  } else {
    giveBack(load<u32>(object - LARGE_HEAD, LG_UNITS) << UNIT_SHIFT);
    releaseLarge(object - LARGE_HEAD);
  }
}

// @ts-ignore: decorator
@inline
export function pushFree(cls: u32, cell: u32): void {
  store<u32>(cell, 0);
  store<u32>(cell, load<u32>(FREE_OBJECTS + cls), 4);
  store<u32>(FREE_OBJECTS + cls, cell);
}

export function freeListOf(cls: u32): u32 {
  return load<u32>(FREE_OBJECTS + cls);
}

export function setFreeList(cls: u32, cell: u32): void {
  store<u32>(FREE_OBJECTS + cls, cell);
}

/** Unlinks a large object's span and frees it; does not count. */
export function releaseLarge(head: u32): void {
  const next = load<u32>(head, LG_NEXT);
  const previous = load<u32>(head, LG_PREVIOUS);
  if (previous != 0) store<u32>(previous, next, LG_NEXT);
  else store<u32>(S_LARGE, next);
  if (next != 0) store<u32>(next, previous, LG_PREVIOUS);
  freeSpan(head, load<u32>(head, LG_UNITS));
}

// ---- raw cells

/** Memory for one owner, contents undefined; 0 when memory is short. */
export function allocateRaw(bytes: u32): u32 {
  if (bytes > 0xf0000000) return 0;
  const count = footprint(bytes);
  if (!account(count)) return 0;
  const address = takeRaw(bytes);
  if (address == 0) giveBack(count);
  return address;
}

/** As allocateRaw, but not counted: for what lives as long as the engine (prototypes, event descriptors). */
export function takeRaw(bytes: u32): u32 {
  if (bytes > LARGEST_CELL) return allocateSpan(spanUnits(bytes));
  const cls = classFor(bytes);
  let cell = load<u32>(FREE_RAW + cls);
  if (cell != 0) {
    store<u32>(FREE_RAW + cls, load<u32>(cell));
    return cell;
  }
  const size = load<u32>(CELL_BYTES + cls);
  cell = load<u32>(RAW_BUMP + cls);
  if (cell == 0 || cell + size > load<u32>(RAW_END + cls)) {
    cell = allocateSpan(PAGE_UNITS);
    if (cell == 0) return 0;
    store<u32>(RAW_END + cls, cell + PAGE_BYTES);
  }
  store<u32>(RAW_BUMP + cls, cell + size);
  return cell;
}

/** Makes a raw cell longer in its place; false where that cannot be. */
export function extendRaw(address: u32, bytes: u32, wanted: u32): bool {
  if (bytes <= LARGEST_CELL || wanted > 0xf0000000) return false;
  const count = footprint(wanted) - footprint(bytes);
  if (!account(count)) return false;
  if (extendSpan(address, spanUnits(bytes), spanUnits(wanted))) return true;
  giveBack(count);
  return false;
}

/** Frees what takeRaw or allocateRaw gave, without counting (the sweep: marking has counted anew). */
export function releaseRaw(address: u32, bytes: u32): void {
  if (bytes > LARGEST_CELL) {
    freeSpan(address, spanUnits(bytes));
    return;
  }
  const cls = classFor(bytes);
  store<u32>(address, load<u32>(FREE_RAW + cls));
  store<u32>(FREE_RAW + cls, address);
}

export function freeRaw(address: u32, bytes: u32): void {
  giveBack(footprint(bytes));
  releaseRaw(address, bytes);
}
