// Statement expressions of print fmts: `({ int x = …; x; })`, and the form in which an event prints into the output
// itself: `({ const char *p = trace_seq_buffer_ptr(p); … trace_seq_printf(p, "…", …); p; })`.

import { scalarType } from '../c-types.js';
import type { Compiler } from './compiler.js';
import { converted, type Expression, textOf } from './expression.js';
import { UNSIGNED_INT } from './integers.js';
import { type Node, PrintFormatError, type Statement } from './parser.js';
import type { RecordReader } from './reader.js';
import { compilePrintf } from './text.js';

/** Bit fields of unions that print fmts take apart: name, first bit, number of bits (arch/x86/include/asm/kvm_host.h). */
const BIT_FIELDS: Readonly<Record<string, readonly (readonly [name: string, first: number, bits: number])[]>> = {
  kvm_mmu_page_role: [
    ['level', 0, 4],
    ['has_4_byte_gpte', 4, 1],
    ['quadrant', 5, 2],
    ['direct', 7, 1],
    ['access', 8, 3],
    ['invalid', 11, 1],
    ['efer_nx', 12, 1],
    ['cr0_wp', 13, 1],
    ['smep_andnot_wp', 14, 1],
    ['smap_andnot_wp', 15, 1],
    ['ad_disabled', 16, 1],
    ['guest_mode', 17, 1],
    ['passthrough', 18, 1],
  ],
};

/** Compiles the statements; the value is that of the last expression. */
export function compileBlock(compiler: Compiler, statements: readonly Statement[]): Expression {
  const locals = new Map<string, Expression>();
  const inner = compiler.withLocals(locals);
  const printed: ((reader: RecordReader) => string)[] = [];
  /** The local that holds the place in the output: its text is what the block prints. */
  let output: string | undefined;
  let last: Expression | undefined;
  for (const statement of statements) {
    switch (statement.kind) {
      case 'declaration': {
        const { value, name, type } = statement;
        if (value?.kind === 'call' && value.name === 'trace_seq_buffer_ptr') output = name;
        else if (value?.kind === 'list') locals.set(name, { ...textOf(() => ''), strings: value.items.map(stringOf) });
        else if (value !== undefined) locals.set(name, declared(type, inner.compile(value)));
        else
          locals.set(name, {
            ...textOf(() => ''),
            members: bitFields(
              type,
              textOf(() => ''),
            ),
          });
        break;
      }
      case 'assignment': {
        const target = statement.target;
        if (target.kind === 'name') {
          locals.set(target.name, inner.compile(statement.value));
        } else if (target.kind === 'member' && target.operand.kind === 'name') {
          // The whole word of a union of bit fields.
          const name = target.operand.name;
          const type = statements.find((one) => one.kind === 'declaration' && one.name === name);
          if (type?.kind !== 'declaration') throw new PrintFormatError(`unknown name ${name}`);
          locals.set(name, { ...textOf(() => ''), members: bitFields(type.type, inner.compile(statement.value)) });
        } else {
          throw new PrintFormatError('an assignment to something that is no local');
        }
        break;
      }
      case 'expression': {
        const value = statement.value;
        if (value.kind === 'call' && value.name === 'trace_seq_printf') {
          const [, format, ...args] = value.args;
          if (format?.kind !== 'string') throw new PrintFormatError('trace_seq_printf without a format string');
          printed.push(compilePrintf(inner, format.value, args));
        } else if (value.kind === 'call' && value.name === 'trace_seq_putc') {
          const character = inner.compile(value.args[1]!);
          // The NUL that ends the string.
          if (character.constant !== 0) printed.push((r) => String.fromCharCode(Number(character.value(r))));
        } else if (value.kind === 'name' && value.name === output) {
          last = textOf((r) => upToNul(printed.map((one) => one(r)).join('')));
        } else {
          last = inner.compile(value);
        }
        break;
      }
    }
  }
  if (last === undefined) throw new PrintFormatError('a statement expression without a value');
  return last;
}

/** What is printed is a C string: a `%c` with 0 ends it. */
function upToNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function stringOf(node: Node): string {
  if (node.kind !== 'string') throw new PrintFormatError('a list of something else than strings');
  return node.value;
}

function declared(typeText: string, value: Expression): Expression {
  const type = scalarType(typeText);
  if (type === undefined || type.pointer || value.text !== undefined) return value;
  return { type, value: converted(value, type.size, type.signed) };
}

function bitFields(typeText: string, word: Expression): ReadonlyMap<string, Expression> {
  const name = /(\w+)$/.exec(typeText)![1]!;
  const layout = BIT_FIELDS[name];
  if (layout === undefined) throw new PrintFormatError(`unknown struct ${name}`);
  const members = new Map<string, Expression>([['word', word]]);
  const value = converted(word, 4, false);
  for (const [member, first, bits] of layout)
    members.set(member, { type: UNSIGNED_INT, value: (r) => ((value(r) as number) >>> first) & ((1 << bits) - 1) });
  return members;
}
