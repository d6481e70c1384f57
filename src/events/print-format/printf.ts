// The kernel's printf (lib/vsprintf.c): splits a format string into literals and directives, and formats numbers and
// strings as its number() and string() do. The extensions of %p are in pointers.ts.

import { convert, type Integer } from './integers.js';

/** One directive of a format string. */
export interface Directive {
  /** d, u, x, X, o, c, s, p; `%` is a literal already. */
  readonly conversion: 'd' | 'u' | 'x' | 'X' | 'o' | 'c' | 's' | 'p';
  /** Bytes of an integer argument, from the length modifier. */
  readonly size: number;
  readonly left: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly special: boolean;
  readonly zero: boolean;
  /** `*`: taken from the arguments. */
  readonly width: number | '*' | undefined;
  readonly precision: number | '*' | undefined;
  /** After %p: the letters and digits behind it. */
  readonly extension: string;
}

export type Piece = string | Directive;

const DIRECTIVE = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(hh|h|ll|l|L|q|z|Z|t|j)?([a-zA-Z%])/y;

/** Splits a format string. A `%` that begins nothing known is literal, as vsnprintf leaves it. `longSize`: bytes of a long. */
export function parseFormatString(text: string, longSize: number): Piece[] {
  const pieces: Piece[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    if (percent < 0) break;
    literal += text.slice(at, percent);
    DIRECTIVE.lastIndex = percent;
    const found = DIRECTIVE.exec(text);
    if (found === null) {
      literal += '%';
      at = percent + 1;
      continue;
    }
    at = DIRECTIVE.lastIndex;
    const letter = found[5]!;
    if (letter === '%') {
      literal += '%';
      continue;
    }
    const conversion = letter === 'i' ? 'd' : letter;
    if (!'duxXocsp'.includes(conversion)) {
      literal += found[0];
      continue;
    }
    let extension = '';
    if (conversion === 'p') {
      const rest = /^[A-Za-z0-9]*/.exec(text.slice(at))!;
      extension = rest[0];
      at += extension.length;
    }
    if (literal !== '') pieces.push(literal);
    literal = '';
    const flags = found[1]!;
    pieces.push({
      conversion: conversion as Directive['conversion'],
      size: modifierSize(found[4], longSize),
      left: flags.includes('-'),
      plus: flags.includes('+'),
      space: flags.includes(' '),
      special: flags.includes('#'),
      zero: flags.includes('0'),
      width: found[2] === undefined ? undefined : found[2] === '*' ? '*' : Number(found[2]),
      // A point without digits is precision 0.
      precision: /\.(?:[^*\d-]|$)/.test(found[0]) ? 0 : number(found[3]),
      extension,
    });
  }
  literal += text.slice(at);
  if (literal !== '') pieces.push(literal);
  return pieces;
}

function number(text: string | undefined): number | '*' | undefined {
  if (text === undefined) return undefined;
  return text === '*' ? '*' : Math.max(Number(text), 0);
}

function modifierSize(modifier: string | undefined, longSize: number): number {
  switch (modifier) {
    case 'hh':
      return 1;
    case 'h':
      return 2;
    case 'l':
    case 'z':
    case 'Z':
    case 't':
      return longSize;
    case 'll':
    case 'L':
    case 'q':
    case 'j':
      return 8;
    default:
      return 4;
  }
}

/** Width and precision of a directive with its `*` filled in. */
export interface Field {
  readonly left: boolean;
  readonly width: number;
  readonly precision: number;
}

/** Pads text to a width with spaces. */
export function pad(text: string, width: number, left: boolean): string {
  if (text.length >= width) return text;
  return left ? text.padEnd(width) : text.padStart(width);
}

/** A formatter for an integer directive whose width and precision are fixed. The value is converted to the directive's type. */
export function integerFormatter(directive: Directive): (value: Integer) => string {
  const { conversion, size } = directive;
  const signed = conversion === 'd';
  const plain =
    directive.width === undefined &&
    directive.precision === undefined &&
    !directive.special &&
    !directive.plus &&
    !directive.space;
  if (plain) {
    const radix = conversion === 'o' ? 8 : conversion === 'x' || conversion === 'X' ? 16 : 10;
    if (conversion === 'X') return (value) => convert(value, size, false).toString(16).toUpperCase();
    if (radix === 10) return (value) => `${convert(value, size, signed)}`;
    return (value) => convert(value, size, false).toString(radix);
  }
  return (value) =>
    formatInteger(
      value,
      directive,
      directive.width === '*' ? 0 : (directive.width ?? 0),
      directive.precision === '*' ? -1 : (directive.precision ?? -1),
      directive.left,
    );
}

/** An integer as number() of lib/vsprintf.c lays it out. `precision` -1: none. */
export function formatInteger(
  value: Integer,
  directive: Directive,
  width: number,
  precision: number,
  left: boolean,
): string {
  const { conversion, size } = directive;
  let converted = convert(value, size, conversion === 'd');
  let sign = '';
  if (conversion === 'd') {
    if (converted < 0) {
      sign = '-';
      converted = -converted;
    } else if (directive.plus) sign = '+';
    else if (directive.space) sign = ' ';
  }
  const radix = conversion === 'o' ? 8 : conversion === 'x' || conversion === 'X' ? 16 : 10;
  let digits = converted.toString(radix);
  if (conversion === 'X') digits = digits.toUpperCase();
  let prefix = '';
  if (directive.special) {
    if (radix === 16) prefix = conversion === 'X' ? '0X' : '0x';
    else if (radix === 8 && digits !== '0') prefix = '0';
  }
  digits = digits.padStart(precision, '0');
  const head = sign + prefix;
  const missing = width - head.length - digits.length;
  if (missing <= 0) return head + digits;
  if (left) return head + digits + ' '.repeat(missing);
  return directive.zero ? head + '0'.repeat(missing) + digits : ' '.repeat(missing) + head + digits;
}

/** A character directive. */
export function formatCharacter(value: Integer, width: number, left: boolean): string {
  return pad(String.fromCharCode(convert(value, 1, false) as number), width, left);
}

/** A string directive: at most `precision` bytes (-1: all), padded. */
export function formatString(text: string, width: number, precision: number, left: boolean): string {
  return pad(precision >= 0 && text.length > precision ? text.slice(0, precision) : text, width, left);
}
