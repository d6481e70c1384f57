// Writes a trace.dat, which trace-cmd and KernelShark read too: sub-buffers are spooled as they come, and put together with
// what else a recording says when it ends. The layouts are in trace-dat/write-version-6.ts and write-version-7.ts.

import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { Spool, writeError } from './spools.js';
import { writeVersion6 } from './trace-dat/write-version-6.js';
import { writeVersion7 } from './trace-dat/write-version-7.js';

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
  /** Name of the recorder. */
  readonly recorder?: string;
  /** Probes among the events. */
  readonly probes?: readonly ProbeNames[];
}

/** What a script calls a probe whose event the kernel knows by another name. */
export interface ProbeNames {
  readonly system: string;
  readonly event: string;
  /** The definition in the script. */
  readonly title: string;
  /** argname. */
  readonly name: string;
}

/** The form of a trace.dat. */
export interface FileForm {
  readonly version: 6 | 7;
  /** Of version 7. */
  readonly compression: 'none' | 'zlib';
}

/** A buffer of a recording, as writers of the two versions get it. */
export interface SpooledBuffer {
  /** Empty: the main one. */
  readonly name: string;
  readonly cpus: readonly Spool[];
}

export class TraceDatWriter {
  private readonly path: string;
  private readonly subBufferSize: number;
  private readonly form: FileForm;
  private readonly cpuCount: number;
  private readonly buffers: SpooledBuffer[] = [];
  /** The file was not there before, and nothing is in it yet. */
  private isNew: boolean;

  /** Begins a recording of CPUs 0 … `cpuCount` - 1 in sub-buffers of `subBufferSize` bytes. Throws KtapError. */
  constructor(
    path: string,
    cpuCount: number,
    subBufferSize: number,
    form: FileForm = { version: 6, compression: 'none' },
  ) {
    this.path = path;
    this.cpuCount = cpuCount;
    this.subBufferSize = subBufferSize;
    this.form = form;
    this.addBuffer('');
    this.isNew = !existsSync(path);
    try {
      // What cannot be written shall be known before anything is traced.
      closeSync(openSync(path, 'a', 0o644));
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Adds a buffer beside the main one; answers its number for `append`. */
  addBuffer(name: string): number {
    const suffix = name === '' ? '' : `.${name}`;
    const cpus = Array.from({ length: this.cpuCount }, (_, cpu) => new Spool(`${this.path}${suffix}.cpu${cpu}`));
    return this.buffers.push({ name, cpus }) - 1;
  }

  /** Appends a sub-buffer of a CPU; it is filled up with zeros to the full size. Throws KtapError. */
  append(cpu: number, bytes: Uint8Array, buffer = 0): void {
    const spool = this.buffers[buffer]!.cpus[cpu]!;
    try {
      spool.write(bytes);
      const missing = this.subBufferSize - bytes.length;
      if (missing > 0) spool.write(new Uint8Array(missing));
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Puts the recording together and removes the spools; its size in bytes. Throws KtapError where it cannot be written. */
  finish(metadata: RecordingMetadata): number {
    const { form, subBufferSize, buffers } = this;
    let target: number | undefined;
    try {
      target = openSync(this.path, 'w', 0o644);
      this.isNew = false;
      const content = { metadata, subBufferSize, buffers };
      return form.version === 6 ? writeVersion6(target, content) : writeVersion7(target, content, form.compression);
    } catch (error) {
      throw writeError(this.path, error);
    } finally {
      if (target !== undefined) closeSync(target);
      this.abandon();
    }
  }

  /** Removes the spools, and the file if it was to be written; safe to call twice. */
  abandon(): void {
    for (const { cpus } of this.buffers) for (const spool of cpus) spool.remove();
    if (this.isNew) rmSync(this.path, { force: true });
    this.isNew = false;
  }
}
