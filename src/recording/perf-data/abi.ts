// Numbers of the perf.data format: the records that the kernel makes and those that perf record adds, the bits of a
// sample's type, the features of the header.
//
// Source: include/uapi/linux/perf_event.h; tools/perf/Documentation/perf.data-file-format.txt, tools/lib/perf/include/
// perf/event.h (enum perf_user_event_type) and tools/perf/util/header.h (HEADER_*) of the kernel's tree.

/** Types of records. From 64 on they are perf's own. */
export const RecordType = {
  MMAP: 1,
  LOST: 2,
  COMM: 3,
  EXIT: 4,
  FORK: 7,
  SAMPLE: 9,
  MMAP2: 10,
  LOST_SAMPLES: 13,

  HEADER_ATTR: 64,
  HEADER_EVENT_TYPE: 65,
  HEADER_TRACING_DATA: 66,
  HEADER_BUILD_ID: 67,
  FINISHED_ROUND: 68,
  ID_INDEX: 69,
  AUXTRACE: 71,
  EVENT_UPDATE: 78,
  HEADER_FEATURE: 80,
  COMPRESSED: 81,
  COMPRESSED2: 83,
} as const;

/** Types from here on are perf's own; they have no sample_id at their end. */
export const FIRST_USER_TYPE = 64;
export const HEADER_SIZE = 8;

/** Bits of a header's misc. */
export const Misc = {
  /** COMM: the name was set by exec. */
  COMM_EXEC: 1 << 13,
  /** MMAP2: a build id stands where device and inode do else. */
  MMAP_BUILD_ID: 1 << 14,
  /** LOST_SAMPLES: a BPF program of perf's filter did not want them. */
  LOST_SAMPLES_BPF: 1 << 15,
} as const;

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

export const ReadFormat = { ENABLED: 1, RUNNING: 2, ID: 4, GROUP: 8, LOST: 16 } as const;

/** Bits of perf_event_attr's flags. */
export const AttrFlag = { SAMPLE_ID_ALL: 1 << 18, USE_CLOCKID: 1 << 25 } as const;

/** `type` of perf_event_attr. */
export const EventType = { HARDWARE: 0, SOFTWARE: 1, TRACEPOINT: 2, CACHE: 3, RAW: 4 } as const;

/** Bits of the header's flags; also the number of a HEADER_FEATURE record. */
export const Feature = {
  TRACING_DATA: 1,
  BUILD_ID: 2,
  HOSTNAME: 3,
  OSRELEASE: 4,
  ARCH: 6,
  NRCPUS: 7,
  CMDLINE: 11,
  EVENT_DESC: 12,
  SAMPLE_TIME: 21,
  COMPRESSED: 27,
  CLOCK_DATA: 29,
} as const;
export const FEATURE_BITS = 256;

/** EVENT_UPDATE records: the one that gives an event's name. */
export const UPDATE_NAME = 2;

/**
 * Entries of a callchain from here up are no addresses: they say whose addresses follow. The lower halves; the upper ones
 * are all ones.
 */
export const CONTEXT_MAX = -4095 >>> 0;
export const CONTEXT_KERNEL = -128 >>> 0;
export const CONTEXT_USER = -512 >>> 0;
