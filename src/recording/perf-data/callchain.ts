// The stacks of a sample: `u64 n`, n entries, kernel and user addresses from the innermost outwards, each part behind an
// entry that is no address and says whose they are. The first entry of a part is where the code was, the others are return
// addresses.
//
// Source: include/uapi/linux/perf_event.h (PERF_SAMPLE_CALLCHAIN, enum perf_callchain_context).

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressBytes } from '../../engine/values.js';
import { CONTEXT_KERNEL, CONTEXT_MAX, CONTEXT_USER } from './abi.js';
import type { SampleLayout } from './attributes.js';
import { callchainPlace } from './record-reader.js';

/** Addresses of the kernel or the user part, as they lie in memory; undefined where the sample has no callchain. */
export function callchain(
  memory: LinearMemory,
  address: number,
  size: number,
  layout: SampleLayout,
  part: 'kernel' | 'user',
): AddressBytes | undefined {
  if (!layout.callchain) return undefined;
  const { u32, bytes } = memory;
  const place = callchainPlace(u32, address, size, layout);
  if (place === 0 || place + 8 > address + size) return undefined;
  const entries = Math.min(u32[place >>> 2]!, Math.floor((address + size - place - 8) / 8));
  const wanted = part === 'kernel' ? CONTEXT_KERNEL : CONTEXT_USER;
  const end = place + 8 + entries * 8;
  let found = '';
  let context = 0;
  let start = end;
  for (let at = place + 8; at <= end; at += 8) {
    const isContext = at < end && u32[(at + 4) >>> 2] === 0xffffffff && u32[at >>> 2]! >= CONTEXT_MAX;
    if (!isContext && at < end) continue;
    if (context === wanted) found += bytes.toString('latin1', start, at);
    context = isContext ? u32[at >>> 2]! : 0;
    start = at + 8;
  }
  return found;
}
