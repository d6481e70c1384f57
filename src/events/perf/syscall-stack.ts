// The kernel stack of the events `syscalls:sys_enter_*` and `sys_exit_*`. perf's samples of them have the user's registers
// (perf_syscall_enter in kernel/trace/trace_syscalls.c), and so no kernel part. But that part is always the same: the
// kernel's way from the processor's entry to the place that makes the event. So it is taken once, by a sample of
// raw_syscalls:sys_enter (or sys_exit), which is made at that place, on a call of this thread's own. A 32-bit program's
// calls enter by another way, which is not told apart.

import type { AddressBytes } from '../../engine/values.js';
import { AttrFlag, EventRequest, EventType, encodeAttributes, RecordType, RingPage, SampleType } from './abi.js';
import { ChainPart, chainPart } from './call-chain.js';
import type { PerfCalls } from './calls.js';

const RING_BYTES = 65_536;
/** Of the first sample in the ring: its chain alone stands behind the header. */
const CHAIN = 8;
const OWN_THREAD = 0;
const ANY_CPU = -1;

/** The stack at a raw_syscalls event, by its id; empty where none could be had. Closes what it opens. */
export function syscallStack(calls: PerfCalls, id: number, close: (fd: number) => void): AddressBytes {
  const attributes = encodeAttributes({
    type: EventType.TRACEPOINT,
    config: id,
    period: 1,
    sampleType: SampleType.CALLCHAIN,
    flags: AttrFlag.DISABLED | AttrFlag.EXCLUDE_CALLCHAIN_USER,
    wakeUpBytes: RING_BYTES / 2,
  });
  const fd = calls.open(attributes, OWN_THREAD, ANY_CPU);
  try {
    const ring = calls.map(fd, RING_BYTES);
    try {
      // The exit of this request and the entry of the next one are system calls.
      calls.request(fd, EventRequest.ENABLE);
      calls.request(fd, EventRequest.DISABLE);
      return firstChain(ring.bytes);
    } finally {
      ring.unmap();
    }
  } finally {
    close(fd);
  }
}

function firstChain(ring: ArrayBuffer): AddressBytes {
  const page = new DataView(ring);
  const start = Number(page.getBigUint64(RingPage.DATA_OFFSET, true));
  const written = Number(page.getBigUint64(RingPage.DATA_HEAD, true));
  const record = new Uint32Array(ring, start);
  if (written < CHAIN || record[0] !== RecordType.SAMPLE) return '';
  const first = CHAIN + 8;
  return chainPart(record, Buffer.from(ring, start), first, first + 8 * record[CHAIN >>> 2]!, ChainPart.KERNEL);
}
