// What a perf.data says about itself: its events and their formats, the machine, clocks, build ids. A file has it in its
// header and in sections behind its data, a stream in records at its start; both are gathered here.
//
//     HEADER_TRACING_DATA: the head of a trace.dat: 17 08 44 "tracing" "0.6\0" u8 big endian? u8 bytes of a long
//         u32 page size, and the parts of trace-dat/sections.ts up to the task names
//     HEADER_EVENT_DESC: u32 n, u32 bytes of an attr, n × (attr, u32 ids, string name, ids × u64)
//     HEADER_BUILD_ID: records: header, u32 pid, u8 build id[24], path\0
//     HEADER_CLOCK_DATA: u32 version, u32 clockid, u64 ns since 1970, u64 ns of that clock at the same moment
//     a string: u32 bytes, the bytes, NULs at its end
//
// Source: tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/header.c and trace-event-read.c.

import { HEADER_SIZE } from '../../events/perf/abi.js';
import { DamageError, type FileReader } from '../trace-dat/file-reader.js';
import { TRACE_DAT_MAGIC } from '../trace-dat/magic.js';
import {
  type RecordedFormat,
  readCmdlines,
  readEventFormats,
  readFtraceFormats,
  readHeaderInfo,
  readPrintkFormats,
} from '../trace-dat/sections.js';
import { Feature, UPDATE_NAME } from './abi.js';
import { type RecordedAttribute, readAttribute } from './attributes.js';

/** More events than anybody records, more ids of them (one a CPU), and the most warnings. */
const MANY_EVENTS = 65_000;
const MANY_IDS = 1_000_000;
const MANY_WARNINGS = 20;
/** What perf writes where there is no time. */
const NO_TIME = 2n ** 64n - 1n;
/** A build id that the flags of its record do not tell the length of: SHA-1. */
const BUILD_ID_BYTES = 20;

export class Description {
  readonly attributes: RecordedAttribute[] = [];
  readonly formats: RecordedFormat[] = [];
  /** CPU of an event's id. */
  readonly cpuOfId = new Map<bigint, number>();
  /** Names of tasks; perf itself records them as events. */
  taskNames: ReadonlyMap<number, string> = new Map();
  /** Build id in hexadecimal of a program's path. */
  readonly buildIds = new Map<string, string>();
  hostname = '';
  kernelVersion = '';
  arch = '';
  cpuCount: number | undefined;
  commandLine: string[] = [];
  printkFormats = '';
  /** Bytes of a long. */
  longSize = 8;
  /** Text of the kernel's symbols, from recorders that kept it. */
  kallsyms: Uint8Array | undefined;
  /** Nanoseconds to add to a time stamp to get the time since 1970. */
  wallClockOffset: bigint | undefined;
  /** Time stamp of the first sample; 0 where the file does not tell. */
  firstTime = 0n;
  /** Bytes of the ring buffers that compressed records come from; 0 where the file does not tell. */
  compressedPart = 0;
  readonly warnings: string[] = [];

  /** Takes one feature, whose content begins at the reader's position and has `size` bytes. What is damaged in it is a warning. */
  addFeature(number: number, file: FileReader, size: number): void {
    const name = FEATURE_NAMES[number];
    if (name !== undefined)
      this.attempt(`its section ${name}`, () => this.readFeature(number, file, file.position + size));
  }

  /** Does something that damage can end, which then is a warning. */
  attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      this.warn(`${what} is damaged: ${error.message}`);
    }
  }

  /** Keeps what a person should know of damage, each once, and not without end. */
  warn(text: string): void {
    if (this.warnings.length < MANY_WARNINGS && !this.warnings.includes(text)) this.warnings.push(text);
  }

  private readFeature(number: number, file: FileReader, end: number): void {
    switch (number) {
      case Feature.TRACING_DATA:
        this.readTracingData(file);
        break;
      case Feature.BUILD_ID:
        this.readBuildIds(file, end);
        break;
      case Feature.HOSTNAME:
        this.hostname = readString(file);
        break;
      case Feature.OSRELEASE:
        this.kernelVersion = readString(file);
        break;
      case Feature.ARCH:
        this.arch = readString(file);
        break;
      case Feature.NRCPUS: {
        const count = file.u32('the number of CPUs');
        if (count > 0 && count <= 65536) this.cpuCount = count;
        break;
      }
      case Feature.CMDLINE: {
        this.commandLine = [];
        const count = file.u32('the command line');
        for (let index = 0; index < count; index++) this.commandLine.push(readString(file));
        break;
      }
      case Feature.EVENT_DESC:
        this.readEventDescriptions(file);
        break;
      case Feature.SAMPLE_TIME:
        // All ones where no sample had a time.
        this.firstTime = file.bigU64('the time of the first sample');
        if (this.firstTime === NO_TIME) this.firstTime = 0n;
        break;
      case Feature.COMPRESSED:
        // u32 version, type, level, ratio, bytes of a ring buffer
        file.skip(16, 'the compression');
        this.compressedPart = file.u32('the compression');
        break;
      case Feature.CLOCK_DATA: {
        if (file.u32('the clock') !== 1) break;
        file.u32('the clock');
        const wall = file.bigU64('the clock');
        this.wallClockOffset = wall - file.bigU64('the clock');
        break;
      }
    }
  }

  /** Takes an event; `size` bytes of attributes (0: as they say themselves). */
  addAttribute(file: FileReader, size: number, readIds: () => bigint[]): void {
    if (this.attributes.length >= MANY_EVENTS) throw new DamageError('there are too many events', false);
    const attribute = readAttribute(file, size);
    this.attributes.push({ ...attribute, ids: readIds() });
  }

  /** The head of a trace.dat. Formats before the damage are kept. */
  readTracingData(file: FileReader): void {
    const magic = file.text(TRACE_DAT_MAGIC.length, 'the formats of the events');
    if (magic !== TRACE_DAT_MAGIC)
      throw new DamageError('the formats of the events are not where they should be', false);
    const version = Number(file.cString('the version of the formats', 16));
    file.u8('the byte order');
    const longSize = file.u8('the size of a long');
    if (longSize === 4 || longSize === 8) this.longSize = longSize;
    file.u32('the page size');
    readHeaderInfo(file);
    readFtraceFormats(file, this.formats);
    readEventFormats(file, this.formats);
    const symbols = file.u32('the size of the kernel symbols');
    if (symbols > 0) this.kallsyms = file.bytes(symbols, 'the kernel symbols');
    this.printkFormats = readPrintkFormats(file);
    if (version >= 0.6) this.taskNames = readCmdlines(file);
  }

  private readBuildIds(file: FileReader, end: number): void {
    while (file.position + HEADER_SIZE <= end) {
      const start = file.position;
      file.u32('a build id');
      file.u16('a build id');
      const size = file.u16('a build id');
      if (size < HEADER_SIZE + 28 || start + size > end) throw new DamageError('a build id has a wrong size', false);
      this.addBuildId(file, size);
      file.position = start + size;
    }
  }

  /** A build id behind its record's header; `size` is that of the whole record. */
  addBuildId(file: FileReader, size: number): void {
    file.u32('a build id');
    const id = file.text(24, 'a build id');
    const path = file.text(size - HEADER_SIZE - 28, 'a build id').replace(/\0.*$/s, '');
    // Behind the 20 bytes stands the length, since shorter ids exist; 0 from before that.
    const length = id.charCodeAt(BUILD_ID_BYTES) || BUILD_ID_BYTES;
    const hex = Buffer.from(id.slice(0, Math.min(length, BUILD_ID_BYTES)), 'latin1').toString('hex');
    if (/[^0]/.test(hex)) this.buildIds.set(path, hex);
  }

  /** Names of the events; they are in the order of the attributes. */
  private readEventDescriptions(file: FileReader): void {
    const count = file.u32('the descriptions of the events');
    const size = file.u32('the descriptions of the events');
    for (let index = 0; index < count; index++) {
      readAttribute(file, size);
      const ids = file.u32('the descriptions of the events');
      const name = readString(file);
      file.skip(ids * 8, 'the descriptions of the events');
      const attribute = this.attributes[index];
      if (attribute !== undefined && name !== '') attribute.name = name;
    }
  }

  /** EVENT_UPDATE, behind its header: `u64 kind, u64 id`, and for a name its text. */
  updateEvent(file: FileReader): void {
    const kind = file.bigU64('the name of an event');
    const id = file.bigU64('the name of an event');
    if (kind !== BigInt(UPDATE_NAME)) return;
    const name = file.text(file.left, 'the name of an event').replace(/\0.*$/s, '');
    const attribute = this.attributes.find(({ ids }) => ids.includes(id));
    if (attribute !== undefined && name !== '') attribute.name = name;
  }

  /** ID_INDEX, behind its header: `u64 n`, n × (u64 id, u64 idx, u64 cpu, u64 tid). */
  addIdIndex(file: FileReader): void {
    file.u64('the index of ids');
    while (file.left >= 32 && this.cpuOfId.size < MANY_IDS) {
      const id = file.bigU64('the index of ids');
      file.skip(8, 'the index of ids');
      const cpu = BigInt.asIntN(64, file.bigU64('the index of ids'));
      file.skip(8, 'the index of ids');
      if (cpu >= 0n && cpu < 65536n) this.cpuOfId.set(id, Number(cpu));
    }
  }
}

const FEATURE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Feature).map(([name, number]) => [number, name]),
);

function readString(file: FileReader): string {
  return file.text(file.u32('a text of the header'), 'a text of the header').replace(/\0.*$/s, '');
}
