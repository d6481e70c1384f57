// The sub-buffers of one CPU as a stream of bytes, whether the file holds them raw or in compressed chunks:
//
//     u32 number of chunks, then each: u32 compressed size, u32 size (whole sub-buffers), compressed bytes
//
// The size that the file tells of a CPU's data does not count the first of these words. A chunk that cannot be unpacked is left
// out and counted, those behind it are read on; sizes that lead out of the file end the data. One chunk is in memory at a time.
//
// Source: trace-cmd's Documentation/trace-cmd/trace-cmd.dat.v7.5.txt, "COMPRESSION FORMAT OF THE TRACE DATA".

import type { Decompress } from '../compression.js';
import type { CpuData } from './buffers.js';
import type { FileReader } from './file-reader.js';

/** trace-cmd makes chunks of ten sub-buffers; of the largest that a kernel can have these are 5 MiB. */
const LARGEST_CHUNK = 2 ** 24;

export interface CpuDataReader {
  /** Fills `target` from its start; answers the bytes, fewer than it has room for at the end. */
  read(target: Uint8Array): number;
  readonly ended: boolean;
  /** Bytes, unpacked, of chunks that could not be read. */
  readonly unreadable: number;
  /** Bytes that the file ends before; those of compressed data are compressed ones. */
  readonly missing: number;
}

/** Reads a CPU's data from its beginning. */
export function openCpuData(file: FileReader, data: CpuData): CpuDataReader {
  return data.decompress === undefined ? new RawData(file, data) : new ChunkedData(file, data, data.decompress);
}

class RawData implements CpuDataReader {
  readonly unreadable = 0;
  readonly missing: number;
  private readonly file: FileReader;
  private position: number;
  private end: number;

  constructor(file: FileReader, { offset, size, missing }: CpuData) {
    this.file = file;
    this.position = offset;
    this.end = offset + size;
    this.missing = missing;
  }

  read(target: Uint8Array): number {
    const wanted = Math.min(target.length, this.end - this.position);
    const got = this.file.readInto(target, this.position, wanted);
    this.position += got;
    // A file that became shorter meanwhile ends here.
    if (got < wanted) this.end = this.position;
    return got;
  }

  get ended(): boolean {
    return this.position >= this.end;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

class ChunkedData implements CpuDataReader {
  unreadable = 0;
  missing: number;
  private readonly file: FileReader;
  private readonly decompress: Decompress;
  private position: number;
  private readonly end: number;
  /** Chunks that have not been read yet; undefined before the first reading. */
  private chunks: number | undefined;
  private chunk: Uint8Array = NOTHING;
  private used = 0;

  constructor(file: FileReader, { offset, size, missing }: CpuData, decompress: Decompress) {
    this.file = file;
    this.decompress = decompress;
    this.position = offset;
    this.end = Math.min(offset + 4 + size, file.size);
    this.missing = missing;
  }

  read(target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      if (this.used === this.chunk.length && !this.nextChunk()) break;
      const part = this.chunk.subarray(this.used, this.used + target.length - done);
      target.set(part, done);
      this.used += part.length;
      done += part.length;
    }
    return done;
  }

  get ended(): boolean {
    return this.chunks === 0 && this.used === this.chunk.length;
  }

  /** Unpacks the next chunk that can be; false at the end. */
  private nextChunk(): boolean {
    this.chunks ??= this.words(1)?.[0] ?? 0;
    this.chunk = NOTHING;
    this.used = 0;
    while (this.chunks > 0) {
      this.chunks--;
      const sizes = this.words(2);
      if (sizes === undefined) break;
      const [packed = 0, size = 0] = sizes;
      if (packed > this.end - this.position) {
        // Cut off in this chunk, or the size is wrong; where the next one begins is not known either way.
        if (this.missing === 0) this.missing = packed - (this.end - this.position);
        break;
      }
      const bytes = this.file.bytesAt({ offset: this.position, size: packed });
      this.position += packed;
      try {
        if (size > LARGEST_CHUNK) throw new RangeError('no chunk is so large');
        this.chunk = this.decompress(bytes, size);
        if (size > 0) return true;
      } catch {
        this.unreadable += Math.min(size, LARGEST_CHUNK);
      }
    }
    this.chunks = 0;
    return false;
  }

  /** The next 32-bit numbers; undefined where the data ends before. */
  private words(count: number): number[] | undefined {
    if (this.end - this.position < 4 * count) {
      this.missing ||= 4 * count;
      return undefined;
    }
    this.file.position = this.position;
    this.position += 4 * count;
    return Array.from({ length: count }, () => this.file.u32('the size of a chunk'));
  }
}
