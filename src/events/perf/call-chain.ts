// The entries of a call chain: kernel and user addresses from the innermost outwards, each part behind an entry that is no
// address and says whose they are. The first address of a part is where the code was, the others are return addresses.
//
// Source: include/uapi/linux/perf_event.h (PERF_SAMPLE_CALLCHAIN, enum perf_callchain_context).

import type { AddressBytes } from '../../engine/values.js';

/** Entries from -4095 up are no addresses. As halves of 32 bits; the upper one is the same for all. */
const NO_ADDRESS_HIGH = 0xffffffff;
const NO_ADDRESS_LOW = 0xfffff001;

/** Whose addresses follow: low halves of PERF_CONTEXT_KERNEL and PERF_CONTEXT_USER. */
export const ChainPart = { KERNEL: -128 >>> 0, USER: -512 >>> 0 } as const;

/**
 * The addresses of a part, as they lie in memory. `u32` and `bytes` view the same memory; the entries, of 8 bytes, are from
 * `start` to `end`, in bytes, multiples of 4.
 */
export function chainPart(u32: Uint32Array, bytes: Buffer, start: number, end: number, part: number): AddressBytes {
  let found = '';
  for (let at = start; at < end; ) {
    let next = at + 8;
    while (next < end && !isContext(u32, next)) next += 8;
    if (isContext(u32, at) && u32[at >>> 2] === part) found += bytes.toString('latin1', at + 8, next);
    at = next;
  }
  return found;
}

function isContext(u32: Uint32Array, at: number): boolean {
  const word = at >>> 2;
  return u32[word + 1] === NO_ADDRESS_HIGH && u32[word]! >= NO_ADDRESS_LOW;
}
