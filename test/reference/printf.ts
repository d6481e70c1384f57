// printf of the reference evaluator (section 4).

import { ReferenceScriptError, textOf, typeName, type Value } from './values.js';

const CONVERSION = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:hh|ll|h|l|z)?([\s\S]?)/g;

export function formatText(format: string, args: readonly Value[]): string {
  let next = 0;
  // The format itself is the first argument.
  const bad = (at: number, what: string): ReferenceScriptError =>
    new ReferenceScriptError(`bad argument ${at + 1} of printf: ${what}`);
  return format.replace(
    CONVERSION,
    (directive, flags: string, widthText?: string, precisionText?: string, letter?: string) => {
      if (letter === '%') return '%';
      const take = (): Value => {
        if (next >= args.length) throw bad(next + 1, `a value expected for ${directive}, got none`);
        return args[next++];
      };
      const takeInteger = (): bigint => {
        const value = take();
        if (typeof value !== 'bigint') throw bad(next, `number expected for ${directive}, got ${typeName(value)}`);
        return value;
      };
      let left = flags.includes('-');
      let width = widthText === '*' ? Number(takeInteger()) : Number(widthText ?? 0);
      if (width < 0) {
        left = true;
        width = -width;
      }
      let precision =
        precisionText === '*' ? Number(takeInteger()) : precisionText === undefined ? -1 : Number(precisionText);
      if (precision < 0) precision = -1;
      const pad = (text: string): string => (left ? text.padEnd(width) : text.padStart(width));
      if (letter === 's') {
        const text = textOf(take());
        return pad(precision < 0 ? text : text.slice(0, precision));
      }
      if (!letter || !'diuxXoc'.includes(letter)) throw bad(0, `the format has an unknown conversion ${directive}`);
      const value = take();
      if (value === undefined) return pad('nil');
      if (typeof value !== 'bigint') throw bad(next, `number expected for ${directive}, got ${typeName(value)}`);
      if (letter === 'c') return pad(String.fromCharCode(Number(BigInt.asUintN(8, value))));
      return pad(integerText(value, letter, flags, precision, left ? 0 : width));
    },
  );
}

/** Sign or prefix, zeros and digits; `zerosTo` is the width that the flag 0 fills. */
function integerText(value: bigint, letter: string, flags: string, precision: number, zerosTo: number): string {
  const signed = letter === 'd' || letter === 'i';
  const size = signed ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  const radix = letter === 'o' ? 8 : letter.toLowerCase() === 'x' ? 16 : 10;
  let digits = size === 0n && precision === 0 ? '' : size.toString(radix);
  if (letter === 'X') digits = digits.toUpperCase();
  digits = digits.padStart(precision, '0');
  let prefix = '';
  if (signed) prefix = value < 0n ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  else if (flags.includes('#') && radix === 16 && size !== 0n) prefix = `0${letter}`;
  else if (flags.includes('#') && radix === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  if (flags.includes('0') && precision < 0) digits = digits.padStart(zerosTo - prefix.length, '0');
  return prefix + digits;
}
