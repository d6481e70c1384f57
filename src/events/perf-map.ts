// Names of code that a program has made itself, from the file that it writes for that: /tmp/perf-PID.map.
//
// Source: tools/perf/Documentation/jit-interface.txt of the kernel's tree. Lines are
//
//     3ef414c0 398 LazyCompile:~hello /home/me/hello.js:1         start, size in hexadecimal; the name to the line's end
//
// Code can be written over: of several lines for an address the last one holds. The file stays when the process ends.

import { statSync } from 'node:fs';
import { readText } from './tracefs.js';

interface Code {
  readonly start: bigint;
  readonly size: bigint;
  readonly name: string;
}

export class PerfMap {
  private readonly pid: number;
  private readonly folder: string;
  /** By rising start; of equal starts the last line. */
  private code: readonly Code[] = [];
  /** Size of the file when it was read. */
  private bytes = -1;

  constructor(pid: number, folder = '/tmp') {
    this.pid = pid;
    this.folder = folder;
  }

  /** `name+0x10`, byte string; undefined where the program has named nothing there. */
  symbolAt(address: bigint): string | undefined {
    return this.find(address) ?? (this.read() ? this.find(address) : undefined);
  }

  private find(address: bigint): string | undefined {
    const { code } = this;
    let low = 0;
    let high = code.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (code[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const found = code[low - 1];
    if (found === undefined || address >= found.start + found.size) return undefined;
    const offset = address - found.start;
    return offset === 0n ? found.name : `${found.name}+0x${offset.toString(16)}`;
  }

  /** Reads the file if it has grown. */
  private read(): boolean {
    for (const path of this.paths()) {
      try {
        const { size } = statSync(path);
        if (size === this.bytes) return false;
        this.bytes = size;
        this.code = parsePerfMap(readText(path));
        return true;
      } catch {
        // It is not there, or not for us.
      }
    }
    return false;
  }

  /** A process in a container sees another /tmp, and may be known there by another number. */
  private *paths(): Iterable<string> {
    try {
      const own = /^NSpid:.*?(\d+)$/m.exec(readText(`/proc/${this.pid}/status`))?.[1];
      if (own !== undefined && this.folder === '/tmp') yield `/proc/${this.pid}/root/tmp/perf-${own}.map`;
    } catch {
      // It has ended.
    }
    yield `${this.folder}/perf-${this.pid}.map`;
  }
}

/** The lines of a perf map by rising start, the last of those with the same. */
export function parsePerfMap(text: string): Code[] {
  const byStart = new Map<string, Code>();
  for (const [, start, size, name] of text.matchAll(/^(?:0x)?([\da-f]+) (?:0x)?([\da-f]+) (.+)$/gim)) {
    byStart.set(start!.toLowerCase(), { start: BigInt(`0x${start}`), size: BigInt(`0x${size}`), name: name! });
  }
  return [...byStart.values()].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}
