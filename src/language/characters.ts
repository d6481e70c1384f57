// Classes of bytes, one table look-up each: the lexer asks for every byte of a script.

const LETTER = 1;
const DIGIT = 2;
const HEX = 4;
const BLANK = 8;

const CLASS = new Uint8Array(256);
for (let code = 0; code < 26; code++) {
  CLASS[0x41 + code] = LETTER;
  CLASS[0x61 + code] = LETTER;
}
CLASS[0x5f] = LETTER;
for (let code = 0x30; code <= 0x39; code++) CLASS[code] = DIGIT | HEX;
for (let code = 0; code < 6; code++) {
  CLASS[0x41 + code]! |= HEX;
  CLASS[0x61 + code]! |= HEX;
}
for (const code of [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]) CLASS[code] = BLANK;

/** `[A-Za-z_]`. `code` may be NaN (past the end), as in all of these. */
export function isLetter(code: number): boolean {
  return (CLASS[code]! & LETTER) !== 0;
}
export function isDigit(code: number): boolean {
  return (CLASS[code]! & DIGIT) !== 0;
}
export function isHexDigit(code: number): boolean {
  return (CLASS[code]! & HEX) !== 0;
}
/** `[A-Za-z0-9_]` */
export function isWordCharacter(code: number): boolean {
  return (CLASS[code]! & (LETTER | DIGIT)) !== 0;
}
/** White space, newlines among it. */
export function isBlank(code: number): boolean {
  return (CLASS[code]! & BLANK) !== 0;
}
