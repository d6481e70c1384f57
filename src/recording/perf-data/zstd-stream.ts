// Unpacks the COMPRESSED records of `perf record -z`. All of a file make one Zstandard frame, which perf flushes at the end
// of each: what a record unpacks to can refer back to the records before it. So one that is damaged makes all behind it
// unreadable.
//
//     frame: u32 magic, u8 descriptor, u8 window: mantissa in bits 0-2, exponent e above: 1 KiB × 2^e × (1 + mantissa / 8),
//     dictionary id (descriptor bits 0-1: 0, 1, 2, 4 bytes), size of the content (bits 6-7: 0, 2, 4, 8 bytes), blocks
//     block: u24: bit 0 last, bits 1-2 type (0 raw, 1 one byte repeated, 2 compressed), then the size
//
// Memory is bounded: the window is at most what perf's highest level makes, a record unpacks to at most what perf had in one
// ring buffer, and a second frame, which could ask for another window, is refused.
//
// Source: RFC 8878, sections 3.1.1.1 and 3.1.1.2; tools/perf/util/zstd.c.

import { BlockDecoder, LARGEST_BLOCK } from '../zstd/block-decoder.js';

const FRAME_MAGIC = 0xfd2fb528;
/** Bytes of a frame's header, at most. */
const LARGEST_HEADER = 18;
/** zstd -22, the highest level. */
const LARGEST_WINDOW = 2 ** 27;
/** Bytes beside the window, so that it is moved now and then only. */
const ROOM = 4 * 2 ** 20;
/** The most bytes of one record, where the file does not tell. */
const LARGEST_PART = 64 * 2 ** 20;
const BLOCK_HEADER_SIZE = 3;

export class ZstdStream {
  /** Records that could not be unpacked. */
  unreadable = 0;
  private readonly take: (bytes: Uint8Array) => void;
  private readonly largestPart: number;
  private readonly decoder = new BlockDecoder();
  /** What has come and is not decoded: the start of a block. */
  private pending = new Uint8Array(0);
  private started = false;
  private ended = false;
  private window = 0;
  /** What was decoded, up to `filled`; at least a window of it, where there is that much. */
  private output = new Uint8Array(0);
  private filled = 0;

  /** `take` gets the unpacked bytes, in pieces. `largestPart`: bytes that a record can have; 0: not known. */
  constructor(largestPart: number, take: (bytes: Uint8Array) => void) {
    this.largestPart = largestPart > 0 ? Math.min(largestPart, LARGEST_PART) : LARGEST_PART;
    this.take = take;
  }

  /** Unpacks the content of one record. The bytes must not change until it returns. */
  push(part: Uint8Array): void {
    if (this.unreadable > 0) {
      this.unreadable++;
      return;
    }
    try {
      this.decode(part);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.unreadable++;
    }
  }

  private decode(part: Uint8Array): void {
    let bytes = part;
    if (this.pending.length > 0) {
      bytes = new Uint8Array(this.pending.length + part.length);
      bytes.set(this.pending);
      bytes.set(part, this.pending.length);
    }
    let at = this.started ? 0 : this.readHeader(bytes);
    let given = 0;
    while (at + BLOCK_HEADER_SIZE <= bytes.length) {
      if (this.ended) throw new RangeError('more than one frame');
      const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      const type = (header >> 1) & 3;
      const size = header >> 3;
      const packed = type === 1 ? 1 : size;
      if (size > LARGEST_BLOCK) throw new RangeError('too large a block');
      const start = at + BLOCK_HEADER_SIZE;
      if (start + packed > bytes.length) break;
      const end = this.decodeBlock(type, size, bytes, start);
      given += end - this.filled;
      if (given > this.largestPart) throw new RangeError('a record unpacks to too much');
      const from = this.filled;
      this.filled = end;
      this.take(this.output.subarray(from, end));
      this.ended = (header & 1) !== 0;
      at = start + packed;
    }
    if (this.ended && at < bytes.length) throw new RangeError('more than one frame');
    this.pending = bytes.slice(at);
  }

  /** Decodes a block behind what is there; answers where it ends. */
  private decodeBlock(type: number, size: number, bytes: Uint8Array, start: number): number {
    if (this.filled + LARGEST_BLOCK > this.output.length) {
      this.output.copyWithin(0, this.filled - this.window, this.filled);
      this.filled = this.window;
    }
    const { output, filled } = this;
    switch (type) {
      case 0:
        output.set(bytes.subarray(start, start + size), filled);
        return filled + size;
      case 1:
        output.fill(bytes[start]!, filled, filled + size);
        return filled + size;
      case 2: {
        const oldest = Math.max(0, filled - this.window);
        return this.decoder.decode(bytes, start, start + size, output, filled, oldest);
      }
      default:
        throw new RangeError('an unknown kind of block');
    }
  }

  /** Answers the size of the frame's header. */
  private readHeader(frame: Uint8Array): number {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    if (frame.length < LARGEST_HEADER || view.getUint32(0, true) !== FRAME_MAGIC) throw new RangeError('no frame');
    const descriptor = frame[4]!;
    // Bit 5, a single segment, has no window; perf compresses a stream, whose size is not known, so that it is never set.
    if ((descriptor & 0x20) !== 0) throw new RangeError('no stream');
    this.window = 1024 * 2 ** (frame[5]! >> 3) * (1 + (frame[5]! & 7) / 8);
    if (this.window > LARGEST_WINDOW) throw new RangeError('too large a window');
    this.output = new Uint8Array(this.window + LARGEST_BLOCK + ROOM);
    this.started = true;
    const sizeBytes = descriptor >> 6;
    return 6 + [0, 1, 2, 4][descriptor & 3]! + (sizeBytes === 0 ? 0 : 1 << sizeBytes);
  }
}
