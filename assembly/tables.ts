// Tables: insertion order kept by an array of pairs, found by an open-addressing index over it (layout in
// src/engine/heap-layout.ts). While the keys are exactly 1..n, set in that order, a table is packed: an array of values
// without keys or index.
//
// A removed pair stays in its place with a nil key until the array is full and is written anew without the holes
// ("compaction"); iterators that stand in the table are moved along then. Its index slot stays too: it leads to a pair
// whose key fits nothing. So slots in use never exceed pairs in use, and half of the slots are always empty.
//
// The three operations every caller needs:
//   findValue   address of the value of a key, or 0
//   slotFor     the same, making a pair with a nil value where there is none; the caller must store into it at once
//   removeKey

import {
  BUCKETS_NONE,
  IT_NEXT,
  IT_POSITION,
  IT_TABLE,
  S_ITERATORS,
  STR_HASH,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STACK,
  TAG_STRING,
  TYPE_AGGREGATION_TABLE,
  TYPE_TABLE,
  T_AGGREGATION_SIZE,
  T_CAPACITY,
  T_COUNT,
  T_ENTRIES,
  T_ENTRY_BYTES,
  T_FIRST,
  T_INDEX,
  T_MASK,
  T_MODE,
  T_SIZE,
  T_USED,
} from './generated/constants';
import { allocateObject, allocateRaw, extendRaw, freeRaw } from './heap';
import { copyValue, setInteger, setNil } from './values';

const SMALLEST: u32 = 4;
/** Pairs of one table at the most: their array must fit the memory. */
const LARGEST: u32 = 1 << 26;
/** Flag at +2: an iterator may stand in the table. */
const ITERATED: u16 = 1;

export function newTable(type: i32): u32 {
  const table = allocateObject(type == TYPE_TABLE ? T_SIZE : T_AGGREGATION_SIZE, type);
  if (table == 0) return 0;
  for (let offset: u32 = T_COUNT; offset < <u32>T_SIZE; offset += 4) store<u32>(table + offset, 0);
  if (type == TYPE_AGGREGATION_TABLE) store<u32>(table, BUCKETS_NONE, T_MODE);
  return table;
}

/** Bytes of the array and the index together. */
export function tableBufferBytes(table: u32): u32 {
  const capacity = load<u32>(table, T_CAPACITY);
  const mask = load<u32>(table, T_MASK);
  return mask ? (capacity << 5) + ((mask + 1) << 2) : capacity << 4;
}

/** Nil, booleans: their payload means nothing and must not take part in comparisons. */
// @ts-ignore: decorator
@inline
function cleanPayload(tag: i32, payload: i64): i64 {
  return tag >= TAG_INTEGER ? payload : 0;
}

// @ts-ignore: decorator
@inline
function hashOf(tag: i32, payload: i64): u32 {
  if (tag == TAG_STRING || tag == TAG_STACK) return load<u32>(<u32>payload, STR_HASH);
  const h = (<u64>payload + <u64>(tag ^ TAG_INTEGER)) * 0x9e3779b97f4a7c15;
  return <u32>(h >>> 32) ^ <u32>(h >>> 13);
}

/** The pair of a key in a table that is not packed, or 0. */
// @ts-ignore: decorator
@inline
function findPair(table: u32, tag: i32, payload: i64, hash: u32): u32 {
  const mask = load<u32>(table, T_MASK);
  const index = load<u32>(table, T_INDEX);
  const entries = load<u32>(table, T_ENTRIES) - 32;
  let slot = hash & mask;
  let number = load<u32>(index + (slot << 2));
  while (number != 0) {
    const pair = entries + (number << 5);
    if (load<i64>(pair, 8) == payload && load<i32>(pair) == tag) return pair;
    slot = (slot + 1) & mask;
    number = load<u32>(index + (slot << 2));
  }
  return 0;
}

export function findValue(table: u32, tag: i32, payload: i64): u32 {
  if (load<u32>(table, T_MASK) == 0) {
    if (tag == TAG_INTEGER && <u64>(payload - 1) < <u64>load<u32>(table, T_USED)) {
      return load<u32>(table, T_ENTRIES) + ((<u32>payload - 1) << 4);
    }
    return 0;
  }
  payload = cleanPayload(tag, payload);
  const pair = findPair(table, tag, payload, hashOf(tag, payload));
  return pair == 0 ? 0 : pair + 16;
}

/** 0 when memory is short; nothing has changed then. The key is not nil. */
export function slotFor(table: u32, tag: i32, payload: i64): u32 {
  if (load<u32>(table, T_MASK) == 0) {
    if (tag == TAG_INTEGER) {
      const used = load<u32>(table, T_USED);
      const at = <u64>(payload - 1);
      if (at < <u64>used) return load<u32>(table, T_ENTRIES) + (<u32>at << 4);
      if (at == <u64>used) {
        if (used == load<u32>(table, T_CAPACITY)) {
          if (!resizePacked(table, max(used << 1, SMALLEST))) return 0;
        }
        store<u32>(table, used + 1, T_USED);
        store<u32>(table, used + 1, T_COUNT);
        const value = load<u32>(table, T_ENTRIES) + (used << 4);
        setNil(value);
        return value;
      }
    }
    if (!unpack(table, load<u32>(table, T_COUNT) + 1)) return 0;
  }
  payload = cleanPayload(tag, payload);
  const hash = hashOf(tag, payload);
  const pair = findPair(table, tag, payload, hash);
  if (pair != 0) return pair + 16;
  return insertPair(table, tag, payload, hash);
}

/** slotFor an integer, with the packed cases first. */
export function slotForInteger(table: u32, key: i64): u32 {
  if (load<u32>(table, T_MASK) == 0 && <u64>(key - 1) < <u64>load<u32>(table, T_USED)) {
    return load<u32>(table, T_ENTRIES) + ((<u32>key - 1) << 4);
  }
  return slotFor(table, TAG_INTEGER, key);
}

function insertPair(table: u32, tag: i32, payload: i64, hash: u32): u32 {
  if (load<u32>(table, T_USED) == load<u32>(table, T_CAPACITY)) {
    const capacity = load<u32>(table, T_CAPACITY);
    const count = load<u32>(table, T_COUNT);
    // Mostly holes: the same size, or less, will do.
    let wanted = capacity << 1;
    if (count < capacity - (capacity >>> 2)) wanted = capacity;
    while (wanted > SMALLEST << 1 && count < wanted >>> 3) wanted >>>= 1;
    if (!rebuild(table, wanted)) return 0;
  }
  const used = load<u32>(table, T_USED);
  const pair = load<u32>(table, T_ENTRIES) + (used << 5);
  store<i32>(pair, tag);
  store<u32>(pair, hash, 4);
  store<i64>(pair, payload, 8);
  setNil(pair + 16);
  store<u32>(table, used + 1, T_USED);
  store<u32>(table, (used + 1) << 5, T_ENTRY_BYTES);
  store<u32>(table, load<u32>(table, T_COUNT) + 1, T_COUNT);
  linkPair(load<u32>(table, T_INDEX), load<u32>(table, T_MASK), hash, used + 1);
  return pair + 16;
}

// @ts-ignore: decorator
@inline
function linkPair(index: u32, mask: u32, hash: u32, number: u32): void {
  let slot = hash & mask;
  while (load<u32>(index + (slot << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(index + (slot << 2), number);
}

/** Writes the pairs anew into an array of `capacity`, without holes. */
function rebuild(table: u32, capacity: u32): bool {
  if (capacity > LARGEST) return false;
  const mask = (capacity << 1) - 1;
  const bytes = (capacity << 5) + ((mask + 1) << 2);
  const oldBytes = tableBufferBytes(table);
  const old = load<u32>(table, T_ENTRIES);
  const used = load<u32>(table, T_USED);
  if (load<u32>(table, T_COUNT) == used && bytes > oldBytes && extendRaw(old, oldBytes, bytes)) {
    // A large array without holes grows in its place; fresh memory is dear.
    indexPairs(table, capacity, mask);
    return true;
  }
  const buffer = allocateRaw(bytes);
  if (buffer == 0) return false;
  const index = buffer + (capacity << 5);
  memory.fill(index, 0, (mask + 1) << 2);
  const isIterated = (load<u16>(table, 2) & ITERATED) != 0 && load<u32>(table, T_COUNT) != used;
  if (isIterated) moveIterators(table);
  let out: u32 = 0;
  for (let i: u32 = load<u32>(table, T_FIRST); i < used; i++) {
    const from = old + (i << 5);
    if (load<i32>(from) == TAG_NIL) continue;
    const to = buffer + (out << 5);
    const hash = load<u32>(from, 4);
    store<i32>(to, load<i32>(from));
    store<u32>(to, hash, 4);
    store<i64>(to, load<i64>(from, 8), 8);
    copyValue(to + 16, from + 16);
    out++;
    linkPair(index, mask, hash, out);
  }
  store<u32>(table, buffer, T_ENTRIES);
  store<u32>(table, capacity, T_CAPACITY);
  store<u32>(table, out, T_USED);
  store<u32>(table, out << 5, T_ENTRY_BYTES);
  store<u32>(table, index, T_INDEX);
  store<u32>(table, mask, T_MASK);
  store<u32>(table, 0, T_FIRST);
  freeRaw(old, oldBytes);
  return true;
}

/** Makes the index of a table whose array has room for `capacity` pairs and the index now. */
function indexPairs(table: u32, capacity: u32, mask: u32): void {
  const entries = load<u32>(table, T_ENTRIES);
  const index = entries + (capacity << 5);
  memory.fill(index, 0, (mask + 1) << 2);
  const used = load<u32>(table, T_USED);
  for (let i: u32 = 0; i < used; i++) linkPair(index, mask, load<u32>(entries + (i << 5), 4), i + 1);
  store<u32>(table, capacity, T_CAPACITY);
  store<u32>(table, index, T_INDEX);
  store<u32>(table, mask, T_MASK);
}

/** Before a compaction: each iterator in the table goes back by the holes before it. */
function moveIterators(table: u32): void {
  const entries = load<u32>(table, T_ENTRIES);
  const used = load<u32>(table, T_USED);
  let isIterated = false;
  for (let iterator = load<u32>(S_ITERATORS); iterator != 0; iterator = load<u32>(iterator, IT_NEXT)) {
    if (load<u32>(iterator, IT_TABLE) != table) continue;
    isIterated = true;
    const position = min(load<u32>(iterator, IT_POSITION), used);
    let live: u32 = 0;
    for (let i: u32 = 0; i < position; i++) if (load<i32>(entries + (i << 5)) != TAG_NIL) live++;
    store<u32>(iterator, live, IT_POSITION);
  }
  if (!isIterated) store<u16>(table, load<u16>(table, 2) & ~ITERATED, 2);
}

export function setIterated(table: u32): void {
  store<u16>(table, load<u16>(table, 2) | ITERATED, 2);
}

function resizePacked(table: u32, capacity: u32): bool {
  if (capacity > LARGEST) return false;
  const old = load<u32>(table, T_ENTRIES);
  if (old != 0 && extendRaw(old, load<u32>(table, T_CAPACITY) << 4, capacity << 4)) {
    store<u32>(table, capacity, T_CAPACITY);
    return true;
  }
  const buffer = allocateRaw(capacity << 4);
  if (buffer == 0) return false;
  if (old != 0) {
    memory.copy(buffer, old, load<u32>(table, T_USED) << 4);
    freeRaw(old, load<u32>(table, T_CAPACITY) << 4);
  }
  store<u32>(table, buffer, T_ENTRIES);
  store<u32>(table, capacity, T_CAPACITY);
  return true;
}

// @ts-ignore: decorator
@inline
function powerOfTwoFrom(n: u32): u32 {
  return n <= SMALLEST ? SMALLEST : 1 << (32 - clz(n - 1));
}

/** Gives a packed table keys and an index, with room for `room` pairs. Positions stay the same. */
function unpack(table: u32, room: u32): bool {
  const used = load<u32>(table, T_USED);
  if (room > LARGEST) return false;
  const capacity = powerOfTwoFrom(max(room, used));
  const mask = (capacity << 1) - 1;
  const buffer = allocateRaw((capacity << 5) + ((mask + 1) << 2));
  if (buffer == 0) return false;
  const index = buffer + (capacity << 5);
  memory.fill(index, 0, (mask + 1) << 2);
  const old = load<u32>(table, T_ENTRIES);
  for (let i: u32 = 0; i < used; i++) {
    const pair = buffer + (i << 5);
    const hash = hashOf(TAG_INTEGER, <i64>i + 1);
    setInteger(pair, <i64>i + 1);
    store<u32>(pair, hash, 4);
    copyValue(pair + 16, old + (i << 4));
    linkPair(index, mask, hash, i + 1);
  }
  if (old != 0) freeRaw(old, load<u32>(table, T_CAPACITY) << 4);
  store<u32>(table, buffer, T_ENTRIES);
  store<u32>(table, capacity, T_CAPACITY);
  store<u32>(table, used << 5, T_ENTRY_BYTES);
  store<u32>(table, index, T_INDEX);
  store<u32>(table, mask, T_MASK);
  store<u32>(table, 0, T_FIRST);
  return true;
}

/** Makes room in a new table: positions 1..`positions`, or else `pairs` pairs. False when memory is short. */
export function reserve(table: u32, positions: u32, pairs: u32): bool {
  if (pairs != 0) return pairs <= LARGEST && unpack(table, pairs);
  if (positions != 0) return positions <= LARGEST && resizePacked(table, powerOfTwoFrom(positions));
  return true;
}

/** False when memory is short: taking an inner key out of a packed table gives it an index. */
export function removeKey(table: u32, tag: i32, payload: i64): bool {
  if (load<u32>(table, T_MASK) == 0) {
    const used = load<u32>(table, T_USED);
    const at = <u64>(payload - 1);
    if (tag != TAG_INTEGER || at >= <u64>used) return true;
    if (at == <u64>(used - 1)) {
      store<u32>(table, used - 1, T_USED);
      store<u32>(table, used - 1, T_COUNT);
      return true;
    }
    if (!unpack(table, used)) return false;
  }
  payload = cleanPayload(tag, payload);
  const pair = findPair(table, tag, payload, hashOf(tag, payload));
  if (pair == 0) return true;
  setNil(pair);
  setNil(pair + 16);
  const count = load<u32>(table, T_COUNT) - 1;
  store<u32>(table, count, T_COUNT);
  const used = load<u32>(table, T_USED);
  const entries = load<u32>(table, T_ENTRIES);
  if (count == 0 && used >= load<u32>(table, T_CAPACITY) >>> 1) {
    // Empty: start over in the same array. Running iterators are beyond what comes, and end.
    memory.fill(load<u32>(table, T_INDEX), 0, (load<u32>(table, T_MASK) + 1) << 2);
    store<u32>(table, 0, T_USED);
    store<u32>(table, 0, T_ENTRY_BYTES);
    store<u32>(table, 0, T_FIRST);
    return true;
  }
  let first = load<u32>(table, T_FIRST);
  if (pair == entries + (first << 5)) {
    while (first < used && load<i32>(entries + (first << 5)) == TAG_NIL) first++;
    store<u32>(table, first, T_FIRST);
  }
  return true;
}

export function clearTable(table: u32): void {
  const entries = load<u32>(table, T_ENTRIES);
  if (entries != 0) freeRaw(entries, tableBufferBytes(table));
  for (let offset: u32 = T_COUNT; offset < <u32>T_SIZE; offset += 4) store<u32>(table + offset, 0);
}

/**
 * Next pair at or after position `position`: its key goes to `key`, its value to `value` (0: not wanted). Answers the
 * position after it, or 0 at the end.
 */
export function nextPair(table: u32, position: u32, key: u32, value: u32): u32 {
  const used = load<u32>(table, T_USED);
  const entries = load<u32>(table, T_ENTRIES);
  if (load<u32>(table, T_MASK) == 0) {
    if (position >= used) return 0;
    setInteger(key, <i64>position + 1);
    if (value != 0) copyValue(value, entries + (position << 4));
    return position + 1;
  }
  for (position = max(position, load<u32>(table, T_FIRST)); position < used; position++) {
    const pair = entries + (position << 5);
    if (load<i32>(pair) == TAG_NIL) continue;
    copyValue(key, pair);
    if (value != 0) copyValue(value, pair + 16);
    return position + 1;
  }
  return 0;
}
