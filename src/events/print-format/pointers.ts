// The extensions of %p that say something about bytes of the record or about an address: symbols, network addresses,
// UUIDs, hexadecimal dumps, bitmaps (Documentation/core-api/printk-formats.rst). Those that follow a kernel pointer to an
// object (%pd, %pD, %pg, …) cannot be had after the event; they print the pointer.

import type { Integer } from './integers.js';
import type { RecordReader } from './reader.js';

/** Where a piece of the record lies: absolute address in memory and bytes. */
export interface Region {
  readonly at: number;
  readonly size: number;
}

/** A pointer as %px prints it: all digits of an address. */
export function plainPointer(value: Integer, width: number, longSize: number): string {
  return value.toString(16).padStart(Math.max(width, longSize * 2), '0');
}

/** Whether an extension reads the bytes that the pointer points to. */
export function readsMemory(extension: string): boolean {
  return /^(?:[iI][46S]|[mM]|U|h|b|a|N)/.test(extension);
}

/**
 * The text of an extension of %p on bytes of the record. `width` is the directive's (the length for %*ph, the bits for
 * %*pb), 0 if it has none; undefined where the extension is not known.
 */
export function formatBytes(
  extension: string,
  reader: RecordReader,
  region: Region,
  width: number,
): string | undefined {
  const bytes = reader.memory;
  const at = region.at;
  switch (extension[0]) {
    case 'I':
    case 'i':
      return internet(extension, reader, region);
    case 'm':
    case 'M': {
      const separator = extension[0] === 'm' ? '' : extension[1] === 'F' ? '-' : ':';
      const address = Array.from(bytes.subarray(at, at + 6));
      if (extension[1] === 'R') address.reverse();
      return address.map(hex2).join(separator);
    }
    case 'U':
      return uuid(bytes, at, extension[1] ?? 'b');
    case 'h': {
      // One byte if no length is given, 64 at most.
      const length = Math.min(Math.max(width, 1), 64);
      const separator = { C: ':', D: '-', N: '' }[extension[1] ?? ''] ?? ' ';
      return Array.from(bytes.subarray(at, at + length), hex2).join(separator);
    }
    case 'b':
      return extension[1] === 'l' ? bitmapList(bytes, at, width) : bitmap(bytes, at, width);
    case 'a':
      return `0x${reader.unsigned64(at).toString(16).padStart(16, '0')}`;
    case 'N':
      return extension[1] === 'F' ? `0x${reader.unsigned64(at).toString(16).padStart(16, '0')}` : undefined;
  }
  return undefined;
}

function hex2(byte: number): string {
  return byte < 16 ? `0${byte.toString(16)}` : byte.toString(16);
}

function internet(extension: string, reader: RecordReader, region: Region): string | undefined {
  const bytes = reader.memory;
  switch (extension[1]) {
    case '4':
      return internet4(bytes, region.at, extension);
    case '6':
      return internet6(bytes, region.at, extension);
    case 'S': {
      const family = reader.view.getUint16(region.at, true);
      const port = (bytes[region.at + 2]! << 8) | bytes[region.at + 3]!;
      const withPort = extension.includes('p');
      if (family === 2) {
        const address = internet4(bytes, region.at + 4, `${extension[0]}4${extension.replace(/[^hnbl]/g, '')}`);
        return withPort ? `${address}:${port}` : address;
      }
      if (family === 10) {
        const compressed = extension.includes('c') && extension[0] === 'I';
        let text = internet6(bytes, region.at + 8, `${extension[0]}6${compressed ? 'c' : ''}`);
        const flow = extension.includes('f');
        const scope = extension.includes('s');
        if (withPort || flow || scope) text = `[${text}]`;
        if (withPort) text += `:${port}`;
        if (flow) text += `/${(reader.view.getUint32(region.at + 4, false) & 0xfffffff).toString()}`;
        if (scope) text += `%${reader.view.getUint32(region.at + 24, true)}`;
        return text;
      }
      return '(einval)';
    }
  }
  return undefined;
}

function internet4(bytes: Uint8Array, at: number, extension: string): string {
  const little = extension[2] === 'l' || extension[2] === 'h';
  const parts: string[] = [];
  for (let i = 0; i < 4; i++) {
    const part = String(bytes[at + (little ? 3 - i : i)]);
    parts.push(extension[0] === 'i' ? part.padStart(3, '0') : part);
  }
  return parts.join('.');
}

function internet6(bytes: Uint8Array, at: number, extension: string): string {
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push((bytes[at + i]! << 8) | bytes[at + i + 1]!);
  if (extension[0] === 'i') return words.map((word) => word.toString(16).padStart(4, '0')).join('');
  if (extension[2] !== 'c') return words.map((word) => word.toString(16).padStart(4, '0')).join(':');
  return compressed6(words, bytes, at);
}

/** RFC 5952's form: the longest run of zero words is `::`; addresses that embed an IPv4 one end with it in dots. */
function compressed6(words: readonly number[], bytes: Uint8Array, at: number): string {
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  const isatap = (words[4]! | 0x0200) === 0x0200 && words[5] === 0x5efe;
  const dotted = mapped || isatap;
  const range = dotted ? 6 : 8;
  let best = -1;
  let longest = 1;
  for (let i = 0; i < range; i++) {
    let run = 0;
    while (i + run < range && words[i + run] === 0) run++;
    if (run > longest) {
      longest = run;
      best = i;
    }
  }
  let text = '';
  let colon = false;
  for (let i = 0; i < range; i++) {
    if (i === best) {
      text += colon || i === 0 ? ':' : '';
      text += ':';
      colon = false;
      i += longest - 1;
      continue;
    }
    if (colon) text += ':';
    text += words[i]!.toString(16);
    colon = true;
  }
  if (dotted) {
    if (colon) text += ':';
    text += internet4(bytes, at + 12, 'I4');
  }
  return text;
}

const UUID_BIG = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const UUID_LITTLE = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

function uuid(bytes: Uint8Array, at: number, form: string): string {
  const order = form === 'l' || form === 'L' ? UUID_LITTLE : UUID_BIG;
  let text = '';
  for (let i = 0; i < 16; i++) {
    text += hex2(bytes[at + order[i]!]!);
    if (i === 3 || i === 5 || i === 7 || i === 9) text += '-';
  }
  return form === 'B' || form === 'L' ? text.toUpperCase() : text;
}

/** `%*pb`: groups of 32 bits in hexadecimal, the highest first. */
export function bitmap(bytes: Uint8Array, at: number, bits: number): string {
  const groups: string[] = [];
  for (let start = Math.floor((bits - 1) / 32) * 32; start >= 0; start -= 32) {
    const count = Math.min(32, bits - start);
    let word = 0;
    for (let i = 0; i < count; i += 8) word += bytes[at + (start + i) / 8]! * 2 ** i;
    if (count < 32) word %= 2 ** count;
    groups.push(word.toString(16).padStart(Math.ceil(count / 4), '0'));
  }
  return groups.join(',');
}

/** `%*pbl`: ranges of set bits, `0-3,7`. */
function bitmapList(bytes: Uint8Array, at: number, bits: number): string {
  const ranges: string[] = [];
  const isSet = (bit: number) => bit < bits && ((bytes[at + (bit >> 3)]! >> (bit & 7)) & 1) === 1;
  for (let bit = 0; bit < bits; bit++) {
    if (!isSet(bit)) continue;
    const first = bit;
    while (isSet(bit + 1)) bit++;
    ranges.push(first === bit ? `${first}` : `${first}-${bit}`);
  }
  return ranges.join(',');
}

const ERRORS: readonly (readonly [number, string])[] = [
  [1, 'EPERM'],
  [2, 'ENOENT'],
  [3, 'ESRCH'],
  [4, 'EINTR'],
  [5, 'EIO'],
  [6, 'ENXIO'],
  [7, 'E2BIG'],
  [8, 'ENOEXEC'],
  [9, 'EBADF'],
  [10, 'ECHILD'],
  [11, 'EAGAIN'],
  [12, 'ENOMEM'],
  [13, 'EACCES'],
  [14, 'EFAULT'],
  [16, 'EBUSY'],
  [17, 'EEXIST'],
  [18, 'EXDEV'],
  [19, 'ENODEV'],
  [20, 'ENOTDIR'],
  [21, 'EISDIR'],
  [22, 'EINVAL'],
  [23, 'ENFILE'],
  [24, 'EMFILE'],
  [25, 'ENOTTY'],
  [26, 'ETXTBSY'],
  [27, 'EFBIG'],
  [28, 'ENOSPC'],
  [29, 'ESPIPE'],
  [30, 'EROFS'],
  [31, 'EMLINK'],
  [32, 'EPIPE'],
  [33, 'EDOM'],
  [34, 'ERANGE'],
  [36, 'ENAMETOOLONG'],
  [38, 'ENOSYS'],
  [39, 'ENOTEMPTY'],
  [40, 'ELOOP'],
  [61, 'ENODATA'],
  [62, 'ETIME'],
  [71, 'EPROTO'],
  [75, 'EOVERFLOW'],
  [95, 'EOPNOTSUPP'],
  [98, 'EADDRINUSE'],
  [103, 'ECONNABORTED'],
  [104, 'ECONNRESET'],
  [105, 'ENOBUFS'],
  [107, 'ENOTCONN'],
  [110, 'ETIMEDOUT'],
  [111, 'ECONNREFUSED'],
  [113, 'EHOSTUNREACH'],
  [115, 'EINPROGRESS'],
  [116, 'ESTALE'],
  [125, 'ECANCELED'],
];

/** %pe: the name of an error pointer; undefined where the value is none. */
export function errorPointer(value: Integer): string | undefined {
  const low = Number(BigInt.asIntN(64, BigInt(value)));
  if (low >= 0 || low < -4095) return undefined;
  const name = ERRORS.find(([code]) => code === -low);
  return name === undefined ? String(low) : `-${name[1]}`;
}
