// The stacks of a recorded sample: `u64 n`, n entries (events/perf/call-chain.ts), which a damaged one can lie about.

import type { LinearMemory } from '../../engine/memory.js';
import type { AddressBytes } from '../../engine/values.js';
import { ChainPart, chainPart } from '../../events/perf/call-chain.js';
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
  const wanted = part === 'kernel' ? ChainPart.KERNEL : ChainPart.USER;
  return chainPart(u32, bytes, place + 8, place + 8 + entries * 8, wanted);
}
