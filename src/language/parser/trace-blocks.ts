// Blocks of events and timers: `trace … {…}`, `trace_end {…}`, `tick-1s {…}`, `profile-97Hz {…}`. Their heads are not
// made of tokens: they are read as text here, then the lexer goes on at the `{`.

import type { TimerStatement, TraceEndStatement, TraceStatement } from '../ast.js';
import { isBlank, isWordCharacter } from '../characters.js';
import { parseEventDefinitions, readInterval } from '../event-definition.js';
import { parseFunctionBlock } from './functions.js';
import type { Parser } from './state.js';

/** `trace DEFINITION {…}` */
export function parseTrace(parser: Parser): TraceStatement {
  const { lexer } = parser;
  const { start, end: headStart } = lexer;
  refuseInHandler(parser, 'a trace block');
  const { definition, definitionStart, brace } = readHead(parser, headStart);
  const definitions = parseEventDefinitions(definition, parser.source, definitionStart);
  lexer.continueAt(brace);
  const body = parseFunctionBlock(parser, 'a trace block', false, 'trace');
  return { type: 'Trace', definition, definitionStart, definitions, body, start, end: lexer.previousEnd };
}

export function parseTraceEnd(parser: Parser): TraceEndStatement {
  const { lexer } = parser;
  const { start } = lexer;
  refuseInHandler(parser, 'a trace_end block');
  lexer.next();
  const body = parseFunctionBlock(parser, "'trace_end'", false, 'trace_end');
  return { type: 'TraceEnd', body, start, end: lexer.previousEnd };
}

/** `tick-N… {…}`; the token under way is `tick` or `profile`, and `-` and a digit follow. */
export function parseTimer(parser: Parser, kind: 'tick' | 'profile'): TimerStatement {
  const { lexer } = parser;
  const { start, end: dash, text } = lexer;
  refuseInHandler(parser, `a ${kind} block`);
  let end = dash + 1;
  while (isWordCharacter(text.charCodeAt(end)) || text[end] === '.') end++;
  const interval = text.slice(dash + 1, end);
  const read = readInterval(interval);
  if ('message' in read) throw parser.error({ start, end }, read.message, read.hint);
  lexer.continueAt(end);
  const body = parseFunctionBlock(parser, `'${kind}-${interval}'`, false, kind);
  return { type: 'Timer', kind, interval, nanoseconds: read.nanoseconds, body, start, end: lexer.previousEnd };
}

function refuseInHandler(parser: Parser, what: string): void {
  if (parser.handler === undefined) return;
  throw parser.error(
    parser.here(),
    `${what} cannot stand inside a ${parser.handler} block`,
    'events and timers start together, when the main chunk has ended',
  );
}

/**
 * The text up to the `{` that opens the body, trimmed, comments blanked out; a `{` in quotes, in a comment or in a
 * filter's `CPUS{…}` does not open it.
 */
function readHead(parser: Parser, from: number): { definition: string; definitionStart: number; brace: number } {
  const { text } = parser.lexer;
  const startOfTrace = parser.lexer.start;
  let at = from;
  while (isBlank(text.charCodeAt(at))) at++;
  if (text[at] === '=' || text[at] === '(' || text[at] === '.' || text[at] === ',') {
    throw parser.error(parser.here(), "'trace' is a reserved word", 'a trace block is written trace sys:event { ... }');
  }
  let definition = '';
  let copied = from;
  for (at = from; ; at++) {
    const character = text[at];
    if (character === undefined) {
      throw parser.error(
        { start: startOfTrace, end: from },
        'the body of a trace block must stand in braces, found the end of the script',
        'write trace sys:event { ... }',
      );
    }
    if (character === '"' || character === "'") {
      const close = text.indexOf(character, at + 1);
      const newline = text.indexOf('\n', at + 1);
      if (close < 0 || (newline >= 0 && newline < close)) {
        const end = newline < 0 ? text.length : newline;
        throw parser.error({ start: at, end }, `unclosed ${character} in an event definition`);
      }
      at = close;
    } else if (character === '#' && (at === from || isBlank(text.charCodeAt(at - 1)))) {
      const newline = text.indexOf('\n', at);
      const end = newline < 0 ? text.length : newline;
      definition += text.slice(copied, at) + ' '.repeat(end - at);
      copied = end;
      at = end - 1;
    } else if (character === '{') {
      if (text.slice(at - 4, at) !== 'CPUS') break;
      const close = text.indexOf('}', at);
      if (close < 0) break;
      at = close;
    }
  }
  definition += text.slice(copied, at);
  const trimmed = definition.trimStart();
  if (trimmed === '') {
    throw parser.error(
      { start: startOfTrace, end: from },
      "'trace' needs an event before the '{'",
      'for instance trace syscalls:sys_enter_openat { ... }',
    );
  }
  return { definition: trimmed.trimEnd(), definitionStart: from + definition.length - trimmed.length, brace: at };
}
