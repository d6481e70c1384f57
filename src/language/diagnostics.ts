// Every error and warning that a person sees about a script has one shape and is made here:
//
//     histogram.kp:3:9: error: unknown escape \q in a string
//         print("a\qb")
//                 ^^
//     hint: write \\ for a backslash
//
// Texts of scripts are "byte strings": JavaScript strings in which each char is one byte (latin1), because a script is
// bytes and its strings are byte strings. Only rendering turns them back into UTF-8.

/** A script's text with its name as the user gave it (`-e` scripts are called `-e`, standard input `-`). */
export interface Source {
  readonly name: string;
  /** Byte string. */
  readonly text: string;
}

/** A range of byte offsets of a source, end not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Line and column of an offset, both counted from 1; a column is a byte. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** Absent where there is no place to show (a file that cannot be read). */
  readonly source?: Source;
  readonly span?: Span;
  /** What to do about it. */
  readonly hint?: string;
  /** The name by which a warning is turned off, e.g. `unused-local`. */
  readonly code?: string;
  /** More lines shown after the place, such as a traceback. */
  readonly notes?: readonly string[];
}

/** The exception that carries diagnostics: whatever is wrong with a script, a module, an event or a recording. */
export class KtapError extends Error {
  override readonly name = 'KtapError';
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: Diagnostic | readonly Diagnostic[]) {
    const list = Array.isArray(diagnostics) ? (diagnostics as readonly Diagnostic[]) : [diagnostics as Diagnostic];
    super(list.map((each) => each.message).join('\n'));
    this.diagnostics = list;
  }
}

/** Makes the error to throw for a place in a source. */
export function errorAt(source: Source, span: Span, message: string, hint?: string): KtapError {
  return new KtapError({ severity: 'error', message, source, span, ...(hint === undefined ? {} : { hint }) });
}

/** Makes the error to throw where no source is to be shown. */
export function plainError(message: string, hint?: string): KtapError {
  return new KtapError({ severity: 'error', message, ...(hint === undefined ? {} : { hint }) });
}

/** Line and column of a byte offset. Linear in the offset: for messages, not for hot paths. */
export function positionOf(source: Source, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const newline = source.text.indexOf('\n', lineStart);
    if (newline < 0 || newline >= offset) return { line, column: offset - lineStart + 1 };
    line++;
    lineStart = newline + 1;
  }
}

/** Decodes a byte string as UTF-8, for showing. */
export function toUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Longest part of a source line that is shown. */
const SHOWN_COLUMNS = 160;

/** Text of a diagnostic as standard error shows it, without a final newline (UTF-16, ready to be written as UTF-8). */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { severity, message, source, span, hint, notes } = diagnostic;
  const lines: string[] = [];
  if (source !== undefined && span !== undefined) {
    const { line, column } = positionOf(source, span.start);
    lines.push(`${toUtf8(source.name)}:${line}:${column}: ${severity}: ${toUtf8(message)}`);
    lines.push(...renderPlace(source, span));
  } else {
    lines.push(`${source === undefined ? 'ktap' : toUtf8(source.name)}: ${severity}: ${toUtf8(message)}`);
  }
  for (const note of notes ?? []) lines.push(toUtf8(note));
  if (hint !== undefined) lines.push(`hint: ${toUtf8(hint)}`);
  return lines.join('\n');
}

/** The source line and the carets under a span; a span over several lines is marked to the end of its first. */
function renderPlace(source: Source, span: Span): string[] {
  const lineStart = source.text.lastIndexOf('\n', span.start - 1) + 1;
  let lineEnd = source.text.indexOf('\n', span.start);
  if (lineEnd < 0) lineEnd = source.text.length;
  if (lineEnd > span.start && source.text[lineEnd - 1] === '\r') lineEnd--;
  // A very long line is shown from a little before the place on.
  const from = span.start - lineStart > SHOWN_COLUMNS - 40 ? span.start - 60 : lineStart;
  const to = Math.min(lineEnd, from + SHOWN_COLUMNS);
  const shown = (start: number, end: number): string =>
    toUtf8(source.text.slice(start, end)).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '?');
  const before = shown(from, span.start).replace(/[^\t]/g, ' ');
  const marked = Math.max(1, [...shown(span.start, Math.min(Math.max(span.end, span.start + 1), to))].length);
  return [`    ${shown(from, to)}`, `    ${before}${'^'.repeat(marked)}`];
}
