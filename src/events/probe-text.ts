// Texts of dynamic probes as the kernel's own printers make them (kernel/trace/trace_kprobe.c, trace_uprobe.c,
// trace_eprobe.c): the places in symbols, and strings that could not be read as (fault). The print fmt of these events
// gives the arguments.
//
//     open: (do_sys_openat2+0x0/0x1e0) dfd=-100 name="/etc/passwd"
//     ret_open: (do_sys_open+0x57/0x80 <- do_sys_openat2) fd=3
//     malloc: (0x7f3a2b4c5d60) size=0x20

import { scalarType } from './c-types.js';
import type { EventFormat } from './format.js';
import { Compiler } from './print-format/compiler.js';
import type { Integer } from './print-format/integers.js';
import { type Node, PrintFormatError, parsePrintFormat } from './print-format/parser.js';
import { fieldReader, type RecordReader } from './print-format/reader.js';
import { compilePrintf, symbolPrinter } from './print-format/text.js';
import type { TextEnvironment } from './text-environment.js';

type Printer = (reader: RecordReader) => string;

/** The event is a kprobe, kretprobe, uprobe, uretprobe or fprobe, or an event probe that the environment knows. */
export function isProbe(format: EventFormat, environment: TextEnvironment): boolean {
  return (
    format.fields.some((field) => field.name === '__probe_ip' || field.name === '__probe_func') ||
    environment.probedEvent?.(format.system, format.name) !== undefined
  );
}

/** Compiles the text of a probe, without the event's name. Throws PrintFormatError where the print fmt is not understood. */
export function compileProbeText(format: EventFormat, environment: TextEnvironment): Printer {
  const parsed = parsePrintFormat(format.printFormat, (name) => scalarType(name) !== undefined);
  const [head, places] = /^\(%lx <- %lx\)/.test(parsed.format)
    ? ['(%lx <- %lx)', 2]
    : parsed.format.startsWith('(%lx)')
      ? ['(%lx)', 1]
      : ['', 0];
  const rest = quotedStrings(parsed.format.slice(head.length), parsed.args.slice(places));
  const args = compilePrintf(new Compiler(format, environment), rest.format, rest.args);
  // The print fmt of an event probe has no place; the kernel prints the event that it is attached to.
  if (places === 0) {
    const target = environment.probedEvent?.(format.system, format.name);
    return target === undefined ? args : (r) => `(${target})${args(r)}`;
  }

  const field = (name: string) => {
    const found = format.fields.find((one) => one.name === name);
    if (found === undefined) throw new PrintFormatError(`a probe without ${name}`);
    return fieldReader(found.offset, found.size, false);
  };
  const withOffset = placePrinter(environment, 'S');
  if (places === 1) {
    const ip = field('__probe_ip');
    return (r) => `(${withOffset(ip(r))})${args(r)}`;
  }
  const func = field('__probe_func');
  const returns = field('__probe_ret_ip');
  const plain = placePrinter(environment, 's');
  return (r) => `(${withOffset(returns(r))} <- ${plain(func(r))})${args(r)}`;
}

/** An address: of the kernel (upper half of the address space) as a symbol, of a program as a number. */
function placePrinter(environment: TextEnvironment, extension: string): (address: Integer) => string {
  const symbol = symbolPrinter(environment, extension);
  return (address) => {
    // A kernel address is no safe integer, so it comes as a bigint; no program's address does.
    if (typeof address === 'number') return address === 0 ? '0' : `0x${address.toString(16)}`;
    return symbol(address);
  };
}

/** `"%s"` becomes `%s` of a helper that adds the quotes, so that an unreadable string can go without them. */
function quotedStrings(format: string, args: readonly Node[]): { format: string; args: readonly Node[] } {
  const changed = [...args];
  let index = 0;
  const text = format.replace(/"%s"|%(?:%|[-+ #0-9.]*[a-zA-Z]+)/g, (directive) => {
    if (directive === '%%') return directive;
    if (directive === '"%s"') {
      const node = changed[index++];
      if (node?.kind === 'call') changed[index - 1] = { kind: 'call', name: '(probe string)', args: node.args };
      return '%s';
    }
    index++;
    return directive;
  });
  return { format: text, args: changed };
}
