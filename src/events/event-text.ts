// The text of an event: what the kernel's `trace` file prints for its record after the time stamp, byte for byte, with
// pointers plain instead of hashed. Compiled once per event; ordinary events by their print fmt, system calls, probes and
// the tracers' own records as the kernel's printers for them do.

import { isText } from './field-layout.js';
import type { EventField, EventFormat } from './format.js';
import { compileFtraceText } from './ftrace-text.js';
import { PrintFormatError } from './print-format/parser.js';
import { integerAt, RecordReader } from './print-format/reader.js';
import { compilePrintFormat } from './print-format/text.js';
import { compileProbeText, isProbe } from './probe-text.js';
import { compileSyscallText, isSyscall } from './syscall-text.js';
import type { TextEnvironment } from './text-environment.js';

/**
 * Text of the record of `length` bytes at `address` in `memory`; a byte string without the newline that ends its line. `name` stands at
 * its start instead of the event's name.
 */
export type EventText = (memory: Uint8Array, address: number, length: number, name?: string) => string;

/** How the text of an event is made. */
export interface CompiledEventText {
  readonly text: EventText;
  /** Why the print fmt could not be used: the text lists the fields as name=value then. */
  readonly fallback: string | undefined;
}

/** Compiles the text of an event. Never throws: what is not understood falls back to the fields. */
export function compileEventText(format: EventFormat, environment: TextEnvironment): EventText {
  return compileEventTextWithReason(format, environment).text;
}

/** As compileEventText, and tells whether and why the text is the fallback. */
export function compileEventTextWithReason(format: EventFormat, environment: TextEnvironment): CompiledEventText {
  let print: (reader: RecordReader) => string;
  let fallback: string | undefined;
  try {
    print = compileKind(format, environment);
  } catch (error) {
    if (!(error instanceof PrintFormatError)) throw error;
    fallback = error.message;
    print = named(listFields(format));
  }
  const reader = new RecordReader();
  const ownLine = format.system === 'ftrace';
  const text: EventText = (memory, address, length, name = format.name) => {
    reader.set(memory, address, length);
    reader.name = name;
    let line: string;
    try {
      line = print(reader);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // A damaged record of a recording, whose offsets lead out of memory.
      return `${name}: (damaged record)`;
    }
    // Records of trace_marker bring the newline that ends their line; one at the end of a print fmt is one more.
    return ownLine && line.charCodeAt(line.length - 1) === 10 ? line.slice(0, -1) : line;
  };
  return { text, fallback };
}

function compileKind(format: EventFormat, environment: TextEnvironment): (reader: RecordReader) => string {
  if (isSyscall(format)) return compileSyscallText(format, environment);
  if (format.system === 'ftrace') {
    const text = compileFtraceText(format, environment);
    if (text !== undefined) return text;
  }
  if (isProbe(format, environment)) return named(compileProbeText(format, environment));
  return named(compilePrintFormat(format, environment));
}

function named(text: (reader: RecordReader) => string): (reader: RecordReader) => string {
  return (reader) => `${reader.name}: ${text(reader)}`;
}

/** `name=value …` of the event's own fields, where there is nothing better. */
function listFields(format: EventFormat): (reader: RecordReader) => string {
  const printers = format.fields
    .filter((field) => !field.common)
    .map((field) => [field.name, fieldText(field)] as const);
  return (reader) => printers.map(([name, text]) => `${name}=${text(reader)}`).join(' ');
}

function fieldText(field: EventField): (reader: RecordReader) => string {
  const { offset, size, signed } = field;
  if (field.dynamic !== undefined) {
    const from = field.dynamic === 'rel_loc' ? offset + 4 : 0;
    return (r) => {
      const at = r.base + from + r.view.getUint16(r.base + offset, true);
      const length = r.view.getUint16(r.base + offset + 2, true);
      return isText(field) ? `"${r.text(at, length)}"` : bytesText(r, at, length);
    };
  }
  if (isText(field)) return (r) => `"${r.text(r.base + offset, size > 0 ? size : r.length - offset)}"`;
  if (field.arrayLength !== undefined || ![1, 2, 4, 8].includes(size))
    return (r) => bytesText(r, r.base + offset, size);
  if (field.type.includes('*')) return (r) => `0x${integerAt(r, r.base + offset, size, false).toString(16)}`;
  return (r) => `${integerAt(r, r.base + offset, size, signed)}`;
}

function bytesText(reader: RecordReader, at: number, length: number): string {
  return Array.from(reader.memory.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
