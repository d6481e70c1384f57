// Strings and stacks: interned, so that equality is identity; the hash is kept. The table of all strings is chained
// through the strings themselves and holds them weakly.

import {
  S_STRINGS,
  S_STRING_COUNT,
  S_STRING_MASK,
  STR_BYTES,
  STR_HASH,
  STR_LENGTH,
  STR_NEXT,
  TAG_INTEGER,
  TAG_STRING,
  TYPE_STRING,
} from './generated/constants';
import { revive, stringBytes } from './collector';
import { allocateObject, freeObject, releaseRaw, takeRaw } from './heap';
import { integerOf, refOf, setRef, tagOf, typeOf } from './values';

const FIRST_BUCKETS: u32 = 1024;
const M: u64 = 0x9e3779b97f4a7c15;
/** Room for the digits of a number, below the static data. */
const DIGITS: u32 = 0xf80;

export function initializeStrings(): void {
  const buckets = takeRaw(FIRST_BUCKETS << 2);
  memory.fill(buckets, 0, FIRST_BUCKETS << 2);
  store<u32>(S_STRINGS, buckets);
  store<u32>(S_STRING_MASK, FIRST_BUCKETS - 1);
}

// @ts-ignore: decorator
@inline
function mix(h: u64, word: u64): u64 {
  h = (h ^ word) * M;
  return h ^ (h >>> 29);
}

/** Hash of bytes that are padded with zeros to a multiple of 8. */
function hashBytes(at: u32, length: u32, type: i32): u32 {
  let h: u64 = <u64>length * M + <u64>type;
  const end = at + length;
  if (length >= 64) {
    // Four independent chains keep the multiplier busy: about 8 bytes a cycle.
    let h1: u64 = 1;
    let h2: u64 = 2;
    let h3: u64 = 3;
    for (; at + 32 <= end; at += 32) {
      h = mix(h, load<u64>(at));
      h1 = mix(h1, load<u64>(at, 8));
      h2 = mix(h2, load<u64>(at, 16));
      h3 = mix(h3, load<u64>(at, 24));
    }
    h = mix(mix(mix(h, h1), h2), h3);
  }
  for (; at < end; at += 8) h = mix(h, load<u64>(at));
  h ^= h >>> 32;
  return <u32>h;
}

function sameBytes(a: u32, b: u32, length: u32): bool {
  for (let offset: u32 = 0; offset < length; offset += 8) {
    if (load<u64>(a + offset) != load<u64>(b + offset)) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
export function copyBytes(to: u32, from: u32, length: u32): void {
  // memory.copy is a call out of WebAssembly, which costs more than copying a short string.
  if (length > 128) {
    memory.copy(to, from, length);
    return;
  }
  let offset: u32 = 0;
  for (; offset + 8 <= length; offset += 8) store<u64>(to + offset, load<u64>(from + offset));
  for (; offset < length; offset++) store<u8>(to + offset, load<u8>(from + offset));
}

/** An object for a string of `length` bytes, the padding cleared, not yet interned; 0 when memory is short. */
export function newString(length: u32, type: i32): u32 {
  const string = allocateObject(stringBytes(length), type);
  if (string == 0) return 0;
  store<u32>(string, length, STR_LENGTH);
  if (length & 7) store<u64>(string + STR_BYTES + (length & ~7), 0);
  return string;
}

/** The interned string with these bytes: an older one (then `string` is given back) or `string` itself. */
export function intern(string: u32): u32 {
  const type = typeOf(string);
  const length = load<u32>(string, STR_LENGTH);
  const hash = hashBytes(string + STR_BYTES, length, type);
  const bucket = load<u32>(S_STRINGS) + ((hash & load<u32>(S_STRING_MASK)) << 2);
  for (let other = load<u32>(bucket); other != 0; other = load<u32>(other, STR_NEXT)) {
    if (
      load<u32>(other, STR_HASH) == hash &&
      load<u32>(other, STR_LENGTH) == length &&
      typeOf(other) == type &&
      sameBytes(other + STR_BYTES, string + STR_BYTES, length)
    ) {
      revive(other, stringBytes(length));
      freeObject(string, stringBytes(length));
      return other;
    }
  }
  store<u32>(string, hash, STR_HASH);
  store<u32>(string, load<u32>(bucket), STR_NEXT);
  store<u32>(bucket, string);
  const count = load<u32>(S_STRING_COUNT) + 1;
  store<u32>(S_STRING_COUNT, count);
  if (count > load<u32>(S_STRING_MASK)) growTable();
  return string;
}

/** Doubles the buckets; with no memory for that chains just get longer. */
function growTable(): void {
  const oldMask = load<u32>(S_STRING_MASK);
  const old = load<u32>(S_STRINGS);
  const mask = (oldMask << 1) | 1;
  const buckets = takeRaw((mask + 1) << 2);
  if (buckets == 0) return;
  memory.fill(buckets, 0, (mask + 1) << 2);
  for (let i: u32 = 0; i <= oldMask; i++) {
    let string = load<u32>(old + (i << 2));
    while (string != 0) {
      const next = load<u32>(string, STR_NEXT);
      const bucket = buckets + ((load<u32>(string, STR_HASH) & mask) << 2);
      store<u32>(string, load<u32>(bucket), STR_NEXT);
      store<u32>(bucket, string);
      string = next;
    }
  }
  store<u32>(S_STRINGS, buckets);
  store<u32>(S_STRING_MASK, mask);
  releaseRaw(old, (oldMask + 1) << 2);
}

/** Takes a dead string out of the table. */
export function forgetString(string: u32): void {
  let link = load<u32>(S_STRINGS) + ((load<u32>(string, STR_HASH) & load<u32>(S_STRING_MASK)) << 2);
  for (let other = load<u32>(link); other != 0; other = load<u32>(link)) {
    if (other == string) {
      store<u32>(link, load<u32>(string, STR_NEXT));
      store<u32>(S_STRING_COUNT, load<u32>(S_STRING_COUNT) - 1);
      return;
    }
    link = other + STR_NEXT;
  }
}

/** The string with the `length` bytes at `from`; 0 when memory is short. */
export function stringOf(from: u32, length: u32, type: i32): u32 {
  const string = newString(length, type);
  if (string == 0) return 0;
  copyBytes(string + STR_BYTES, from, length);
  return intern(string);
}

/** The string with the bytes from `from` up to a NUL, at most `most`. */
export function stringUpToNul(from: u32, most: u32): u32 {
  let length: u32 = 0;
  while (length < most && load<u8>(from + length) != 0) length++;
  return stringOf(from, length, TYPE_STRING);
}

/** Order of two strings by bytes: negative, 0, positive. */
export function compareStrings(a: u32, b: u32): i32 {
  if (a == b) return 0;
  const lengthA = load<u32>(a, STR_LENGTH);
  const lengthB = load<u32>(b, STR_LENGTH);
  const common = min(lengthA, lengthB);
  let i: u32 = 0;
  while (i + 8 <= common && load<u64>(a + i, STR_BYTES) == load<u64>(b + i, STR_BYTES)) i += 8;
  for (; i < common; i++) {
    const difference = <i32>load<u8>(a + i, STR_BYTES) - <i32>load<u8>(b + i, STR_BYTES);
    if (difference != 0) return difference;
  }
  return lengthA < lengthB ? -1 : lengthA > lengthB ? 1 : 0;
}

/** Writes a number's decimal digits so that they end before DIGITS + 24; answers where they begin. */
function formatInteger(n: i64): u32 {
  let at: u32 = DIGITS + 24;
  let rest: u64 = n < 0 ? 0 - <u64>n : <u64>n;
  // 32-bit divisions where they do.
  while (rest > 0xffffffff) {
    const quotient = rest / 10;
    store<u8>(--at, <u8>(48 + <u32>(rest - quotient * 10)));
    rest = quotient;
  }
  let small = <u32>rest;
  do {
    const quotient = small / 10;
    store<u8>(--at, <u8>(48 + small - quotient * 10));
    small = quotient;
  } while (small != 0);
  if (n < 0) store<u8>(--at, 45);
  return at;
}

/** Bytes of a value in a concatenation. */
// @ts-ignore: decorator
@inline
function textLength(value: u32): u32 {
  if (tagOf(value) == TAG_STRING) return load<u32>(refOf(value), STR_LENGTH);
  return DIGITS + 24 - formatInteger(integerOf(value));
}

/** to = values from `from` to `last` joined. The caller has checked their types. False when memory is short. */
export function concatenate(to: u32, from: u32, last: u32): bool {
  let total: u64 = 0;
  for (let at = from; at <= last; at += 16) total += <u64>textLength(at);
  if (total > 0xf0000000) return false;
  const string = newString(<u32>total, TYPE_STRING);
  if (string == 0) return false;
  let out = string + STR_BYTES;
  for (let at = from; at <= last; at += 16) {
    if (tagOf(at) == TAG_INTEGER) {
      const digits = formatInteger(integerOf(at));
      const length = DIGITS + 24 - digits;
      for (let i: u32 = 0; i < length; i++) store<u8>(out + i, load<u8>(digits + i));
      out += length;
    } else {
      const part = refOf(at);
      const length = load<u32>(part, STR_LENGTH);
      copyBytes(out, part + STR_BYTES, length);
      out += length;
    }
  }
  setRef(to, TAG_STRING, intern(string));
  return true;
}
