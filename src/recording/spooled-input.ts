// A trace.dat from a pipe (`--replay -`). It has the data of its CPUs one after the other and is read in several places at
// once, so what comes through a pipe is kept in a temporary file without a name until the replay has ended.

import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainError } from '../language/diagnostics.js';
import { writeAll } from './spools.js';
import type { StandardInput } from './standard-input.js';
import { FileReader } from './trace-dat/file-reader.js';

const LONGEST_WAIT = 60_000;

/**
 * Reads a stream to its end, or until `stopped` resolves: what has come until then is the recording. `start`: its first
 * bytes, which have been taken already. Throws KtapError.
 */
export async function spoolInput(input: StandardInput, start: Buffer, stopped: Promise<void>): Promise<FileReader> {
  const folder = mkdtempSync(join(tmpdir(), 'ktap-replay-'));
  let descriptor: number;
  try {
    descriptor = openSync(join(folder, 'recording'), 'w+', 0o600);
  } finally {
    // The file lives on without its name.
    rmSync(folder, { recursive: true, force: true });
  }
  stopped.then(() => input.close());
  try {
    writeAll(descriptor, start);
    while (!input.ended) {
      const piece = input.take();
      if (piece === undefined) await input.wait(LONGEST_WAIT);
      else writeAll(descriptor, piece);
    }
  } catch (error) {
    closeSync(descriptor);
    throw plainError(`cannot keep the recording from standard input in ${tmpdir()}: ${(error as Error).message}`);
  }
  return FileReader.ofDescriptor(descriptor, 'standard input');
}
