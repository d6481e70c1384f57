// Texts of system calls as the kernel's own printers make them (kernel/trace/trace_syscalls.c), which the print fmt of
// these events does not describe:
//
//     sys_read(fd: 3, buf: 7ffd3c1a2b40, count: 340)             up to 6.17
//     sys_read(fd: 3, buf: 0x7ffd3c1a2b40, count: 0x340)         from 6.18: 0x from ten on
//     sys_openat(…, filename: 0x7f… "/etc/passwd", …)            from 6.19: strings and buffers travel with the event
//     sys_read -> 0x340

import type { EventField, EventFormat } from './format.js';
import { fieldReader, type RecordReader } from './print-format/reader.js';
import type { TextEnvironment } from './text-environment.js';

type Printer = (reader: RecordReader) => string;

/** The event is printed by a system-call printer. */
export function isSyscall(format: EventFormat): boolean {
  return format.system === 'syscalls' && /^sys_(?:enter|exit)_/.test(format.name);
}

/** Compiles the text of a system call's entry or exit. */
export function compileSyscallText(format: EventFormat, environment: TextEnvironment): Printer {
  const name = format.name.replace(/^sys_(?:enter|exit)_/, 'sys_');
  if (format.name.startsWith('sys_exit_')) {
    const field = format.fields.find((one) => one.name === 'ret');
    if (field === undefined) return () => name;
    const value = fieldReader(field.offset, field.size, false);
    return (r) => `${name} -> 0x${value(r).toString(16)}`;
  }

  const marked = hasHexadecimalMark(environment.kernelVersion);
  const own = format.fields.filter((field) => !field.common && field.name !== '__syscall_nr' && field.name !== 'nr');
  const copies = new Map(own.filter((field) => field.dynamic !== undefined).map((field) => [field.name, field]));
  const registers = own.filter((field) => field.dynamic === undefined);
  const printers = registers.map((field): Printer => {
    const value = fieldReader(field.offset, field.size, false);
    const copy = copies.get(`__${field.name}_val`);
    const data = copy === undefined ? undefined : copiedData(format, field, copy, registers);
    const label = `${field.name}: `;
    if (data !== undefined) return (r) => `${label}${register(value(r), marked)}${data(r)}`;
    return (r) => label + register(value(r), marked);
  });
  const count = printers.length;
  return (r) => {
    let text = `${name}(`;
    for (let i = 0; i < count; i++) text += i === 0 ? printers[i]!(r) : `, ${printers[i]!(r)}`;
    return `${text})`;
  };
}

function register(value: number | bigint, marked: boolean): string {
  if (!marked) return value.toString(16);
  return value < 10 ? `${value}` : `0x${value.toString(16)}`;
}

/** From 6.18 on, values of ten and more are marked with 0x. */
function hasHexadecimalMark(version: string | undefined): boolean {
  const found = /^(\d+)\.(\d+)/.exec(version ?? '');
  if (found === null) return true;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major > 6 || (major === 6 && minor >= 18);
}

/** User memory that was copied into the record: a string in quotes, or bytes in parentheses. */
function copiedData(
  format: EventFormat,
  field: EventField,
  copy: EventField,
  registers: readonly EventField[],
): Printer {
  const isText = new RegExp(`__get_str\\(${copy.name}\\)`).test(format.printFormat);
  const at = (r: RecordReader) => r.base + r.view.getUint16(r.base + copy.offset, true);
  const size = (r: RecordReader) => r.view.getUint16(r.base + copy.offset + 2, true);
  if (isText) return (r) => ` "${r.text(at(r), size(r))}"`;
  // The length that the caller gave stands in the register behind the buffer.
  const next = registers[registers.indexOf(field) + 1];
  const given = next === undefined ? undefined : fieldReader(next.offset, 4, true);
  return (r) => {
    const start = at(r);
    const bytes = Array.from(r.memory.subarray(start, start + size(r)), (byte) => byte.toString(16).padStart(2, '0'));
    const more = given !== undefined && bytes.length < Number(given(r)) ? ', ...' : '';
    return ` (${bytes.join(':')}${more})`;
  };
}
