// Tokens of a script, one at a time: the parser holds one and asks for the next. There is no list of tokens because the
// head of a trace block is not made of tokens: the parser reads it as text and tells the lexer where to go on.

import { isBlank, isDigit, isLetter, isWordCharacter } from './characters.js';
import { errorAt, type KtapError, type Source } from './diagnostics.js';
import {
  characterLength,
  longBracketLevel,
  malformedNumber,
  readInteger,
  readLongString,
  readString,
} from './literals.js';
import { RESERVED_WORDS, Token } from './tokens.js';

export class Lexer {
  readonly source: Source;
  readonly text: string;
  /** The token under way, its place, and the end of the one before. */
  type = Token.End;
  start = 0;
  end = 0;
  previousEnd = 0;
  /** Whether a newline stands between the token before and this one. */
  startsLine = true;
  /** Of a Name or reserved word its text, of a String or KernelSymbol the value. */
  value = '';
  /** Of an Integer the value, and whether it was cut to 2^63 - 1. */
  integer = 0n;
  saturated = false;

  constructor(source: Source) {
    this.source = source;
    this.text = source.text;
    // A byte order mark; the `#!` line is a comment anyway.
    this.end = source.text.startsWith('\xef\xbb\xbf') ? 3 : 0;
    this.next();
  }

  /** Goes on to the next token. */
  next(): void {
    this.previousEnd = this.end;
    const start = this.skipBlanks(this.end);
    this.start = start;
    const code = this.text.charCodeAt(start);
    if (isLetter(code)) this.readWord(start);
    else if (isDigit(code)) this.readNumber(start);
    else this.type = this.readOther(start, code);
  }

  /** Makes the text at `offset` the next token. */
  continueAt(offset: number): void {
    this.end = offset;
    this.next();
  }

  /** Whether the token is a name or a reserved word: after `.` and the like, all words are names. */
  isWord(): boolean {
    return isLetter(this.text.charCodeAt(this.start));
  }

  /** Kind and line start of the token after this one, which stays the one under way. */
  lookAhead(): { type: Token; startsLine: boolean } {
    const { type, start, end, previousEnd, startsLine, value } = this;
    this.next();
    const ahead = { type: this.type, startsLine: this.startsLine };
    this.type = type;
    this.start = start;
    this.end = end;
    this.previousEnd = previousEnd;
    this.startsLine = startsLine;
    this.value = value;
    return ahead;
  }

  /** Whether a single `=` follows the token. */
  isBeforeAssign(): boolean {
    const startsLine = this.startsLine;
    const at = this.skipBlanks(this.end);
    this.startsLine = startsLine;
    return this.text.charCodeAt(at) === 0x3d && this.text.charCodeAt(at + 1) !== 0x3d;
  }

  /** Offset of the first byte from `at` on that is neither white space nor comment; notes newlines in `startsLine`. */
  private skipBlanks(at: number): number {
    const text = this.text;
    let startsLine = at === 0;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x20) {
        at++;
      } else if (code === 0x0a) {
        startsLine = true;
        at++;
      } else if (code === 0x23) {
        at = text.indexOf('\n', at);
        if (at < 0) at = text.length;
      } else if (isBlank(code)) {
        at++;
      } else {
        this.startsLine = startsLine;
        return at;
      }
    }
  }

  private readWord(start: number): void {
    const text = this.text;
    let end = start + 1;
    while (isWordCharacter(text.charCodeAt(end))) end++;
    this.end = end;
    this.value = text.slice(start, end);
    this.type = RESERVED_WORDS.get(this.value) ?? Token.Name;
  }

  private readNumber(start: number): void {
    const literal = readInteger(this.source, start);
    this.type = Token.Integer;
    this.end = literal.end;
    this.integer = literal.value;
    this.saturated = literal.saturated;
  }

  private finish(type: Token, length: number): Token {
    this.end = this.start + length;
    return type;
  }

  /** Reads a token that is neither a word nor a number. */
  private readOther(start: number, code: number): Token {
    const text = this.text;
    const second = text.charCodeAt(start + 1);
    switch (code) {
      case 0x22: // "
      case 0x27: {
        const literal = readString(this.source, start);
        this.value = literal.value;
        this.end = literal.end;
        return Token.String;
      }
      case 0x28:
        return this.finish(Token.LeftParen, 1);
      case 0x29:
        return this.finish(Token.RightParen, 1);
      case 0x7b:
        return this.finish(Token.LeftBrace, 1);
      case 0x7d:
        return this.finish(Token.RightBrace, 1);
      case 0x5b:
        return this.readBracket(start, second);
      case 0x5d:
        return this.finish(Token.RightBracket, 1);
      case 0x3b:
        return this.finish(Token.Semicolon, 1);
      case 0x2c:
        return this.finish(Token.Comma, 1);
      case 0x2e: // .
        if (isDigit(second)) throw this.dotBeforeDigit(start);
        if (second !== 0x2e) return this.finish(Token.Dot, 1);
        if (text.charCodeAt(start + 2) === 0x2e) return this.finish(Token.Ellipsis, 3);
        if (text.charCodeAt(start + 2) === 0x3d) throw this.noSuchOperator(3, 'write s = s .. value');
        return this.finish(Token.Concat, 2);
      case 0x3a:
        if (second === 0x3d) throw this.noSuchOperator(2, "an assignment is written '='");
        return second === 0x3a ? this.finish(Token.DoubleColon, 2) : this.finish(Token.Colon, 1);
      case 0x3d: // =
        if (second === 0x3e) throw this.noSuchOperator(2, 'greater or equal is >=');
        if (second === 0x3c) throw this.noSuchOperator(2, 'less or equal is <=');
        if (second !== 0x3d) return this.finish(Token.Assign, 1);
        return this.finishComparison(Token.Equal, '==');
      case 0x21: // !
        return second === 0x3d ? this.finishComparison(Token.NotEqual, '!=') : this.finish(Token.Not, 1);
      case 0x7e: // ~
        if (second === 0x3d) return this.finishComparison(Token.NotEqual, '~=');
        throw this.noSuchOperator(1, "numbers have no bitwise operators; 'not equal' is != or ~=");
      case 0x3c: // <
        if (second === 0x3d) return this.finish(Token.LessEqual, 2);
        if (second === 0x3e) throw this.noSuchOperator(2, "'not equal' is != or ~=");
        if (second !== 0x3c) return this.finish(Token.Less, 1);
        if (text.charCodeAt(start + 2) === 0x3c) return this.finish(Token.Aggregate, 3);
        throw this.noSuchOperator(2, 'to shift, multiply by a power of two; <<< adds to an aggregation');
      case 0x3e: // >
        if (second === 0x3d) return this.finish(Token.GreaterEqual, 2);
        if (second === 0x3e) throw this.noSuchOperator(2, 'to shift, divide by a power of two');
        return this.finish(Token.Greater, 1);
      case 0x2b: // +
        if (second === 0x2b) return this.finish(Token.Increment, 2);
        return second === 0x3d ? this.finish(Token.AddAssign, 2) : this.finish(Token.Plus, 1);
      case 0x2d: // -
        if (second === 0x3e) throw this.noSuchOperator(2, 'an element of a table is written t.name');
        return second === 0x3d ? this.finish(Token.SubtractAssign, 2) : this.finish(Token.Minus, 1);
      case 0x2a: // *
        if (second === 0x2a) throw this.noSuchOperator(2, 'the power of a number is written a ^ b');
        return second === 0x3d ? this.finish(Token.MultiplyAssign, 2) : this.finish(Token.Star, 1);
      case 0x2f: // /
        if (second === 0x2f) throw this.noSuchOperator(2, "a comment begins with '#'; '/' already drops the remainder");
        if (second === 0x2a) throw this.noSuchOperator(2, "a comment begins with '#' and goes to the end of the line");
        return second === 0x3d ? this.finish(Token.DivideAssign, 2) : this.finish(Token.Slash, 1);
      case 0x25:
        return second === 0x3d ? this.finish(Token.ModuloAssign, 2) : this.finish(Token.Percent, 1);
      case 0x5e: // ^
        if (second === 0x3d) throw this.noSuchOperator(2, 'write x = x ^ value');
        return this.finish(Token.Caret, 1);
      case 0x26: // &
        if (second === 0x26) return this.finish(Token.And, 2);
        throw this.noSuchOperator(1, "numbers have no bitwise operators; the logical 'and' is && or and");
      case 0x7c: // |
        if (second === 0x7c) return this.finish(Token.Or, 2);
        throw this.noSuchOperator(1, "numbers have no bitwise operators; the logical 'or' is || or or");
      case 0x60:
        return this.readKernelSymbol(start);
      case 0x3f: // ?
        throw this.noSuchOperator(1, 'a choice is written c and a or b');
      default:
        if (start < text.length) throw this.unexpectedCharacter(start, code);
        return this.finish(Token.End, 0);
    }
  }

  /** `.5` is a fraction, `t.5` was to be an element of a table. */
  private dotBeforeDigit(start: number): Error {
    const before = this.text.charCodeAt(start - 1);
    const isElement = isWordCharacter(before) || before === 0x29 || before === 0x5d;
    if (!isElement) return malformedNumber(this.source, start);
    let end = start + 1;
    while (isDigit(this.text.charCodeAt(end))) end++;
    return errorAt(
      this.source,
      { start, end },
      "expected a name after '.', found a number",
      `an element of a table by number is written t[${this.text.slice(start + 1, end)}]`,
    );
  }

  /** `==`, `!=` or `~=`; a third `=` is another language's operator. */
  private finishComparison(type: Token, operator: string): Token {
    if (this.text.charCodeAt(this.start + 2) === 0x3d) {
      throw this.noSuchOperator(3, `write ${operator}, values of different types are never equal`);
    }
    return this.finish(type, 2);
  }

  private readBracket(start: number, second: number): Token {
    if (second === 0x5b || second === 0x3d) {
      const level = longBracketLevel(this.text, start);
      if (level >= 0) {
        const literal = readLongString(this.source, start, level);
        this.value = literal.value;
        this.end = literal.end;
        return Token.String;
      }
    }
    return this.finish(Token.LeftBracket, 1);
  }

  private readKernelSymbol(start: number): Token {
    const text = this.text;
    let end = start + 1;
    for (let code = text.charCodeAt(end); code > 0x20 && code < 0x7f && code !== 0x60; code = text.charCodeAt(++end));
    if (text.charCodeAt(end) !== 0x60) {
      throw errorAt(
        this.source,
        { start, end },
        'unclosed ` of a kernel symbol',
        'the address of a kernel symbol is written `name`',
      );
    }
    if (end === start + 1) {
      throw errorAt(this.source, { start, end: end + 1 }, 'a kernel symbol without a name', 'write `name`');
    }
    this.value = text.slice(start + 1, end);
    this.end = end + 1;
    return Token.KernelSymbol;
  }

  private noSuchOperator(length: number, hint: string): KtapError {
    const span = { start: this.start, end: this.start + length };
    return errorAt(
      this.source,
      span,
      `ktap has no operator '${this.text.slice(this.start, this.start + length)}'`,
      hint,
    );
  }

  private unexpectedCharacter(start: number, code: number): KtapError {
    const length = code < 0x80 ? 1 : characterLength(this.text, start);
    const span = { start, end: start + length };
    if (code < 0x20 || code === 0x7f || (code >= 0x80 && length === 1)) {
      const byte = `0x${code.toString(16).padStart(2, '0')}`;
      return errorAt(this.source, span, `unexpected byte ${byte}`, 'a script is UTF-8 text; this may be another file');
    }
    const character = this.text.slice(start, start + length);
    return errorAt(this.source, span, `unexpected character '${character}'`, characterHint(character));
  }
}

/** What to write in place of a character that other languages or text editors use; byte string. */
function characterHint(character: string): string | undefined {
  switch (character) {
    case '@':
      return 'variables and tables have plain names in ktap';
    case '$':
      return "the script's arguments are arg[1], arg[2] and so on, an event's are arg1 to arg9";
    case '\\':
      return 'a statement may go over several lines without a mark';
    // “ ” „ ‘ ’ in UTF-8, then the no-break space
    case '\xe2\x80\x9c':
    case '\xe2\x80\x9d':
    case '\xe2\x80\x9e':
    case '\xe2\x80\x98':
    case '\xe2\x80\x99':
      return `strings stand in plain quotes: "..." or '...'`;
    case '\xc2\xa0':
      return 'this is a no-break space; write a plain one';
    default:
      return 'outside strings and comments a script is ASCII text';
  }
}
