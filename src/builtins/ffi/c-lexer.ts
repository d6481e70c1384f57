// Words of C declarations.

import { ScriptError } from '../../engine/values.js';

export interface Token {
  readonly kind: 'name' | 'number' | 'punctuation' | 'end';
  readonly text: string;
  /** Of numbers. */
  readonly value: bigint;
  /** Line of the declarations' text, from 1. */
  readonly line: number;
}

const SPACE = /(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*)+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![\w.])/y;
const CHARACTER = /'([^'\\\n])'/y;
const PUNCTUATION = /\.\.\.|<<|>>|[-+*/%~(){}[\];,:=?&|^]/y;

/** Throws ScriptError for a character that no declaration has. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    const space = match(SPACE);
    if (space !== null) line += space[0].split('\n').length - 1;
    if (at >= text.length) break;
    const name = match(NAME);
    if (name !== null) {
      tokens.push({ kind: 'name', text: name[0], value: 0n, line });
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      const digits = number[1]!;
      const octal = /^0[0-7]+$/.test(digits);
      tokens.push({ kind: 'number', text: number[0], value: BigInt(octal ? `0o${digits.slice(1)}` : digits), line });
      continue;
    }
    const character = match(CHARACTER);
    if (character !== null) {
      tokens.push({ kind: 'number', text: character[0], value: BigInt(character[1]!.charCodeAt(0)), line });
      continue;
    }
    const punctuation = match(PUNCTUATION);
    if (punctuation === null)
      throw new ScriptError(
        `ffi.cdef: line ${line}: "${text[at]}" has no place in a declaration`,
        text[at] === '#' ? 'there is no preprocessor; write constants as an enum' : undefined,
      );
    tokens.push({ kind: 'punctuation', text: punctuation[0], value: 0n, line });
  }
  tokens.push({ kind: 'end', text: 'the end', value: 0n, line });
  return tokens;
}
