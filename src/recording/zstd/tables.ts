// Decoding tables of a Zstandard block: finite state entropy (RFC 8878, section 4.1) and Huffman codes (section 4.2).

import { BackwardBits } from './bits.js';

/** A table of an entropy decoder: per state its symbol, and how the next state is made: base plus so many bits. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** Makes a table from the probabilities of the symbols; -1 is "less than 1". */
export function fseTable(probabilities: ArrayLike<number>, log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  const next = new Uint16Array(probabilities.length);
  let high = size - 1;
  for (let symbol = 0; symbol < probabilities.length; symbol++) {
    const probability = probabilities[symbol]!;
    if (probability === -1) symbols[high--] = symbol;
    next[symbol] = probability === -1 ? 1 : probability;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  for (let symbol = 0; symbol < probabilities.length; symbol++) {
    for (let count = 0; count < probabilities[symbol]!; count++) {
      symbols[place] = symbol;
      do place = (place + step) & (size - 1);
      while (place > high);
    }
  }
  for (let state = 0; state < size; state++) {
    const value = next[symbols[state]!]!++;
    const count = log - (31 - Math.clz32(value));
    bits[state] = count;
    bases[state] = (value << count) - size;
  }
  return { log, symbols, bits, bases };
}

/** A table with one symbol, which costs no bits. */
export function rleTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}

/**
 * Reads the description of a table at `at`: 4 bits of its log - 5, then probabilities of variable length. Answers the table
 * and where the description ends. Throws RangeError.
 */
export function readFseTable(
  bytes: Uint8Array,
  at: number,
  end: number,
  largestLog: number,
  mostSymbols: number,
): { readonly table: FseTable; readonly end: number } {
  let bit = at * 8;
  const peek = (count: number): number => {
    const byte = bit >>> 3;
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  bit += 4;
  if (log > largestLog) throw new RangeError('too large a table');
  const probabilities: number[] = [];
  let remaining = (1 << log) + 1;
  let threshold = 1 << log;
  let width = log + 1;
  while (remaining > 1) {
    const spare = 2 * threshold - 1 - remaining;
    let value = peek(width - 1);
    if (value < spare) bit += width - 1;
    else {
      value = peek(width);
      if (value >= threshold) value -= spare;
      bit += width;
    }
    const probability = value - 1;
    remaining -= Math.abs(probability);
    probabilities.push(probability);
    if (probability === 0) {
      // Two bits say how many more zeros follow; 3: three, and two more bits.
      for (let zeros = 3; zeros === 3; ) {
        zeros = peek(2);
        bit += 2;
        for (let count = 0; count < zeros; count++) probabilities.push(0);
        if (bit > end * 8) break;
      }
    }
    if (probabilities.length > mostSymbols || bit > end * 8) throw new RangeError('a damaged table');
    while (remaining < threshold && width > 1) {
      width--;
      threshold >>= 1;
    }
  }
  if (remaining !== 1) throw new RangeError('a damaged table');
  return { table: fseTable(probabilities, log), end: (bit + 7) >>> 3 };
}

/** A Huffman table, by the next `log` bits: the symbol, and how many of the bits are its code. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const LARGEST_HUFFMAN_LOG = 11;
const LARGEST_WEIGHT_LOG = 6;
const weightBits = new BackwardBits();

/**
 * Reads the description of a Huffman table: a byte below 128 is the size of weights that are entropy coded, one above 127
 * minus the number of weights of four bits. Answers the table and where the description ends. Throws RangeError.
 */
export function readHuffmanTable(
  bytes: Uint8Array,
  at: number,
  limit: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const header = bytes[at]!;
  const weights: number[] = [];
  let end = at + 1;
  if (header >= 128) {
    const count = header - 127;
    end += (count + 1) >> 1;
    for (let index = 0; index < count; index++) {
      const pair = bytes[at + 1 + (index >> 1)]!;
      weights.push((index & 1) === 0 ? pair >> 4 : pair & 15);
    }
  } else {
    end += header;
    if (end > limit) throw new RangeError('a damaged table');
    const { table, end: start } = readFseTable(bytes, at + 1, end, LARGEST_WEIGHT_LOG, 256);
    weightBits.open(bytes, start, end);
    readWeights(table, weights);
  }
  if (end > limit) throw new RangeError('a damaged table');
  return { table: huffmanTable(weights), end };
}

/** Two states take turns, until the bits are used up. */
function readWeights(table: FseTable, weights: number[]): void {
  const states = [weightBits.read(table.log), weightBits.read(table.log)];
  for (let turn = 0; weights.length < 255; turn ^= 1) {
    const state = states[turn]!;
    weights.push(table.symbols[state]!);
    states[turn] = table.bases[state]! + weightBits.read(table.bits[state]!);
    if (weightBits.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]!]!);
      return;
    }
  }
  throw new RangeError('too many weights');
}

/** The last weight is not written: it fills the codes up to a power of two. */
function huffmanTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) sum += weight === 0 ? 0 : 1 << (weight - 1);
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (sum === 0 || log > LARGEST_HUFFMAN_LOG || (rest & (rest - 1)) !== 0) throw new RangeError('damaged weights');
  weights.push(32 - Math.clz32(rest));
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let place = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue;
      const count = 1 << (weight - 1);
      symbols.fill(symbol, place, place + count);
      bits.fill(log + 1 - weight, place, place + count);
      place += count;
    }
  }
  if (place !== 1 << log) throw new RangeError('damaged weights');
  return { log, symbols, bits };
}
