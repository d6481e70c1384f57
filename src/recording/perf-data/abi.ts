// Numbers of the perf.data format beside the kernel's own (events/perf/abi.ts): the records that perf record adds, the
// features of the header.
//
// Source: tools/perf/Documentation/perf.data-file-format.txt, tools/lib/perf/include/perf/event.h (enum
// perf_user_event_type) and tools/perf/util/header.h (HEADER_*) of the kernel's tree.

import { RecordType as KernelRecordType } from '../../events/perf/abi.js';

/** Types of records. From 64 on they are perf's own. */
export const RecordType = {
  ...KernelRecordType,
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
