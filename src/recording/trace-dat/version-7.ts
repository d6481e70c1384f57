// trace.dat version 7: sections in any place and order, found by options, which are sections themselves:
//
//     section: u16 number, u16 flags (bit 0: compressed), u32 name, u64 size, content
//
// Compressed sections are not read.

import { type KtapError, plainError } from '../../language/diagnostics.js';
import { type CpuData, readBufferOption } from './buffers.js';
import { DamageError, type FileReader } from './file-reader.js';
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

/** Reads on after the page size. */
export function readVersion7(file: FileReader): TraceDat {
  const compression = file.cString('the name of the compression', 64);
  file.cString('the version of the compression', 64);
  const options = noOptions();
  const seen = new Set<number>();
  for (let next = file.u64('the place of the options'); next !== 0; ) {
    if (seen.has(next)) throw new DamageError('its options sections form a loop', false);
    seen.add(next);
    enterSection(file, next, compression);
    next = readOptions(file, 7, options);
  }

  const formats: RecordedFormat[] = [];
  /** Reads a part; answers undefined where there is none. */
  const part = <T>(number: number, read: (file: FileReader) => T): T | undefined => {
    const place = options.sections.get(number);
    if (place === undefined) return undefined;
    enterSection(file, place, compression);
    return read(file);
  };
  const header = part(OPTION.HEADER_INFO, readHeaderInfo);
  if (header === undefined) throw new DamageError('it has no header_page', false);
  part(OPTION.FTRACE_EVENTS, (each) => readFtraceFormats(each, formats));
  part(OPTION.EVENT_FORMATS, (each) => readEventFormats(each, formats));
  const kallsyms = part(OPTION.KALLSYMS, readKallsyms);
  const printkFormats = part(OPTION.PRINTK, readPrintkFormats) ?? '';
  const cmdlines = part(OPTION.CMDLINES, readCmdlines) ?? new Map<number, string>();

  const data: CpuData[] = [];
  for (const place of options.buffers) {
    const buffer = readBufferOption(file, place);
    if (buffer.compressed) throw compressedError(file, compression);
    data.push(...buffer.data);
  }
  const cpuCount = options.cpuCount ?? data.reduce((most, { cpu }) => Math.max(most, cpu + 1), 0);
  const { layout } = header;
  return {
    file,
    version: 7,
    layout,
    formats,
    kallsyms,
    printkFormats,
    cmdlines,
    cpuCount,
    options,
    data,
    warnings: [],
  };
}

/** Goes to the content of a section. */
function enterSection(file: FileReader, offset: number, compression: string): void {
  file.position = offset;
  file.u16('the header of a section');
  const flags = file.u16('the header of a section');
  file.u32('the header of a section');
  file.u64('the header of a section');
  if ((flags & 1) !== 0) throw compressedError(file, compression);
}

function compressedError(file: FileReader, compression: string): KtapError {
  return plainError(
    `${file.path} is compressed (${compression.replace(/[^ -~]/g, '?')}), which ktap does not read`,
    'convert it: trace-cmd convert --file-version 6 -i OLD -o NEW',
  );
}
