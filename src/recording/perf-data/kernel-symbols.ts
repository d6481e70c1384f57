// The kernel's symbols for a perf.data. It carries none: perf takes them from the running kernel. That is right only on the
// machine and since the boot that were recorded, which the kernel's build id and the address of its text tell: with address
// randomization every boot has another one. perf record also keeps a copy of /proc/kallsyms for each build id.
//
//     ~/.debug/[kernel.kallsyms]/BUILD-ID/kallsyms        perf's cache
//     /sys/kernel/notes                                   ELF notes of the running kernel: u32 4, u32 20, u32 3, "GNU\0", id
//
// Source: tools/perf/util/build-id.c, tools/perf/util/symbol.c (dso__load_kernel_sym), tools/perf/util/symbol-elf.c.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { KernelSymbols } from '../../events/kernel-symbols.js';
import type { Description } from './description.js';

const KERNEL = '[kernel.kallsyms]';
/** NT_GNU_BUILD_ID */
const BUILD_ID_NOTE = Buffer.from('\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0', 'latin1');

/**
 * The symbols of the recorded kernel; none where they cannot be had. `text`: address of the symbol that perf records the
 * kernel's place by, and its name, from the record of the kernel's mapping.
 */
export function kernelSymbolsOf(
  { kallsyms, buildIds }: Description,
  text: { readonly symbol: string; readonly address: bigint } | undefined,
): KernelSymbols {
  if (kallsyms !== undefined) return KernelSymbols.parse(kallsyms);
  const none = KernelSymbols.parse(new Uint8Array(0));
  const id = buildIds.get(KERNEL);
  if (text === undefined) return none;
  const fits = (symbols: KernelSymbols): boolean => symbols.addressOf(text.symbol) === text.address;
  if (id === undefined || id === runningBuildId()) {
    const own = KernelSymbols.ofThisMachine();
    if (fits(own)) return own;
  }
  if (id === undefined) return none;
  try {
    const kept = KernelSymbols.parse(readFileSync(`${homedir()}/.debug/${KERNEL}/${id}/kallsyms`));
    if (fits(kept)) return kept;
  } catch {
    // There is no copy.
  }
  return none;
}

function runningBuildId(): string | undefined {
  try {
    const notes = readFileSync('/sys/kernel/notes');
    const at = notes.indexOf(BUILD_ID_NOTE);
    return at < 0 ? undefined : notes.toString('hex', at + 16, at + 36);
  } catch {
    return undefined;
  }
}
