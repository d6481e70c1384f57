// What the running kernel tells beyond the records, for texts of events (TextEnvironment): symbols, constant strings,
// numbers of enumerators from BTF, the tick rate. Each is read when a text first asks for it. Of recordings,
// textEnvironment takes what they carry.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BtfEnumerators } from './btf-enumerators.js';
import { KernelSymbols } from './kernel-symbols.js';
import { kernelMemory, type MemoryReader } from './memory-reader.js';
import type { TextEnvironment } from './text-environment.js';

const BTF = '/sys/kernel/btf';

/** Sources that textEnvironment reads lazily; each may be missing. */
export interface TextSources {
  readonly kernelVersion?: string | undefined;
  readonly longSize?: number | undefined;
  readonly ticksPerSecond?: number | undefined;
  readonly symbols?: () => KernelSymbols;
  /** Text of tracefs' `printk_formats`. */
  readonly printkFormats?: () => string;
  /** Bytes of /sys/kernel/btf/vmlinux. */
  readonly btf?: () => Uint8Array | undefined;
  /** Bytes of the BTF of each loaded module. */
  readonly moduleBtf?: () => readonly Uint8Array[];
  readonly jiffies?: () => number;
  readonly kernelMemory?: () => MemoryReader | undefined;
  readonly probedEvent?: (system: string, event: string) => string | undefined;
}

/** An environment over sources that are read at the first use. */
export function textEnvironment(sources: TextSources): TextEnvironment {
  let symbols: KernelSymbols | undefined;
  let strings: ReadonlyMap<bigint, string> | undefined;
  let enumerators: BtfEnumerators | undefined;
  let ofModules: readonly BtfEnumerators[] | undefined;
  const table = () => {
    symbols ??= sources.symbols?.() ?? KernelSymbols.parse(new Uint8Array(0));
    return symbols;
  };
  return {
    kernelVersion: sources.kernelVersion,
    longSize: sources.longSize,
    ticksPerSecond: sources.ticksPerSecond,
    placeAt: (address) => table().placeAt(address),
    kernelString(address) {
      strings ??= parsePrintkFormats(sources.printkFormats?.() ?? '');
      return strings.get(address);
    },
    enumerator(name) {
      enumerators ??= new BtfEnumerators(sources.btf?.() ?? new Uint8Array(0));
      const known = enumerators.value(name) ?? ENUMERATORS[name];
      if (known !== undefined) return known;
      const base = enumerators;
      ofModules ??= (sources.moduleBtf?.() ?? []).map((bytes) => new BtfEnumerators(bytes, base));
      for (const each of ofModules) {
        const value = each.value(name);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    variable: (name) => kernelVariable(name, table(), sources.kernelMemory?.()),
    ...(sources.jiffies === undefined ? {} : { jiffies: sources.jiffies }),
    ...(sources.probedEvent === undefined ? {} : { probedEvent: sources.probedEvent }),
  };
}

/** The environment of the running kernel. `tracefs` is its mount point; `symbols` is shared with whoever has it loaded. */
export function liveTextEnvironment(
  tracefs: string,
  symbols: () => KernelSymbols = () => KernelSymbols.ofThisMachine(),
): TextEnvironment {
  const kernelVersion = textOf('/proc/sys/kernel/osrelease')?.trim();
  const ticksPerSecond = configuredTicks(kernelVersion);
  return textEnvironment({
    kernelVersion,
    ticksPerSecond,
    symbols,
    printkFormats: () => textOf(`${tracefs}/printk_formats`) ?? '',
    btf: () => (existsSync(`${BTF}/vmlinux`) ? readFileSync(`${BTF}/vmlinux`) : undefined),
    moduleBtf: () =>
      existsSync(BTF)
        ? readdirSync(BTF)
            .filter((name) => name !== 'vmlinux')
            .map((name) => readFileSync(`${BTF}/${name}`))
        : [],
    jiffies: () => ticksSinceBoot(ticksPerSecond ?? 250),
    kernelMemory: readableKernelMemory,
    probedEvent: (system, event) => probedEvents(tracefs).get(`${system}:${event}`),
  });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** `0xffffffff8281a98f : "thaw_processes"`, with the escapes that the kernel writes. */
export function parsePrintkFormats(text: string): ReadonlyMap<bigint, string> {
  const strings = new Map<bigint, string>();
  for (const [, address, quoted] of text.matchAll(/^(0x[0-9a-f]+) : "(.*)"$/gm))
    strings.set(
      BigInt(address!),
      quoted!.replace(/\\(["\\nt])/g, (_, char) => ({ n: '\n', t: '\t' })[char as string] ?? char),
    );
  return strings;
}

/** CONFIG_HZ, where the kernel's configuration can be read. */
function configuredTicks(kernelVersion: string | undefined): number | undefined {
  let config: string | undefined;
  try {
    config = gunzipSync(readFileSync('/proc/config.gz')).toString('latin1');
  } catch {
    config = textOf(`/boot/config-${kernelVersion}`);
  }
  const found = /^CONFIG_HZ=(\d+)$/m.exec(config ?? '');
  return found === null ? undefined : Number(found[1]);
}

/** The kernel starts its counter five minutes before an overflow of 32 bits. */
function ticksSinceBoot(ticksPerSecond: number): number {
  const start = 2 ** 32 - 300 * ticksPerSecond;
  return start + Math.floor((Number(process.hrtime.bigint()) * ticksPerSecond) / 1e9);
}

/**
 * Where the array of page descriptors begins (`vmemmap_base` of x86-64), and where memory does (`memstart_addr` of arm64).
 * Both are set at boot and stay. x86's memory layout gives the first one while the kernel is not moved at boot (_text is
 * where it was linked to); else the variable must be read.
 */
function kernelVariable(name: string, symbols: KernelSymbols, memory: MemoryReader | undefined): bigint | undefined {
  if (name !== 'vmemmap_base' && name !== 'memstart_addr') return undefined;
  if (name === 'vmemmap_base' && symbols.addressOf('_text') === 0xffffffff81000000n) return 0xffffea0000000000n;
  const address = symbols.addressOf(name);
  const bytes = address === undefined ? undefined : memory?.read(address, 8);
  return bytes?.length === 8 ? bytes.readBigUInt64LE() : undefined;
}

/** What event probes are attached to: `e:group/name sched.sched_switch …` of tracefs' dynamic_events. */
function probedEvents(tracefs: string): ReadonlyMap<string, string> {
  const found = (textOf(`${tracefs}/dynamic_events`) ?? '').matchAll(/^e:(\S+)\/(\S+) (\S+)/gm);
  return new Map([...found].map(([, group, name, target]) => [`${group}:${name}`, target!.replace('/', '.')]));
}

/** The running kernel's memory, where this process may read it. */
function readableKernelMemory(): MemoryReader | undefined {
  const memory = kernelMemory();
  return 'missing' in memory ? undefined : memory;
}

/** Enumerators that old kernels leave as names, with the numbers that they have had in all kernels; where there is no BTF. */
const ENUMERATORS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_NEW_SYN_RECV: 12,
  HRTIMER_MODE_ABS: 0,
  HRTIMER_MODE_REL: 1,
  HRTIMER_MODE_PINNED: 2,
  HRTIMER_MODE_ABS_PINNED: 2,
  HRTIMER_MODE_REL_PINNED: 3,
  HRTIMER_MODE_SOFT: 4,
  HRTIMER_MODE_ABS_SOFT: 4,
  HRTIMER_MODE_REL_SOFT: 5,
  HRTIMER_MODE_ABS_PINNED_SOFT: 6,
  HRTIMER_MODE_REL_PINNED_SOFT: 7,
  HRTIMER_MODE_HARD: 8,
  HRTIMER_MODE_ABS_HARD: 8,
  HRTIMER_MODE_REL_HARD: 9,
  HRTIMER_MODE_ABS_PINNED_HARD: 10,
  HRTIMER_MODE_REL_PINNED_HARD: 11,
  IOPRIO_CLASS_NONE: 0,
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
  IOPRIO_CLASS_INVALID: 7,
};
