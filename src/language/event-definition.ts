// The text of a trace block's head, `sys:event ARGS /FILTER/, …`, split into definitions. Says what the words are, not
// whether such an event exists: that is known to the providers of events/ when the block is attached.
// The intervals of timers are read here too.

import { isBlank } from './characters.js';
import { errorAt, type KtapError, plainError, type Source } from './diagnostics.js';

/** One definition of a trace block. Offsets count from the start of the block's whole definition text. */
export interface EventDefinition {
  readonly kind: 'tracepoint' | 'kprobe' | 'uprobe' | 'sdt' | 'function';
  /** This definition's own text, without arguments and filter: `syscalls:sys_enter_*`. */
  readonly text: string;
  readonly offset: number;
  /** Tracepoints: globs of the system and the event. */
  readonly system?: string;
  readonly event?: string;
  /** uprobe, sdt: the file. */
  readonly path?: string;
  /** kprobe, uprobe: function name or glob; or absent with `address`. sdt: the marker's glob. */
  readonly symbol?: string;
  /** sdt: glob of the provider. */
  readonly provider?: string;
  /** uprobe by file offset. */
  readonly address?: bigint;
  /** `symbol+offset`. */
  readonly symbolOffset?: bigint;
  readonly isReturn?: boolean;
  /** Fetch arguments as written, trimmed; empty if there are none. */
  readonly args: string;
  /** Where they begin; absent without any. */
  readonly argsOffset?: number;
  /** The filter without its slashes; the one of the block, repeated in each of its definitions. */
  readonly filter?: string;
  readonly filterOffset?: number;
}

/** What a kind is called in messages. */
export const KIND_NAMES: Readonly<Record<EventDefinition['kind'], string>> = {
  tracepoint: 'tracepoints',
  kprobe: 'probes on kernel functions',
  uprobe: 'probes on functions of programs and libraries',
  sdt: 'static markers',
  function: 'ftrace:function',
};

/**
 * Splits the text of a trace block's head. `offset` is where `text` stands in `source`, so that errors show the place.
 * Throws a KtapError.
 */
export function parseEventDefinitions(text: string, source: Source, offset: number): EventDefinition[] {
  const control = /[\x00-\x08\x0e-\x1f\x7f]/.exec(text);
  if (control !== null) {
    const start = offset + control.index;
    const byte = `0x${control[0].charCodeAt(0).toString(16).padStart(2, '0')}`;
    throw errorAt(source, { start, end: start + 1 }, `unexpected byte ${byte} in an event definition`);
  }
  return new HeadReader(text, source, offset).read();
}

const EXAMPLE = 'for instance sched:sched_switch, probe:vfs_read or sdt:/path:marker';

/** Reads one head; its methods share the text and where it stands. */
class HeadReader {
  readonly text: string;
  readonly source: Source;
  readonly offset: number;
  /** Where the filter's first slash is, or the end of the text. */
  end: number;
  filter: string | undefined;

  constructor(text: string, source: Source, offset: number) {
    this.text = text;
    this.source = source;
    this.offset = offset;
    this.end = text.length;
  }

  read(): EventDefinition[] {
    this.cutFilter();
    const definitions: EventDefinition[] = [];
    let from = 0;
    for (const comma of [...this.commas(), this.end]) {
      definitions.push(this.readDefinition(from, comma));
      from = comma + 1;
    }
    return definitions;
  }

  private error(start: number, end: number, message: string, hint?: string): KtapError {
    return errorAt(this.source, { start: this.offset + start, end: this.offset + end }, message, hint);
  }

  /** Offset behind the quoted part that begins at `at`; quotes have no escapes, as in the kernel's filters. */
  private skipQuoted(at: number): number {
    const close = this.text.indexOf(this.text[at]!, at + 1);
    if (close < 0) throw this.error(at, this.text.length, `unclosed ${this.text[at]} in an event definition`);
    return close + 1;
  }

  /** Finds the filter: from the first `/` after white space, or directly after a name without a path, to the last `/`. */
  private cutFilter(): void {
    const { text } = this;
    let wordStart = 0;
    let at = 0;
    while (at < text.length) {
      const character = text[at]!;
      if (isQuote(character)) {
        at = this.skipQuoted(at);
        continue;
      }
      if (character === '/' && (at === wordStart || !isPathWord(text.slice(wordStart, at)))) break;
      if (isBlank(text.charCodeAt(at)) || character === ',') wordStart = at + 1;
      at++;
    }
    if (at >= text.length) return;
    const trimmed = text.trimEnd();
    const last = text.lastIndexOf('/');
    if (last === at) {
      throw this.error(at, trimmed.length, "unclosed filter: no second '/'", 'a filter is written /condition/');
    }
    const filter = text.slice(at + 1, last);
    const rest = text.slice(last + 1).trimStart();
    if (rest !== '') {
      const start = text.length - rest.length;
      const hint = 'one filter, after the last event, holds for all of them';
      throw this.error(start, trimmed.length, `unexpected '${rest.trimEnd()}' after the filter`, hint);
    }
    const separator = /\/\s*,/.exec(filter.replace(/"[^"]*"|'[^']*'/g, (quoted) => '_'.repeat(quoted.length)));
    if (separator !== null) {
      const start = at + 1 + separator.index;
      const hint = 'one filter, after the last event, holds for all of them';
      throw this.error(at, start + 1, 'a filter before the last event', hint);
    }
    if (filter.trim() === '') throw this.error(at, last + 1, 'an empty filter', 'leave the slashes out');
    this.filter = toLine(filter);
    this.end = at;
  }

  /** Places of the commas that part definitions. */
  private commas(): number[] {
    const places: number[] = [];
    let depth = 0;
    for (let at = 0; at < this.end; at++) {
      const character = this.text[at]!;
      if (isQuote(character)) at = this.skipQuoted(at) - 1;
      else if (character === '(') depth++;
      else if (character === ')') depth--;
      else if (character === ',' && depth <= 0) places.push(at);
    }
    return places;
  }

  /** The definition between two commas. */
  private readDefinition(from: number, to: number): EventDefinition {
    const { text } = this;
    let start = from;
    while (start < to && isBlank(text.charCodeAt(start))) start++;
    if (start === to) {
      // The place of an empty definition is the comma beside it.
      const at = from > 0 ? from - 1 : to;
      throw this.error(at, Math.max(at + 1, to), 'an event is missing here', EXAMPLE);
    }
    let end = start;
    while (end < to && !isBlank(text.charCodeAt(end))) end = isQuote(text[end]!) ? this.skipQuoted(end) : end + 1;
    const word = text.slice(start, end);
    const rest = text.slice(end, to);
    const args = rest.trim();
    const argsStart = end + rest.length - rest.trimStart().length;
    const filter = this.filter === undefined ? {} : { filter: this.filter, filterOffset: this.end + 1 };
    const parts = this.readWord(word, start);
    if (args !== '' && (parts.kind === 'tracepoint' || parts.kind === 'function')) {
      const hint = args.startsWith('if ')
        ? 'a filter is written /condition/'
        : rest.includes('\n')
          ? 'the body of a trace block stands in braces'
          : 'only probe: and sdt: events take fetch arguments; several events are parted by commas';
      throw this.error(
        argsStart,
        argsStart + args.length,
        `unexpected '${shorten(toLine(args))}' after the event`,
        hint,
      );
    }
    const argsOffset = args === '' ? {} : { argsOffset: argsStart };
    return { ...parts, text: word, offset: start, args: toLine(args), ...argsOffset, ...filter };
  }

  private readWord(word: string, start: number): Omit<EventDefinition, 'text' | 'offset' | 'args'> {
    const end = start + word.length;
    const colon = word.indexOf(':');
    if (colon < 0) {
      throw this.error(start, end, `'${shorten(word)}' is no event: there is no ':' in it`, EXAMPLE);
    }
    const system = word.slice(0, colon);
    const rest = word.slice(colon + 1);
    const restStart = start + colon + 1;
    if (system === '' || rest === '') {
      throw this.error(
        start,
        end,
        `'${shorten(word)}' lacks a name ${rest === '' ? 'after' : 'before'} the ':'`,
        EXAMPLE,
      );
    }
    if (system === 'probe') return isPath(rest) ? this.readUprobe(rest, restStart) : this.readKprobe(rest, restStart);
    if (system === 'sdt') return this.readMarker(rest, restStart);
    if (word === 'ftrace:function') return { kind: 'function', system, event: rest };
    const wrong = /[^A-Za-z0-9_*?[\]!^.-]/.exec(system + rest);
    if (wrong !== null) {
      const at = wrong.index < system.length ? start + wrong.index : start + wrong.index + 1;
      const hint =
        wrong[0] === '/' || wrong[0] === ':'
          ? 'a place in a program is written probe:/path:function'
          : /['"]/.test(wrong[0])
            ? 'an event stands without quotes'
            : EXAMPLE;
      throw this.error(at, at + 1, `unexpected '${wrong[0]}' in the name of an event`, hint);
    }
    return { kind: 'tracepoint', system, event: rest };
  }

  /** `symbol`, `glob*`, `symbol%return`, `symbol+offset` of the kernel. */
  private readKprobe(rest: string, start: number): Omit<EventDefinition, 'text' | 'offset' | 'args'> {
    const place = this.readPlace(rest, start);
    const wrong = /[^A-Za-z0-9_.$*?[\]!-]/.exec(place.symbol);
    if (wrong !== null) {
      const at = start + wrong.index;
      const hint =
        wrong[0] === '/' || wrong[0] === ':'
          ? 'a function of a program is written probe:/path:function'
          : 'for instance probe:vfs_read, probe:vfs_*, probe:vfs_read%return or probe:vfs_read+0x10';
      throw this.error(at, at + 1, `unexpected '${wrong[0]}' in the name of a kernel function`, hint);
    }
    return { kind: 'kprobe', ...place };
  }

  /** `/path:symbol`, `/path:glob*`, `/path:0xOFFSET`, each with `%return`. */
  private readUprobe(rest: string, start: number): Omit<EventDefinition, 'text' | 'offset' | 'args'> {
    const { path, behind } = this.readPath(rest, start, 'probe:/path:function');
    const place = this.readPlace(rest.slice(behind), start + behind);
    if (/^0[xX][0-9a-fA-F]+$/.test(place.symbol) && place.symbolOffset === undefined) {
      const { symbol, ...others } = place;
      return { kind: 'uprobe', path, address: BigInt(symbol), ...others };
    }
    return { kind: 'uprobe', path, ...place };
  }

  /** `/path:name` and `/path:provider:name`. */
  private readMarker(rest: string, start: number): Omit<EventDefinition, 'text' | 'offset' | 'args'> {
    const form = 'sdt:/path:marker or sdt:/path:provider:marker';
    if (!isPath(rest)) throw this.error(start, start + rest.length, 'a marker needs the path of its program', form);
    const { path, behind } = this.readPath(rest, start, form);
    const names = rest.slice(behind).split(':');
    const percent = rest.indexOf('%', behind);
    if (percent >= 0) {
      throw this.error(start + percent, start + rest.length, 'a marker has no return', 'only functions have one');
    }
    if (names.length > 2 || names.includes('')) {
      throw this.error(start + behind, start + rest.length, 'a marker has a name and at most a provider', form);
    }
    return names.length === 2
      ? { kind: 'sdt', path, provider: names[0]!, symbol: names[1]! }
      : { kind: 'sdt', path, symbol: names[0]! };
  }

  /** The path at the start of `rest`, which may be quoted, and where the part after its `:` begins. */
  private readPath(rest: string, start: number, form: string): { path: string; behind: number } {
    let path: string;
    let colon: number;
    if (isQuote(rest[0]!)) {
      const close = rest.indexOf(rest[0]!, 1);
      path = rest.slice(1, close);
      colon = rest[close + 1] === ':' ? close + 1 : -1;
    } else {
      colon = rest.indexOf(':', rest.lastIndexOf('/'));
      path = rest.slice(0, colon);
    }
    if (colon < 0 || colon === rest.length - 1) {
      throw this.error(
        start,
        start + rest.length,
        'no name after the path',
        `it is written ${form}; white space stands before a filter`,
      );
    }
    return { path, behind: colon + 1 };
  }

  /** `symbol+offset%return`. */
  private readPlace(word: string, start: number): { symbol: string; symbolOffset?: bigint; isReturn?: boolean } {
    let name = word;
    const percent = word.indexOf('%');
    if (percent >= 0) {
      if (word.slice(percent) !== '%return') {
        throw this.error(
          start + percent,
          start + word.length,
          `unexpected '${word.slice(percent)}'`,
          'the return of a function is written %return',
        );
      }
      name = word.slice(0, percent);
    }
    const plus = name.indexOf('+');
    const symbol = plus < 0 ? name : name.slice(0, plus);
    if (symbol === '') throw this.error(start, start + word.length, "a function's name is missing", EXAMPLE);
    const isReturn = percent >= 0 ? { isReturn: true } : {};
    if (plus < 0) return { symbol, ...isReturn };
    const offset = name.slice(plus + 1);
    if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(offset)) {
      throw this.error(start + plus, start + name.length, 'the offset must be a number', 'for instance vfs_read+0x10');
    }
    if (percent >= 0 && BigInt(offset) !== 0n) {
      throw this.error(start + plus, start + word.length, 'a return has no offset', 'write either +offset or %return');
    }
    return { symbol, symbolOffset: BigInt(offset), ...isReturn };
  }
}

function isQuote(character: string): boolean {
  return character === '"' || character === "'";
}

/** Whether what follows `probe:` or `sdt:` is a path. */
function isPath(rest: string): boolean {
  return /^["']?\.{0,2}\//.test(rest);
}

/** Whether a word up to a slash has a path, which the slash belongs to then. */
function isPathWord(word: string): boolean {
  return /^(probe|sdt):(\.{0,2}$|\.{0,2}\/)/.test(word);
}

/** Newlines are white space in a definition; the kernel wants one line. */
function toLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1e9],
  ['sec', 1e9],
  ['ms', 1e6],
  ['msec', 1e6],
  ['us', 1e3],
  ['usec', 1e3],
  ['ns', 1],
  ['nsec', 1],
]);
/** 292 years: what 64 bits of nanoseconds hold. */
const LONGEST = 2 ** 63;
const UNIT_HINT = 'units are s, sec, ms, msec, us, usec, ns, nsec and Hz, for instance 10ms or 97Hz';

/** Reads the interval of a timer, `10ms` or `97Hz`, or says what is wrong with it. */
export function readInterval(text: string): { nanoseconds: number } | { message: string; hint: string } {
  const parts = /^([0-9]+)([A-Za-z_]*)$/.exec(text);
  if (parts === null) return { message: `'${shorten(text)}' is no interval`, hint: UNIT_HINT };
  const count = Number(parts[1]);
  const unit = parts[2]!;
  if (unit === '') return { message: `the interval ${shorten(text)} has no unit`, hint: UNIT_HINT };
  const isFrequency = unit.toLowerCase() === 'hz';
  const scale = UNITS.get(unit);
  if (!isFrequency && scale === undefined) return { message: `unknown unit '${shorten(unit)}'`, hint: UNIT_HINT };
  if (count === 0) return { message: `the interval ${shorten(text)} is zero`, hint: 'it must be above zero' };
  const nanoseconds = isFrequency ? Math.round(1e9 / count) : count * scale!;
  if (nanoseconds < 1) return { message: `the frequency ${shorten(text)} is too high`, hint: 'at most 1000000000Hz' };
  if (nanoseconds >= LONGEST)
    return { message: `the interval ${shorten(text)} is too long`, hint: 'at most 292 years' };
  return { nanoseconds };
}

/** Nanoseconds of an interval, `10ms` or `97Hz`. Throws a KtapError without a place. */
export function parseInterval(text: string): number {
  const read = readInterval(text);
  if ('message' in read) throw plainError(read.message, read.hint);
  return read.nanoseconds;
}
