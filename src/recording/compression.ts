// Compression of parts of recordings. Decompressing is bounded: a part says how much it unpacks to, and is never given more
// room than that. So a few bytes that would unpack to gigabytes cost no more than the size that the caller allows.

import { deflateSync, inflateSync } from 'node:zlib';
import { unpackFrame } from './zstd/frame.js';

/** Makes `size` bytes of a compressed part. Throws an Error of any kind where the part is damaged. */
export type Decompress = (part: Uint8Array, size: number) => Uint8Array;

/** The decompression of a name that trace-cmd gives; undefined for one that is not known. */
export function decompressionOf(name: string): Decompress | undefined {
  if (name === 'zlib') return fromZlib;
  if (name === 'zstd') return unpackFrame;
  return undefined;
}

/** Deflate cannot do better than this. */
const BEST_ZLIB_RATIO = 1032;

/** RFC 1950. */
function fromZlib(part: Uint8Array, size: number): Uint8Array {
  if (size > (part.length + 1) * BEST_ZLIB_RATIO) throw new RangeError('the size cannot be');
  const bytes = inflateSync(part, { maxOutputLength: Math.max(1, size) });
  if (bytes.length !== size) throw new RangeError(`${bytes.length} bytes instead of ${size}`);
  return bytes;
}

/** Compresses for `zlib`: fast rather than well, since it is done while a person waits for the recording. */
export function toZlib(part: Uint8Array): Uint8Array {
  return deflateSync(part, { level: 1 });
}
