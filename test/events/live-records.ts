// Records of the running kernel for tests, each with the text that the kernel itself makes of it: an instance of tracefs
// is filled, its `trace` files are read (that leaves the records where they are), then the same records are taken raw.

import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { LinearMemory } from '../../src/engine/memory.js';
import type { EventFormat } from '../../src/events/format.js';
import { parseFormat } from '../../src/events/format-parser.js';
import { LAYOUT_64_BIT, SubBufferReader } from '../../src/events/ring-buffer.js';
import { plainPointers } from '../support.js';

export const TRACEFS = '/sys/kernel/tracing';

/** All events of the machine by their id. */
export function allFormats(): Map<number, EventFormat> {
  const formats = new Map<number, EventFormat>();
  for (const entry of readdirSync(`${TRACEFS}/events`, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const system = entry.name;
    for (const event of namesIn(`${TRACEFS}/events/${system}`)) {
      let text: string;
      try {
        text = readFileSync(`${TRACEFS}/events/${system}/${event}/format`, 'latin1');
      } catch {
        // A file beside the events' folders, or somebody's probe that has just gone.
        continue;
      }
      const format = parseFormat(text, system);
      formats.set(format.id, format);
    }
  }
  return formats;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A record with the kernel's text for it. */
export interface PrintedRecord {
  readonly id: number;
  /** In `memory`. */
  readonly address: number;
  readonly length: number;
  readonly kernelText: string;
}

export interface Capture {
  readonly memory: LinearMemory;
  readonly records: readonly PrintedRecord[];
  /** Lines of the trace files, and records of the buffers: equal numbers mean that they could be paired. */
  readonly lines: number;
}

/** Enables `events` (lines for set_event), runs the workload and gives the records of all CPUs. */
export async function capture(
  events: readonly string[],
  without: readonly string[],
  workload: () => Promise<void>,
  options: { readonly kibibytesPerCpu?: number; readonly prepare?: (instance: string) => void } = {},
): Promise<Capture> {
  const instance = `${TRACEFS}/instances/ktap-text-test-${process.pid}`;
  const write = (file: string, text: string) => writeFileSync(`${instance}/${file}`, text);
  mkdirSync(instance);
  try {
    write('tracing_on', '0');
    write('trace_clock', 'mono');
    plainPointers(instance);
    write('buffer_size_kb', String(options.kibibytesPerCpu ?? 8192));
    options.prepare?.(instance);
    // Opening set_event to overwrite it would disable what is enabled.
    for (const event of events) appendFileSync(`${instance}/set_event`, event);
    for (const event of without) appendFileSync(`${instance}/set_event`, `!${event}`);
    write('tracing_on', '1');
    await workload();
    write('tracing_on', '0');
    write('set_event', '');
    return collect(instance);
  } finally {
    try {
      write('tracing_on', '0');
      write('set_event', '');
    } finally {
      rmdirSync(instance);
    }
  }
}

function collect(instance: string): Capture {
  const cpus = readdirSync(`${instance}/per_cpu`).filter((name) => /^cpu\d+$/.test(name));
  const texts = cpus.map((cpu) => linesOf(readFileSync(`${instance}/per_cpu/${cpu}/trace`, 'latin1')));
  const pages: Buffer[] = [];
  const counts: number[] = [];
  for (const cpu of cpus) {
    const before = pages.length;
    const fd = openSync(`${instance}/per_cpu/${cpu}/trace_pipe_raw`, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      for (;;) {
        const page = Buffer.alloc(4096);
        const bytes = readOrNothing(fd, page);
        if (bytes === 0) break;
        pages.push(page);
      }
    } finally {
      closeSync(fd);
    }
    counts.push(pages.length - before);
  }

  const wasm = new WebAssembly.Memory({ initial: Math.ceil((pages.length + 1) / 16) + 1 });
  const memory = new LinearMemory(wasm);
  const reader = new SubBufferReader(memory, LAYOUT_64_BIT, 0n);
  const records: PrintedRecord[] = [];
  let lines = 0;
  // The first page stays empty, so that no address is 0.
  let at = 4096;
  let page = 0;
  cpus.forEach((cpu, index) => {
    const text = texts[index]!;
    lines += text.length;
    const own: { address: number; length: number }[] = [];
    for (let i = 0; i < counts[index]!; i++, at += 4096) {
      memory.u8.set(pages[page++]!, at);
      reader.open(at, 4096);
      while (reader.next()) own.push({ address: reader.address, length: reader.length });
    }
    if (own.length !== text.length) throw new Error(`${cpu}: ${own.length} records, ${text.length} lines`);
    own.forEach(({ address, length }, n) => {
      records.push({ id: memory.u16[address >> 1]!, address, length, kernelText: text[n]! });
    });
  });
  return { memory, records, lines };
}

function readOrNothing(fd: number, page: Buffer): number {
  try {
    return readSync(fd, page, 0, page.length, null);
  } catch (error) {
    // The reader of an empty buffer would wait.
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

/** Texts after the time stamp; a text of several lines stays one. */
function linesOf(trace: string): string[] {
  const texts: string[] = [];
  for (const line of trace.split('\n')) {
    if (texts.length === 0 && line.startsWith('#')) continue;
    if (/^CPU:\d+ \[LOST /.test(line)) continue;
    // task-pid [cpu] flags seconds.microseconds: text
    const found = /-\d+ +(?:\([ \d-]+\) )?\[\d+\] \S+ +\d+\.\d{6}: /.exec(line);
    if (found !== null) texts.push(line.slice(found.index + found[0].length));
    else if (texts.length > 0) texts[texts.length - 1] += `\n${line}`;
  }
  // The file's last newline.
  if (texts.length > 0) texts[texts.length - 1] = texts[texts.length - 1]!.replace(/\n$/, '');
  return texts;
}
