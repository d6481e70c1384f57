// The parts of a trace.dat that both versions write in the same form (read by sections.ts and options.ts).

import type { ByteWriter } from '../byte-writer.js';
import type { RecordingMetadata } from '../trace-dat-writer.js';
import { OPTION } from './options.js';

export function writeHeaderInfo(out: ByteWriter, { headerPage, headerEvent }: RecordingMetadata): void {
  out.text('header_page\0').sized64(headerPage);
  out.text('header_event\0').sized64(headerEvent);
}

export function writeFtraceFormats(out: ByteWriter, { formats }: RecordingMetadata): void {
  const ftrace = formats.get('ftrace') ?? [];
  out.u32(ftrace.length);
  for (const format of ftrace) out.sized64(format);
}

export function writeEventFormats(out: ByteWriter, metadata: RecordingMetadata): void {
  const systems = [...metadata.formats].filter(([system]) => system !== 'ftrace');
  out.u32(systems.length);
  for (const [system, formats] of systems) {
    out.text(`${system}\0`).u32(formats.length);
    for (const format of formats) out.sized64(format);
  }
}

/** The options whose content is a text. */
export function optionsOf(metadata: RecordingMetadata): { number: number; text: string }[] {
  const { clock, uname, wallClockOffset, cpuStatistics, recorder, probes = [] } = metadata;
  const options: { number: number; text: string }[] = [];
  if (wallClockOffset !== undefined) {
    options.push({ number: OPTION.DATE, text: `0x${(wallClockOffset / 1000n).toString(16)}\0` });
  }
  options.push({ number: OPTION.TRACECLOCK, text: `[${clock}]\0` });
  if (uname !== undefined) options.push({ number: OPTION.UNAME, text: `${uname}\0` });
  if (recorder !== undefined) {
    // For other readers all of it is the recorder's name and version. See readRecorder in options.ts.
    const names = probes.length === 0 ? '' : `\n${JSON.stringify(probes)}`;
    options.push({ number: OPTION.VERSION, text: `${recorder}${names}\0` });
  }
  for (const [cpu, text] of (cpuStatistics ?? []).entries()) {
    options.push({ number: OPTION.CPUSTAT, text: `CPU: ${cpu}\n${text}\0` });
  }
  return options;
}
