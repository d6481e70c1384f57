// Parses an event's `format` file, from tracefs or from a recording, into an EventFormat (format.ts). It only splits the
// text; what a print fmt means is print-format/, what a field is for scripts field-layout.ts.
//
// The kernel writes (kernel/trace/trace_events.c, f_show):
//
//     name: sched_switch
//     ID: 372
//     format:
//     <TAB>field:unsigned short common_type;<TAB>offset:0;<TAB>size:2;<TAB>signed:0;
//     …                                        common fields first, then an empty line, then the event's own
//     <empty line>
//     print fmt: "prev_comm=%s …", REC->prev_comm, …
//
// A declaration is always TYPE NAME or TYPE NAME[N]; function pointers keep their whole type in front of the name.
// Dynamic arrays say `__data_loc TYPE[] NAME`; `__rel_loc` comes as `__rel_loc TYPE[] NAME` and `__rel_loc TYPE NAME[]`.
// Kernels before 2.6.37 have no `signed:`; the type tells it then.

import type { EventField, EventFormat } from './format.js';

/** A text that is not a format file. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/**
 * Parses the text of a format file (each char one byte). `system` is the folder that the event is in. Throws FormatError
 * where the text has no name, no id or a field without a place.
 */
export function parseFormat(text: string, system: string): EventFormat {
  const name = lineAfter(text, 'name: ');
  const id = Number.parseInt(lineAfter(text, 'ID: '), 10);
  if (name === '' || !Number.isInteger(id)) throw new FormatError(`no name or no ID in the format file of ${system}`);

  const printAt = text.indexOf('\nprint fmt: ');
  const fieldsEnd = printAt < 0 ? text.length : printAt;
  const fields: EventField[] = [];
  let at = text.indexOf('\n\tfield', 0);
  while (at >= 0 && at < fieldsEnd) {
    // `field:`, or `field special:` in old kernels.
    const start = text.indexOf(':', at + 7) + 1;
    const end = text.indexOf('\n', start);
    fields.push(parseField(text, start, end < 0 ? fieldsEnd : end, name));
    at = text.indexOf('\n\tfield', start);
  }

  return { system, name, id, fields, printFormat: printAt < 0 ? '' : text.slice(printAt + 12).trimEnd() };
}

/** The rest of the line that begins with `label`, or ''. */
function lineAfter(text: string, label: string): string {
  let at = text.startsWith(label) ? 0 : text.indexOf(`\n${label}`);
  if (at < 0) return '';
  at += at === 0 && text.startsWith(label) ? label.length : label.length + 1;
  const end = text.indexOf('\n', at);
  return text.slice(at, end < 0 ? text.length : end).trim();
}

/** The decimal number after `label` between `from` and `end`; undefined where the label is not there. */
function numberAfter(text: string, label: string, from: number, end: number): number | undefined {
  const at = text.indexOf(label, from);
  if (at < 0 || at >= end) return undefined;
  let value = 0;
  for (let i = at + label.length; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function isWordChar(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;
}

/** One field line: the declaration from `start`, then offset, size and signedness up to `end`. */
function parseField(text: string, start: number, end: number, event: string): EventField {
  const declarationEnd = text.indexOf(';\toffset:', start);
  if (declarationEnd < 0 || declarationEnd > end) throw new FormatError(`a field of ${event} has no offset`);
  const offset = numberAfter(text, '\toffset:', declarationEnd, end)!;
  const size = numberAfter(text, '\tsize:', declarationEnd, end);
  if (size === undefined) throw new FormatError(`a field of ${event} has no size`);
  const signed = numberAfter(text, '\tsigned:', declarationEnd, end);

  // The name is the last word; array brackets and a bit width may follow it.
  let nameEnd = declarationEnd;
  let arrayLength: number | undefined;
  while (nameEnd > start) {
    const last = text.charCodeAt(nameEnd - 1);
    if (last === 93 /* ] */) {
      const open = text.lastIndexOf('[', nameEnd - 1);
      if (open <= start) throw new FormatError(`a field of ${event} has an unpaired bracket`);
      // A length that is no number (an enumerator's name that the kernel left) is told by the size below.
      const length = open === nameEnd - 2 ? 0 : Number(text.slice(open + 1, nameEnd - 1));
      arrayLength = (arrayLength ?? 1) * (Number.isNaN(length) ? 0 : length);
      nameEnd = open;
    } else if (last === 32) {
      nameEnd--;
    } else {
      break;
    }
  }
  let nameStart = nameEnd;
  while (nameStart > start && isWordChar(text.charCodeAt(nameStart - 1))) nameStart--;
  const name = text.slice(nameStart, nameEnd);
  let type = text.slice(start, nameStart).trim();

  let dynamic: 'data_loc' | 'rel_loc' | undefined;
  if (type.startsWith('__data_loc ')) dynamic = 'data_loc';
  else if (type.startsWith('__rel_loc ')) dynamic = 'rel_loc';
  if (dynamic !== undefined) {
    if (arrayLength !== undefined && !type.endsWith(']')) type += '[]';
    arrayLength = undefined;
  }

  return {
    name,
    type,
    offset,
    size,
    signed: signed === undefined ? !/^(unsigned|u\d|bool|char)|\*|^__u\d|_t$/.test(type) : signed !== 0,
    common: name.startsWith('common_'),
    ...(arrayLength === undefined ? {} : { arrayLength }),
    ...(dynamic === undefined ? {} : { dynamic }),
  };
}
