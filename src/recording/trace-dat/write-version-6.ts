// Writes trace.dat version 6 (read by version-6.ts): one head, then the data of all CPUs and buffers.

import { ByteWriter } from '../byte-writer.js';
import { writeAll } from '../spools.js';
import type { RecordingMetadata, SpooledBuffer } from '../trace-dat-writer.js';
import { TRACE_DAT_MAGIC } from './magic.js';
import { OPTION } from './options.js';
import { optionsOf, writeEventFormats, writeFtraceFormats, writeHeaderInfo } from './write-sections.js';

/** What a recording is made from. */
export interface RecordingContent {
  readonly metadata: RecordingMetadata;
  readonly subBufferSize: number;
  /** The main one first. */
  readonly buffers: readonly SpooledBuffer[];
}

/** Writes all to an empty file; its size in bytes. Throws Node's errors. */
export function writeVersion6(target: number, content: RecordingContent): number {
  const { buffers } = content;
  const { head, end } = headOf(content);
  writeAll(target, head);
  for (const { cpus } of buffers) for (const spool of cpus) for (const piece of spool.pieces()) writeAll(target, piece);
  return end;
}

/** Everything before the data, which begins at a multiple of the sub-buffer size. */
function headOf({ metadata, subBufferSize, buffers }: RecordingContent): { head: Uint8Array; end: number } {
  const out = new ByteWriter();
  out.text(TRACE_DAT_MAGIC).text('6\0').bytes(0, 8).u32(subBufferSize);
  writeHeaderInfo(out, metadata);
  writeFtraceFormats(out, metadata);
  writeEventFormats(out, metadata);
  const kallsyms = metadata.kallsyms ?? new Uint8Array(0);
  out.u32(kallsyms.length).append(kallsyms);
  const printkFormats = metadata.printkFormats ?? '';
  out.u32(printkFormats.length).text(printkFormats);
  out.sized64([...metadata.cmdlines].map(([tid, name]) => `${tid} ${name}\n`).join(''));
  out.u32(buffers[0]!.cpus.length);

  out.text('options  \0');
  for (const { number, text } of optionsOf(metadata)) out.u16(number).u32(text.length).text(text);
  const further = buffers.slice(1).map((buffer) => {
    out.u16(OPTION.BUFFER).u32(8 + buffer.name.length + 1);
    const at = out.length;
    out.u64(0).text(`${buffer.name}\0`);
    return { buffer, at };
  });
  out.u16(OPTION.DONE);

  // The places of the data are known once it is known where this head ends.
  const places: number[] = [];
  const table = ({ cpus }: SpooledBuffer): void => {
    out.text('flyrecord\0');
    for (let cpu = 0; cpu < cpus.length; cpu++) {
      places.push(out.length);
      out.u64(0).u64(0);
    }
    out.sized64(`[${metadata.clock}]`);
  };
  table(buffers[0]!);
  for (const { buffer, at } of further) {
    out.setU64(at, out.length);
    table(buffer);
  }
  const dataStart = Math.ceil(out.length / subBufferSize) * subBufferSize;
  let end = dataStart;
  for (const { cpus } of buffers) {
    for (const { size } of cpus) {
      const place = places.shift()!;
      out.setU64(place, end);
      out.setU64(place + 8, size);
      end += size;
    }
  }
  return { head: out.finish(dataStart), end };
}
