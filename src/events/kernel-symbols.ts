// The kernel's symbol table, from /proc/kallsyms or from the copy that a recording carries. Lines are
//
//     ffffffff81234560 T do_sys_openat2
//     ffffffffc0201000 t nf_hook_slow<TAB>[nf_tables]
//
// first the kernel itself by rising address, then modules, BPF programs and trampolines in no order. The text stays as it
// is in memory (names are cut out of it when they are asked for); beside it lie two typed arrays, 12 bytes a symbol.
// Measured on a kernel with 122,000 symbols: 12 ms to index, after 50 ms in which the kernel writes the file.

import { closeSync, openSync, readSync } from 'node:fs';
import type { SymbolPlace } from './text-environment.js';

/** Kernel addresses begin here on every 64-bit machine; the distance from it is exact in a double. */
const KERNEL_BASE_HIGH = 0xffff0000;
const KERNEL_BASE = 0xffff000000000000n;
const TWO_32 = 4294967296;

const NEWLINE = 10;
const TAB = 9;
const SPACE = 32;

export class KernelSymbols {
  private constructor(
    private readonly text: Buffer,
    /** Distances from KERNEL_BASE of the kernel's own symbols, rising. */
    private readonly addresses: Float64Array,
    /** Where each one's name begins in `text`. */
    private readonly names: Uint32Array,
    private readonly moduleAddresses: Float64Array,
    private readonly moduleNames: Uint32Array,
    /** Addresses from `start` to `end` are looked up among the kernel's own symbols, as the kernel itself does. */
    private readonly start: number,
    private readonly end: number,
    /** Where modules lie, as distances; of a module that is not named here nothing is known. */
    private readonly ranges: ReadonlyMap<string, readonly [start: number, end: number]>,
  ) {}

  /** The table of the running kernel. Empty where /proc/kallsyms cannot be read. */
  static ofThisMachine(path = '/proc/kallsyms', modules = '/proc/modules'): KernelSymbols {
    let text: Buffer;
    try {
      text = readWhole(path);
    } catch {
      text = Buffer.alloc(0);
    }
    let ranges = '';
    try {
      ranges = readWhole(modules).toString('latin1');
    } catch {
      // A kernel without modules.
    }
    return KernelSymbols.parse(text, ranges);
  }

  /**
   * A table from the text of /proc/kallsyms. That of /proc/modules (`ext4 991232 2 - Live 0xffffffffc0400000`) tells where
   * modules end: what lies behind, as code that ran once when a module was loaded, is no part of their last symbol.
   */
  static parse(bytes: Uint8Array, modulesText = ''): KernelSymbols {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Lines are longer than 24 bytes on the whole; the arrays grow if they are not.
    let addresses = new Float64Array((text.length >> 5) + 16);
    let names = new Uint32Array(addresses.length);
    let count = 0;
    let ownCount = -1;
    for (let at = 0; at < text.length; ) {
      // 16 digits; 8 where the kernel is a 32-bit one, whose addresses have no upper half.
      const wide = text[at + 16] === SPACE;
      const high = wide ? eightDigits(text, at) : 0xffffffff;
      const low = eightDigits(text, wide ? at + 8 : at);
      const name = at + (wide ? 19 : 11);
      let end = name;
      while (end < text.length && text[end] !== NEWLINE) end++;
      // `$x` and the like mark code and data of arm64 modules; the kernel passes them over too.
      if (high >= KERNEL_BASE_HIGH && name < end && text[name] !== 36) {
        if (count === addresses.length) {
          addresses = grown(addresses, new Float64Array(count * 2));
          names = grown(names, new Uint32Array(count * 2));
        }
        if (ownCount < 0 && text[end - 1] === 93 /* ] */) ownCount = count;
        addresses[count] = (high - KERNEL_BASE_HIGH) * TWO_32 + low;
        names[count++] = name;
      }
      at = end + 1;
    }
    if (ownCount < 0) ownCount = count;
    const own = sorted(addresses.subarray(0, ownCount), names.subarray(0, ownCount));
    const modules = sorted(addresses.subarray(ownCount, count), names.subarray(ownCount, count));
    const bound = (...candidates: string[]) => {
      for (const candidate of candidates) {
        const address = findAddress(text, candidate);
        if (address !== undefined && address >= KERNEL_BASE) return Number(address - KERNEL_BASE);
      }
      return undefined;
    };
    const start = bound('_stext', '_text') ?? own.addresses[0] ?? 0;
    // Without CONFIG_KALLSYMS_ALL the table ends with the text.
    const end = bound('_end', '_etext') ?? Number.POSITIVE_INFINITY;
    return new KernelSymbols(
      text,
      own.addresses,
      own.names,
      modules.addresses,
      modules.names,
      start,
      end,
      moduleRanges(modulesText),
    );
  }

  /** The table says nothing: it could not be read, or kptr_restrict hides all addresses. */
  get hidden(): boolean {
    return this.addresses.length === 0;
  }

  /** Number of symbols. */
  get size(): number {
    return this.addresses.length + this.moduleAddresses.length;
  }

  /** The symbol that an address is in, and where; undefined where there is none. */
  placeAt(address: bigint): SymbolPlace | undefined {
    const distance = distanceOf(address);
    if (distance === undefined) return undefined;
    if (distance >= this.start && distance < this.end) return this.find(distance, this.addresses, this.names, this.end);
    return this.find(distance, this.moduleAddresses, this.moduleNames, Number.POSITIVE_INFINITY);
  }

  /** `name`, or `name+0x10`; undefined where there is no symbol. */
  symbolAt(address: bigint): string | undefined {
    const place = this.placeAt(address);
    if (place === undefined) return undefined;
    return place.offset === 0 ? place.name : `${place.name}+0x${place.offset.toString(16)}`;
  }

  /** The name of the function (a symbol of kernel text, types t, T, w, W) that begins exactly at an address. */
  textSymbolAt(address: bigint): string | undefined {
    const distance = distanceOf(address);
    if (distance === undefined) return undefined;
    for (const [addresses, names] of [
      [this.addresses, this.names],
      [this.moduleAddresses, this.moduleNames],
    ] as const) {
      for (let i = firstOf(addresses, distance); i < addresses.length && addresses[i] === distance; i++) {
        const type = this.text[names[i]! - 2]! | 32;
        if (type === 116 /* t */ || type === 119 /* w */) return this.nameAt(names[i]!);
      }
    }
    return undefined;
  }

  /** Address of the first symbol of that name; undefined where it is unknown or hidden. */
  addressOf(name: string): bigint | undefined {
    const address = findAddress(this.text, name);
    return address === 0n ? undefined : address;
  }

  /** The symbol of a distance among the rising `addresses`. Of several at one address the first, as the kernel says it. */
  private find(distance: number, addresses: Float64Array, names: Uint32Array, end: number): SymbolPlace | undefined {
    const after = firstOf(addresses, distance + 1);
    if (after === 0) return undefined;
    const start = addresses[after - 1]!;
    const index = firstOf(addresses, start);
    const name = this.nameAt(names[index]!);
    const module = this.moduleAt(names[index]!);
    const range = module === undefined ? undefined : this.ranges.get(module);
    if (range !== undefined && distance >= range[1]) return undefined;
    if (range !== undefined && start >= range[0]) end = range[1];
    const next = Math.min(addresses[after] ?? end, Math.max(end, start));
    return {
      name,
      offset: distance - start,
      size: Number.isFinite(next) ? next - start : 0,
      module,
    };
  }

  private nameAt(at: number): string {
    const text = this.text;
    let end = at;
    while (end < text.length && text[end] !== NEWLINE && text[end] !== TAB) end++;
    return text.toString('latin1', at, end);
  }

  private moduleAt(at: number): string | undefined {
    const text = this.text;
    while (at < text.length && text[at] !== NEWLINE && text[at] !== TAB) at++;
    if (text[at] !== TAB) return undefined;
    const end = text.indexOf(NEWLINE, at);
    return text.toString('latin1', at + 2, (end < 0 ? text.length : end) - 1);
  }
}

function moduleRanges(text: string): Map<string, readonly [number, number]> {
  const ranges = new Map<string, readonly [number, number]>();
  for (const [, name, size, address] of text.matchAll(/^(\S+) (\d+) .* 0x([\da-f]{1,16})/gm)) {
    const start = distanceOf(BigInt(`0x${address}`));
    if (start !== undefined) ranges.set(name!, [start, start + Number(size)]);
  }
  return ranges;
}

/** The number that eight hexadecimal digits make. */
function eightDigits(text: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const code = text[i]!;
    value = (value << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return value >>> 0;
}

function grown<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

function distanceOf(address: bigint): number | undefined {
  const unsigned = BigInt.asUintN(64, address);
  return unsigned < KERNEL_BASE ? undefined : Number(unsigned - KERNEL_BASE);
}

/** Index of the first address that is not below `distance`. */
function firstOf(addresses: Float64Array, distance: number): number {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addresses[middle]! < distance) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Both arrays by rising address, equal ones in the order of the file, in memory of their own. */
function sorted(addresses: Float64Array, names: Uint32Array): { addresses: Float64Array; names: Uint32Array } {
  let rising = true;
  for (let i = 1; rising && i < addresses.length; i++) rising = addresses[i - 1]! <= addresses[i]!;
  if (rising) return { addresses: addresses.slice(), names: names.slice() };
  const order = Uint32Array.from(addresses, (_, index) => index);
  order.sort((a, b) => addresses[a]! - addresses[b]! || a - b);
  return {
    addresses: Float64Array.from(order, (index) => addresses[index]!),
    names: Uint32Array.from(order, (index) => names[index]!),
  };
}

/** Address of the first line with that name. The native search through the text takes a millisecond; a hash would take memory. */
function findAddress(text: Buffer, name: string): bigint | undefined {
  if (name === '' || /[\s]/.test(name)) return undefined;
  const wanted = Buffer.from(` ${name}`, 'latin1');
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const after = text[at + wanted.length];
    if (after !== NEWLINE && after !== TAB && after !== undefined) continue;
    const line = text.lastIndexOf(NEWLINE, at) + 1;
    const address = text.toString('latin1', line, text.indexOf(SPACE, line));
    // The space before the type letter matches a name of one letter too.
    if (at === line + address.length && after !== undefined && text[at + 2] === SPACE) continue;
    // A recording's copy can be damaged.
    if (/^[\da-f]{1,16}$/.test(address)) return BigInt(`0x${address}`);
  }
  return undefined;
}

/** A file of /proc, which does not tell its size; the kernel gives 4 KiB a read. */
function readWhole(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(1 << 23);
    let length = 0;
    for (;;) {
      if (buffer.length - length < 65_536) {
        const larger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    // A copy of its own: the rest of the large buffer is given back.
    return Buffer.from(buffer.subarray(0, length));
  } finally {
    closeSync(fd);
  }
}
