// The state of a parser, in one place, and what all parts of the grammar need: asking for a token, errors, and the
// guard against trees too deep for the recursive functions that read them.

import type { Identifier } from '../ast.js';
import { isWordCharacter } from '../characters.js';
import { errorAt, type KtapError, positionOf, type Source, type Span } from '../diagnostics.js';
import { Lexer } from '../lexer.js';
import { Token } from '../tokens.js';

/** Brackets, blocks and prefix operators inside one another. */
const MAXIMUM_NESTING = 200;
/** Operators, indices and calls in a row: each makes the tree one deeper. Counted along a path through the tree. */
const MAXIMUM_CHAIN = 10_000;
/** Longest part of the source that is repeated in a message. */
const SHOWN_LENGTH = 40;

/** Names that mean something of an event unless the script has a variable of that name. */
export const SPECIAL_NAMES: ReadonlyMap<string, number> = new Map([
  ['args', 1],
  ['arg0', 2],
]);

export class Parser {
  readonly source: Source;
  readonly lexer: Lexer;
  /** Brackets, blocks and prefix operators open at this place. */
  nesting = 0;
  /** Longest chain below the node under way. */
  chain = 0;
  /** In a condition or a `for` list outside brackets: a `{` opens the body, it does not continue the expression. */
  braceOpensBody = false;
  /** Loops open in the function under way. */
  loops = 0;
  /** Whether `...` has a meaning in the function under way; the main chunk has the script's arguments. */
  hasVararg = true;
  /** The block of an event or timer under way, as in messages: `trace`, `tick`; undefined outside. */
  handler: string | undefined;
  /** Whether the function under way is that block itself. */
  isHandlerBody = false;
  /**
   * Nodes of lists under way, inner lists above outer ones: a list is cut off when it is complete, so its array has no
   * spare room. An array that grows by push takes room for 16 more: with most lists that short, more than the nodes.
   */
  private readonly listed: unknown[] = [];
  /** Places of the braces of the blocks that are closed, in pairs. */
  readonly closedBlocks: number[] = [];
  /** Bits of SPECIAL_NAMES: variables of the script in scope; set as globals; used as what they are of an event. */
  shadowed: number;
  assigned = 0;
  used = 0;

  constructor(source: Source, shadowed: number) {
    this.source = source;
    this.lexer = new Lexer(source);
    this.shadowed = shadowed;
  }

  /** Begins a list; the mark is for `list`. */
  markList(): number {
    return this.listed.length;
  }

  /** Adds to the list under way. */
  addToList(node: unknown): void {
    this.listed.push(node);
  }

  /** Ends the list that began at the mark. */
  endList<T>(mark: number): T[] {
    const list = this.listed.slice(mark) as T[];
    this.listed.length = mark;
    return list;
  }

  /** Whether the token under way is of that type. */
  at(type: Token): boolean {
    return this.lexer.type === type;
  }

  /** Takes the token under way if it is of that type. */
  accept(type: Token): boolean {
    if (this.lexer.type !== type) return false;
    this.lexer.next();
    return true;
  }

  /** Takes a token that must come here; `what` as in `expected what, found …`. */
  expect(type: Token, what: string): void {
    if (this.lexer.type !== type) throw this.expected(what);
    this.lexer.next();
  }

  /** Takes the closing bracket of the one at `open`; `what` is what may come here, the bracket alone if left out. */
  expectClosing(type: Token, open: number, what?: string): void {
    if (this.lexer.type === type) {
      this.lexer.next();
      return;
    }
    const opening = this.source.text[open]!;
    const closing = opening === '(' ? ')' : opening === '[' ? ']' : '}';
    if (this.lexer.type === Token.End) {
      throw this.error(
        { start: open, end: open + 1 },
        `unclosed '${opening}'`,
        (type === Token.RightBrace ? this.suspectBlock() : undefined) ?? `the script ends without its '${closing}'`,
      );
    }
    const place = positionOf(this.source, open);
    const isNear = positionOf(this.source, this.lexer.start).line === place.line;
    throw this.expected(
      what ?? `'${closing}'`,
      isNear ? undefined : `it closes the '${opening}' of line ${place.line}`,
    );
  }

  /** Takes a name where one is declared. */
  expectName(after: string): Identifier {
    const { lexer } = this;
    if (lexer.type !== Token.Name) {
      if (lexer.isWord()) {
        throw this.error(this.here(), `'${lexer.value}' is a reserved word, it cannot be a name here`);
      }
      throw this.expected(`a name after ${after}`);
    }
    const name = { name: lexer.value, start: lexer.start, end: lexer.end };
    lexer.next();
    return name;
  }

  /** Notes that a local variable of that name comes into scope. */
  declare(name: string): void {
    this.shadowed |= SPECIAL_NAMES.get(name) ?? 0;
  }

  /** Notes that a global variable of that name is set. */
  assign(name: string): void {
    const bit = SPECIAL_NAMES.get(name);
    if (bit !== undefined && (this.shadowed & bit) === 0) this.assigned |= bit;
  }

  /**
   * Where a `}` is missing, an outer one closes the block: the first block whose `}` is indented less than the line of
   * its `{` is the one to name.
   */
  private suspectBlock(): string | undefined {
    const { text } = this.source;
    const lineStart = (at: number): number => text.lastIndexOf('\n', at - 1) + 1;
    const indentation = (at: number): number => /^[ \t]*/.exec(text.slice(lineStart(at), at))![0].length;
    for (let index = 0; index < this.closedBlocks.length; index += 2) {
      const open = this.closedBlocks[index]!;
      const close = this.closedBlocks[index + 1]!;
      const beginsLine = lineStart(close) + indentation(close) === close;
      if (beginsLine && lineStart(open) !== lineStart(close) && indentation(close) < indentation(open)) {
        const lines = [open, close].map((at) => positionOf(this.source, at).line);
        return `perhaps a '}' is missing before line ${lines[1]}, whose '}' closes the '{' of line ${lines[0]}`;
      }
    }
    return undefined;
  }

  /** Enters brackets, a block or a prefix operator; `nesting--` leaves. */
  enter(): void {
    if (++this.nesting > MAXIMUM_NESTING) {
      throw this.error(this.here(), `nested too deep: more than ${MAXIMUM_NESTING} brackets and blocks in one another`);
    }
  }

  /** Notes `count` more operators above the expression under way. */
  lengthen(count: number, start: number): void {
    this.chain += count;
    if (this.chain > MAXIMUM_CHAIN) {
      throw this.error(
        { start, end: this.lexer.previousEnd },
        `expression too long: more than ${MAXIMUM_CHAIN} operators, indices or calls in a row`,
        'keep parts of it in variables',
      );
    }
  }

  /** The place of the token under way; of the end of the script, behind its last token. */
  here(): Span {
    const { type, start, end, previousEnd } = this.lexer;
    return type === Token.End ? { start: previousEnd, end: previousEnd } : { start, end };
  }

  error(span: Span, message: string, hint?: string): KtapError {
    return errorAt(this.source, span, message, hint);
  }

  /** The error for a token that is not the one that must come here. */
  expected(what: string, hint?: string): KtapError {
    return this.error(this.here(), `expected ${what}, found ${this.describe()}`, this.misuseHint() ?? hint);
  }

  /** The token under way in words. */
  describe(): string {
    const { lexer } = this;
    if (lexer.type === Token.End) return 'the end of the script';
    if (lexer.type === Token.String) return 'a string';
    const text = lexer.text.slice(lexer.start, lexer.end);
    return text.length > SHOWN_LENGTH ? `'${text.slice(0, SHOWN_LENGTH)}...'` : `'${text}'`;
  }

  /** Whether the token before may end an expression that can be called. */
  private followsOperand(): boolean {
    const before = this.source.text.charCodeAt(this.lexer.previousEnd - 1);
    return isWordCharacter(before) || before === 0x29 || before === 0x5d;
  }

  /** What a token that cannot stand here was probably meant to be. */
  misuseHint(): string | undefined {
    const { lexer } = this;
    switch (lexer.type) {
      case Token.Assign:
        return "equality is written '=='; an assignment is a statement of its own";
      case Token.AddAssign:
      case Token.SubtractAssign:
      case Token.MultiplyAssign:
      case Token.DivideAssign:
      case Token.ModuloAssign:
      case Token.Increment:
      case Token.Aggregate:
        return `'${lexer.text.slice(lexer.start, lexer.end)}' makes a statement of its own, it has no value`;
      case Token.LeftParen:
      case Token.LeftBrace:
      case Token.String:
        return lexer.startsLine && this.followsOperand()
          ? 'at the start of a line it does not continue a call'
          : undefined;
      case Token.Name:
        return lexer.value === 'then' || lexer.value === 'do' || lexer.value === 'end'
          ? 'blocks stand in braces: { ... }'
          : undefined;
      default:
        return undefined;
    }
  }
}
