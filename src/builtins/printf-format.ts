// Formats of printf: `%d %i %u %x %X %o %c %s %p %%` with the flags `- + space # 0`, width, precision and `*`. Lengths
// (`l ll h hh z j t L q`) are read and ignored: every integer has 64 bits here.

import { type Integer, ScriptError, type Value } from '../engine/values.js';
import { addressText, formatValue, type SymbolSource, typeName } from './format-value.js';
import { toUnsigned } from './integers.js';

/** One `%…` of a format. */
interface Conversion {
  /** As written, for messages: `%-5ld`. */
  readonly text: string;
  readonly letter: string;
  readonly left: boolean;
  readonly sign: '' | '+' | ' ';
  readonly alternate: boolean;
  readonly zero: boolean;
  /** Columns; ASTERISK: an argument tells. */
  readonly width: number;
  /** Digits or bytes; NONE if there is none; ASTERISK. */
  readonly precision: number;
  /** Without flags, width and precision. */
  readonly plain: boolean;
}

type Segment = string | Conversion;

const NONE = -1;
const ASTERISK = -2;
/** Beyond this a width is a mistake, and would fill the memory. */
const LARGEST_WIDTH = 65_535;

/** Formats that have been parsed. A script has few; one that makes formats at run time must not fill the memory. */
const parsed = new Map<string, readonly Segment[]>();
const MOST_PARSED = 512;

/**
 * Text of `printf(format, …values)`, a byte string. Throws ScriptError for a format that is wrong, a value of the wrong
 * type and a missing one; arguments are numbered as the script's, the format being the first.
 */
export function formatPrintf(format: string, values: readonly Value[], symbols: SymbolSource): string {
  let segments = parsed.get(format);
  if (segments === undefined) {
    segments = parseFormat(format);
    if (parsed.size >= MOST_PARSED) parsed.clear();
    parsed.set(format, segments);
  }
  let text = '';
  let next = 0;
  for (const segment of segments) {
    if (typeof segment === 'string') {
      text += segment;
      continue;
    }
    let { width, precision, left } = segment;
    if (width === ASTERISK) {
      width = asteriskValue(values, next++, segment);
      if (width < 0) {
        left = true;
        width = -width;
      }
    }
    if (precision === ASTERISK) precision = Math.max(NONE, asteriskValue(values, next++, segment));
    if (next >= values.length)
      throw new ScriptError(`bad argument ${next + 2} of printf: a value expected for ${segment.text}, got none`);
    const value = values[next++];
    if (
      segment.plain &&
      typeof value === 'number' &&
      (segment.letter === 'd' || (segment.letter === 'u' && value >= 0))
    )
      text += value;
    else if (segment.plain && segment.letter === 's') text += formatValue(value, symbols);
    else text += convert(segment, value, next + 1, width, precision, left, symbols);
  }
  return text;
}

function asteriskValue(values: readonly Value[], index: number, conversion: Conversion): number {
  const value = values[index];
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new ScriptError(
      `bad argument ${index + 2} of printf: number expected for the * of ${conversion.text}, got ${
        index < values.length ? typeName(value) : 'none'
      }`,
    );
  if (value > LARGEST_WIDTH || value < -LARGEST_WIDTH)
    throw new ScriptError(
      `bad argument ${index + 2} of printf: ${value} for the * of ${conversion.text} is over ${LARGEST_WIDTH}`,
    );
  return Number(value);
}

function convert(
  conversion: Conversion,
  value: Value,
  argument: number,
  width: number,
  precision: number,
  left: boolean,
  symbols: SymbolSource,
): string {
  const { letter } = conversion;
  if (letter === 's') {
    const whole = formatValue(value, symbols);
    return pad(precision >= 0 ? whole.slice(0, precision) : whole, width, left);
  }
  // An event may lack a field: that shows as nil and does not end a trace.
  if (value === undefined) return pad('nil', width, left);
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new ScriptError(
      `bad argument ${argument} of printf: number expected for ${conversion.text}, got ${typeName(value)}`,
    );
  if (letter === 'c') return pad(String.fromCharCode(Number(BigInt.asUintN(8, BigInt(value)))), width, left);
  if (letter === 'p') return pad(addressText(value, symbols), width, left);
  return formatInteger(conversion, value, width, precision, left);
}

function formatInteger(
  conversion: Conversion,
  value: Integer,
  width: number,
  precision: number,
  left: boolean,
): string {
  let prefix = '';
  let digits: string;
  switch (conversion.letter) {
    case 'd':
      prefix = value < 0 ? '-' : conversion.sign;
      digits = value < 0 ? String(value).slice(1) : String(value);
      break;
    case 'u':
      digits = String(toUnsigned(value));
      break;
    case 'o':
      digits = toUnsigned(value).toString(8);
      break;
    default:
      digits = toUnsigned(value).toString(16);
      if (conversion.letter === 'X') digits = digits.toUpperCase();
      if (conversion.alternate && value !== 0) prefix = `0${conversion.letter}`;
  }
  if (precision === 0 && value === 0) digits = '';
  if (precision > digits.length) digits = digits.padStart(precision, '0');
  if (conversion.letter === 'o' && conversion.alternate && !digits.startsWith('0')) digits = `0${digits}`;
  // As in C, zeros fill the width only where nothing else says how many digits there are.
  if (conversion.zero && !left && precision < 0) digits = digits.padStart(width - prefix.length, '0');
  return pad(prefix + digits, width, left);
}

function pad(text: string, width: number, left: boolean): string {
  if (text.length >= width) return text;
  return left ? text.padEnd(width) : text.padStart(width);
}

const CONVERSION = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:hh|h|ll|l|z|j|t|L|q)?([a-zA-Z%])/y;

function parseFormat(format: string): readonly Segment[] {
  const segments: Segment[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const percent = format.indexOf('%', at);
    literal += format.slice(at, percent < 0 ? format.length : percent);
    if (percent < 0) break;
    CONVERSION.lastIndex = percent;
    const match = CONVERSION.exec(format);
    if (match === null) {
      const shown = format.slice(percent, percent + 8).split('\n')[0]!;
      throw new ScriptError(
        `bad argument 1 of printf: the format has an incomplete conversion "${shown}"`,
        PERCENT_HINT,
      );
    }
    const [text, flags = '', width, precision, letter = ''] = match;
    if (letter === '%') {
      literal += '%';
    } else {
      if (!'diuxXocsp'.includes(letter))
        throw new ScriptError(
          `bad argument 1 of printf: the format has an unknown conversion ${text}`,
          'eEfFgGaA'.includes(letter) ? 'ktap has no floating point' : PERCENT_HINT,
        );
      if (literal !== '') segments.push(literal);
      literal = '';
      segments.push({
        text,
        letter: letter === 'i' ? 'd' : letter,
        left: flags.includes('-'),
        sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '',
        alternate: flags.includes('#'),
        zero: flags.includes('0'),
        width: size(width, 0, text),
        precision: size(precision, NONE, text),
        plain: flags === '' && width === undefined && precision === undefined,
      });
    }
    at = percent + text.length;
  }
  if (literal !== '') segments.push(literal);
  return segments;
}

const PERCENT_HINT = 'there are %d %i %u %x %X %o %c %s %p, and %% for a percent sign';

function size(written: string | undefined, absent: number, conversion: string): number {
  if (written === undefined) return absent;
  if (written === '*') return ASTERISK;
  const number = Number(written);
  if (number > LARGEST_WIDTH)
    throw new ScriptError(`bad argument 1 of printf: a width or precision of ${conversion} is over ${LARGEST_WIDTH}`);
  return number;
}
