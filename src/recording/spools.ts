// Files beside a recording that is being made, one a CPU and buffer: sub-buffers come in mixed order while tracing, and in a
// trace.dat those of each CPU follow one another. Memory stays the same however much comes.

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { type KtapError, plainError } from '../language/diagnostics.js';

const COPY_SIZE = 1 << 20;

/** Writes all of a piece. Throws Node's errors. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** The error for a recording that cannot be written. */
export function writeError(path: string, error: unknown): KtapError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'no space left on the device',
    ENOENT: 'there is no such folder',
    EACCES: 'no permission',
    EROFS: 'the file system is read-only',
    EISDIR: 'it is a folder',
    EMFILE: 'too many files are open',
  };
  return plainError(`cannot record to ${path}: ${reasons[code ?? ''] ?? message}`);
}

/** What a CPU's part of a buffer holds so far. */
export class Spool {
  readonly path: string;
  /** Bytes written. */
  size = 0;
  private descriptor = -1;

  /** The file is made when something is written. */
  constructor(path: string) {
    this.path = path;
  }

  /** Throws Node's errors. */
  write(bytes: Uint8Array): void {
    if (this.descriptor < 0) this.descriptor = openSync(this.path, 'w+', 0o600);
    writeAll(this.descriptor, bytes);
    this.size += bytes.length;
  }

  /** All bytes in pieces of `pieceSize`; a piece is valid until the next. */
  *pieces(pieceSize = COPY_SIZE): Generator<Uint8Array> {
    const buffer = new Uint8Array(pieceSize);
    for (let done = 0; done < this.size; ) {
      let got = 0;
      while (got < pieceSize && done + got < this.size) {
        const read = readSync(
          this.descriptor,
          buffer,
          got,
          Math.min(pieceSize - got, this.size - done - got),
          done + got,
        );
        if (read === 0) throw new Error(`${this.path} became shorter`);
        got += read;
      }
      yield buffer.subarray(0, got);
      done += got;
    }
  }

  /** Removes the file; safe to call twice. */
  remove(): void {
    if (this.descriptor < 0) return;
    closeSync(this.descriptor);
    this.descriptor = -1;
    rmSync(this.path, { force: true });
  }
}
