// trace.dat version 6: all parts follow one another; the buffers of further instances are found by an option.

import { checkCpuCount, readCpuPlaces } from './buffers.js';
import { DamageError, type FileReader } from './file-reader.js';
import { latencyError } from './latency.js';
import { noOptions, readOptions } from './options.js';
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
export function readVersion6(file: FileReader, pageSize: number): TraceDat {
  const formats: RecordedFormat[] = [];
  const warnings: string[] = [];
  const { layout } = readHeaderInfo(file);
  readFtraceFormats(file, formats);
  readEventFormats(file, formats);
  const kallsyms = readKallsyms(file);
  const printkFormats = readPrintkFormats(file);
  const cmdlines = readCmdlines(file);
  const cpuCount = checkCpuCount(file.u32('the number of CPUs'));
  const options = noOptions();
  let kind = readKind(file);
  if (kind === 'options') {
    readOptions(file, 6, options);
    kind = readKind(file);
  }
  if (kind === 'latency') throw latencyError(file);
  const data = readCpuPlaces(file, cpuCount, pageSize);
  for (const { name, offset } of options.instances) {
    // The main buffer can stand among the instances.
    if (name === '') continue;
    try {
      file.position = offset;
      if (readKind(file) === 'flyrecord') data.push(...readCpuPlaces(file, cpuCount, pageSize, name));
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      warnings.push(`the buffer ${name} cannot be read: ${error.message}`);
    }
  }
  return {
    file,
    version: 6,
    layout,
    formats,
    kallsyms: () => file.bytesAt(kallsyms),
    printkFormats,
    cmdlines,
    cpuCount,
    options,
    data,
    warnings,
  };
}

/** The ten bytes that tell what comes next. */
function readKind(file: FileReader): 'options' | 'latency' | 'flyrecord' {
  const text = file.text(10, 'the header');
  const kind = text.replace(/[ \0]+$/, '');
  if (kind === 'options' || kind === 'latency' || kind === 'flyrecord') return kind;
  throw new DamageError('neither options nor data are where they should be', false);
}
