// A private tracing instance: own ring buffers, own clock, own set of enabled events, so that nobody else's use of tracefs
// is disturbed (Documentation/trace/ftrace.rst, "Instances"). Made switched off.

import { closeSync, constants, openSync, readdirSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { BUSY_PATIENCE, makeOwnedFolder, removeInstance } from './cleanup.js';
import { explain, TracefsFolder } from './tracefs.js';

/** Kernel memory of one CPU's buffer, KiB, where nothing else is asked for; less on machines with many CPUs. */
const USUAL_BUFFER_KB = 8192;
const USUAL_TOTAL_KB = 256 * 1024;
const LEAST_BUFFER_KB = 1024;
/** Sub-buffer size asked for, KiB: fewer reads; and records up to this size. */
const SUB_BUFFER_KB = 16;

export interface InstanceOptions {
  /** KiB of each CPU's buffer. */
  readonly bufferSizeKb?: number;
  /** KiB of a sub-buffer, where the kernel lets it be set. */
  readonly subBufferSizeKb?: number;
}

/** Counts of one CPU's buffer since the instance was made. */
export interface BufferStatistics {
  /** Events that were overwritten, refused for lack of room, or nested too deeply. */
  readonly lost: number;
}

export class TracingInstance {
  readonly folder: TracefsFolder;
  /** Bytes of a sub-buffer, which is what one read gives. */
  readonly subBufferBytes: number;
  /** CPUs that the kernel has buffers for, ascending. */
  readonly cpus: readonly number[];
  /** False where another program has files of the instance open and it had to stay. */
  removed = false;

  private constructor(folder: TracefsFolder, subBufferBytes: number) {
    this.folder = folder;
    this.subBufferBytes = subBufferBytes;
    this.cpus = readdirSync(`${folder.path}/per_cpu`)
      .map((name) => Number(name.slice(3)))
      .sort((a, b) => a - b);
  }

  /** Makes an instance with `mono` clock, tracing off. Throws KtapError. */
  static create(root: string, options: InstanceOptions = {}): TracingInstance {
    let path = `${root}/instances`;
    try {
      path = makeOwnedFolder(path);
    } catch (error) {
      throw explain(error, path, 'no tracing instance can be made');
    }
    const folder = new TracefsFolder(path);
    try {
      folder.write('tracing_on', '0');
      folder.tryWrite('buffer_subbuf_size_kb', String(options.subBufferSizeKb ?? SUB_BUFFER_KB));
      folder.write('trace_clock', 'mono');
      // A full buffer refuses new events rather than overwrite old ones: what was handled has no holes before its end,
      // and the reader never races with a writer for the oldest sub-buffer.
      folder.tryWrite('options/overwrite', '0');
      const instance = new TracingInstance(folder, subBufferBytes(root, folder));
      folder.write('buffer_size_kb', String(options.bufferSizeKb ?? usualBufferKb(instance.cpus.length)));
      return instance;
    } catch (error) {
      removeInstance(path);
      throw explain(error, path, 'the tracing instance cannot be set up');
    }
  }

  /** The folder's name, which tells whose it is (cleanup.ts). */
  get name(): string {
    return basename(this.folder.path);
  }

  /** Sets an option of `options/`; false where this kernel does not have it. */
  setOption(name: string, on: boolean): boolean {
    return this.folder.tryWrite(`options/${name}`, on ? '1' : '0');
  }

  get tracing(): boolean {
    return this.folder.tryRead('tracing_on')?.trim() === '1';
  }

  set tracing(on: boolean) {
    this.folder.write('tracing_on', on ? '1' : '0');
  }

  /**
   * Enables events: `system:event`, `system:*` or `*:*` each. `refused` is called for one that the kernel does not take; the
   * others are still enabled. One open file and one write a name: 360 in 8 to 10 ms.
   */
  enable(names: readonly string[], refused: (name: string, error: NodeJS.ErrnoException) => void): void {
    const fd = openSync(`${this.folder.path}/set_event`, constants.O_WRONLY | constants.O_APPEND);
    try {
      for (const name of names) {
        try {
          writeSync(fd, name);
        } catch (error) {
          refused(name, error as NodeJS.ErrnoException);
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Limits tracing to tasks (by tid), adding to those set before. Throws Node's errors. */
  addPids(file: 'set_event_pid' | 'set_event_notrace_pid', tids: readonly number[]): boolean {
    if (!this.folder.has(file)) return false;
    // In one write, without white space at the end, which would take another: each change of a list that is there already
    // waits for a grace period, 17 ms.
    this.folder.append(file, tids.join(' '));
    return true;
  }

  /** Limits tracing to one CPU. */
  onlyCpu(cpu: number): void {
    // Hexadecimal words of 32 bits, the highest first.
    const words = Array.from({ length: (cpu >>> 5) + 1 }, () => '00000000');
    words[0] = ((1 << (cpu & 31)) >>> 0).toString(16);
    this.folder.write('tracing_cpumask', words.join(','));
  }

  /** Opens a CPU's buffer for reading whole sub-buffers, without blocking. */
  openBuffer(cpu: number): number {
    return openSync(`${this.folder.path}/per_cpu/cpu${cpu}/trace_pipe_raw`, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  statistics(cpu: number): BufferStatistics {
    const text = this.folder.tryRead(`per_cpu/cpu${cpu}/stats`) ?? '';
    let lost = 0;
    for (const [, count] of text.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)$/gm))
      lost += Number(count);
    return { lost };
  }

  /**
   * Takes the instance down with all that is enabled in it; safe to call twice. Open buffers must be closed before; a poll
   * that is just ending is waited for.
   */
  remove(): void {
    if (!this.removed) this.removed = removeInstance(this.folder.path, BUSY_PATIENCE);
  }
}

function usualBufferKb(cpus: number): number {
  return Math.max(LEAST_BUFFER_KB, Math.min(USUAL_BUFFER_KB, Math.floor(USUAL_TOTAL_KB / cpus)));
}

/** Bytes of a sub-buffer: as set, or of kernels that cannot set it a page, whose size events/header_page tells. */
function subBufferBytes(root: string, folder: TracefsFolder): number {
  const set = folder.tryRead('buffer_subbuf_size_kb');
  if (set !== undefined) return Number(set) * 1024;
  const header = new TracefsFolder(root).read('events/header_page');
  const data = /\bdata;\s*offset:(\d+);\s*size:(\d+);/.exec(header);
  return data === null ? 4096 : Number(data[1]) + Number(data[2]);
}

/** Closes files, whatever state they are in. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) {
    try {
      closeSync(fd);
    } catch {
      // Closed already.
    }
  }
}
