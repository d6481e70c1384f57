// Writes a trace.dat of version 6 (layout: trace-dat/version-6.ts and the files beside it), which trace-cmd and KernelShark
// read too. In it each CPU's sub-buffers follow one another, but they come in mixed order while tracing: so they are
// spooled to a file a CPU beside the recording, which is put together at the end. Memory stays the same however much comes.

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { plainError } from '../language/diagnostics.js';
import { TRACE_DAT_MAGIC } from './trace-dat/magic.js';
import { OPTION } from './trace-dat/options.js';

/** All that a recording says beside the records. Texts are byte strings as tracefs and /proc give them. */
export interface RecordingMetadata {
  /** events/header_page and events/header_event. */
  readonly headerPage: string;
  readonly headerEvent: string;
  /** Format files by system; `ftrace` for the tracers' own. */
  readonly formats: ReadonlyMap<string, readonly string[]>;
  /** /proc/kallsyms, or a part of it. */
  readonly kallsyms?: Uint8Array;
  /** printk_formats. */
  readonly printkFormats?: string;
  /** Names of tasks. */
  readonly cmdlines: ReadonlyMap<number, string>;
  /** Name of the trace clock. */
  readonly clock: string;
  /** `Linux HOST RELEASE MACHINE` */
  readonly uname?: string;
  /** Nanoseconds from the trace clock to the time since 1970; kept to the microsecond. */
  readonly wallClockOffset?: bigint;
  /** Text of each CPU's `stats` file. */
  readonly cpuStatistics?: readonly string[];
}

const COPY_SIZE = 1 << 20;

export class TraceDatWriter {
  private readonly path: string;
  private readonly subBufferSize: number;
  private readonly spools: { readonly path: string; readonly descriptor: number; size: number }[];
  private open = true;

  /** Begins a recording of CPUs 0 … `cpuCount` - 1 in sub-buffers of `subBufferSize` bytes. Throws KtapError. */
  constructor(path: string, cpuCount: number, subBufferSize: number) {
    this.path = path;
    this.subBufferSize = subBufferSize;
    this.spools = [];
    try {
      for (let cpu = 0; cpu < cpuCount; cpu++) {
        const spool = `${path}.cpu${cpu}`;
        this.spools.push({ path: spool, descriptor: openSync(spool, 'w+', 0o600), size: 0 });
      }
    } catch (error) {
      this.abandon();
      throw plainError(`cannot record to ${path}: ${(error as Error).message}`);
    }
  }

  /** Appends a sub-buffer of a CPU; it is filled up with zeros to the full size. */
  append(cpu: number, bytes: Uint8Array): void {
    const spool = this.spools[cpu]!;
    writeAll(spool.descriptor, bytes);
    const missing = this.subBufferSize - bytes.length;
    if (missing > 0) writeAll(spool.descriptor, new Uint8Array(missing));
    spool.size += this.subBufferSize;
  }

  /** Puts the recording together and removes the spools. Throws KtapError where the file cannot be written. */
  finish(metadata: RecordingMetadata): void {
    let target: number | undefined;
    try {
      target = openSync(this.path, 'w', 0o644);
      const head = this.head(metadata);
      writeAll(target, head);
      const buffer = new Uint8Array(COPY_SIZE);
      for (const { descriptor, size } of this.spools) {
        for (let done = 0; done < size; ) {
          const got = readSync(descriptor, buffer, 0, Math.min(COPY_SIZE, size - done), done);
          if (got === 0) throw new Error('a spool file became shorter');
          writeAll(target, buffer.subarray(0, got));
          done += got;
        }
      }
    } catch (error) {
      throw plainError(`cannot write ${this.path}: ${(error as Error).message}`);
    } finally {
      if (target !== undefined) closeSync(target);
      this.abandon();
    }
  }

  /** Removes the spools; the recording is not written. Safe to call twice. */
  abandon(): void {
    if (!this.open) return;
    this.open = false;
    for (const { path, descriptor } of this.spools) {
      closeSync(descriptor);
      rmSync(path, { force: true });
    }
  }

  /** Everything before the data, which begins at a multiple of the sub-buffer size. */
  private head(metadata: RecordingMetadata): Uint8Array {
    const out = new ByteWriter();
    out.text(TRACE_DAT_MAGIC).text('6\0').bytes(0, 8).u32(this.subBufferSize);
    out.text('header_page\0').sized64(metadata.headerPage);
    out.text('header_event\0').sized64(metadata.headerEvent);
    const ftrace = metadata.formats.get('ftrace') ?? [];
    out.u32(ftrace.length);
    for (const format of ftrace) out.sized64(format);
    const systems = [...metadata.formats].filter(([system]) => system !== 'ftrace');
    out.u32(systems.length);
    for (const [system, formats] of systems) {
      out.text(`${system}\0`).u32(formats.length);
      for (const format of formats) out.sized64(format);
    }
    const kallsyms = metadata.kallsyms ?? new Uint8Array(0);
    out.u32(kallsyms.length).append(kallsyms);
    const printkFormats = metadata.printkFormats ?? '';
    out.u32(printkFormats.length).text(printkFormats);
    out.sized64([...metadata.cmdlines].map(([tid, name]) => `${tid} ${name}\n`).join(''));
    out.u32(this.spools.length);
    this.options(out, metadata);
    out.text('flyrecord\0');

    // The places are known once it is known where this head ends.
    const clock = `[${metadata.clock}]`;
    const end = out.length + this.spools.length * 16 + 8 + clock.length;
    let place = Math.ceil(end / this.subBufferSize) * this.subBufferSize;
    const dataStart = place;
    for (const { size } of this.spools) {
      out.u64(BigInt(place)).u64(BigInt(size));
      place += size;
    }
    out.sized64(clock);
    return out.finish(dataStart);
  }

  private options(out: ByteWriter, metadata: RecordingMetadata): void {
    const { clock, uname, wallClockOffset, cpuStatistics } = metadata;
    out.text('options  \0');
    const option = (number: number, text: string): void => {
      out.u16(number).u32(text.length).text(text);
    };
    if (wallClockOffset !== undefined) option(OPTION.DATE, `0x${(wallClockOffset / 1000n).toString(16)}\0`);
    option(OPTION.TRACECLOCK, `[${clock}]\0`);
    if (uname !== undefined) option(OPTION.UNAME, `${uname}\0`);
    for (const [cpu, text] of (cpuStatistics ?? []).entries()) option(OPTION.CPUSTAT, `CPU: ${cpu}\n${text}\0`);
    out.u16(OPTION.DONE);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** Little-endian numbers and byte strings, one after the other. */
class ByteWriter {
  private buffer = Buffer.alloc(65_536);
  length = 0;

  u16(value: number): this {
    this.length = this.room(2).writeUInt16LE(value, this.length);
    return this;
  }

  u32(value: number): this {
    this.length = this.room(4).writeUInt32LE(value, this.length);
    return this;
  }

  u64(value: bigint): this {
    this.length = this.room(8).writeBigUInt64LE(value, this.length);
    return this;
  }

  bytes(...values: number[]): this {
    return this.append(Uint8Array.from(values));
  }

  text(text: string): this {
    this.room(text.length).write(text, this.length, 'latin1');
    this.length += text.length;
    return this;
  }

  /** A text after its length. */
  sized64(text: string): this {
    return this.u64(BigInt(text.length)).text(text);
  }

  append(bytes: Uint8Array): this {
    this.room(bytes.length).set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** All that was written, filled up with zeros. */
  finish(size: number): Uint8Array {
    this.room(size - this.length);
    return this.buffer.subarray(0, size);
  }

  private room(bytes: number): Buffer {
    if (this.length + bytes > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(this.length + bytes, this.buffer.length * 2));
      this.buffer.copy(larger);
      this.buffer = larger;
    }
    return this.buffer;
  }
}
