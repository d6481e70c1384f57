// From the text of a print fmt to a tree. The text is C, as the preprocessor left it: a format string, a comma, and
// arguments that are expressions over REC->field. This file knows C's grammar only; what the names mean is compile.ts.

export type Node =
  | { readonly kind: 'number'; readonly value: bigint; readonly unsigned: boolean; readonly long: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~' | '!' | '&' | '*'; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'conditional'; readonly test: Node; readonly yes: Node | undefined; readonly no: Node }
  | { readonly kind: 'cast'; readonly type: string; readonly operand: Node }
  | { readonly kind: 'sizeof'; readonly type: string | undefined; readonly operand: Node | undefined }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'index'; readonly operand: Node; readonly index: Node }
  | { readonly kind: 'member'; readonly operand: Node; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'block'; readonly statements: readonly Statement[] };

/** A statement of `({ … })`. */
export type Statement =
  | { readonly kind: 'declaration'; readonly type: string; readonly name: string; readonly value: Node | undefined }
  | { readonly kind: 'assignment'; readonly target: Node; readonly value: Node }
  | { readonly kind: 'expression'; readonly value: Node };

/** A print fmt that is no C expression list. */
export class PrintFormatError extends Error {
  override readonly name = 'PrintFormatError';
}

interface Token {
  readonly kind: 'number' | 'string' | 'char' | 'name' | 'operator' | 'end';
  readonly text: string;
}

/** Parses a whole print fmt: the format string and its arguments. `isType` tells which names are typedefs. */
export function parsePrintFormat(
  text: string,
  isType: (name: string) => boolean,
): { readonly format: string; readonly args: readonly Node[] } {
  const parser = new Parser(tokenize(text), isType);
  const format = parser.formatString();
  const args: Node[] = [];
  while (parser.accept(',')) args.push(parser.assignment());
  parser.expectEnd();
  return { format, args };
}

const OPERATORS = /^(?:<<=|>>=|\.\.\.|->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>=?:;,.()[\]{}])/;
const NUMBER = /^(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|([0-9]+))([uUlL]*)/;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === ' ' || char === '\t' || char === '\n' || char === '\r') {
      at++;
      continue;
    }
    if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== char) end += text[end] === '\\' ? 2 : 1;
      if (end >= text.length) throw new PrintFormatError('a string is not closed');
      tokens.push({ kind: char === '"' ? 'string' : 'char', text: unescaped(text.slice(at + 1, end)) });
      at = end + 1;
      continue;
    }
    const rest = text.slice(at, at + 128);
    const word = /^[A-Za-z_][A-Za-z_0-9]*/.exec(rest);
    const number = word === null ? NUMBER.exec(rest) : null;
    const operator = word === null && number === null ? OPERATORS.exec(rest) : null;
    const found = word ?? number ?? operator;
    if (found === null) throw new PrintFormatError(`unexpected ${JSON.stringify(char)}`);
    tokens.push({ kind: word !== null ? 'name' : number !== null ? 'number' : 'operator', text: found[0] });
    at += found[0].length;
  }
  tokens.push({ kind: 'end', text: 'the end' });
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
};

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:x([0-9a-fA-F]+)|([0-7]{1,3})|([\s\S]))/g, (_, hex, octal, char) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16) & 255);
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255);
    return ESCAPES[char] ?? char;
  });
}

/** What the PRI macros of <inttypes.h> stand for, where the preprocessor left one. */
function printfMacro(name: string): string | undefined {
  const found = /^PRI([diouxX])(8|16|32|64|PTR|MAX)$/.exec(name);
  if (found === null) return undefined;
  return (found[2] === '64' || found[2] === 'PTR' || found[2] === 'MAX' ? 'll' : '') + found[1];
}

/** Binary operators by strength, weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const TYPE_WORDS = new Set(
  'void char short int long float double signed unsigned const volatile struct union enum bool _Bool static __user __force'.split(
    ' ',
  ),
);

class Parser {
  private at = 0;
  constructor(
    private readonly tokens: readonly Token[],
    private readonly isType: (name: string) => boolean,
  ) {}

  private get token(): Token {
    return this.tokens[this.at]!;
  }

  private peek(distance: number): Token {
    return this.tokens[Math.min(this.at + distance, this.tokens.length - 1)]!;
  }

  private is(text: string): boolean {
    return this.token.kind === 'operator' && this.token.text === text;
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw new PrintFormatError(`expected ${text} before ${this.token.text}`);
  }

  expectEnd(): void {
    if (this.token.kind !== 'end') throw new PrintFormatError(`unexpected ${this.token.text}`);
  }

  /** The first argument: string literals and PRI macros, possibly in parentheses. */
  formatString(): string {
    if (this.accept('(')) {
      const inner = this.formatString();
      this.expect(')');
      return inner;
    }
    if (this.token.kind !== 'string' && printfMacro(this.token.text) === undefined)
      throw new PrintFormatError(`expected the format string before ${this.token.text}`);
    return this.strings();
  }

  /** Adjacent string literals. */
  private strings(): string {
    let text = '';
    for (;;) {
      const macro = this.token.kind === 'name' ? printfMacro(this.token.text) : undefined;
      if (this.token.kind === 'string') text += this.token.text;
      else if (macro !== undefined) text += macro;
      else return text;
      this.at++;
    }
  }

  /** An expression without a comma operator. */
  assignment(): Node {
    const test = this.binary(0);
    if (!this.accept('?')) return test;
    const yes = this.is(':') ? undefined : this.expression();
    this.expect(':');
    return { kind: 'conditional', test, yes, no: this.assignment() };
  }

  /** The comma operator: without side effects only the last operand matters. */
  private expression(): Node {
    let node = this.assignment();
    while (this.accept(',')) node = this.assignment();
    return node;
  }

  private binary(level: number): Node {
    if (level === LEVELS.length) return this.unary();
    let left = this.binary(level + 1);
    while (this.token.kind === 'operator' && LEVELS[level]!.includes(this.token.text)) {
      const operator = this.token.text;
      this.at++;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
    return left;
  }

  private unary(): Node {
    const { kind, text } = this.token;
    if (kind === 'operator') {
      switch (text) {
        case '-':
        case '+':
        case '~':
        case '!':
        case '&':
        case '*':
          this.at++;
          return { kind: 'unary', operator: text, operand: this.unary() };
        case '(': {
          const type = this.typeInParentheses();
          if (type === undefined) break;
          if (this.is('{')) return this.list();
          return { kind: 'cast', type, operand: this.unary() };
        }
      }
    }
    if (kind === 'name' && (text === 'sizeof' || text === '__alignof__')) {
      this.at++;
      const type = this.is('(') ? this.typeInParentheses() : undefined;
      if (type !== undefined) return { kind: 'sizeof', type, operand: undefined };
      return { kind: 'sizeof', type: undefined, operand: this.unary() };
    }
    return this.postfix(this.primary());
  }

  private postfix(start: Node): Node {
    let node = start;
    for (;;) {
      if (this.accept('[')) {
        const index = this.expression();
        this.expect(']');
        node = { kind: 'index', operand: node, index };
      } else if (this.is('->') || this.is('.')) {
        this.at++;
        const name = this.word();
        node =
          node.kind === 'name' && node.name === 'REC'
            ? { kind: 'field', name }
            : { kind: 'member', operand: node, name };
      } else if (node.kind === 'name' && this.accept('(')) {
        node = { kind: 'call', name: node.name, args: this.args(')') };
      } else {
        return node;
      }
    }
  }

  private word(): string {
    if (this.token.kind !== 'name') throw new PrintFormatError(`expected a name before ${this.token.text}`);
    return this.tokens[this.at++]!.text;
  }

  /** Arguments up to the closing bracket; a trailing comma is allowed (`__print_symbolic` lists end with one). */
  private args(close: string): Node[] {
    const args: Node[] = [];
    while (!this.accept(close)) {
      args.push(this.is('{') ? this.list() : this.callArgument());
      if (!this.accept(',')) {
        this.expect(close);
        break;
      }
    }
    return args;
  }

  /** An argument may be a bare type (`__print_array(x, n, sizeof(u8))` is not, `typeof`-like helpers are). */
  private callArgument(): Node {
    return this.assignment();
  }

  private list(): Node {
    this.expect('{');
    return { kind: 'list', items: this.args('}') };
  }

  private primary(): Node {
    const token = this.token;
    switch (token.kind) {
      case 'number': {
        this.at++;
        const [, hexadecimal, binary, decimal, suffix] = NUMBER.exec(token.text)!;
        const value = BigInt(
          hexadecimal !== undefined
            ? `0x${hexadecimal}`
            : binary !== undefined
              ? `0b${binary}`
              : decimal!.length > 1 && decimal!.startsWith('0')
                ? `0o${decimal}`
                : decimal!,
        );
        return { kind: 'number', value, unsigned: /u/i.test(suffix!), long: /l/i.test(suffix!) };
      }
      case 'char':
        this.at++;
        return { kind: 'number', value: BigInt(token.text.charCodeAt(0)), unsigned: false, long: false };
      case 'string':
        return { kind: 'string', value: this.strings() };
      case 'name':
        this.at++;
        return { kind: 'name', name: token.text };
      case 'operator':
        if (token.text === '(') {
          this.at++;
          if (this.is('{')) {
            const block = this.block();
            this.expect(')');
            return block;
          }
          const inner = this.expression();
          this.expect(')');
          // `(REC)->field`
          return inner;
        }
        if (token.text === '{') return this.list();
    }
    throw new PrintFormatError(`unexpected ${token.text}`);
  }

  /** Whether the token begins a type. `distance` counts from the current one. */
  private startsType(distance: number): boolean {
    const token = this.peek(distance);
    return token.kind === 'name' && (TYPE_WORDS.has(token.text) || this.isType(token.text));
  }

  /** A type in parentheses, taken; undefined, with nothing taken, where the parenthesis is another one. */
  private typeInParentheses(): string | undefined {
    let distance = 1;
    const words: string[] = [];
    while (this.peek(distance).kind === 'name') words.push(this.peek(distance++).text);
    let stars = 0;
    while (this.peek(distance).kind === 'operator' && this.peek(distance).text === '*') {
      stars++;
      distance++;
      while (this.peek(distance).kind === 'name' && TYPE_WORDS.has(this.peek(distance).text)) distance++;
    }
    if (words.length === 0 || this.peek(distance).text !== ')' || this.peek(distance).kind !== 'operator')
      return undefined;
    const after = this.peek(distance + 1);
    const startsOperand =
      after.kind === 'name' || after.kind === 'number' || after.kind === 'string' || after.text === '(';
    // An unknown typedef: two words, a star, or one word with an operand right behind it.
    const type = this.startsType(1) || words.length > 1 || stars > 0 || (words[0] !== 'REC' && startsOperand);
    if (!type) return undefined;
    this.at += distance + 1;
    return words.join(' ') + (stars > 0 ? ` ${'*'.repeat(stars)}` : '');
  }

  /** `{ statement; … }` of a statement expression. */
  private block(): Node {
    this.expect('{');
    const statements: Statement[] = [];
    while (!this.accept('}')) {
      if (this.accept(';')) continue;
      const start = this.at;
      const declaration = this.declaration();
      if (declaration !== undefined) {
        statements.push(declaration);
        continue;
      }
      this.at = start;
      const value = this.expression();
      if (this.accept('=')) statements.push({ kind: 'assignment', target: value, value: this.assignment() });
      else statements.push({ kind: 'expression', value });
      this.expect(';');
    }
    return { kind: 'block', statements };
  }

  /** `static const char *names[] = { … };`, `int x = e;`, `union role role;`; undefined where it is none. */
  private declaration(): Statement | undefined {
    if (!this.startsType(0)) return undefined;
    const words: string[] = [];
    while (this.token.kind === 'name' || this.is('*')) words.push(this.tokens[this.at++]!.text);
    const name = words.pop();
    if (name === undefined || words.length === 0 || name === '*') return undefined;
    while (this.accept('[')) {
      if (!this.is(']')) this.expression();
      this.expect(']');
    }
    const value = this.accept('=') ? (this.is('{') ? this.list() : this.assignment()) : undefined;
    this.expect(';');
    return { kind: 'declaration', type: words.join(' '), name, value };
  }
}
