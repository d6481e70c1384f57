// Where a script's output goes: gathered in order, written in large pieces, and what can go wrong with a file
// descriptor (a reader that has left, a full disk) told apart.

import { writeSync } from 'node:fs';
import { KtapError } from '../language/diagnostics.js';

/** Takes byte strings. */
export interface OutputSink {
  write(bytes: string): void;
  /** Hands on what is gathered. Throws OutputClosed or the system's error. */
  flush(): void;
}

/** The reader of the output has gone (EPIPE): the trace ends quietly. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** The output cannot be written: a full disk, an error of the device. An error of the run, exit status 1. */
export class OutputFailed extends KtapError {}

const GATHER_BYTES = 64 * 1024;

/** Gathers output and gives it to `deliver` as byte strings of some size. */
export class BufferedSink implements OutputSink {
  readonly #deliver: (bytes: string) => void;
  #gathered = '';

  constructor(deliver: (bytes: string) => void) {
    this.#deliver = deliver;
  }

  write(bytes: string): void {
    this.#gathered += bytes;
    if (this.#gathered.length >= GATHER_BYTES) this.flush();
  }

  flush(): void {
    if (this.#gathered === '') return;
    const bytes = this.#gathered;
    this.#gathered = '';
    this.#deliver(bytes);
  }
}

/** A sink on a file descriptor. */
export function descriptorSink(descriptor: number): OutputSink {
  return new BufferedSink((bytes) => writeAll(descriptor, Buffer.from(bytes, 'latin1')));
}

/** Writes all of a buffer, also to a pipe that somebody made non-blocking. */
function writeAll(descriptor: number, buffer: Buffer): void {
  let written = 0;
  while (written < buffer.length) {
    try {
      written += writeSync(descriptor, buffer, written);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') throw new OutputClosed('the reader of the output has gone');
      if (code !== 'EAGAIN') {
        const reason = code === 'ENOSPC' ? 'no space left on the device' : (error as Error).message;
        throw new OutputFailed({ severity: 'error', message: `cannot write the output: ${reason}` });
      }
      // Full for the moment: look again in a millisecond.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Writes text (UTF-16, sent as UTF-8) to a descriptor at once. Throws OutputClosed or OutputFailed. */
export function writeOut(descriptor: number, text: string): void {
  writeAll(descriptor, Buffer.from(text, 'utf8'));
}
