// perf_event_open(2): the numbers and layouts of its interface that are used here, live and in recordings (perf.data).
//
// Source: include/uapi/linux/perf_event.h; perf_event_open(2). All integers are in the byte order of the machine.
//
//     struct perf_event_attr (112 bytes: PERF_ATTR_SIZE_VER5, Linux 4.8)
//     +0   u32 type        +4   u32 size           +8   u64 config         +16  u64 sample_period
//     +24  u64 sample_type +32  u64 read_format    +40  u64 flag bits      +48  u32 wakeup_watermark
//     +92  s32 clockid     +108 u16 sample_max_stack
//
//     struct perf_event_mmap_page, the first page of a ring
//     +1024 u64 data_head (the kernel writes)    +1032 u64 data_tail (the reader writes)
//     +1040 u64 data_offset                      +1048 u64 data_size
//
//     struct perf_event_header, before each record
//     +0 u32 type    +4 u16 misc    +6 u16 size, of the whole record, a multiple of 8

/** `type` of perf_event_attr. */
export const EventType = { HARDWARE: 0, SOFTWARE: 1, TRACEPOINT: 2, CACHE: 3, RAW: 4 } as const;
/** `config` of software events. */
export const SoftwareEvent = { CPU_CLOCK: 0, DUMMY: 9 } as const;

export const SampleType = {
  IP: 1 << 0,
  TID: 1 << 1,
  TIME: 1 << 2,
  ADDR: 1 << 3,
  READ: 1 << 4,
  CALLCHAIN: 1 << 5,
  ID: 1 << 6,
  CPU: 1 << 7,
  PERIOD: 1 << 8,
  STREAM_ID: 1 << 9,
  RAW: 1 << 10,
  IDENTIFIER: 1 << 16,
} as const;

/** LOST: `read(fd)` gives the count and then the number of lost samples (since Linux 6.0). */
export const ReadFormat = { ENABLED: 1, RUNNING: 2, ID: 4, GROUP: 8, LOST: 16 } as const;

/** Flag bits of the attributes. */
export const AttrFlag = {
  DISABLED: 1 << 0,
  INHERIT: 1 << 1,
  MMAP: 1 << 8,
  COMM: 1 << 9,
  TASK: 1 << 13,
  WATERMARK: 1 << 14,
  SAMPLE_ID_ALL: 1 << 18,
  EXCLUDE_CALLCHAIN_KERNEL: 1 << 21,
  EXCLUDE_CALLCHAIN_USER: 1 << 22,
  MMAP2: 1 << 23,
  COMM_EXEC: 1 << 24,
  USE_CLOCKID: 1 << 25,
} as const;

/** PERF_EVENT_IOC_…: requests of ioctl(2) on an event. */
export const EventRequest = {
  ENABLE: 0x2400,
  DISABLE: 0x2401,
  SET_OUTPUT: 0x2405,
  SET_FILTER: 0x40082406,
  ID: 0x80082407,
} as const;

/** PERF_FLAG_FD_CLOEXEC */
export const OPEN_CLOEXEC = 8;
/** Of <time.h>; the clock of an instance's `mono`. */
export const CLOCK_MONOTONIC = 1;

/** Types of records that the kernel makes. */
export const RecordType = {
  MMAP: 1,
  LOST: 2,
  COMM: 3,
  EXIT: 4,
  THROTTLE: 5,
  FORK: 7,
  SAMPLE: 9,
  MMAP2: 10,
  LOST_SAMPLES: 13,
} as const;

/** Bits of a record's misc. */
export const Misc = {
  /** COMM: the name was set by exec. */
  COMM_EXEC: 1 << 13,
  /** MMAP2: a build id stands where device and inode do else. */
  MMAP_BUILD_ID: 1 << 14,
  /** LOST_SAMPLES: a BPF program of perf's filter did not want them. */
  LOST_SAMPLES_BPF: 1 << 15,
} as const;

export const HEADER_SIZE = 8;
export const RingPage = { DATA_HEAD: 1024, DATA_TAIL: 1032, DATA_OFFSET: 1040, DATA_SIZE: 1048 } as const;

export interface EventAttributes {
  readonly type: number;
  readonly config: number;
  /** Counts of the event from one sample to the next; of the CPU clock nanoseconds. */
  readonly period?: number;
  readonly sampleType: number;
  readonly readFormat?: number;
  /** AttrFlag bits. */
  readonly flags: number;
  /** Bytes in the ring after which a reader is woken. */
  readonly wakeUpBytes: number;
}

const ATTR_SIZE = 112;

/** The bytes of a perf_event_attr; times by CLOCK_MONOTONIC. */
export function encodeAttributes(attributes: EventAttributes): Buffer {
  const { type, config, period = 0, sampleType, readFormat = 0, flags, wakeUpBytes } = attributes;
  const bytes = Buffer.alloc(ATTR_SIZE);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(ATTR_SIZE, 4);
  bytes.writeBigUInt64LE(BigInt(config), 8);
  bytes.writeBigUInt64LE(BigInt(period), 16);
  bytes.writeBigUInt64LE(BigInt(sampleType), 24);
  bytes.writeBigUInt64LE(BigInt(readFormat), 32);
  bytes.writeBigUInt64LE(BigInt(flags | AttrFlag.WATERMARK | AttrFlag.USE_CLOCKID), 40);
  bytes.writeUInt32LE(wakeUpBytes, 48);
  bytes.writeInt32LE(CLOCK_MONOTONIC, 92);
  return bytes;
}
