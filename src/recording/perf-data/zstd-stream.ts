// Unpacks the COMPRESSED records of `perf record -z`. All of a file make one Zstandard frame, which perf flushes at the end
// of each: what a record unpacks to can refer back to the records before it. So one that is damaged makes all behind it
// unreadable.
//
// Memory is bounded: the frame's window, which the compression level sets, is at most what the highest level makes; a record
// unpacks to at most what perf had in one ring buffer; and a second frame, which could ask for another window, is refused.
//
// Source: RFC 8878, sections 3.1.1.1 and 3.1.1.2; tools/perf/util/zstd.c.

import { Decompress } from 'fzstd';

const FRAME_MAGIC = 0xfd2fb528;
/** zstd -22, the highest level. */
const LARGEST_WINDOW = 2 ** 27;
/** The most bytes of one record, where the file does not tell. */
const LARGEST_PART = 64 * 2 ** 20;
const BLOCK_HEADER_SIZE = 3;
const RLE_BLOCK = 1;

export class ZstdStream {
  /** Records that could not be unpacked. */
  unreadable = 0;
  private readonly stream: Decompress;
  private readonly largestPart: number;
  /** Bytes that the record under way has given. */
  private given = 0;
  private started = false;
  /** The frame's last block has begun. */
  private last = false;
  /** Bytes of the block under way that have not come. */
  private blockLeft = 0;
  /** Bytes of a block's header that have come, and their number. */
  private header = 0;
  private headerLength = 0;

  /** `take` gets the unpacked bytes, in pieces. `largestPart`: bytes that a record can have; 0: not known. */
  constructor(largestPart: number, take: (bytes: Uint8Array) => void) {
    this.largestPart = largestPart > 0 ? Math.min(largestPart, LARGEST_PART) : LARGEST_PART;
    this.stream = new Decompress((bytes) => {
      this.given += bytes.length;
      if (this.given > this.largestPart) throw new RangeError('a record unpacks to too much');
      take(bytes);
    });
  }

  /** Unpacks the content of one record. The bytes must not change until it returns. */
  push(part: Uint8Array): void {
    if (this.unreadable > 0) {
      this.unreadable++;
      return;
    }
    this.given = 0;
    try {
      this.checkBlocks(part, this.started ? 0 : checkFrame(part));
      this.started = true;
      this.stream.push(part);
    } catch {
      this.unreadable++;
    }
  }

  /** Goes over the blocks' headers (u24: bit 0 last, bits 1-2 type, then size), so that nothing behind the last one is read. */
  private checkBlocks(part: Uint8Array, start: number): void {
    let at = start;
    while (at < part.length) {
      if (this.blockLeft > 0) {
        const passed = Math.min(this.blockLeft, part.length - at);
        this.blockLeft -= passed;
        at += passed;
      } else if (this.last) {
        throw new RangeError('more than one frame');
      } else {
        this.header |= part[at++]! << (8 * this.headerLength++);
        if (this.headerLength < BLOCK_HEADER_SIZE) continue;
        this.last = (this.header & 1) !== 0;
        this.blockLeft = ((this.header >> 1) & 3) === RLE_BLOCK ? 1 : this.header >> 3;
        this.header = 0;
        this.headerLength = 0;
      }
    }
  }
}

/**
 * Checks a frame's header and answers its size.
 *
 *     u32 magic, u8 descriptor, u8 window: mantissa in bits 0-2, exponent e above: 1 KiB × 2^e × (1 + mantissa / 8),
 *     dictionary id (descriptor bits 0-1: 0, 1, 2, 4 bytes), size of the content (bits 6-7: 0, 2, 4, 8 bytes)
 */
function checkFrame(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 18 || view.getUint32(0, true) !== FRAME_MAGIC) throw new RangeError('no Zstandard frame');
  const descriptor = frame[4]!;
  // Bit 5, a single segment, has no window; perf compresses a stream, whose size is not known, so that it is never set.
  if ((descriptor & 0x20) !== 0) throw new RangeError('no stream');
  const window = 1024 * 2 ** (frame[5]! >> 3) * (1 + (frame[5]! & 7) / 8);
  if (window > LARGEST_WINDOW) throw new RangeError('too large a window');
  const sizeBytes = descriptor >> 6;
  return 6 + [0, 1, 2, 4][descriptor & 3]! + (sizeBytes === 0 ? 0 : 1 << sizeBytes);
}
