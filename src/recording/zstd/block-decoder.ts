// Decodes the compressed blocks of one Zstandard frame, straight into the buffer that holds what came before, since later
// blocks refer back to it.
//
//     block: literals section, sequences section
//     literals: header (type, sizes), [Huffman table], one or four bit streams, or plain bytes, or one byte
//     sequences: their number, three table modes, tables, one bit stream: each is "so many literals, then a match of so many
//     bytes from so far back"
//
// Source: RFC 8878, section 3.1.1.3.

import { BackwardBits } from './bits.js';
import { type FseTable, fseTable, type HuffmanTable, readFseTable, readHuffmanTable, rleTable } from './tables.js';

/** The most bytes of a block. */
export const LARGEST_BLOCK = 128 * 1024;

/** Base values and numbers of extra bits of the codes of literal lengths and match lengths. */
const LITERAL_BASES = codeBases(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCH_BASES = codeBases(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

interface Codes {
  readonly bases: Int32Array;
  readonly bits: Uint8Array;
}

/** `plain` codes that count up from `first` without extra bits, then one code for each number of bits. */
function codeBases(plain: number, first: number, extra: readonly number[]): Codes {
  const bases: number[] = [];
  const bits: number[] = [];
  let next = first;
  for (const count of [...new Array<number>(plain).fill(0), ...extra]) {
    bases.push(next);
    bits.push(count);
    next += 1 << count;
  }
  return { bases: Int32Array.from(bases), bits: Uint8Array.from(bits) };
}

const repeated = (value: number, count: number): number[] => new Array<number>(count).fill(value);
const PREDEFINED = {
  literals: fseTable(
    [4, 3, ...repeated(2, 11), 1, 1, 1, ...repeated(2, 9), 3, 2, ...repeated(1, 5), ...repeated(-1, 4)],
    6,
  ),
  offsets: fseTable([...repeated(1, 6), 2, 2, 2, ...repeated(1, 15), ...repeated(-1, 5)], 5),
  matches: fseTable([1, 4, 3, ...repeated(2, 6), ...repeated(1, 37), ...repeated(-1, 7)], 6),
};

/** Of an offset code: a larger one would reach further back than any window. */
const LARGEST_OFFSET_CODE = 28;

export class BlockDecoder {
  private readonly literals = new Uint8Array(LARGEST_BLOCK);
  private literalCount = 0;
  private huffman: HuffmanTable | undefined;
  private tables: { literals?: FseTable; offsets?: FseTable; matches?: FseTable } = {};
  private readonly recent = Int32Array.of(1, 4, 8);
  private readonly bits = new BackwardBits();

  /** Begins a new frame, which knows nothing of the one before. */
  reset(): void {
    this.huffman = undefined;
    this.tables = {};
    this.recent.set([1, 4, 8]);
  }

  /**
   * Decodes the block that lies in bytes `from` to before `to`, to `output` from `at` on, where there must be room for
   * LARGEST_BLOCK. `oldest`: how far back in `output` it may refer to. Answers where the output ends. Throws RangeError.
   */
  decode(bytes: Uint8Array, from: number, to: number, output: Uint8Array, at: number, oldest: number): number {
    const sequences = this.readLiterals(bytes, from, to);
    return this.copySequences(bytes, sequences, to, output, at, oldest);
  }

  /** Answers where the sequences begin. */
  private readLiterals(bytes: Uint8Array, from: number, to: number): number {
    if (from >= to) throw new RangeError('an empty block');
    const first = bytes[from]!;
    const type = first & 3;
    const form = (first >> 2) & 3;
    if (type < 2) {
      const header = form === 1 ? 2 : form === 3 ? 3 : 1;
      const size =
        header === 1
          ? first >> 3
          : (first >> 4) | (bytes[from + 1]! << 4) | (header === 3 ? bytes[from + 2]! << 12 : 0);
      const start = from + header;
      const end = start + (type === 0 ? size : 1);
      if (size > LARGEST_BLOCK || end > to) throw new RangeError('literals beyond the block');
      if (type === 0) this.literals.set(bytes.subarray(start, end));
      else this.literals.fill(bytes[start]!, 0, size);
      this.literalCount = size;
      return end;
    }
    // Both sizes have 10, 14 or 18 bits, behind 4 bits.
    const width = form < 2 ? 10 : form === 2 ? 14 : 18;
    const header = form < 2 ? 3 : form === 2 ? 4 : 5;
    const low = (first | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | ((bytes[from + 3]! << 24) >>> 0)) >>> 0;
    const all = low + (header === 5 ? bytes[from + 4]! * 2 ** 32 : 0);
    const size = Math.floor(all / 16) % 2 ** width;
    const packed = Math.floor(all / 2 ** (4 + width)) % 2 ** width;
    let start = from + header;
    const end = start + packed;
    if (size > LARGEST_BLOCK || end > to) throw new RangeError('literals beyond the block');
    if (type === 2) {
      const read = readHuffmanTable(bytes, start, end);
      this.huffman = read.table;
      start = read.end;
    }
    this.readHuffman(bytes, start, end, size, form === 0 ? 1 : 4);
    this.literalCount = size;
    return end;
  }

  private readHuffman(bytes: Uint8Array, from: number, to: number, size: number, streams: number): void {
    if (streams === 1) {
      this.readStream(bytes, from, to, 0, size);
      return;
    }
    // Sizes of the first three streams, then the streams.
    const part = (size + 3) >> 2;
    if (from + 6 > to || part * 3 > size) throw new RangeError('damaged literals');
    let start = from + 6;
    for (let index = 0; index < 4; index++) {
      const place = from + index * 2;
      const end = index === 3 ? to : start + (bytes[place]! | (bytes[place + 1]! << 8));
      if (end > to) throw new RangeError('damaged literals');
      this.readStream(bytes, start, end, index * part, index === 3 ? size : (index + 1) * part);
      start = end;
    }
  }

  private readStream(bytes: Uint8Array, from: number, to: number, start: number, end: number): void {
    const { bits, huffman, literals } = this;
    if (huffman === undefined) throw new RangeError('no table for literals');
    const { log, symbols, bits: lengths } = huffman;
    bits.open(bytes, from, to);
    for (let at = start; at < end; at++) {
      const code = bits.peek(log);
      literals[at] = symbols[code]!;
      bits.skip(lengths[code]!);
    }
    if (bits.left !== 0) throw new RangeError('damaged literals');
  }

  /** The table of one kind of code, as its mode says; moves `this.at` behind its description. */
  private tableFor(
    kind: 'literals' | 'offsets' | 'matches',
    mode: number,
    bytes: Uint8Array,
    to: number,
    largestLog: number,
    codes: number,
  ): FseTable {
    let table: FseTable | undefined;
    if (mode === 0) table = PREDEFINED[kind];
    else if (mode === 1) table = rleTable(bytes[this.at++]!);
    else if (mode === 3) table = this.tables[kind];
    else {
      const read = readFseTable(bytes, this.at, to, largestLog, codes);
      table = read.table;
      this.at = read.end;
    }
    if (table === undefined || this.at > to) throw new RangeError('no table for sequences');
    this.tables[kind] = table;
    return table;
  }
  private at = 0;

  /** Hot. */
  private copySequences(
    bytes: Uint8Array,
    from: number,
    to: number,
    output: Uint8Array,
    start: number,
    oldest: number,
  ): number {
    const { literals, literalCount, bits } = this;
    let at = start;
    let used = 0;
    let sequences = from < to ? bytes[from]! : 0;
    this.at = from + 1;
    if (sequences === 255) {
      sequences = (bytes[from + 1]! | (bytes[from + 2]! << 8)) + 0x7f00;
      this.at += 2;
    } else if (sequences > 127) {
      sequences = ((sequences - 128) << 8) | bytes[from + 1]!;
      this.at++;
    }
    if (sequences > 0) {
      const modes = bytes[this.at++]!;
      const literalTable = this.tableFor('literals', modes >> 6, bytes, to, 9, 36);
      const offsetTable = this.tableFor('offsets', (modes >> 4) & 3, bytes, to, 8, 32);
      const matchTable = this.tableFor('matches', (modes >> 2) & 3, bytes, to, 9, 53);
      bits.open(bytes, this.at, to);
      let literalState = bits.read(literalTable.log);
      let offsetState = bits.read(offsetTable.log);
      let matchState = bits.read(matchTable.log);
      const limit = start + LARGEST_BLOCK;
      for (let left = sequences; left > 0; left--) {
        const offsetCode = offsetTable.symbols[offsetState]!;
        const matchCode = matchTable.symbols[matchState]!;
        const literalCode = literalTable.symbols[literalState]!;
        if (offsetCode > LARGEST_OFFSET_CODE || matchCode > 52 || literalCode > 35)
          throw new RangeError('a damaged code');
        const offsetValue = (1 << offsetCode) + bits.read(offsetCode);
        const length = MATCH_BASES.bases[matchCode]! + bits.read(MATCH_BASES.bits[matchCode]!);
        const plain = LITERAL_BASES.bases[literalCode]! + bits.read(LITERAL_BASES.bits[literalCode]!);
        if (left > 1) {
          literalState = literalTable.bases[literalState]! + bits.read(literalTable.bits[literalState]!);
          matchState = matchTable.bases[matchState]! + bits.read(matchTable.bits[matchState]!);
          offsetState = offsetTable.bases[offsetState]! + bits.read(offsetTable.bits[offsetState]!);
        }
        const offset = this.offsetOf(offsetValue, plain === 0);
        if (used + plain > literalCount || at + plain + length > limit || at + plain - offset < oldest || offset <= 0) {
          throw new RangeError('a damaged sequence');
        }
        for (const end = at + plain; at < end; at++) output[at] = literals[used++]!;
        // Source and target can overlap: bytes that were just written are repeated.
        if (offset >= length && length > 32) {
          output.copyWithin(at, at - offset, at - offset + length);
          at += length;
        } else {
          for (const end = at + length; at < end; at++) output[at] = output[at - offset]!;
        }
      }
      if (bits.left !== 0) throw new RangeError('damaged sequences');
    } else if (this.at !== to) {
      throw new RangeError('bytes behind the sequences');
    }
    const rest = literalCount - used;
    if (at + rest - start > LARGEST_BLOCK) throw new RangeError('too large a block');
    output.set(literals.subarray(used, literalCount), at);
    return at + rest;
  }

  /** Values above 3 are offsets; 1 to 3 stand for the last three ones, shifted by one without literals before. */
  private offsetOf(value: number, noLiterals: boolean): number {
    const { recent } = this;
    if (value > 3) {
      recent[2] = recent[1]!;
      recent[1] = recent[0]!;
      recent[0] = value - 3;
      return value - 3;
    }
    const index = noLiterals ? value : value - 1;
    if (index === 0) return recent[0]!;
    const offset = index === 3 ? recent[0]! - 1 : recent[index]!;
    if (index > 1) recent[2] = recent[1]!;
    recent[1] = recent[0]!;
    recent[0] = offset;
    return offset;
  }
}
