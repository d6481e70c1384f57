// Writes trace.dat version 7 (read by version-7.ts): a section for each part, then one for each buffer, the strings that name
// the sections, and the options, whose place the file's head tells. With zlib all of them but the options are compressed.

import { writeSync } from 'node:fs';
import { ByteWriter } from '../byte-writer.js';
import { toZlib } from '../compression.js';
import { writeAll } from '../spools.js';
import type { SpooledBuffer } from '../trace-dat-writer.js';
import { TRACE_DAT_MAGIC } from './magic.js';
import { OPTION } from './options.js';
import { optionsOf, writeEventFormats, writeFtraceFormats, writeHeaderInfo } from './write-sections.js';
import type { RecordingContent } from './write-version-6.js';

const STRINGS = 15;
const COMPRESSED = 1;
/** Sub-buffers that are compressed together, as trace-cmd does. */
const SUB_BUFFERS_IN_CHUNK = 10;

/** Writes all to an empty file; its size in bytes. Throws Node's errors. */
export function writeVersion7(target: number, content: RecordingContent, compression: 'none' | 'zlib'): number {
  return new Version7Writer(target, content, compression === 'zlib').write();
}

interface Option {
  readonly number: number;
  readonly content: Uint8Array;
}

class Version7Writer {
  private readonly target: number;
  private readonly content: RecordingContent;
  private readonly compressed: boolean;
  /** Where the next byte goes. */
  private position = 0;
  private readonly options: Option[] = [];
  private strings = '';

  constructor(target: number, content: RecordingContent, compressed: boolean) {
    this.target = target;
    this.content = content;
    this.compressed = compressed;
  }

  write(): number {
    const { metadata, subBufferSize, buffers } = this.content;
    const head = new ByteWriter().text(TRACE_DAT_MAGIC).text('7\0').bytes(0, 8).u32(subBufferSize);
    head.text(this.compressed ? `zlib\0${process.versions.zlib}\0` : 'none\0\0');
    const optionsPlace = head.length;
    this.put(head.u64(0).finish());

    this.part(OPTION.HEADER_INFO, 'headers', (out) => writeHeaderInfo(out, metadata));
    this.part(OPTION.FTRACE_EVENTS, 'ftrace events', (out) => writeFtraceFormats(out, metadata));
    this.part(OPTION.EVENT_FORMATS, 'events format', (out) => writeEventFormats(out, metadata));
    const kallsyms = metadata.kallsyms ?? new Uint8Array(0);
    this.part(OPTION.KALLSYMS, 'kallsyms', (out) => out.u32(kallsyms.length).append(kallsyms));
    const printkFormats = metadata.printkFormats ?? '';
    this.part(OPTION.PRINTK, 'printk', (out) => out.u32(printkFormats.length).text(printkFormats));
    const names = [...metadata.cmdlines].map(([tid, name]) => `${tid} ${name}\n`).join('');
    this.part(OPTION.CMDLINES, 'command lines', (out) => out.sized64(names));
    for (const { number, text } of optionsOf(metadata)) {
      this.options.push({ number, content: Buffer.from(text, 'latin1') });
    }
    this.options.push({ number: OPTION.CPUCOUNT, content: new ByteWriter().u32(buffers[0]!.cpus.length).finish() });
    for (const buffer of buffers) this.buffer(buffer);
    this.section(STRINGS, 'strings', (out) => out.text(this.strings));
    const options = this.optionsSection();
    const pointer = new ByteWriter().u64(options).finish();
    writeSync(this.target, pointer, 0, pointer.length, optionsPlace);
    return this.position;
  }

  private put(bytes: Uint8Array): void {
    writeAll(this.target, bytes);
    this.position += bytes.length;
  }

  /** A section that an option points to. */
  private part(number: number, name: string, fill: (out: ByteWriter) => void): void {
    this.options.push({ number, content: new ByteWriter().u64(this.position).finish() });
    this.section(number, name, fill);
  }

  private section(number: number, name: string, fill: (out: ByteWriter) => void): void {
    const description = this.describe(name);
    const plain = new ByteWriter();
    fill(plain);
    let content = plain.finish();
    if (this.compressed) {
      const packed = toZlib(content);
      content = new ByteWriter().u32(packed.length).u32(content.length).append(packed).finish();
    }
    this.put(sectionHeader(number, this.compressed ? COMPRESSED : 0, description, content.length));
    this.put(content);
  }

  /** The number of a section's name. */
  private describe(name: string): number {
    const number = this.strings.length;
    this.strings += `${name}\0`;
    return number;
  }

  /** A buffer's section: each CPU's data at a multiple of the sub-buffer size. */
  private buffer({ name, cpus }: SpooledBuffer): void {
    const { metadata, subBufferSize } = this.content;
    const start = this.position;
    const flags = this.compressed ? COMPRESSED : 0;
    const description = this.describe(name === '' ? 'buffer flyrecord' : `buffer flyrecord ${name}`);
    this.put(sectionHeader(OPTION.BUFFER, flags, description, 0));
    const contentStart = this.position;
    const option = new ByteWriter().u64(start).text(`${name}\0${metadata.clock}\0`).u32(subBufferSize);
    const filled = [...cpus.entries()].filter(([, spool]) => spool.size > 0);
    option.u32(filled.length);
    for (const [cpu, spool] of filled) {
      this.put(new Uint8Array(Math.ceil(this.position / subBufferSize) * subBufferSize - this.position));
      const offset = this.position;
      let size = 0;
      if (this.compressed) {
        const chunkSize = SUB_BUFFERS_IN_CHUNK * subBufferSize;
        this.put(new ByteWriter().u32(Math.ceil(spool.size / chunkSize)).finish());
        for (const piece of spool.pieces(chunkSize)) {
          const packed = toZlib(piece);
          this.put(new ByteWriter().u32(packed.length).u32(piece.length).append(packed).finish());
        }
        // trace-cmd does not count the number of chunks.
        size = this.position - offset - 4;
      } else {
        for (const piece of spool.pieces()) this.put(piece);
        size = spool.size;
      }
      option.u32(cpu).u64(offset).u64(size);
    }
    this.options.push({ number: OPTION.BUFFER, content: option.finish() });
    const header = sectionHeader(OPTION.BUFFER, flags, description, this.position - contentStart);
    writeSync(this.target, header, 0, header.length, start);
  }

  /** The last section; answers its place. */
  private optionsSection(): number {
    const out = new ByteWriter();
    for (const { number, content } of this.options) out.u16(number).u32(content.length).append(content);
    out.u16(OPTION.DONE).u32(8).u64(0);
    const start = this.position;
    const content = out.finish();
    this.put(sectionHeader(OPTION.DONE, 0, 0, content.length));
    this.put(content);
    return start;
  }
}

function sectionHeader(number: number, flags: number, description: number, size: number): Uint8Array {
  return new ByteWriter().u16(number).u16(flags).u32(description).u64(size).finish();
}
