// Recordings of latency tracers (`trace-cmd record -p wakeup`) hold the text of the kernel's trace file and no records.

import { type KtapError, plainError } from '../../language/diagnostics.js';
import type { FileReader } from './file-reader.js';

/** The error for such a recording. */
export function latencyError(file: FileReader): KtapError {
  return plainError(
    `${file.path} holds the text of a latency tracer, no records`,
    'record events: trace-cmd record -e …',
  );
}
