// Opens a perf.data: a file, or a stream through standard input.

import { plainError } from '../../language/diagnostics.js';
import type { BufferMemory } from '../cpu-streams.js';
import type { RecordingSelection } from '../recording-source.js';
import type { StandardInput } from '../standard-input.js';
import { DamageError, type FileReader } from '../trace-dat/file-reader.js';
import { PERF_MAGIC, PERF_MAGIC_SWAPPED, readFileHeader } from './file-header.js';
import { type OpenedPerfData, PerfDataSource } from './perf-data-source.js';
import { FileInput, PipeInput } from './record-input.js';
import { readStreamHeader } from './stream-header.js';

/** Whether a recording begins as a perf.data does. */
export function isPerfData(start: string): boolean {
  return start.startsWith(PERF_MAGIC) || start.startsWith(PERF_MAGIC_SWAPPED);
}

/** Opens a file, whose magic has been seen. Throws KtapError where nothing of it can be used. */
export async function openPerfFile(
  file: FileReader,
  target: BufferMemory,
  selection: RecordingSelection,
): Promise<PerfDataSource> {
  try {
    return new PerfDataSource(await openFile(file), target, selection);
  } catch (error) {
    file.close();
    throw explained(error, file.path);
  }
}

async function openFile(file: FileReader): Promise<OpenedPerfData> {
  const header = readFileHeader(file);
  if (header !== undefined) {
    const { description, dataOffset, dataSize, missing } = header;
    const input = new FileInput(file, dataOffset, dataSize);
    return { path: file.path, description, littleEndian: file.littleEndian, input, missing };
  }
  // What was written to a pipe, kept in a file.
  let position = 0;
  const { description, littleEndian, rest } = await readStreamHeader((atLeast) => {
    const bytes = Buffer.from(
      file.bytesAt({ offset: position, size: Math.min(atLeast + 65536, file.size - position) }),
    );
    position += bytes.length;
    return bytes;
  }, file.path);
  const offset = position - rest.length;
  const input = new FileInput(file, offset, file.size - offset);
  return { path: file.path, description, littleEndian, input, missing: 0 };
}

/** Opens a stream, whose magic has been seen and given back. Throws KtapError. */
export async function openPerfStream(
  stdin: StandardInput,
  target: BufferMemory,
  selection: RecordingSelection,
): Promise<PerfDataSource> {
  const path = 'standard input';
  try {
    const { description, littleEndian, rest } = await readStreamHeader((atLeast) => stdin.takeAtLeast(atLeast), path);
    const input = new PipeInput(stdin);
    return new PerfDataSource({ path, description, littleEndian, input, missing: 0, rest }, target, selection);
  } catch (error) {
    stdin.close();
    throw explained(error, path);
  }
}

function explained(error: unknown, path: string): unknown {
  if (!(error instanceof DamageError)) return error;
  return plainError(`${path} is ${error.truncated ? 'truncated' : 'corrupt'}: ${error.message}`);
}
