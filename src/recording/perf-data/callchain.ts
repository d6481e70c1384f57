// The stacks of a sample: `u64 n`, n entries, kernel and user addresses from the innermost outwards, each part behind an
// entry that is no address and says whose they are. The first entry of a part is where the code was, the others are return
// addresses.
//
// Source: include/uapi/linux/perf_event.h (PERF_SAMPLE_CALLCHAIN, enum perf_callchain_context).

import type { LinearMemory } from '../../engine/memory.js';
import { CONTEXT_KERNEL, CONTEXT_MAX, CONTEXT_USER } from './abi.js';
import type { SampleLayout } from './attributes.js';
import { callchainPlace } from './record-reader.js';

/** Addresses of the kernel or the user part; undefined where the sample has no callchain. */
export function callchain(
  memory: LinearMemory,
  address: number,
  size: number,
  layout: SampleLayout,
  part: 'kernel' | 'user',
): bigint[] | undefined {
  if (!layout.callchain) return undefined;
  const { u32 } = memory;
  const place = callchainPlace(u32, address, size, layout);
  if (place === 0 || place + 8 > address + size) return undefined;
  const entries = Math.min(u32[place >>> 2]!, Math.floor((address + size - place - 8) / 8));
  const wanted = part === 'kernel' ? CONTEXT_KERNEL : CONTEXT_USER;
  const found: bigint[] = [];
  let context = 0n;
  for (let index = 0; index < entries; index++) {
    const word = (place + 8 + index * 8) >>> 2;
    const entry = (BigInt(u32[word + 1]!) << 32n) | BigInt(u32[word]!);
    if (entry >= CONTEXT_MAX) context = entry;
    else if (context === wanted) found.push(entry);
  }
  return found;
}
