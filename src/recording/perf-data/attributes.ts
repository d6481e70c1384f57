// One event of a perf.data: its perf_event_attr, the ids of its samples, its name, and where its samples keep what.
//
//     struct perf_event_attr, 64 bytes or more (its own size stands in it)
//     +0   u32 type        +4   u32 size           +8   u64 config         +16  u64 sample_period or sample_freq
//     +24  u64 sample_type +32  u64 read_format    +40  u64 flag bits      +92  s32 clockid (from size 96 on)
//
//     a sample, each part there if its bit is set in sample_type
//     header, u64 IDENTIFIER, u64 IP, u32 pid, u32 tid (TID), u64 TIME, u64 ADDR, u64 ID, u64 STREAM_ID,
//     u32 cpu, u32 res (CPU), u64 PERIOD, READ values, CALLCHAIN: u64 n, n × u64, RAW: u32 size, bytes, …
//
//     sample_id, the end of other records, with SAMPLE_ID_ALL
//     u32 pid, u32 tid (TID), u64 TIME, u64 ID, u64 STREAM_ID, u32 cpu, u32 res (CPU), u64 IDENTIFIER
//
// Source: include/uapi/linux/perf_event.h.

import { AttrFlag, EventType, HEADER_SIZE, ReadFormat, SampleType } from '../../events/perf/abi.js';
import { DamageError, type FileReader } from '../trace-dat/file-reader.js';

/** An event as the file describes it. */
export interface RecordedAttribute {
  readonly type: number;
  readonly config: bigint;
  readonly sampleType: number;
  readonly readFormat: number;
  readonly flags: number;
  readonly ids: readonly bigint[];
  /** As the user wrote it: `sched:sched_switch`, `cycles:u`; where the file does not tell, by type and config. */
  name: string;
}

/** The smallest that there has been, and more than any kernel has. */
const SMALLEST = 64;
const LARGEST = 4096;

/** Reads a perf_event_attr and goes on `size` bytes behind its start; 0: as many as it says itself. */
export function readAttribute(file: FileReader, size: number): Omit<RecordedAttribute, 'ids'> {
  const start = file.position;
  const type = file.u32('the attributes of an event');
  const own = file.u32('the attributes of an event');
  const whole = size === 0 ? own : size;
  // Files of the first version of the interface say 0.
  const valid = own === 0 ? SMALLEST : own;
  if (whole < SMALLEST || whole > LARGEST || valid < SMALLEST || valid > whole) {
    throw new DamageError(`the attributes of an event cannot have ${own} bytes`, false);
  }
  const config = file.bigU64('the attributes of an event');
  file.position = start + 24;
  const sampleType = Number(file.bigU64('the attributes of an event') & 0x7fffffffn);
  const readFormat = file.u32('the attributes of an event');
  file.position = start + 40;
  const flags = flagBits(file);
  file.position = start;
  file.skip(whole, 'the attributes of an event');
  return { type, config, sampleType, readFormat, flags, name: nameOf(type, config) };
}

/** Bit fields begin at the highest bit of the u64 on a big-endian machine. Those that are used here are below bit 32. */
function flagBits(file: FileReader): number {
  const word = file.bigU64('the attributes of an event');
  if (file.littleEndian) return Number(word & 0x7fffffffn);
  let bits = 0;
  for (let bit = 0; bit < 31; bit++) if ((word >> BigInt(63 - bit)) & 1n) bits |= 1 << bit;
  return bits;
}

const HARDWARE = [
  'cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branches',
  'branch-misses',
  'bus-cycles',
  'stalled-cycles-frontend',
  'stalled-cycles-backend',
  'ref-cycles',
];
const SOFTWARE = [
  'cpu-clock',
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'minor-faults',
  'major-faults',
  'alignment-faults',
  'emulation-faults',
  'dummy',
  'bpf-output',
  'cgroup-switches',
];

/** perf's own names of the events that the kernel numbers; `raw 0x…` and the like for others. */
function nameOf(type: number, config: bigint): string {
  const known = type === EventType.HARDWARE ? HARDWARE : type === EventType.SOFTWARE ? SOFTWARE : [];
  const name = known[Number(config & 0xffffffffn)];
  if (name !== undefined) return name;
  if (type === EventType.TRACEPOINT) return `tracepoint-${config}`;
  return `${type === EventType.RAW ? 'raw' : `type-${type}`}-0x${config.toString(16)}`;
}

/** Offsets of a sample's parts from its start, -1 where it has no such part. */
export interface SampleLayout {
  readonly identifier: number;
  readonly ip: number;
  readonly tid: number;
  readonly time: number;
  readonly addr: number;
  readonly id: number;
  readonly cpu: number;
  readonly period: number;
  /** Where the parts of variable size begin: READ, CALLCHAIN, RAW, in this order. */
  readonly variable: number;
  /** Bytes of READ where they are always the same. */
  readonly read: number;
  /** READ tells the values of a group: `u64 n`, then this many more bytes before the values, and bytes of each. */
  readonly readGroup: { readonly before: number; readonly each: number } | undefined;
  readonly callchain: boolean;
  readonly raw: boolean;
  /** The end of other records; undefined where they have none. Offsets count from the record's end, so they are negative. */
  readonly trailer: TrailerLayout | undefined;
}

export interface TrailerLayout {
  readonly size: number;
  /** Negative, or 0 where there is no such part. */
  readonly time: number;
  readonly id: number;
  readonly cpu: number;
  /** All parts; a pair is two u32, any other part a u64. */
  readonly parts: readonly { readonly at: number; readonly pair: boolean }[];
}

export function sampleLayout({ sampleType, readFormat, flags }: RecordedAttribute): SampleLayout {
  let at = HEADER_SIZE;
  const part = (bit: number): number => {
    if ((sampleType & bit) === 0) return -1;
    at += 8;
    return at - 8;
  };
  const identifier = part(SampleType.IDENTIFIER);
  const ip = part(SampleType.IP);
  const tid = part(SampleType.TID);
  const time = part(SampleType.TIME);
  const addr = part(SampleType.ADDR);
  const id = part(SampleType.ID);
  part(SampleType.STREAM_ID);
  const cpu = part(SampleType.CPU);
  const period = part(SampleType.PERIOD);

  let read = 0;
  let readGroup: SampleLayout['readGroup'];
  if ((sampleType & SampleType.READ) !== 0) {
    const has = (bit: number): number => ((readFormat & bit) === 0 ? 0 : 8);
    const times = has(ReadFormat.ENABLED) + has(ReadFormat.RUNNING);
    const each = 8 + has(ReadFormat.ID) + has(ReadFormat.LOST);
    if ((readFormat & ReadFormat.GROUP) !== 0) readGroup = { before: times, each };
    else read = times + each;
  }
  return {
    identifier,
    ip,
    tid,
    time,
    addr,
    id,
    cpu,
    period,
    variable: at,
    read,
    readGroup,
    callchain: (sampleType & SampleType.CALLCHAIN) !== 0,
    raw: (sampleType & SampleType.RAW) !== 0,
    trailer: (flags & AttrFlag.SAMPLE_ID_ALL) === 0 ? undefined : trailerLayout(sampleType),
  };
}

function trailerLayout(sampleType: number): TrailerLayout {
  let size = 0;
  const place = { time: 0, id: 0, cpu: 0 };
  const parts: { at: number; pair: boolean }[] = [];
  // From the end backwards.
  for (const [bit, name] of [
    [SampleType.IDENTIFIER, 'id'],
    [SampleType.CPU, 'cpu'],
    [SampleType.STREAM_ID, undefined],
    [SampleType.ID, 'id'],
    [SampleType.TIME, 'time'],
    [SampleType.TID, undefined],
  ] as const) {
    if ((sampleType & bit) === 0) continue;
    size += 8;
    parts.push({ at: -size, pair: bit === SampleType.CPU || bit === SampleType.TID });
    if (name !== undefined && place[name] === 0) place[name] = -size;
  }
  return { size, ...place, parts };
}
