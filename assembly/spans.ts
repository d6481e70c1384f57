// The lowest layer of the heap: runs of 4-KiB units ("spans") out of the growing linear memory. Free neighbours are
// joined at once, so memory that tables and long strings gave back serves any other size.
//
// A side table has one u32 for each unit: for the first and the last unit of a free span `length << 1 | 1`, else 0.
// Free spans of about one size are linked through their first 8 bytes: next, previous.

import { AT_HEAP, AT_SPANS, S_MEMORY_END } from './generated/constants';

export const UNIT_SHIFT: u32 = 12;
const BIN_COUNT: u32 = 21;
/** Heads of the lists by the logarithm of the length; 0xf00 is free space below the static data. */
const BINS: u32 = 0xf00;
/** Spans of the fitting list that are looked at before a longer one is split. */
const SEARCH_LIMIT: u32 = 32;
/** Memory grows by at least this many pages of 64 KiB. */
const GROWTH_PAGES: u32 = 16;

// @ts-ignore: decorator
@inline
function side(address: u32): u32 {
  return AT_SPANS + ((address >>> UNIT_SHIFT) << 2);
}

// @ts-ignore: decorator
@inline
function bin(units: u32): u32 {
  return BINS + ((31 - clz(units)) << 2);
}

function insert(address: u32, units: u32): void {
  const mark = (units << 1) | 1;
  store<u32>(side(address), mark);
  store<u32>(side(address) + ((units - 1) << 2), mark);
  const head = bin(units);
  const next = load<u32>(head);
  store<u32>(address, next);
  store<u32>(address, 0, 4);
  if (next != 0) store<u32>(next, address, 4);
  store<u32>(head, address);
}

function remove(address: u32, units: u32): void {
  store<u32>(side(address), 0);
  store<u32>(side(address) + ((units - 1) << 2), 0);
  const next = load<u32>(address);
  const previous = load<u32>(address, 4);
  if (previous != 0) store<u32>(previous, next);
  else store<u32>(bin(units), next);
  if (next != 0) store<u32>(next, previous, 4);
}

function take(address: u32, have: u32, units: u32): u32 {
  remove(address, have);
  if (have > units) insert(address + (units << UNIT_SHIFT), have - units);
  return address;
}

function find(units: u32): u32 {
  let head = bin(units);
  let address = load<u32>(head);
  for (let looked: u32 = 0; address != 0 && looked < SEARCH_LIMIT; looked++) {
    const have = load<u32>(side(address)) >>> 1;
    if (have >= units) return take(address, have, units);
    address = load<u32>(address);
  }
  for (head += 4; head < BINS + (BIN_COUNT << 2); head += 4) {
    address = load<u32>(head);
    if (address != 0) return take(address, load<u32>(side(address)) >>> 1, units);
  }
  return 0;
}

/** Grows the memory by at least `units`, which become a free span at its end. */
function growMemory(units: u32): void {
  const end = load<u32>(S_MEMORY_END);
  const least = (units + 15) >>> 4;
  // An eighth more each time keeps the number of growths, each of which detaches the host's views, small.
  let pages = max(max(least, GROWTH_PAGES), (end - AT_HEAP) >>> 19);
  if (memory.grow(pages) < 0) {
    pages = least;
    if (memory.grow(pages) < 0) return;
  }
  // The last page of a memory of 4 GiB stays unused, so that ends of spans fit 32 bits.
  let bytes = pages << 16;
  if (end + bytes < end) bytes -= 1 << 16;
  store<u32>(S_MEMORY_END, end + bytes);
  if (bytes != 0) freeSpan(end, bytes >>> UNIT_SHIFT);
}

/** Address of `units` units, contents undefined; 0 when the memory cannot grow. */
export function allocateSpan(units: u32): u32 {
  const found = find(units);
  if (found != 0) return found;
  growMemory(units);
  return find(units);
}

/** Makes a span longer in its place, if what follows is free or the memory's end. */
export function extendSpan(address: u32, units: u32, wanted: u32): bool {
  const end = address + (units << UNIT_SHIFT);
  const more = wanted - units;
  let free = freeUnitsAt(end);
  if (free < more && end + (free << UNIT_SHIFT) == load<u32>(S_MEMORY_END)) {
    growMemory(more - free);
    free = freeUnitsAt(end);
  }
  if (free < more) return false;
  take(end, free, more);
  return true;
}

/** Length of the free span that begins at an address; 0 if none does. */
function freeUnitsAt(address: u32): u32 {
  const mark = load<u32>(side(address));
  return mark & 1 ? mark >>> 1 : 0;
}

export function freeSpan(address: u32, units: u32): void {
  const before = load<u32>(side(address) - 4);
  if (before & 1 && address > AT_HEAP) {
    const length = before >>> 1;
    address -= length << UNIT_SHIFT;
    remove(address, length);
    units += length;
  }
  const end = address + (units << UNIT_SHIFT);
  const after = load<u32>(side(end));
  if (after & 1) {
    const length = after >>> 1;
    remove(end, length);
    units += length;
  }
  insert(address, units);
}
