// Probes on functions of the kernel: `probe:symbol`, `probe:symbol%return`, `probe:symbol+offset`, `probe:glob*`
// (Documentation/trace/kprobetrace.rst).

import type { ProbePlace } from '../dynamic-events.js';
import { isGlob } from '../glob.js';
import { addressesOf, kernelFunctions } from '../kernel-functions.js';
import { nearestNames } from '../nearest-names.js';
import { definitionError, type PlacedDefinition, type Provider, type ProviderContext } from './provider.js';

/**
 * Calls under way at a time that each return probe can follow, where there are few of them; else what the kernel takes by
 * itself, twice the number of CPUs. One takes about 100 bytes.
 */
const FOLLOWED_CALLS = 1024;
const FEW_PLACES = 16;

export const kprobeProvider: Provider = {
  kind: 'kprobe',
  find(placed, context) {
    const { isReturn = false } = placed.definition;
    const places = placesOf(placed, context);
    const type = !isReturn ? 'p' : places.length > FEW_PLACES ? 'r' : `r${FOLLOWED_CALLS}`;
    return context.dynamic.make({ kind: 'kprobe', type, placed, places });
  },
};

function placesOf(placed: PlacedDefinition, { tracefs }: ProviderContext): ProbePlace[] {
  const { symbol = '', symbolOffset = 0n, isReturn = false, text } = placed.definition;
  const prefix = isReturn ? 'ret_' : '';
  const offset = symbolOffset === 0n ? '' : `+${symbolOffset}`;
  const place = (name: string): ProbePlace => ({ name: prefix + name, place: name + offset });
  if (isGlob(symbol)) {
    const names = kernelFunctions(tracefs, symbol);
    if (names.length === 0) throw definitionError(placed, `no function of the kernel matches ${text}`);
    return names.map(place);
  }
  const addresses = addressesOf(symbol);
  // Static functions of several files have one name: the kernel takes only addresses for them (since 6.6).
  if (addresses.length > 1) {
    return addresses.map((address) => ({
      name: prefix + symbol,
      place: `0x${(address + symbolOffset).toString(16)}`,
    }));
  }
  if (addresses.length === 0 && tracefs.has('kprobe_events')) {
    const known = kernelFunctions(tracefs, '*');
    if (known.length > 0 && !known.includes(symbol)) {
      const nearest = nearestNames(symbol, known, 3);
      throw definitionError(
        placed,
        `the kernel has no function ${symbol}`,
        nearest.length === 0 ? undefined : `the nearest names: ${nearest.join(', ')}`,
      );
    }
  }
  return [place(symbol)];
}
