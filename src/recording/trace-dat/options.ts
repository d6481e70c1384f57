// The options of a trace.dat: small facts, each with a number and a size. Unknown ones are passed over.
//
// Source: trace-cmd's Documentation/trace-cmd/trace-cmd.dat.v7.5.txt, which numbers those of version 6 too.

import type { ProbeNames } from '../trace-dat-writer.js';
import { type BufferPlaces, readBufferPlaces } from './buffers.js';
import type { FileReader } from './file-reader.js';

/** Numbers of the options that are used here. */
export const OPTION = {
  DONE: 0,
  DATE: 1,
  CPUSTAT: 2,
  BUFFER: 3,
  TRACECLOCK: 4,
  UNAME: 5,
  OFFSET: 7,
  CPUCOUNT: 8,
  VERSION: 9,
  TSC2NSEC: 14,
  HEADER_INFO: 16,
  FTRACE_EVENTS: 17,
  EVENT_FORMATS: 18,
  KALLSYMS: 19,
  PRINTK: 20,
  CMDLINES: 21,
  BUFFER_TEXT: 22,
} as const;

/** What the options say; the parts and buffers that they point to are kept as places in the file. */
export interface Options {
  /** Name of the trace clock. */
  clock?: string;
  /** `Linux host release machine` */
  uname?: string;
  /** Nanoseconds to add to the trace clock to get the time since 1970 (`trace-cmd record --date`). */
  wallClockOffset?: bigint;
  /** Nanoseconds that are added to all times (`trace-cmd record --ts-offset`). */
  timeOffset?: bigint;
  /** Nanoseconds are `cycles * multiplier >> shift` (`trace-cmd record --tsc2nsec`). */
  cycles?: { readonly multiplier: number; readonly shift: number };
  /** Of ktap's own recordings: what scripts call the probes in it. */
  probes: readonly ProbeNames[];
  /** Events lost by CPU, where its statistics say so; of the main buffer. */
  readonly lost: Map<number, number>;
  cpuCount?: number;
  /** Thread group of a task; some recorders store them beside the number of CPUs. */
  readonly threadGroups: Map<number, number>;
  /** Version 6: buffers of further instances, by where their CPUs' places are listed. */
  readonly instances: { readonly name: string; readonly offset: number }[];
  /** Version 7: places of the sections, by option number. */
  readonly sections: Map<number, number>;
  /** Version 7: buffers with records, and the number of those that hold text. */
  readonly buffers: BufferPlaces[];
  textBuffers: number;
  /** Statistics that come are those of the main buffer. */
  inMainBuffer: boolean;
}

export function noOptions(): Options {
  return {
    threadGroups: new Map(),
    probes: [],
    lost: new Map(),
    instances: [],
    sections: new Map(),
    buffers: [],
    textBuffers: 0,
    inMainBuffer: true,
  };
}

/**
 * Reads `u16 number, u32 size, content` until DONE. Answers the place of the next options section: version 7 has it as
 * DONE's content; 0 where there is none. `version` 6 ends with the two bytes of DONE.
 */
export function readOptions(file: FileReader, version: number, options: Options): number {
  for (;;) {
    const number = file.u16('the options');
    if (number === OPTION.DONE && version < 7) return 0;
    const size = file.u32('the options');
    const { offset } = file.skip(size, 'the options');
    const end = file.position;
    file.position = offset;
    if (number === OPTION.DONE) return size >= 8 ? file.u64('the place of the next options') : 0;
    readOption(file, version, number, size, options);
    file.position = end;
  }
}

function readOption(file: FileReader, version: number, number: number, size: number, options: Options): void {
  const text = (): string => file.text(size, 'an option').replace(/\0.*$/s, '').trim();
  switch (number) {
    case OPTION.DATE: {
      // Microseconds, usually in hexadecimal.
      const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text());
      if (match !== null) options.wallClockOffset = BigInt(match[2]!) * (match[1] === '-' ? -1000n : 1000n);
      break;
    }
    case OPTION.OFFSET: {
      const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text());
      if (match !== null) options.timeOffset = BigInt.asIntN(64, BigInt(match[2]!) * (match[1] === '-' ? -1n : 1n));
      break;
    }
    case OPTION.TSC2NSEC: {
      if (size < 16) break;
      const multiplier = file.u32('the speed of the clock');
      const shift = file.u32('the speed of the clock');
      if (multiplier > 0 && shift < 64) options.cycles = { multiplier, shift };
      break;
    }
    case OPTION.CPUSTAT:
      readStatistics(text(), options);
      break;
    case OPTION.TRACECLOCK: {
      // The whole file, the chosen one in brackets; version 7 can have the name alone.
      const clocks = text();
      options.clock = /\[([^\]]*)\]/.exec(clocks)?.[1] ?? clocks;
      break;
    }
    case OPTION.VERSION:
      options.probes = readRecorder(text());
      break;
    case OPTION.UNAME:
      options.uname = text();
      break;
    case OPTION.CPUCOUNT:
      if (size === 4) options.cpuCount = file.u32('the number of CPUs');
      else if (size > 8) {
        for (const [, tid, pid] of text().matchAll(/^(\d+) (\d+)$/gm))
          options.threadGroups.set(Number(tid), Number(pid));
      }
      break;
    case OPTION.BUFFER:
      if (version < 7) {
        if (size < 9) break;
        const offset = file.u64('the place of a buffer');
        options.instances.push({ name: file.text(size - 8, 'the name of a buffer').replace(/\0.*$/s, ''), offset });
      } else {
        options.buffers.push(readBufferPlaces(file));
      }
      break;
    case OPTION.BUFFER_TEXT:
      options.textBuffers++;
      break;
    default:
      if (version >= 7 && number >= OPTION.HEADER_INFO && number <= OPTION.CMDLINES && size >= 8) {
        options.sections.set(number, file.u64('the place of a section'));
      }
  }
}

/**
 * A CPU's `stats` file after a line `CPU: N`. Those of further buffers come after a text `Buffer: NAME`. Events are lost
 * where the buffer was full: overwritten (overrun), refused (dropped), or in too deep a nesting (commit overrun).
 */
function readStatistics(text: string, options: Options): void {
  if (/^\s*Buffer: /.test(text)) options.inMainBuffer = false;
  const cpu = Number(/^\s*CPU: (\d+)$/m.exec(text)?.[1]);
  if (!options.inMainBuffer || !Number.isSafeInteger(cpu)) return;
  let lost = 0;
  for (const [, count] of text.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)$/gm)) lost += Number(count);
  if (lost > 0) options.lost.set(cpu, lost);
}

/** The names of probes that ktap writes behind its own: `ktap`, a newline, a JSON list of ProbeNames. */
function readRecorder(text: string): readonly ProbeNames[] {
  const list = /^ktap\n(.*)$/s.exec(text)?.[1];
  if (list === undefined) return [];
  try {
    const probes: unknown = JSON.parse(list);
    return Array.isArray(probes) ? probes.filter(isProbeNames) : [];
  } catch {
    // Damaged: the events are still there under the kernel's names.
    return [];
  }
}

function isProbeNames(value: unknown): value is ProbeNames {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  return ['system', 'event', 'title', 'name'].every((key) => typeof fields[key] === 'string');
}
