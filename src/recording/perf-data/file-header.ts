// The header of a perf.data that was written to a file.
//
//     +0  "PERFILE2" (the other way round on a big-endian machine)   +8  u64 bytes of this header: 104
//     +16 u64 bytes of an entry of attrs   +24 u64 offset, u64 size of attrs   +40 of the data   +56 of the event types
//     +72 256 bits: which features there are
//     attrs: per event its perf_event_attr, u64 offset, u64 size of its ids
//     behind the data: per feature that is there u64 offset, u64 size
//
// A stream has of it only the magic and u64 16, and goes on with records.
//
// Source: tools/perf/Documentation/perf.data-file-format.txt; tools/perf/util/header.c.

import { DamageError, type FileReader } from '../trace-dat/file-reader.js';
import { FEATURE_BITS } from './abi.js';
import { Description } from './description.js';

export const PERF_MAGIC = 'PERFILE2';
export const PERF_MAGIC_SWAPPED = '2ELIFREP';
/** Bytes of the header of a stream: the magic and the header's size. */
export const STREAM_HEADER_SIZE = 16;

/** Where the records of a file are, and what it says about them. */
export interface FileHeader {
  readonly description: Description;
  readonly dataOffset: number;
  readonly dataSize: number;
  /** Bytes of records that the header tells of and that are not there. */
  readonly missing: number;
}

/** Reads the header from the reader's start; undefined where the file is a stream. Throws DamageError. */
export function readFileHeader(file: FileReader): FileHeader | undefined {
  file.position = 0;
  file.littleEndian = file.text(8, 'the magic number') === PERF_MAGIC;
  const size = file.u64('the size of the header');
  if (size === STREAM_HEADER_SIZE) return undefined;
  const entrySize = file.u64('the size of the attributes');
  const attributes = { offset: file.u64('the places of the header'), size: file.u64('the places of the header') };
  const data = { offset: file.u64('the places of the header'), size: file.u64('the places of the header') };
  file.skip(16, 'the places of the header');
  const features: number[] = [];
  for (let word = 0; word < FEATURE_BITS; word += 64) {
    const bits = file.bigU64('the features of the header');
    for (let bit = 0; bit < 64; bit++) if ((bits >> BigInt(bit)) & 1n) features.push(word + bit);
  }

  const description = new Description();
  readAttributes(file, description, attributes, entrySize);
  if (data.offset > file.size) throw new DamageError('the file ends before its records', true);
  const there = file.size - data.offset;
  // perf record fills in the size at its end, and writes the features behind the data then.
  const unfinished = data.size === 0;
  if (unfinished && there > 0) {
    description.warn('perf record was not ended in order: the descriptions of its events are missing');
  } else {
    readFeatures(file, description, data.offset + data.size, features);
  }
  const dataSize = unfinished ? there : Math.min(data.size, there);
  return { description, dataOffset: data.offset, dataSize, missing: Math.max(0, data.size - dataSize) };
}

function readAttributes(
  file: FileReader,
  description: Description,
  { offset, size }: { readonly offset: number; readonly size: number },
  entrySize: number,
): void {
  if (entrySize < 80 || entrySize > 8192) throw new DamageError(`the attributes cannot have ${entrySize} bytes`, false);
  const count = Math.floor(size / entrySize);
  if (count === 0) throw new DamageError('it has no events', false);
  for (let index = 0; index < count; index++) {
    const at = offset + index * entrySize;
    file.position = at;
    description.addAttribute(file, entrySize - 16, () => {
      file.position = at + entrySize - 16;
      const ids = { offset: file.u64('the places of ids'), size: file.u64('the places of ids') };
      file.position = ids.offset;
      if (ids.size > file.left) throw new DamageError('the file ends within the ids of an event', true);
      return Array.from({ length: Math.floor(ids.size / 8) }, () => file.bigU64('the ids of an event'));
    });
  }
}

function readFeatures(file: FileReader, description: Description, offset: number, features: readonly number[]): void {
  const places: { number: number; offset: number; size: number }[] = [];
  description.attempt('what describes its events behind the records', () => {
    file.position = offset;
    for (const number of features) {
      places.push({ number, offset: file.u64('the places of features'), size: file.u64('the places of features') });
    }
  });
  for (const place of places) {
    file.position = place.offset;
    description.addFeature(place.number, file, place.size);
  }
}
