// What readers of a trace.dat, of either version, find out about it.

import type { SubBufferLayout } from '../../events/ring-buffer.js';
import type { CpuData } from './buffers.js';
import type { FileReader } from './file-reader.js';
import type { Options } from './options.js';
import type { RecordedFormat } from './sections.js';

/** A trace.dat, open. */
export interface TraceDat {
  readonly file: FileReader;
  readonly version: number;
  readonly layout: SubBufferLayout;
  readonly formats: readonly RecordedFormat[];
  /** Reads the text of /proc/kallsyms. Throws DamageError. */
  readonly kallsyms: () => Uint8Array;
  readonly printkFormats: string;
  readonly cmdlines: ReadonlyMap<number, string>;
  readonly cpuCount: number;
  readonly options: Options;
  /** The main buffer's CPUs, then those of other instances. */
  readonly data: readonly CpuData[];
  /** Damage that leaves something to use, for the person to know. */
  readonly warnings: readonly string[];
}
