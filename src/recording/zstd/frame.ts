// Decodes a whole Zstandard frame whose size is known from elsewhere, as the chunks and sections of a trace.dat are. Frames are
// independent of each other; nothing is decoded beyond that size, and a frame that gives less is an error.
//
//     frame: u32 magic, u8 descriptor, [u8 window], dictionary id (descriptor bits 0-1: 0, 1, 2, 4 bytes), size of the content
//     (bits 6-7: 0 or with bit 5 1, 2, 4, 8 bytes), blocks, [u32 checksum: bit 2]
//     block: u24: bit 0 last, bits 1-2 type (0 raw, 1 one byte repeated, 2 compressed), then the size
//
// Source: RFC 8878, sections 3.1.1.1 and 3.1.1.2.

import { BlockDecoder, LARGEST_BLOCK } from './block-decoder.js';

const FRAME_MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM_SIZE = 4;

/** Used by one frame after the other: making them takes as long as decoding a small frame. */
const decoder = new BlockDecoder();
let scratch = new Uint8Array(0);
/** A scratch of more bytes is not kept. */
const LARGEST_SCRATCH = 4 * 2 ** 20;

/** The `size` bytes that a frame unpacks to. Throws RangeError. */
export function unpackFrame(frame: Uint8Array, size: number): Uint8Array {
  // The decoder wants room for a whole block.
  const output = scratch.length < size + LARGEST_BLOCK ? new Uint8Array(size + LARGEST_BLOCK) : scratch;
  if (output.length <= LARGEST_SCRATCH) scratch = output;
  decoder.reset();
  let at = headerSize(frame);
  let filled = 0;
  for (let last = false; !last; ) {
    if (at + 3 > frame.length) throw new RangeError('a frame without an end');
    const header = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16);
    const type = (header >> 1) & 3;
    const length = header >> 3;
    const start = at + 3;
    const end = start + (type === 1 ? 1 : length);
    if (length > LARGEST_BLOCK || end > frame.length) throw new RangeError('a block beyond the frame');
    if (type === 2) filled = decoder.decode(frame, start, end, output, filled, 0);
    else if (type > 2) throw new RangeError('an unknown kind of block');
    else {
      if (type === 0) output.set(frame.subarray(start, end), filled);
      else output.fill(frame[start]!, filled, filled + length);
      filled += length;
    }
    if (filled > size) throw new RangeError('a frame that is too large');
    last = (header & 1) !== 0;
    at = end;
  }
  const rest = frame.length - at;
  if (filled !== size || (rest !== 0 && rest !== CHECKSUM_SIZE)) throw new RangeError('a frame of another size');
  return output.slice(0, size);
}

function headerSize(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 6 || view.getUint32(0, true) !== FRAME_MAGIC) throw new RangeError('no frame');
  const descriptor = frame[4]!;
  const single = (descriptor & SINGLE_SEGMENT) !== 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + sizeBytes;
}
