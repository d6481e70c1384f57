// The start of a perf.data that was written to a pipe: the magic, u64 16, and then records that describe the events and the
// machine, before the first record of any other kind.
//
//     HEADER_ATTR: header, perf_event_attr (its size stands in it), ids × u64
//     HEADER_FEATURE: header, u64 number, content as in a file's header
//     HEADER_TRACING_DATA: header, u32 size; the size counts bytes that follow the record
//     HEADER_BUILD_ID, ID_INDEX, EVENT_UPDATE: see description.ts
//
// Source: tools/perf/Documentation/perf.data-file-format.txt; tools/perf/util/header.c and synthetic-events.c.

import { HEADER_SIZE } from '../../events/perf/abi.js';
import { DamageError, FileReader } from '../trace-dat/file-reader.js';
import { RecordType } from './abi.js';
import { Description } from './description.js';
import { PERF_MAGIC, STREAM_HEADER_SIZE } from './file-header.js';

/** Formats of all events of a kernel have less. */
const MOST_TRACING_DATA = 64 * 2 ** 20;

/** Gives the next bytes: at least as many as asked for, fewer at the end. */
export type NextBytes = (atLeast: number) => Promise<Buffer> | Buffer;

export interface StreamHeader {
  readonly description: Description;
  readonly littleEndian: boolean;
  /** What was read and is not part of the header: the first records. */
  readonly rest: Buffer;
}

/** Records that describe: with the first one of another type the description is complete, as far as it is needed. */
const DESCRIBING = new Set<number>([
  RecordType.HEADER_ATTR,
  RecordType.HEADER_EVENT_TYPE,
  RecordType.HEADER_TRACING_DATA,
  RecordType.HEADER_BUILD_ID,
  RecordType.ID_INDEX,
  RecordType.EVENT_UPDATE,
  RecordType.HEADER_FEATURE,
]);

/** Reads the header of a stream, its magic included. Throws DamageError. */
export async function readStreamHeader(next: NextBytes, name: string): Promise<StreamHeader> {
  let bytes = Buffer.alloc(0);
  let at = 0;
  const need = async (count: number, what: string): Promise<void> => {
    if (bytes.length - at >= count) return;
    bytes = Buffer.concat([bytes.subarray(at), await next(count - (bytes.length - at))]);
    at = 0;
    if (bytes.length < count) throw new DamageError(`it ends within ${what}`, true);
  };
  await need(STREAM_HEADER_SIZE, 'its header');
  const littleEndian = bytes.toString('latin1', 0, 8) === PERF_MAGIC;
  at = STREAM_HEADER_SIZE;

  const description = new Description();
  const reader = (start: number, end: number): FileReader => {
    return FileReader.overBytes(bytes.subarray(start, end), name, littleEndian);
  };
  for (;;) {
    if (bytes.length - at < HEADER_SIZE) {
      const more = await next(HEADER_SIZE - (bytes.length - at));
      bytes = Buffer.concat([bytes.subarray(at), more]);
      at = 0;
      if (bytes.length < HEADER_SIZE) break;
    }
    const type = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    const size = littleEndian ? bytes.readUInt16LE(at + 6) : bytes.readUInt16BE(at + 6);
    if (!DESCRIBING.has(type)) break;
    if (size < HEADER_SIZE) throw new DamageError(`a record of its header cannot have ${size} bytes`, false);
    await need(size, 'its header');
    if (type === RecordType.HEADER_TRACING_DATA) {
      const length = size < 12 ? 0 : littleEndian ? bytes.readUInt32LE(at + 8) : bytes.readUInt32BE(at + 8);
      if (length > MOST_TRACING_DATA)
        throw new DamageError(`the formats of its events cannot have ${length} bytes`, false);
      at += size;
      await need(length, 'the formats of its events');
      description.attempt('the formats of its events', () => description.readTracingData(reader(at, at + length)));
      at += length;
    } else {
      const record = reader(at + HEADER_SIZE, at + size);
      takeDescription(description, type, record);
      at += size;
    }
  }
  if (description.attributes.length === 0) throw new DamageError('it has no events', false);
  return { description, littleEndian, rest: bytes.subarray(at) };
}

/** Takes the content of a record that describes; `file` has what stands behind the record's header. Damage is a warning. */
export function takeDescription(description: Description, type: number, file: FileReader): void {
  description.attempt('the description of its events', () => {
    switch (type) {
      case RecordType.HEADER_ATTR:
        description.addAttribute(file, 0, () => {
          const count = Math.floor(file.left / 8);
          return Array.from({ length: count }, () => file.bigU64('the ids of an event'));
        });
        break;
      case RecordType.HEADER_FEATURE: {
        const number = file.u64('the number of a feature');
        description.addFeature(number, file, file.left);
        break;
      }
      case RecordType.HEADER_BUILD_ID:
        description.addBuildId(file, file.left + HEADER_SIZE);
        break;
      case RecordType.ID_INDEX:
        description.addIdIndex(file);
        break;
      case RecordType.EVENT_UPDATE:
        description.updateEvent(file);
        break;
    }
  });
}
