// The text of `ktap --help-builtins [NAME]` and the list of built-ins in docs/builtins.md, both made from the
// declarations.

import { plainError } from '../language/diagnostics.js';
import { typeWords } from './arguments.js';
import type { Builtin } from './declare.js';
import { BUILTINS } from './registry.js';

/** How a built-in is called: `strfind(s, sub [, from])`. */
export function signature({ name, parameters }: Builtin): string {
  let text = '';
  let open = 0;
  for (const [index, parameter] of parameters.entries()) {
    const comma = index === 0 ? '' : ', ';
    if (parameter.rest) {
      text += `${comma}…`;
    } else if (parameter.optional) {
      text += index === 0 ? `[${parameter.name}` : ` [${comma}${parameter.name}`;
      open++;
    } else {
      text += comma + parameter.name;
    }
  }
  return `${name}(${text}${']'.repeat(open)})`;
}

function familiesOf(builtins: readonly Builtin[]): Map<string, Builtin[]> {
  const families = new Map<string, Builtin[]>();
  for (const builtin of builtins) {
    const family = families.get(builtin.family);
    if (family === undefined) families.set(builtin.family, [builtin]);
    else family.push(builtin);
  }
  return families;
}

/** Breaks a text into lines of at most `width` columns. */
function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > width && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines.join('\n');
}

/**
 * Text of `ktap --help-builtins [NAME]`, with a final newline. Without a name all built-ins in one line each; the name may
 * be that of a built-in, an alias, a table (`ansi`) or a family. Throws KtapError for a name that there is not.
 */
export function builtinHelp(name = '', builtins: readonly Builtin[] = BUILTINS): string {
  const lines: string[] = [];
  if (name === '') {
    lines.push('Built-in functions. More about one: ktap --help-builtins NAME');
    for (const [family, members] of familiesOf(builtins)) {
      lines.push('', `${family}:`);
      for (const builtin of members) lines.push(shortLine(builtin));
    }
    return `${lines.join('\n')}\n`;
  }
  const wanted = name.replace(/\(.*$/, '');
  const found = builtins.filter(
    (each) =>
      each.name === wanted ||
      each.aliases?.includes(wanted) === true ||
      each.name.startsWith(`${wanted}.`) ||
      each.family === wanted,
  );
  if (found.length === 0) throw plainError(`there is no built-in ${name}`, nearNames(wanted, builtins));
  return `${found.map(longText).join('\n\n')}\n`;
}

function shortLine(builtin: Builtin): string {
  const head = `  ${signature(builtin)}`.padEnd(38);
  const text = firstClause(builtin.doc);
  const room = 120 - head.length - 1;
  return `${head} ${text.length <= room ? text : `${text.slice(0, text.lastIndexOf(' ', room - 3))}...`}`;
}

/** A text up to its first point, colon or semicolon outside parentheses. */
function firstClause(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    else if (depth === 0 && /^[.:;](?: |$)/.test(text.slice(at, at + 2))) return text.slice(0, at);
  }
  return text;
}

function longText(builtin: Builtin): string {
  const lines = [`${signature(builtin)}: ${builtin.returns}`];
  if (builtin.aliases !== undefined) lines.push(`    also: ${builtin.aliases.join(', ')}`);
  for (const parameter of builtin.parameters)
    lines.push(
      `    ${parameter.rest ? '…' : parameter.name}: ${typeWords(parameter)}${parameter.optional ? ', may be left out' : ''}`,
    );
  lines.push(wrap(builtin.doc, 100, '    '));
  return lines.join('\n');
}

/** Names that begin alike or contain the word. */
function nearNames(wanted: string, builtins: readonly Builtin[]): string {
  const word = wanted.toLowerCase();
  const near = builtins
    .flatMap((each) => [each.name, ...(each.aliases ?? [])])
    .filter((each) => each.includes(word) || (word.length >= 3 && each.startsWith(word.slice(0, 3))))
    .slice(0, 5);
  return near.length > 0 ? `there is ${near.join(', ')}` : 'ktap --help-builtins lists all';
}

/** The list of all built-ins for docs/builtins.md: a heading a family, an entry a built-in. */
export function builtinReference(builtins: readonly Builtin[] = BUILTINS): string {
  const parts: string[] = [];
  for (const [family, members] of familiesOf(builtins)) {
    parts.push(`## ${family[0]!.toUpperCase()}${family.slice(1)}`);
    for (const builtin of members) {
      const also =
        builtin.aliases === undefined ? '' : ` Also ${builtin.aliases.map((each) => `\`${each}\``).join(', ')}.`;
      const typed = builtin.parameters.filter((each) => each.type !== 'any');
      const parameters =
        typed.length === 0 ? '' : `\n\n${typed.map((each) => `\`${each.name}\`: ${typeWords(each)}`).join('; ')}.`;
      parts.push(`### \`${signature(builtin)}\` → ${builtin.returns}\n\n${builtin.doc}${also}${parameters}`);
    }
  }
  return parts.join('\n\n');
}
