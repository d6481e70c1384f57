// Numbers and strings as they are written in a script. The functions read one literal from an offset on and give its
// value and end; what is wrong with one is an error here.

import { isBlank, isDigit, isHexDigit, isWordCharacter } from './characters.js';
import { errorAt, type Source } from './diagnostics.js';

/** A literal's value and the offset behind it. */
export interface IntegerLiteral {
  readonly value: bigint;
  readonly end: number;
  /** A decimal literal above 2^63 - 1: `value` is 2^63 - 1, but after a minus it is -2^63. */
  readonly saturated: boolean;
}

const LARGEST = 0x7fffffffffffffffn;
/** Decimal literals up to this many digits are safe integers. */
const SAFE_DIGITS = 15;

/**
 * Reads the number at `start`, where a digit stands. Decimal literals saturate, hexadecimal and octal ones wrap to 64
 * bits.
 */
export function readInteger(source: Source, start: number): IntegerLiteral {
  const text = source.text;
  let end = start;
  const isHexadecimal = text.charCodeAt(start) === 0x30 && (text.charCodeAt(start + 1) | 0x20) === 0x78;
  if (isHexadecimal) {
    end += 2;
    while (isHexDigit(text.charCodeAt(end))) end++;
    if (end === start + 2) throw malformedNumber(source, start);
  } else {
    while (isDigit(text.charCodeAt(end))) end++;
  }
  const next = text.charCodeAt(end);
  if (isWordCharacter(next) || next === 0x2e) throw malformedNumber(source, start);

  const digits = end - start;
  const isOctal = !isHexadecimal && digits > 1 && text.charCodeAt(start) === 0x30;
  if (isOctal) return { value: wrapOctal(source, start, end), end, saturated: false };
  if (isHexadecimal) return { value: BigInt.asIntN(64, BigInt(text.slice(start, end))), end, saturated: false };
  if (digits <= SAFE_DIGITS) {
    let value = 0;
    for (let index = start; index < end; index++) value = value * 10 + text.charCodeAt(index) - 0x30;
    return { value: BigInt(value), end, saturated: false };
  }
  // Twenty digits are always above 2^63: BigInt need not read a literal of a million digits.
  const value = digits > 19 ? LARGEST + 1n : BigInt(text.slice(start, end));
  const saturated = value > LARGEST;
  return { value: saturated ? LARGEST : value, end, saturated };
}

function wrapOctal(source: Source, start: number, end: number): bigint {
  for (let index = start; index < end; index++) {
    if (source.text.charCodeAt(index) > 0x37) {
      throw errorAt(
        source,
        { start, end },
        `digit ${source.text[index]} in an octal number`,
        `a leading 0 makes a number octal; write ${source.text.slice(start, end).replace(/^0+(?=.)/, '')} for the decimal one`,
      );
    }
  }
  return BigInt.asIntN(64, BigInt(`0o${source.text.slice(start, end)}`));
}

/** Longest part of a wrong literal that is repeated in a message. */
const SHOWN_LITERAL = 40;

/** The error for what begins like a number and is none. */
export function malformedNumber(source: Source, start: number): Error {
  const text = source.text;
  let end = start;
  while (isWordCharacter(text.charCodeAt(end)) || text.charCodeAt(end) === 0x2e) end++;
  const isHexadecimal = /^0[xX]/.test(text.slice(start, start + 2));
  if (!isHexadecimal && /^[+-][0-9]/.test(text.slice(end, end + 2)) && /[0-9.][eE]$/.test(text.slice(end - 2, end))) {
    end++;
    while (isWordCharacter(text.charCodeAt(end))) end++;
  }
  const literal = text.slice(start, Math.min(end, start + SHOWN_LITERAL));
  const span = { start, end };
  const dots = literal.indexOf('..');
  if (dots > 0) {
    const hint = `put blanks round '..' to join values: ${literal.slice(0, dots)} .. ${literal.slice(dots).replace(/^\.+/, '')}`;
    return errorAt(source, span, `malformed number '${literal}'`, hint.trimEnd());
  }
  if (
    /^([0-9]*\.[0-9]*([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|0[xX][0-9a-fA-F]*\.[0-9a-fA-F]*([pP].*)?)$/.test(literal)
  ) {
    return errorAt(
      source,
      span,
      `'${literal}': ktap has no floating point`,
      'numbers are 64-bit integers; count in a smaller unit instead',
    );
  }
  let hint = 'a name cannot begin with a digit';
  if (/^(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]+$/.test(literal)) hint = 'numbers have no suffix, all of them are 64-bit';
  else if (/^0[xX]/.test(literal)) hint = 'after 0x come the digits 0-9 and a-f';
  else if (/^0[bBoO]/.test(literal)) hint = 'numbers are decimal, hexadecimal (0x1f) or octal (017)';
  else if (/^[0-9]+_/.test(literal)) hint = "write the digits without '_'";
  return errorAt(source, span, `malformed number '${literal}'`, hint);
}

/** A string's value and the offset behind it. */
export interface StringLiteral {
  readonly value: string;
  readonly end: number;
}

/** Reads the string in quotes at `start`, where its quote stands. */
export function readString(source: Source, start: number): StringLiteral {
  const text = source.text;
  const quote = text.charCodeAt(start);
  let value = '';
  let from = start + 1;
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === quote) return { value: value + text.slice(from, at), end: at + 1 };
    if (code === 0x5c) {
      value += text.slice(from, at);
      const escaped = readEscape(source, start, at);
      value += escaped.value;
      at = from = escaped.end;
    } else if (code === 0x0a || code === 0 || Number.isNaN(code)) {
      throw code === 0 ? nulByte(source, at) : unclosedString(source, start, at);
    } else {
      at++;
    }
  }
}

function unclosedString(source: Source, start: number, end: number): Error {
  const quote = source.text[start]!;
  const lineEnd = source.text[end - 1] === '\r' ? end - 1 : end;
  return errorAt(
    source,
    { start, end: lineEnd },
    `unclosed string: no ${quote} before the end of the ${end < source.text.length ? 'line' : 'script'}`,
    end < source.text.length ? 'a string over several lines is written [[...]]' : undefined,
  );
}

function nulByte(source: Source, at: number): Error {
  return errorAt(source, { start: at, end: at + 1 }, 'a NUL byte in a string', 'in quotes it is written \\0');
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '\n': '\n',
};

/** Reads the escape whose backslash stands at `at`, in the string that begins at `stringStart`. */
function readEscape(source: Source, stringStart: number, at: number): StringLiteral {
  const text = source.text;
  const letter = text[at + 1];
  if (letter === undefined) throw unclosedString(source, stringStart, at + 1);
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined) return { value: simple, end: at + 2 };
  if (letter === '\r' && text[at + 2] === '\n') return { value: '\n', end: at + 3 };
  if (letter === 'z') {
    let end = at + 2;
    while (isBlank(text.charCodeAt(end))) end++;
    return { value: '', end };
  }
  if (letter === 'x') {
    let end = at + 2;
    while (end < at + 4 && isHexDigit(text.charCodeAt(end))) end++;
    if (end < at + 4)
      throw errorAt(source, { start: at, end }, '\\x needs two hexadecimal digits', 'for instance \\x0a');
    return { value: String.fromCharCode(Number.parseInt(text.slice(at + 2, end), 16)), end };
  }
  if (isDigit(letter.charCodeAt(0))) {
    let end = at + 2;
    while (end < at + 4 && isDigit(text.charCodeAt(end))) end++;
    const code = Number(text.slice(at + 1, end));
    if (code > 255) {
      throw errorAt(source, { start: at, end }, `escape \\${code} is above 255`, 'the number is decimal, one byte');
    }
    return { value: String.fromCharCode(code), end };
  }
  const end = at + 1 + characterLength(text, at + 1);
  const shown = letter < ' ' ? `0x${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : text.slice(at + 1, end);
  throw errorAt(source, { start: at, end }, `unknown escape \\${shown} in a string`, 'write \\\\ for a backslash');
}

/** Number of bytes of the UTF-8 character at an offset; 1 where the bytes are none. */
export function characterLength(text: string, at: number): number {
  const first = text.charCodeAt(at);
  const length = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
  for (let index = 1; index < length; index++) {
    if ((text.charCodeAt(at + index) & 0xc0) !== 0x80) return 1;
  }
  return length;
}

/**
 * Level of the long bracket `[[`, `[=[`, … that opens at `start`, where a `[` stands: the number of its `=`;
 * -1 where none opens.
 */
export function longBracketLevel(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) === 0x3d) at++;
  return text.charCodeAt(at) === 0x5b ? at - start - 1 : -1;
}

/** Reads the long string of that level at `start`: no escapes, a first newline is dropped. */
export function readLongString(source: Source, start: number, level: number): StringLiteral {
  const text = source.text;
  const closing = `]${'='.repeat(level)}]`;
  let from = start + level + 2;
  const close = text.indexOf(closing, from);
  if (close < 0) {
    throw errorAt(
      source,
      { start, end: from },
      `unclosed long string: no ${closing} before the end of the script`,
      level === 0 ? "'[[' always opens a long string; write t[ [[s]] ] or t[(e)] to index by one" : undefined,
    );
  }
  if (text[from] === '\r' && text[from + 1] === '\n') from += 2;
  else if (text[from] === '\n') from++;
  const value = text.slice(from, close);
  const nul = value.indexOf('\0');
  if (nul >= 0) throw nulByte(source, from + nul);
  return { value, end: close + closing.length };
}
