// Reads the cases of test/language/: scripts with their expectations in comments (see its README.md).

import { readdirSync, readFileSync } from 'node:fs';

export interface ExpectedDiagnostic {
  readonly message: string;
  /** Line of the file. */
  readonly line: number;
}

export interface LanguageCase {
  /** `folder/file.kp: section`. */
  readonly name: string;
  /** Byte string; sections are moved down by empty lines so that line numbers are those of the file. */
  readonly text: string;
  readonly args: readonly string[];
  /** Byte string. */
  readonly output: string;
  readonly error: ExpectedDiagnostic | undefined;
  readonly status: number;
  /** undefined: not checked. */
  readonly warnings: readonly ExpectedDiagnostic[] | undefined;
  readonly engineOnly: boolean;
  /** Modes of the engine that are left out. */
  readonly notIn: readonly string[];
  /** Why it is not run at all. */
  readonly skipped: string | undefined;
}

const FOLDER = 'test/language';

/** All cases below test/language/ in the order of their files. */
export function readCases(): LanguageCase[] {
  return readdirSync(FOLDER, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.kp'))
    .sort()
    .flatMap((name) => casesOfFile(name, readFileSync(`${FOLDER}/${name}`, 'latin1')));
}

function casesOfFile(file: string, text: string): LanguageCase[] {
  const lines = text.split('\n');
  const heads = [...lines.keys()].filter((i) => lines[i]!.startsWith('### '));
  if (heads.length === 0) return [parseCase(file, text, 0)];
  const firstCode = lines.findIndex((line) => line.trim() !== '');
  if (heads[0] !== firstCode) throw new Error(`${FOLDER}/${file}: text before the first section`);
  return heads.map((head, i) => {
    const end = heads[i + 1] ?? lines.length;
    return parseCase(`${file}: ${lines[head]!.slice(4)}`, lines.slice(head + 1, end).join('\n'), head + 1);
  });
}

const EXPECTATION = /# expect(?: (error|exit|warning|no warning)(?: ([+-]\d+))?)?(?:: ?(.*)|$)/;

function parseCase(name: string, text: string, linesBefore: number): LanguageCase {
  let output = '';
  let error: ExpectedDiagnostic | undefined;
  let status: number | undefined;
  let warnings: ExpectedDiagnostic[] | undefined;
  let args: string[] = [];
  let engineOnly = false;
  let notIn: string[] = [];
  let skipped: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const raw = /^#\|(.*)\|$/.exec(line);
    if (raw !== null) output += `${unescapeBytes(raw[1]!)}\n`;
    const argsLine = /^# args: (.*)$/.exec(line);
    if (argsLine !== null) args = argsLine[1]!.split(' ');
    if (line === '# only: engine') engineOnly = true;
    const notLine = /^# not: (.*)$/.exec(line);
    if (notLine !== null) notIn = notLine[1]!.split(' ');
    skipped ??= /^# skip: (.*)$/.exec(line)?.[1];
    const expectation = EXPECTATION.exec(line);
    if (expectation === null) continue;
    const [, kind, offset, value = ''] = expectation;
    const at = { message: value, line: linesBefore + i + 1 + Number(offset ?? 0) };
    if (kind === undefined) output += `${unescapeBytes(value)}\n`;
    else if (kind === 'exit') status = Number(value);
    else if (kind === 'no warning') warnings = [];
    else if (kind === 'warning') warnings = [...(warnings ?? []), at];
    else if (error !== undefined) throw new Error(`${name}: two errors expected`);
    else error = at;
  }
  return {
    name,
    text: '\n'.repeat(linesBefore) + text,
    args,
    output,
    error,
    status: status ?? (error === undefined ? 0 : 1),
    warnings,
    engineOnly,
    notIn,
    skipped,
  };
}

function unescapeBytes(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex?: string, char?: string) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : char === 't' ? '\t' : char!,
  );
}
