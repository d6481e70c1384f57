// trace.dat version 7: sections in any place and order, found by options, which are sections themselves:
//
//     section: u16 number, u16 flags (bit 0: compressed), u32 name, u64 size, content
//     compressed content: u32 compressed size, u32 size, compressed bytes

import { plainError } from '../../language/diagnostics.js';
import { type Decompress, decompressionOf } from '../compression.js';
import { type CpuData, cpuDataOf } from './buffers.js';
import { DamageError, type FileReader } from './file-reader.js';
import { latencyError } from './latency.js';
import { noOptions, OPTION, readOptions } from './options.js';
import {
  type RecordedFormat,
  readCmdlines,
  readEventFormats,
  readFtraceFormats,
  readHeaderInfo,
  readKallsyms,
  readPrintkFormats,
} from './sections.js';
import type { TraceDat } from './trace-dat.js';

/** Most bytes that a section may unpack to: kernel symbols are 15 MiB, formats of all events 6. */
const LARGEST_SECTION = 2 ** 26;

/** Reads on after the page size. */
export function readVersion7(file: FileReader): TraceDat {
  const compression = file.cString('the name of the compression', 64);
  file.cString('the version of the compression', 64);
  const decompress = (): Decompress => decompressionOf(compression) ?? unknownCompression(file, compression);
  const options = noOptions();
  const seen = new Set<number>();
  for (let next = file.u64('the place of the options'); next !== 0; ) {
    if (seen.has(next)) throw new DamageError('its options sections form a loop', false);
    seen.add(next);
    next = readOptions(enterSection(file, next, decompress), 7, options);
  }

  const formats: RecordedFormat[] = [];
  /** Reads a part; answers undefined where there is none. */
  const part = <T>(number: number, read: (section: FileReader) => T): T | undefined => {
    const place = options.sections.get(number);
    return place === undefined ? undefined : read(enterSection(file, place, decompress));
  };
  const header = part(OPTION.HEADER_INFO, readHeaderInfo);
  if (header === undefined) throw new DamageError('it has no header_page', false);
  part(OPTION.FTRACE_EVENTS, (each) => readFtraceFormats(each, formats));
  part(OPTION.EVENT_FORMATS, (each) => readEventFormats(each, formats));
  const printkFormats = part(OPTION.PRINTK, readPrintkFormats) ?? '';
  const cmdlines = part(OPTION.CMDLINES, readCmdlines) ?? new Map<number, string>();

  const data: CpuData[] = options.buffers.flatMap((places) => cpuDataOf(file, places, decompress));
  if (data.length === 0 && options.textBuffers > 0) throw latencyError(file);
  const cpuCount = options.cpuCount ?? data.reduce((most, { cpu }) => Math.max(most, cpu + 1), 0);
  const { layout } = header;
  return {
    file,
    version: 7,
    layout,
    formats,
    kallsyms: () => part(OPTION.KALLSYMS, (section) => section.bytesAt(readKallsyms(section))) ?? new Uint8Array(0),
    printkFormats,
    cmdlines,
    cpuCount,
    options,
    data,
    warnings: [],
  };
}

/** Goes to the content of a section: in the file, or what it unpacks to. */
function enterSection(file: FileReader, offset: number, decompress: () => Decompress): FileReader {
  file.position = offset;
  file.u16('the header of a section');
  const flags = file.u16('the header of a section');
  file.u32('the header of a section');
  file.u64('the header of a section');
  if ((flags & 1) === 0) return file;
  const unpack = decompress();
  const compressedSize = file.u32('the size of a section');
  const size = file.u32('the size of a section');
  if (size > LARGEST_SECTION) throw new DamageError(`a section cannot unpack to ${size} bytes`, false);
  const compressed = file.bytes(compressedSize, 'a section');
  try {
    return file.over(unpack(compressed, size));
  } catch {
    throw new DamageError('a compressed section cannot be unpacked', false);
  }
}

function unknownCompression(file: FileReader, compression: string): never {
  throw plainError(
    `${file.path} is compressed with ${compression.replace(/[^ -~]/g, '?')}, which ktap does not read`,
    'ktap reads zlib and zstd; convert it: trace-cmd convert --compression zlib -i OLD -o NEW',
  );
}
