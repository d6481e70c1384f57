// Functions of the kernel that probes can be put on, by name: those that the function tracer can trace
// (available_filter_functions of tracefs), since the others are mostly what the kernel forbids to probe; where that list is
// not there or not readable (a kernel without the function tracer, lockdown), all functions of /proc/kallsyms.

import { globMatcher } from './glob.js';
import { readText, type TracefsFolder } from './tracefs.js';

/** Names of the functions that a glob matches, each once, in the kernel's order. Empty where no list can be read. */
export function kernelFunctions(tracefs: TracefsFolder, glob: string): string[] {
  const matches = globMatcher(glob);
  const names = new Set<string>();
  for (const name of traceable(tracefs) ?? kernelTexts()) if (matches(name)) names.add(name);
  return [...names];
}

/** `name` or `name [module]` a line. */
function traceable(tracefs: TracefsFolder): string[] | undefined {
  const text = tracefs.tryRead('available_filter_functions');
  if (text === undefined || text === '') return undefined;
  return (
    Array.from(text.matchAll(/^(\S+)/gm), ([name]) => name)
      // Places of functions that the kernel has no name for.
      .filter((name) => !name.startsWith('__ftrace_invalid_address__'))
  );
}

/** `address type name`: symbols of text. Those that the compiler has made of a function's cold parts are none. */
function kernelTexts(): string[] {
  let text: string;
  try {
    text = readText('/proc/kallsyms');
  } catch {
    return [];
  }
  return Array.from(text.matchAll(/^[0-9a-f]+ [tTwW] (\S+)/gm), ([, name]) => name!).filter(
    (name) => !/\.cold(\.\d+)?$|^__cfi_|^__pfx_/.test(name),
  );
}

/** Addresses of all functions with a name, ascending; empty where addresses are hidden. */
export function addressesOf(name: string): bigint[] {
  let text: string;
  try {
    text = readText('/proc/kallsyms');
  } catch {
    return [];
  }
  const found = new Set<bigint>();
  for (const [, address, symbol] of text.matchAll(/^([0-9a-f]+) [tTwW] (\S+)/gm))
    if (symbol === name) found.add(BigInt(`0x${address}`));
  found.delete(0n);
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}
