// Opens a recording of any known format, which its first bytes tell: a trace.dat of trace-cmd or of ktap itself, or a
// perf.data. `-` is standard input: a stream of `perf record -o -`, a trace.dat through a pipe, or a file that the shell has
// opened.

import { fstatSync } from 'node:fs';
import type { EventSource } from '../events/source.js';
import { plainError } from '../language/diagnostics.js';
import type { BufferMemory } from './cpu-streams.js';
import { isPerfData, openPerfFile, openPerfStream } from './perf-data/index.js';
import { type RecordingSelection, RecordingSource } from './recording-source.js';
import { spoolInput } from './spooled-input.js';
import { StandardInput } from './standard-input.js';
import { FileReader } from './trace-dat/file-reader.js';
import { openTraceDat } from './trace-dat/index.js';
import { TRACE_DAT_MAGIC } from './trace-dat/magic.js';

const MAGIC_SIZE = 8;

/**
 * Opens a recording as a source of events. `target` is an engine, or anything with linear memory. Throws KtapError for one
 * that cannot be read, is of no known format, or is damaged so that nothing of it can be used. `stopped` resolves when what
 * still comes through a pipe is not to be waited for.
 */
export async function openAnyRecording(
  path: string,
  target: BufferMemory,
  selection: RecordingSelection,
  stopped: Promise<void> = new Promise(() => {}),
): Promise<EventSource> {
  if (path === '-' && !fstatSync(0).isFile()) return openStream(target, selection, stopped);
  const file = path === '-' ? FileReader.ofDescriptor(0, 'standard input') : FileReader.open(path);
  if (isPerfData(file.text(Math.min(file.size, MAGIC_SIZE), 'the magic number'))) {
    return openPerfFile(file, target, selection);
  }
  file.position = 0;
  return new RecordingSource(openTraceDat(file), target, selection);
}

async function openStream(
  target: BufferMemory,
  selection: RecordingSelection,
  stopped: Promise<void>,
): Promise<EventSource> {
  const stdin = new StandardInput();
  const start = await stdin.takeAtLeast(MAGIC_SIZE);
  const magic = start.toString('latin1', 0, MAGIC_SIZE);
  if (isPerfData(magic)) {
    stdin.giveBack(start);
    return openPerfStream(stdin, target, selection);
  }
  if (start.length === 0) throw plainError('nothing came through standard input');
  if (TRACE_DAT_MAGIC.startsWith(magic)) {
    return new RecordingSource(openTraceDat(await spoolInput(stdin, start, stopped)), target, selection);
  }
  stdin.close();
  throw plainError(
    'standard input is not a stream that ktap can replay',
    'ktap replays a trace.dat, and what perf record -o - writes',
  );
}
