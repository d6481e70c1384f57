// What scripts see of an event's fields: which of them are `arg1`, `arg2`…, which can be named, and how the interpreter
// reads each from a record (FieldLayout of engine.ts).

import type { EventLayout, FieldLayout } from '../engine/engine.js';
import { FieldKind } from '../engine/layout.js';
import { scalarType } from './c-types.js';
import type { EventField, EventFormat } from './format.js';

/** Copies of user memory behind the registers (kernels from 6.19 on, `__filename_val`): no arguments of the call, but they can be named. */
const SYSCALL_DATA = /^__.*_val$/;

/**
 * The layout of an event. `args`: the fields without the common ones, in the order of the format file. `named`: all
 * fields, the common ones included. `name` is what argname gives; the event's own name unless a provider shows another one.
 */
export function eventLayout(format: EventFormat, name = format.name): EventLayout {
  const syscall = isSyscallEnter(format);
  const named = format.fields.map((field) => (syscall ? syscallField(field) : fieldLayout(field)));
  const args = named.filter((layout, index) => {
    const field = format.fields[index]!;
    return !field.common && !(syscall && SYSCALL_DATA.test(layout.name));
  });
  return { name, args, named };
}

/** The event is the entry of a system call: its fields from the second on are registers. */
export function isSyscallEnter(format: EventFormat): boolean {
  return format.system === 'syscalls' && format.name.startsWith('sys_enter');
}

/** How a field of an ordinary record is read. */
export function fieldLayout(field: EventField): FieldLayout {
  return { name: field.name, kind: kindOf(field), offset: field.offset, size: field.size, signed: field.signed };
}

/** The field holds characters: a fixed or dynamic array of plain char. */
export function isText(field: EventField): boolean {
  if (field.dynamic !== undefined) return /^__(?:data|rel)_loc (?:const )?char ?\[\]$/.test(field.type);
  return field.arrayLength !== undefined && /^(?:const )?char$/.test(field.type);
}

function kindOf(field: EventField): number {
  if (field.dynamic !== undefined) {
    if (!isText(field)) return FieldKind.NIL;
    return field.dynamic === 'data_loc' ? FieldKind.DATA_LOC : FieldKind.REL_LOC;
  }
  if (field.arrayLength !== undefined) {
    if (!isText(field)) return FieldKind.NIL;
    // `char buf[]`: text up to the end of the record, whose length only the host knows.
    return field.size > 0 ? FieldKind.CHARS : FieldKind.HOST;
  }
  if (field.size !== 1 && field.size !== 2 && field.size !== 4 && field.size !== 8) return FieldKind.NIL;
  if (/^(?:const )?(?:struct|union) [^*]*$/.test(field.type)) return FieldKind.NIL;
  return FieldKind.INTEGER;
}

/**
 * A field of a system call's entry. The record holds whole registers and says `signed:0` for all of them; the value that
 * the call itself sees is the low part, as long as the declared C type and with its sign.
 */
function syscallField(field: EventField): FieldLayout {
  if (field.common || field.name === '__syscall_nr' || field.name === 'nr' || field.dynamic !== undefined)
    return fieldLayout(field);
  const type = scalarType(field.type, field.size);
  if (type === undefined || type.size > field.size) return fieldLayout(field);
  return { name: field.name, kind: FieldKind.INTEGER, offset: field.offset, size: type.size, signed: type.signed };
}

/**
 * Reads a field of FieldKind.HOST, for EngineHost.eventField: text that runs to the end of the record, up to its first
 * NUL. `address` and `length` are the record's place in memory. The answer is a byte string.
 */
export function readHostField(layout: FieldLayout, memory: Uint8Array, address: number, length: number): string {
  const end = address + length;
  let text = '';
  for (let at = address + layout.offset; at < end; at++) {
    const byte = memory[at]!;
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}
