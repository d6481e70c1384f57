// What the syntax tests share: the error of a script as a person sees it, and trees in a compact form.

import * as assert from 'uvu/assert';
import type { Block, Chunk, Expression, Statement } from '../../src/language/ast.js';
import { KtapError, parseChunk, renderDiagnostic } from '../../src/language/index.js';
import { quote } from '../support/print-chunk.js';

/** Parses a script given as ordinary text. */
export function parse(script: string): Chunk {
  return parseChunk({ name: 't.kp', text: Buffer.from(script).toString('latin1') });
}

/** The rendered error of a script that does not parse; `no error` if it does. */
export function errorOf(script: string): string {
  try {
    parse(script);
    return 'no error';
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    return error.diagnostics.map(renderDiagnostic).join('\n');
  }
}

/** Lines to the text that errorOf gives. */
export function lines(...list: readonly string[]): string {
  return list.join('\n');
}

/**
 * The tree of a script: the script again, but with every operator in `(…)`, the script's own parentheses as `paren(…)`,
 * and every string in double quotes.
 */
export function tree(script: string): string {
  return parse(script).body.statements.map(showStatement).join('; ');
}

/** The tree of an expression. */
export function expression(script: string): string {
  return tree(`x = ${script}`).replace(/^x = /, '');
}

function showList(list: readonly Expression[]): string {
  return list.map(show).join(', ');
}

function showBlock(block: Block): string {
  return block.statements.length === 0 ? '{}' : `{ ${block.statements.map(showStatement).join('; ')} }`;
}

function show(node: Expression): string {
  switch (node.type) {
    case 'Nil':
      return 'nil';
    case 'Boolean':
    case 'Integer':
      return String(node.value);
    case 'String':
      return quote(node.value);
    case 'Vararg':
      return '...';
    case 'KernelSymbol':
      return `\`${node.name}\``;
    case 'Name':
      return node.name;
    case 'Index':
      return node.dot && node.key.type === 'String'
        ? `${show(node.object)}.${node.key.value}`
        : `${show(node.object)}[${show(node.key)}]`;
    case 'Call':
      return `${show(node.callee)}(${showList(node.arguments)})`;
    case 'MethodCall':
      return `${show(node.object)}:${node.name}(${showList(node.arguments)})`;
    case 'Function':
      return `function ${node.name}(${[...node.parameters.map(({ name }) => name), ...(node.hasVararg ? ['...'] : [])].join(', ')}) ${showBlock(node.body)}`;
    case 'Table':
      return `{${node.items.map(({ key, value }) => (key === undefined ? show(value) : `[${show(key)}] = ${show(value)}`)).join(', ')}}`;
    case 'Logical':
    case 'Binary':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case 'Unary':
      return `(${node.operator}${node.operator === 'not' ? ' ' : ''}${show(node.operand)})`;
    case 'Parenthesized':
      return `paren(${show(node.expression)})`;
    case 'EventText':
      return '<text>';
    case 'EventName':
      return '<name>';
    case 'EventArgument':
      return `<argument ${node.number}>`;
    case 'EventField':
      return `<field ${node.name}>`;
  }
}

function showStatement(node: Statement): string {
  switch (node.type) {
    case 'Local':
      return `local ${node.names.map(({ name }) => name).join(', ')}${node.values.length === 0 ? '' : ` = ${showList(node.values)}`}`;
    case 'LocalFunction':
      return `local ${show(node.function)}`;
    case 'FunctionStatement':
      return `${show(node.target)} = ${show(node.function)}`;
    case 'Assign':
      return `${showList(node.targets)} = ${showList(node.values)}`;
    case 'CompoundAssign':
      return node.increment
        ? `${show(node.target)}${node.operator}${node.operator}`
        : `${show(node.target)} ${node.operator}= ${show(node.value)}`;
    case 'Aggregate':
      return `${show(node.target)} <<< ${show(node.value)}`;
    case 'CallStatement':
      return show(node.call);
    case 'Do':
      return showBlock(node.body);
    case 'If':
      return `${node.clauses.map(({ condition, body }) => `if ${show(condition)} ${showBlock(body)}`).join(' else')}${node.otherwise === undefined ? '' : ` else ${showBlock(node.otherwise)}`}`;
    case 'While':
      return `while ${show(node.condition)} ${showBlock(node.body)}`;
    case 'Repeat':
      return `repeat ${showBlock(node.body)} until ${show(node.condition)}`;
    case 'NumericFor':
      return `for ${node.variable.name} = ${showList(node.step === undefined ? [node.from, node.limit] : [node.from, node.limit, node.step])} ${showBlock(node.body)}`;
    case 'CFor':
      return `for (${node.variable === undefined ? '' : `${node.variable.name} = ${show(node.from!)}`}; ${node.condition === undefined ? '' : show(node.condition)}; ${node.step === undefined ? '' : showStatement(node.step)}) ${showBlock(node.body)}`;
    case 'GenericFor':
      return `for ${node.names.map(({ name }) => name).join(', ')} in ${showList(node.iterators)} ${showBlock(node.body)}`;
    case 'Return':
      return `return ${showList(node.values)}`.trimEnd();
    case 'Break':
      return 'break';
    case 'Continue':
      return 'continue';
    case 'Goto':
      return `goto ${node.label.name}`;
    case 'Label':
      return `::${node.label.name}::`;
    case 'Trace':
      return `trace <${node.definition}> ${showBlock(node.body)}`;
    case 'TraceEnd':
      return `trace_end ${showBlock(node.body)}`;
    case 'Timer':
      return `${node.kind} ${node.nanoseconds} ${showBlock(node.body)}`;
    case 'Cdef':
      return `cdef ${quote(node.declarations.value)}`;
  }
}

/** A script of one line (or a part of one), the column and text of its error, how much is marked, and the hint. */
export type ErrorCase = readonly [string, number, string, number, string?];

/** Asserts the whole errors of scripts of one line; `scriptOf` makes the script of a case's part. */
export function assertErrors(cases: readonly ErrorCase[], scriptOf = (part: string): string => part): void {
  for (const [part, column, message, length, hint] of cases) {
    const script = scriptOf(part);
    assert.is(
      errorOf(script),
      lines(
        `t.kp:1:${column}: error: ${message}`,
        `    ${script}`,
        `    ${' '.repeat(column - 1)}${'^'.repeat(length)}`,
        ...(hint === undefined ? [] : [`hint: ${hint}`]),
      ),
    );
  }
}
