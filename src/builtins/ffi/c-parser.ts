// Reads C declarations as `ffi.cdef` takes them: functions, structs, unions, enums, typedefs, with pointers, arrays,
// function pointers and varargs. After the grammar of C11, 6.7; without initialisers, bit-fields and function bodies.

import { ScriptError } from '../../engine/values.js';
import { type Token, tokenize } from './c-lexer.js';
import {
  BASIC_TYPES,
  COMMON_TYPEDEFS,
  type CType,
  type FunctionType,
  INT,
  layOut,
  type RecordType,
  sizeOf,
  typeText,
} from './c-types.js';

/** All that has been declared. */
export class Declarations {
  readonly functions = new Map<string, FunctionType>();
  readonly typedefs = new Map<string, CType>();
  readonly records = new Map<string, RecordType>();
  /** Enum constants. */
  readonly constants = new Map<string, bigint>();
  readonly enums = new Set<string>();

  constructor() {
    for (const [name, words] of COMMON_TYPEDEFS) this.typedefs.set(name, BASIC_TYPES.get(words)!);
    this.typedefs.set('FILE', { kind: 'struct', tag: '_IO_FILE', fields: undefined, size: 0, align: 1 });
  }
}

const QUALIFIERS = new Set(
  'const volatile restrict __restrict __restrict__ __const extern static inline __inline __inline__ register auto _Noreturn __extension__ __user'.split(
    ' ',
  ),
);
const BASIC_WORDS = new Set('void char short int long signed unsigned float double _Bool'.split(' '));

/** Deepest nesting of structs, declarators and parentheses. */
const DEEPEST = 100;

/** A declarator turns the type of the specifiers into the declared one. */
interface Declarator {
  readonly name: string;
  readonly type: CType;
}

/** Adds the declarations of a text; functions that it declares are answered in order. Throws ScriptError. */
export function parseDeclarations(text: string, declarations: Declarations): string[] {
  const parser = new Parser(tokenize(text), declarations, 'ffi.cdef');
  return parser.declarationList();
}

/** The type that a text such as `struct timespec` or `int[10]` names. `count` stands for `?`. Throws ScriptError. */
export function parseType(text: string, declarations: Declarations, count?: number): CType {
  const parser = new Parser(tokenize(text), declarations, `C type "${text}"`, count);
  return parser.typeName();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #declarations: Declarations;
  readonly #what: string;
  readonly #count: number | undefined;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], declarations: Declarations, what: string, count?: number) {
    this.#tokens = tokens;
    this.#declarations = declarations;
    this.#what = what;
    this.#count = count;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }
  #fail(message: string, hint?: string): never {
    const line = this.#what === 'ffi.cdef' ? `line ${this.#token.line}: ` : '';
    throw new ScriptError(`${this.#what}: ${line}${message}`, hint);
  }
  /** Parses what may nest, up to a depth that the native stack surely bears. */
  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST) this.#fail(`nested deeper than ${DEEPEST}`);
    const result = parse();
    this.#depth--;
    return result;
  }
  #is(text: string): boolean {
    return this.#token.text === text && this.#token.kind !== 'number';
  }
  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(`"${text}" expected before ${this.#shown()}`);
  }
  #shown(): string {
    return this.#token.kind === 'end' ? 'the end' : `"${this.#token.text}"`;
  }

  // ---- declarations

  declarationList(): string[] {
    const functions: string[] = [];
    while (this.#token.kind !== 'end') {
      if (this.#accept(';')) continue;
      const isTypedef = this.#accept('typedef');
      const base = this.#specifiers();
      if (this.#accept(';')) continue;
      do {
        const { name, type } = this.#declarator(base);
        if (name === '') this.#fail(`a name expected before ${this.#shown()}`);
        this.#attributes();
        if (isTypedef) {
          this.#declarations.typedefs.set(name, type);
        } else if (type.kind === 'function') {
          this.#declarations.functions.set(name, type);
          functions.push(name);
        } else {
          this.#fail(`${name} is a variable; functions and types can be declared`);
        }
      } while (this.#accept(','));
      if (this.#is('{')) this.#fail('a function cannot have a body here', 'declare it: end with ;');
      if (this.#is('=')) this.#fail('initialisers are not supported');
      this.#expect(';');
    }
    return functions;
  }

  typeName(): CType {
    const { name, type } = this.#declarator(this.#specifiers());
    if (name !== '' || this.#token.kind !== 'end')
      this.#fail(`not understood at ${name === '' ? this.#shown() : name}`);
    return type;
  }

  // ---- specifiers: struct foo, unsigned long, pid_t

  #specifiers(): CType {
    const words: string[] = [];
    let type: CType | undefined;
    for (;;) {
      const { kind, text } = this.#token;
      if (kind !== 'name') break;
      if (QUALIFIERS.has(text)) {
        this.#at++;
      } else if (text === '__attribute__') {
        this.#attributes();
      } else if (BASIC_WORDS.has(text) && type === undefined) {
        words.push(text);
        this.#at++;
      } else if (type !== undefined || words.length > 0) {
        break;
      } else if (text === 'struct' || text === 'union') {
        this.#at++;
        type = this.#nested(() => this.#record(text));
      } else if (text === 'enum') {
        this.#at++;
        type = this.#enum();
      } else {
        type = this.#declarations.typedefs.get(text);
        if (type === undefined) this.#fail(`unknown type ${text}`, 'declare it with ffi.cdef before');
        this.#at++;
      }
    }
    if (type !== undefined) return type;
    if (words.length === 0) this.#fail(`a type expected before ${this.#shown()}`);
    return BASIC_TYPES.get(words.sort().join(' ')) ?? this.#fail(`"${words.join(' ')}" is no type`);
  }

  #record(kind: 'struct' | 'union'): RecordType {
    let packed = this.#attributes();
    const tag = this.#token.kind === 'name' ? this.#token.text : '';
    if (tag !== '') this.#at++;
    const known = tag === '' ? undefined : this.#declarations.records.get(tag);
    if (known !== undefined && known.kind !== kind) this.#fail(`${tag} is a ${known.kind}`);
    const type: RecordType = known ?? { kind, tag, fields: undefined, size: 0, align: 1 };
    if (tag !== '') this.#declarations.records.set(tag, type);
    if (!this.#accept('{')) {
      if (tag === '') this.#fail(`a name or { expected after ${kind}`);
      return type;
    }
    if (type.fields !== undefined) this.#fail(`${typeText(type)} is declared a second time`);
    const members: { name: string; type: CType }[] = [];
    while (!this.#accept('}')) this.#members(members);
    packed = this.#attributes() || packed;
    layOut(type, members, packed);
    return type;
  }

  #members(members: { name: string; type: CType }[]): void {
    const base = this.#specifiers();
    if (this.#accept(';')) {
      // An unnamed struct or union: its fields count as fields of this one.
      if (base.kind === 'struct' || base.kind === 'union') members.push({ name: '', type: base });
      return;
    }
    do {
      if (this.#is(':')) this.#fail('bit-fields are not supported');
      const member = this.#declarator(base);
      this.#attributes();
      if (this.#is(':')) this.#fail(`bit-fields are not supported (${member.name})`);
      if (member.name === '') this.#fail(`a name expected before ${this.#shown()}`);
      if (members.some(({ name }) => name === member.name)) this.#fail(`two fields are called ${member.name}`);
      if (sizeOf(member.type) === undefined && !(member.type.kind === 'array' && sizeOf(member.type.of) !== undefined))
        this.#fail(`the field ${member.name} has no size: ${typeText(member.type)}`);
      members.push(member);
    } while (this.#accept(','));
    this.#expect(';');
  }

  #enum(): CType {
    this.#attributes();
    const tag = this.#token.kind === 'name' ? this.#token.text : '';
    if (tag !== '') this.#at++;
    if (!this.#accept('{')) {
      if (!this.#declarations.enums.has(tag)) this.#fail(`unknown enum ${tag}`);
      return { ...INT, name: `enum ${tag}` };
    }
    if (tag !== '') this.#declarations.enums.add(tag);
    let next = 0n;
    while (!this.#accept('}')) {
      if (this.#token.kind !== 'name') this.#fail(`a name expected before ${this.#shown()}`);
      const { text } = this.#token;
      this.#at++;
      if (this.#accept('=')) next = this.#constant();
      this.#declarations.constants.set(text, next);
      next += 1n;
      if (!this.#accept(',') && !this.#is('}')) this.#expect('}');
    }
    return { ...INT, name: tag === '' ? 'int' : `enum ${tag}` };
  }

  /** Skips `__attribute__((…))` and `asm("…")`; whether it was packed. */
  #attributes(): boolean {
    let packed = false;
    while (this.#is('__attribute__') || this.#is('__asm__')) {
      this.#at++;
      let depth = 0;
      do {
        if (this.#is('(')) depth++;
        else if (this.#is(')')) depth--;
        else if (this.#is('packed') || this.#is('__packed__')) packed = true;
        else if (this.#token.kind === 'end') this.#fail('an attribute does not end');
        this.#at++;
      } while (depth > 0);
    }
    return packed;
  }

  // ---- declarators: *name[3], (*name)(int)

  #declarator(base: CType): Declarator {
    let type = base;
    for (;;) {
      if (this.#accept('*')) type = { kind: 'pointer', to: type };
      else if (this.#token.kind === 'name' && QUALIFIERS.has(this.#token.text)) this.#at++;
      else break;
    }
    // A parenthesis here groups `(*name)`; what follows it belongs to the type inside.
    if (this.#is('(') && this.#opensGroup()) {
      this.#at++;
      const inside = this.#at;
      this.#skipGroup();
      type = this.#suffixes(type);
      const after = this.#at;
      this.#at = inside;
      const result = this.#nested(() => this.#declarator(type));
      this.#expect(')');
      this.#at = after;
      return result;
    }
    let name = '';
    if (this.#token.kind === 'name') {
      name = this.#token.text;
      this.#at++;
    }
    return { name, type: this.#suffixes(type) };
  }

  #opensGroup(): boolean {
    const next = this.#tokens[this.#at + 1]!;
    if (next.text === '*' || next.text === '(') return true;
    return next.kind === 'name' && !this.#startsType(next.text);
  }

  #startsType(word: string): boolean {
    return (
      BASIC_WORDS.has(word) ||
      QUALIFIERS.has(word) ||
      word === 'struct' ||
      word === 'union' ||
      word === 'enum' ||
      this.#declarations.typedefs.has(word)
    );
  }

  /** Goes behind the `)` of the group that has been opened. */
  #skipGroup(): void {
    for (let depth = 1; depth > 0; this.#at++) {
      if (this.#is('(')) depth++;
      else if (this.#is(')')) depth--;
      else if (this.#token.kind === 'end') this.#fail('")" expected before the end');
    }
  }

  #suffixes(type: CType): CType {
    if (this.#accept('[')) {
      let length: number | undefined;
      if (this.#accept('?')) length = this.#count;
      else if (!this.#is(']')) length = this.#arrayLength();
      this.#expect(']');
      const of = this.#nested(() => this.#suffixes(type));
      if (of.kind === 'function' || of.kind === 'void') this.#fail(`there is no array of ${typeText(of)}`);
      return { kind: 'array', of, length };
    }
    if (this.#is('(')) {
      this.#at++;
      return this.#nested(() => this.#parameters(type));
    }
    return type;
  }

  #arrayLength(): number {
    const length = this.#constant();
    if (length < 0n || length > 0x7fff_ffffn) this.#fail(`${length} is no length of an array`);
    return Number(length);
  }

  #parameters(result: CType): FunctionType {
    if (result.kind === 'array' || result.kind === 'function')
      this.#fail(`a function cannot return ${typeText(result)}`);
    const parameters: CType[] = [];
    let varargs = false;
    if (this.#is('void') && this.#tokens[this.#at + 1]!.text === ')') this.#at++;
    while (!this.#accept(')')) {
      if (this.#accept('...')) {
        varargs = true;
        this.#expect(')');
        break;
      }
      const { type } = this.#declarator(this.#specifiers());
      this.#attributes();
      // Arrays and functions are passed as pointers.
      if (type.kind === 'array') parameters.push({ kind: 'pointer', to: type.of });
      else if (type.kind === 'function') parameters.push({ kind: 'pointer', to: type });
      else parameters.push(type);
      if (!this.#accept(',') && !this.#is(')')) this.#expect(')');
    }
    return { kind: 'function', result, parameters, varargs };
  }

  // ---- constant expressions of enums and lengths

  #constant(level = 0): bigint {
    const LEVELS = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];
    if (level === LEVELS.length) return this.#unary();
    let left = this.#constant(level + 1);
    while (this.#token.kind === 'punctuation' && LEVELS[level]!.includes(this.#token.text)) {
      const operator = this.#token.text;
      this.#at++;
      const right = this.#constant(level + 1);
      left = this.#operate(operator, left, right);
    }
    return left;
  }

  #operate(operator: string, left: bigint, right: bigint): bigint {
    switch (operator) {
      case '|':
        return left | right;
      case '^':
        return left ^ right;
      case '&':
        return left & right;
      case '<<':
      case '>>':
        if (right < 0n || right > 63n) this.#fail(`a shift by ${right}`);
        return operator === '<<' ? left << right : left >> right;
      case '+':
        return left + right;
      case '-':
        return left - right;
      case '*':
        return left * right;
      default:
        if (right === 0n) this.#fail('division by zero');
        return operator === '/' ? left / right : left % right;
    }
  }

  #unary(): bigint {
    if (this.#accept('-')) return -this.#nested(() => this.#unary());
    if (this.#accept('+')) return this.#nested(() => this.#unary());
    if (this.#accept('~')) return ~this.#nested(() => this.#unary());
    if (this.#accept('(')) {
      const value = this.#nested(() => this.#constant());
      this.#expect(')');
      return value;
    }
    const { kind, text, value } = this.#token;
    if (kind === 'number') {
      this.#at++;
      return value;
    }
    if (text === 'sizeof') {
      this.#at++;
      this.#expect('(');
      const { type } = this.#declarator(this.#specifiers());
      this.#expect(')');
      return BigInt(sizeOf(type) ?? this.#fail(`${typeText(type)} has no size`));
    }
    const constant = kind === 'name' ? this.#declarations.constants.get(text) : undefined;
    if (constant === undefined) this.#fail(`a constant expected before ${this.#shown()}`);
    this.#at++;
    return constant;
  }
}
