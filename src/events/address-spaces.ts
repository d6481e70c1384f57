// What lies where in the memory of processes, so that addresses of user stacks get names even when the process has ended
// before they are printed.
//
// A space is a process between one exec and the next. It gets a number when a stack of it is taken, and that number stays
// with the stack (UserStack.space). Mappings come as they are made (perf's MMAP2 records); what was mapped before the
// trace is read from /proc/PID/maps when the first stack is taken, and what a process has from its parent is copied:
//
//     trace begins        fork              exec            exit
//     pid 7 ──┼─────────────┬─────────────────────────────────────     space 1: /proc/7/maps, then MMAP2
//             │             └─ pid 8 ────────┼───────────────┤         space 2: as 7 was; space 3: MMAP2 from exec on
//
// Names come from a file's symbols (FileSymbols), and for code that the program makes itself from its perf map.

import { PerfMap } from './perf-map.js';
import { readText } from './tracefs.js';

/** A part of a process's memory that is code of a file. */
export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** Where in the file it begins, in bytes. */
  readonly offset: bigint;
  /** As the process sees it. */
  readonly path: string;
}

/** Names of the code in a file. */
export interface FileSymbols {
  /** `name+0x10` for a place in a file, as a byte string; undefined where there is none. `pid`: whose file system, if it still runs. */
  symbolAt(path: string, offset: bigint, pid: number): string | undefined;
}

interface Space {
  readonly pid: number;
  /** 0: no stack of it has been taken. */
  number: number;
  /** By rising start; undefined: what /proc says has not been asked for. */
  mappings: Mapping[] | undefined;
  /** Where its code comes from as long as nothing is known of it itself. */
  readonly parent: Space | undefined;
  perfMap?: PerfMap;
}

export interface AddressSpacesOptions {
  readonly files?: FileSymbols;
  /** The text of /proc/PID/maps; undefined where the process is gone. For tests. */
  readonly mapsOf?: (pid: number) => string | undefined;
  /** The processes are those of a recording: nothing of this machine's is asked about them. */
  readonly recorded?: boolean;
}

/** Symbols kept of one space's addresses; stacks repeat. */
const MOST_KNOWN = 100_000;

export class AddressSpaces {
  private readonly files: FileSymbols | undefined;
  private readonly mapsOf: (pid: number) => string | undefined;
  private readonly recorded: boolean;
  private readonly current = new Map<number, Space>();
  /** Those with a number. */
  private readonly numbered: Space[] = [];
  private readonly known = new Map<string, string | undefined>();

  constructor(options: AddressSpacesOptions = {}) {
    this.files = options.files;
    this.mapsOf = options.mapsOf ?? readMaps;
    this.recorded = options.recorded === true;
  }

  // ---- what happens to processes, in order of time

  mapped(pid: number, mapping: Mapping): void {
    const space = this.spaceAt(pid);
    // Before anything else is known of it, /proc will tell of this one too.
    if (space.mappings !== undefined) insert(space.mappings, mapping);
  }

  /** The program was exchanged for another: nothing of the old one is mapped any more. */
  executed(pid: number): void {
    this.current.set(pid, { pid, number: 0, mappings: [], parent: undefined });
  }

  forked(pid: number, parent: number): void {
    const from = this.spaceAt(parent);
    const mappings = from.mappings && [...from.mappings];
    this.current.set(pid, { pid, number: 0, mappings, parent: mappings === undefined ? from : undefined });
  }

  ended(pid: number): void {
    this.current.delete(pid);
  }

  // ---- what is asked

  /** The number of a process's space as it is now. */
  numberOf(pid: number): number {
    const space = this.spaceAt(pid);
    if (space.number === 0) {
      this.load(space);
      space.number = this.numbered.push(space);
    }
    return space.number;
  }

  /** `name+0x10` for an address in a space, as a byte string. */
  symbolAt(address: bigint, number: number): string | undefined {
    const space = this.numbered[number - 1];
    if (space === undefined) return undefined;
    const key = `${number}:${address}`;
    if (this.known.has(key)) return this.known.get(key);
    const text = this.lookUp(space, address);
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    // A perf map grows: what it does not know yet is asked again.
    if (text !== undefined) this.known.set(key, text);
    return text;
  }

  private lookUp(space: Space, address: bigint): string | undefined {
    const mapping = this.load(space).find(({ start, end }) => start <= address && address < end);
    if (mapping !== undefined && isFile(mapping.path)) {
      return this.files?.symbolAt(mapping.path, address - mapping.start + mapping.offset, space.pid);
    }
    if (this.recorded) return undefined;
    space.perfMap ??= new PerfMap(space.pid);
    return space.perfMap.symbolAt(address);
  }

  private spaceAt(pid: number): Space {
    let space = this.current.get(pid);
    if (space === undefined) {
      space = { pid, number: 0, mappings: this.recorded ? [] : undefined, parent: undefined };
      this.current.set(pid, space);
    }
    return space;
  }

  /** The mappings of a space, looked up when they are first asked for. */
  private load(space: Space): readonly Mapping[] {
    space.mappings ??= this.find(space);
    return space.mappings;
  }

  /** From /proc where the process was there before the trace, or as its parent's where it has ended by now. */
  private find(space: Space): Mapping[] {
    for (let from: Space | undefined = space; from !== undefined; from = from.parent) {
      if (from.mappings !== undefined) return [...from.mappings];
      // After an exec /proc tells of another space.
      const text = this.current.get(from.pid) === from ? this.mapsOf(from.pid) : undefined;
      if (text !== undefined) return parseMaps(text);
    }
    return [];
  }
}

/** Anonymous memory, the heap and the like have names in brackets or none, and no symbols. */
function isFile(path: string): boolean {
  return path.startsWith('/') && !path.startsWith('//anon') && !path.startsWith('/memfd:') && !path.startsWith('/dev/');
}

/** Puts a mapping in its place; what it covers is not mapped any more. */
function insert(mappings: Mapping[], mapping: Mapping): void {
  const kept = mappings.flatMap((each): Mapping[] => {
    if (each.end <= mapping.start || each.start >= mapping.end) return [each];
    const parts: Mapping[] = [];
    if (each.start < mapping.start) parts.push({ ...each, end: mapping.start });
    if (each.end > mapping.end) {
      parts.push({ ...each, start: mapping.end, offset: each.offset + mapping.end - each.start });
    }
    return parts;
  });
  mappings.splice(0, mappings.length, ...kept, mapping);
}

/** The mappings of code in the text of /proc/PID/maps (proc_pid_maps(5)). */
export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const [, start, end, offset, path] of text.matchAll(/^([\da-f]+)-([\da-f]+) ..x. ([\da-f]+) \S+ \d+ *(.*)$/gm)) {
    mappings.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      offset: BigInt(`0x${offset}`),
      path: path!.replace(/ \(deleted\)$/, ''),
    });
  }
  return mappings;
}

function readMaps(pid: number): string | undefined {
  try {
    return readText(`/proc/${pid}/maps`);
  } catch {
    return undefined;
  }
}
