// What texts of events need to know of the running kernel (TextEnvironment). Everything is read when first asked for.

import { release } from 'node:os';
import type { TextEnvironment } from './text-environment.js';
import type { TracefsFolder } from './tracefs.js';

/** The environment of this machine's kernel. */
export function liveTextEnvironment(tracefs: TracefsFolder): TextEnvironment {
  let strings: ReadonlyMap<bigint, string> | undefined;
  let probed: ReadonlyMap<string, string> | undefined;
  return {
    kernelVersion: release(),
    longSize: 8,
    kernelString(address) {
      strings ??= parsePrintkFormats(tracefs.tryRead('printk_formats') ?? '');
      return strings.get(BigInt.asUintN(64, address));
    },
    probedEvent(system, event) {
      probed ??= eventProbes(tracefs.tryRead('dynamic_events') ?? '');
      return probed.get(`${system}/${event}`);
    },
  };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '"': '"' };

/** Lines of printk_formats: `0xffffffff82345678 : "text"`, with the escapes \n \t \\ \" (kernel/trace/trace_printk.c). */
export function parsePrintkFormats(text: string): ReadonlyMap<bigint, string> {
  const strings = new Map<bigint, string>();
  for (const [, address, quoted] of text.matchAll(/^(0x[0-9a-f]+) : "(.*)"$/gm)) {
    strings.set(
      BigInt(address!),
      quoted!.replace(/\\(.)/g, (all, char: string) => ESCAPES[char] ?? all),
    );
  }
  return strings;
}

/** Event probes of dynamic_events, `e:GROUP/EVENT SYSTEM.EVENT args`: what each is attached to. */
function eventProbes(text: string): ReadonlyMap<string, string> {
  const probes = new Map<string, string>();
  for (const [, probe, target] of text.matchAll(/^e:(\S+) (\S+)/gm)) probes.set(probe!, target!);
  return probes;
}
