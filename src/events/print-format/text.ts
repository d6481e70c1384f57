// printf over compiled expressions: one closure a directive, made once per event.

import { scalarType } from '../c-types.js';
import type { EventFormat } from '../format.js';
import type { SymbolPlace, TextEnvironment } from '../text-environment.js';
import { Compiler } from './compiler.js';
import { converted, type Expression, fits } from './expression.js';
import type { Integer } from './integers.js';
import { type Node, PrintFormatError, parsePrintFormat } from './parser.js';
import { errorPointer, formatBytes, plainPointer, readsMemory } from './pointers.js';
import {
  type Directive,
  formatCharacter,
  formatInteger,
  formatString,
  integerFormatter,
  pad,
  parseFormatString,
} from './printf.js';
import type { RecordReader } from './reader.js';

type Printer = (reader: RecordReader) => string;

/** Compiles the print fmt of an event. Throws PrintFormatError where it is not understood. */
export function compilePrintFormat(format: EventFormat, environment: TextEnvironment): Printer {
  const parsed = parsePrintFormat(format.printFormat, (name) => scalarType(name) !== undefined);
  return compilePrintf(new Compiler(format, environment), parsed.format, parsed.args);
}

/** Compiles a printf call. */
export function compilePrintf(compiler: Compiler, format: string, args: readonly Node[]): Printer {
  const printers: Printer[] = [];
  // literals[i] comes before printers[i].
  const literals: string[] = [];
  let literal = '';
  let next = 0;
  const take = (): Expression => {
    const node = args[next++];
    if (node === undefined) throw new PrintFormatError('fewer arguments than directives');
    return compiler.compile(node);
  };
  for (const piece of parseFormatString(format, compiler.longSize)) {
    if (typeof piece === 'string') {
      literal += piece;
      continue;
    }
    literals.push(literal);
    literal = '';
    const width = piece.width === '*' ? star(take()) : undefined;
    const precision = piece.precision === '*' ? star(take()) : undefined;
    printers.push(compileDirective(compiler, piece, width, precision, take()));
  }
  const tail = literal;
  const count = printers.length;
  return (reader) => {
    let text = '';
    for (let i = 0; i < count; i++) text += literals[i]! + printers[i]!(reader);
    return text + tail;
  };
}

type Star = (reader: RecordReader) => number;

function star(expression: Expression): Star {
  return converted(expression, 4, true) as Star;
}

function compileDirective(
  compiler: Compiler,
  directive: Directive,
  width: Star | undefined,
  precision: Star | undefined,
  argument: Expression,
): Printer {
  const fixedWidth = typeof directive.width === 'number' ? directive.width : 0;
  const fixedPrecision = typeof directive.precision === 'number' ? directive.precision : -1;
  switch (directive.conversion) {
    case 's': {
      const text = compiler.text(argument);
      if (width === undefined && precision === undefined) {
        if (fixedWidth === 0 && fixedPrecision < 0) return text;
        return (r) => formatString(text(r), fixedWidth, fixedPrecision, directive.left);
      }
      return (r) => {
        const columns = width?.(r) ?? fixedWidth;
        // As in C: a negative width means left, a negative precision none. vsnprintf clamps the latter to 0.
        const limit = precision === undefined ? fixedPrecision : Math.max(precision(r), 0);
        return formatString(text(r), Math.abs(columns), limit, directive.left || columns < 0);
      };
    }
    case 'c': {
      const value = converted(argument, 1, false);
      return (r) => formatCharacter(value(r), width?.(r) ?? fixedWidth, directive.left);
    }
    case 'p':
      return pointerPrinter(compiler, directive, width, argument);
    default: {
      const { size } = directive;
      const signed = directive.conversion === 'd';
      const value = argument.value;
      if (width !== undefined || precision !== undefined)
        return (r) => {
          const columns = width?.(r) ?? fixedWidth;
          const digits = precision === undefined ? fixedPrecision : Math.max(precision(r), 0);
          return formatInteger(value(r), directive, Math.abs(columns), digits, directive.left || columns < 0);
        };
      const simple =
        directive.width === undefined &&
        directive.precision === undefined &&
        !directive.special &&
        !directive.plus &&
        !directive.space;
      // The hot case: no layout, no conversion.
      if (simple && fits(argument.type, size, signed)) {
        if (directive.conversion === 'x') return (r) => value(r).toString(16);
        if (directive.conversion === 'd' || directive.conversion === 'u') return (r) => `${value(r)}`;
      }
      const format = integerFormatter(directive);
      return (r) => format(value(r));
    }
  }
}

function pointerPrinter(
  compiler: Compiler,
  directive: Directive,
  width: Star | undefined,
  argument: Expression,
): Printer {
  const fixedWidth = typeof directive.width === 'number' ? directive.width : 0;
  const { extension, left } = directive;
  const { longSize } = compiler;
  const value = converted(argument, 8, false);
  if (/^[sSBfF]/.test(extension)) {
    const symbol = symbolPrinter(compiler.environment, extension);
    return (r) => pad(symbol(value(r)), fixedWidth, left);
  }
  const bytes = argument.bytes ?? argument.place;
  if (readsMemory(extension) && bytes !== undefined) {
    // For dumps the width is a length; for the others it pads.
    const measures = extension[0] === 'h' || extension[0] === 'b';
    return (r) => {
      const columns = width?.(r) ?? fixedWidth;
      const place = { at: bytes.at(r), size: bytes.size(r) };
      const text = formatBytes(extension, r, place, columns) ?? plainPointer(0, 0, longSize);
      return measures ? text : pad(text, columns, left);
    };
  }
  if (extension[0] === 'e')
    return (r) => pad(errorPointer(value(r)) ?? plainPointer(value(r), 0, longSize), fixedWidth, left);
  return (r) => plainPointer(value(r), fixedWidth, longSize);
}

/** %ps %pS %pB and the old %pf %pF: the symbol of an address; the number where there is none. */
export function symbolPrinter(environment: TextEnvironment, extension: string): (address: Integer) => string {
  const back = extension[0] === 'B' ? 1n : 0n;
  const withOffset = extension[0] !== 's' && extension[0] !== 'f';
  const texts = new Map<Integer, string>();
  return (address) => {
    let text = texts.get(address);
    if (text === undefined) {
      const exact = BigInt(address);
      const place = exact === 0n && back === 1n ? undefined : environment.placeAt?.(exact - back);
      text = place === undefined ? `0x${exact.toString(16)}` : symbolText(place, Number(back), withOffset);
      // Addresses of an event are few; if they are not (jump targets of a JIT), the memory stays bounded.
      if (texts.size >= 4096) texts.clear();
      texts.set(address, text);
    }
    return text;
  };
}

/** `name+0x10/0x40 [module]`. */
export function symbolText(place: SymbolPlace, add: number, withOffset: boolean): string {
  const offset = withOffset ? `+0x${(place.offset + add).toString(16)}/0x${place.size.toString(16)}` : '';
  return place.name + offset + (place.module === undefined ? '' : ` [${place.module}]`);
}
