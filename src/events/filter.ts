// The kernel's event filters, evaluated here: for recordings, and where blocks on one event have different filters.
//
// Source: Documentation/trace/events.rst, section 5; kernel/trace/trace_events_filter.c (parse_pred, filter_assign_type).
//
//     filter    = term { "||" term }          term = factor { "&&" factor }
//     factor    = "!" factor | "(" filter ")" | field operator value
//     operator  = "==" "!=" "<" "<=" ">" ">=" "&" for numbers, "==" "!=" "~" for strings
//     value     = number (also 0x… and 0…) | "text" | 'text'; a text after ~ is a glob, a ! before it inverts it
//
// Besides the event's own fields: the common ones, `comm` (COMM) and `cpu` (CPU). As in the kernel, a number is cut to the
// field's size before it is compared.

import type { LinearMemory } from '../engine/memory.js';
import { errorAt, type KtapError, type Source, type Span } from '../language/diagnostics.js';
import { type NumberOperator, numberPredicate, stringReader } from './filter-fields.js';
import type { EventField, EventFormat } from './format.js';
import { globMatcher } from './glob.js';
import type { RecordPredicate } from './source.js';

/** What a filter asks about the record under test beyond its bytes. */
export interface FilterContext {
  readonly memory: LinearMemory;
  /** Name of a task at the time of the record; byte string. */
  comm(tid: number): string;
  /** CPU of the record. */
  cpu(): number;
}

/** A filter's text with its place in the script. */
export interface FilterText {
  readonly text: string;
  readonly source: Source;
  readonly span: Span;
  /** `span` is the text's own, so that places inside of it can be shown. */
  readonly exact: boolean;
}

/** Compiles a filter for records of one event. Throws KtapError at the part that is wrong. */
export function compileFilter(filter: FilterText, format: EventFormat, context: FilterContext): RecordPredicate {
  // `0` and nothing take a filter away.
  if (/^\s*0?\s*$/.test(filter.text)) return () => true;
  return new FilterParser(filter, format, context).parse();
}

const NUMBER_OPERATORS = new Set(['==', '!=', '<', '<=', '>', '>=', '&']);
/** Nesting that no person writes; keeps the parser's recursion small. */
const DEEPEST = 200;

class FilterParser {
  private readonly filter: FilterText;
  private readonly text: string;
  private readonly format: EventFormat;
  private readonly context: FilterContext;
  private at = 0;
  private depth = 0;

  constructor(filter: FilterText, format: EventFormat, context: FilterContext) {
    this.filter = filter;
    this.text = filter.text;
    this.format = format;
    this.context = context;
  }

  parse(): RecordPredicate {
    const predicate = this.alternatives();
    this.skipSpace();
    if (this.at < this.text.length) {
      if (this.text[this.at] === ')') this.fail('too few (', this.at);
      this.fail('&& or || is missing', this.at);
    }
    return predicate;
  }

  private alternatives(): RecordPredicate {
    let left = this.conjunction();
    while (this.accept('||')) {
      const first = left;
      const second = this.conjunction();
      left = (address, length) => first(address, length) || second(address, length);
    }
    return left;
  }

  private conjunction(): RecordPredicate {
    let left = this.factor();
    while (this.accept('&&')) {
      const first = left;
      const second = this.factor();
      left = (address, length) => first(address, length) && second(address, length);
    }
    return left;
  }

  private factor(): RecordPredicate {
    this.skipSpace();
    const start = this.at;
    if (++this.depth > DEEPEST) this.fail('the filter is nested too deeply', start);
    let predicate: RecordPredicate;
    if (this.text[start] === '!') {
      this.at++;
      const inner = this.factor();
      predicate = (address, length) => !inner(address, length);
    } else if (this.text[start] === '(') {
      this.at++;
      predicate = this.alternatives();
      if (!this.accept(')')) this.fail('too many (', start);
    } else {
      predicate = this.comparison();
    }
    this.depth--;
    return predicate;
  }

  private comparison(): RecordPredicate {
    const { context, text } = this;
    const start = this.at;
    const name = this.match(/\w+/y);
    if (name === '') {
      this.fail(start >= text.length ? 'a comparison is missing' : 'this cannot begin a comparison', start);
    }
    const suffix = this.match(/\.\w+/y);
    const nameEnd = this.at;
    if (suffix !== '' && suffix !== '.ustring') {
      this.fail(`${suffix} cannot be evaluated outside the kernel`, start + name.length, nameEnd);
    }
    this.skipSpace();
    const operatorStart = this.at;
    const operator = this.match(/==|!=|<=|>=|<|>|~|&(?!&)/y);
    if (operator === '') this.fail('invalid operator', operatorStart);
    this.skipSpace();
    const field = this.format.fields.find((each) => each.name === name);
    if (field === undefined) return this.specialComparison(name, start, operator, operatorStart);
    if (isString(field)) {
      const wanted = this.stringValue();
      const matches = this.stringTest(operator, operatorStart, wanted);
      const read = stringReader(context.memory, field);
      if (read === undefined) this.fail(`the text that ${name} points to is not in the record`, start, nameEnd);
      return (address, length) => {
        const found = read!(address, length);
        return found !== undefined && matches(found);
      };
    }
    const value = this.numberValue(field);
    if (!NUMBER_OPERATORS.has(operator) || ![1, 2, 4, 8].includes(field.size)) {
      this.fail('illegal operation for field type', operatorStart, operatorStart + operator.length);
    }
    return numberPredicate(context.memory, field, operator as NumberOperator, value);
  }

  /** `comm` and `cpu`, which are no fields of the record. */
  private specialComparison(name: string, start: number, operator: string, operatorStart: number): RecordPredicate {
    const { context } = this;
    if (name === 'comm' || name === 'COMM') {
      const pidField = this.format.fields.find((each) => each.name === 'common_pid');
      const matches = this.stringTest(operator, operatorStart, this.stringValue());
      const offset = pidField?.offset ?? 4;
      return (address, length) =>
        length >= offset + 4 && matches(context.comm(context.memory.i32[(address + offset) >>> 2]!));
    }
    if (name === 'cpu' || name === 'CPU') {
      const wanted = Number(this.numberValue({ size: 4, signed: true }));
      if (!NUMBER_OPERATORS.has(operator)) this.fail('illegal operation for field type', operatorStart);
      const test = compare(operator as NumberOperator);
      return () => test(context.cpu(), wanted);
    }
    const names = this.format.fields.map((each) => each.name).join(', ');
    this.fail('field not found', start, start + name.length, `the fields are ${names}`);
  }

  private stringTest(operator: string, operatorStart: number, wanted: string): (found: string) => boolean {
    if (operator === '==') return (found) => found === wanted;
    if (operator === '!=') return (found) => found !== wanted;
    if (operator !== '~') this.fail('illegal operation for field type', operatorStart, operatorStart + operator.length);
    const inverted = wanted.startsWith('!');
    const matches = globMatcher(inverted ? wanted.slice(1) : wanted);
    return inverted ? (found) => !matches(found) : matches;
  }

  private stringValue(): string {
    const start = this.at;
    const quote = this.text[start];
    if (quote !== '"' && quote !== "'") {
      if (/[-\d]/.test(quote ?? '')) this.fail('expecting a string: the field is text', start);
      this.fail('invalid value (did you forget quotes)?', start);
    }
    const end = this.text.indexOf(quote!, start + 1);
    if (end < 0) this.fail('missing matching quote', start);
    this.at = end + 1;
    return this.text.slice(start + 1, end);
  }

  private numberValue(field: Pick<EventField, 'size' | 'signed'>): bigint {
    const start = this.at;
    const quote = this.text[start];
    if (quote === '"' || quote === "'") this.fail('expecting a number: the field is numeric', start);
    const word = this.match(/-?\w+/y);
    if (word === '') this.fail('invalid value (did you forget quotes)?', start);
    const match = /^(-?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(word);
    const digits = match?.[2] ?? '';
    const octal = /^0\d/.test(digits);
    const magnitude = match === null ? -1n : BigInt(octal ? `0o${digits.slice(1)}` : digits);
    const value = match?.[1] === '-' ? -magnitude : magnitude;
    const inRange = field.signed
      ? value >= -(2n ** 63n) && value < 2n ** 63n
      : value >= 0n && value < 2n ** 64n && match?.[1] !== '-';
    if (match === null || !inRange) {
      this.fail(
        /^[-\d]/.test(word) ? 'illegal integer value' : 'invalid value (did you forget quotes)?',
        start,
        this.at,
      );
    }
    return value;
  }

  private accept(word: string): boolean {
    this.skipSpace();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private skipSpace(): void {
    this.match(/\s*/y);
  }

  /** The text at the present place that a sticky pattern matches; '' if none. Passes it. */
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private fail(reason: string, start: number, end = start + 1, hint?: string): never {
    throw this.error(reason, start, end, hint);
  }

  private error(reason: string, start: number, end: number, hint?: string): KtapError {
    const { source, span, exact } = this.filter;
    const place = exact ? { start: span.start + start, end: Math.min(span.start + end, span.end + 1) } : span;
    return errorAt(source, place, `the filter does not fit ${this.format.system}:${this.format.name}: ${reason}`, hint);
  }
}

function isString(field: EventField): boolean {
  return (
    /\bchar\b/.test(field.type) &&
    (field.arrayLength !== undefined || field.dynamic !== undefined || /char \*$/.test(field.type))
  );
}

function compare(operator: NumberOperator): (a: number, b: number) => boolean {
  switch (operator) {
    case '==':
      return (a, b) => a === b;
    case '!=':
      return (a, b) => a !== b;
    case '<':
      return (a, b) => a < b;
    case '<=':
      return (a, b) => a <= b;
    case '>':
      return (a, b) => a > b;
    case '>=':
      return (a, b) => a >= b;
    case '&':
      return (a, b) => (a & b) !== 0;
  }
}
