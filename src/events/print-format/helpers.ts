// The functions and macros that print fmts call, by name: the kernel's __print_… and __get_… families
// (include/trace/stages/stage3_trace_output.h, kernel/trace/trace_output.c) and the few ordinary functions that occur.

import { scalarOf } from '../c-types.js';
import type { Compiler } from './compiler.js';
import { DEVICE_HELPERS } from './device-helpers.js';
import { constantOf, converted, type Expression, textOf } from './expression.js';
import { arithmetic, convert, INT, type Integer, UNSIGNED_INT, UNSIGNED_LONG } from './integers.js';
import { type Node, PrintFormatError } from './parser.js';
import { bitmap } from './pointers.js';
import { integerAt, type RecordReader } from './reader.js';

export type Helper = (compiler: Compiler, args: readonly Node[]) => Expression;

/** Texts of flags and symbols that were made already: an event has few different ones. */
class TextCache {
  private readonly texts = new Map<Integer, string>();
  constructor(private readonly make: (value: Integer) => string) {}

  get(value: Integer): string {
    let text = this.texts.get(value);
    if (text === undefined) {
      text = this.make(value);
      // A field that is no set of flags after all must not fill the memory.
      if (this.texts.size >= 512) this.texts.clear();
      this.texts.set(value, text);
    }
    return text;
  }
}

interface Entry {
  readonly value: Integer;
  readonly name: string;
}

/** The `{ value, "name" }` lists. Entries whose name nobody can resolve are left out. */
function entries(compiler: Compiler, nodes: readonly Node[]): Entry[] {
  const found: Entry[] = [];
  for (const node of nodes) {
    if (node.kind !== 'list') throw new PrintFormatError('expected { value, "name" }');
    const [valueNode, nameNode] = node.items;
    if (valueNode === undefined || nameNode === undefined || nameNode.kind !== 'string') continue;
    let value: Integer | undefined;
    try {
      value = compiler.word(valueNode).constant;
    } catch (error) {
      if (error instanceof PrintFormatError) continue;
      throw error;
    }
    if (value !== undefined) found.push({ value, name: nameNode.value });
  }
  return found;
}

/** trace_print_flags_seq */
const printFlags: Helper = (compiler, [flagsNode, delimiterNode, ...nodes]) => {
  const flags = compiler.word(flagsNode!).value;
  const delimiter = delimiterNode?.kind === 'string' ? delimiterNode.value : '';
  const list = entries(compiler, nodes);
  const and = arithmetic('&', UNSIGNED_LONG);
  const clear = arithmetic('-', UNSIGNED_LONG);
  const cache = new TextCache((value) => {
    const parts: string[] = [];
    let left = value;
    for (const { value: mask, name } of list) {
      if (left === 0) break;
      if (and(left, mask) !== mask) continue;
      left = clear(left, mask);
      parts.push(name);
    }
    if (left !== 0) parts.push(`0x${left.toString(16)}`);
    return parts.join(delimiter);
  });
  return textOf((r) => cache.get(flags(r)));
};

/** trace_print_symbols_seq */
const printSymbolic: Helper = (compiler, [valueNode, ...nodes]) => {
  const value = compiler.word(valueNode!).value;
  const names = new Map<Integer, string>();
  for (const entry of entries(compiler, nodes)) if (!names.has(entry.value)) names.set(entry.value, entry.name);
  return textOf((r) => {
    const number = value(r);
    return names.get(number) ?? `0x${number.toString(16)}`;
  });
};

/** Start and length of a buffer argument, bounded by the memory there is. */
function buffer(compiler: Compiler, node: Node | undefined, lengthNode: Node | undefined) {
  const array = compiler.compile(node!).bytes;
  if (array === undefined) throw new PrintFormatError('expected an array');
  const length = converted(compiler.compile(lengthNode!), 4, true) as (reader: RecordReader) => number;
  return (r: RecordReader) => {
    const start = array.at(r);
    return r.memory.subarray(start, start + Math.max(length(r), 0));
  };
}

function hexadecimal(separator: string): Helper {
  return (compiler, [node, lengthNode]) => {
    const bytes = buffer(compiler, node, lengthNode);
    return textOf((r) => Array.from(bytes(r), hex2).join(separator));
  };
}

function hex2(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** trace_print_array_seq; the count of a damaged record ends with the record. */
function arrayText(reader: RecordReader, start: number, count: number, size: number): string {
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8)
    return `{BAD SIZE:${size} 0x${reader.memory[start]!.toString(16)}}`;
  const items: string[] = [];
  const end = Math.min(start + count * size, reader.base + reader.length);
  for (let at = start; at + size <= end; at += size) items.push(`0x${integerAt(reader, at, size, false).toString(16)}`);
  return `{${items.join(',')}}`;
}

const printArray: Helper = (compiler, [node, countNode, sizeNode]) => {
  const array = compiler.compile(node!).bytes;
  if (array === undefined) throw new PrintFormatError('expected an array');
  const count = converted(compiler.compile(countNode!), 4, true);
  const size = converted(compiler.compile(sizeNode!), 4, true);
  return textOf((r) => arrayText(r, array.at(r), Number(count(r)), Number(size(r))));
};

const printDynamicArray: Helper = (compiler, [node, sizeNode]) => {
  const array = compiler.array(node);
  const size = converted(compiler.compile(sizeNode!), 4, true);
  return textOf((r) => {
    const bytes = Number(size(r));
    return arrayText(r, array.at(r), Math.floor(array.size(r) / (bytes || 1)), bytes);
  });
};

/** trace_print_hex_dump_seq: a newline, then lines of up to `rowsize` bytes. */
const printHexDump: Helper = (compiler, args) => {
  const [prefixNode, typeNode, rowNode, groupNode, node, lengthNode, asciiNode] = args;
  const prefix = compiler.text(compiler.compile(prefixNode!));
  const [type, row, group, ascii] = [typeNode, rowNode, groupNode, asciiNode].map(
    (one) => converted(compiler.compile(one!), 4, true) as (reader: RecordReader) => number,
  );
  const bytes = buffer(compiler, node, lengthNode);
  return textOf((r) => {
    const all = bytes(r);
    const rowSize = row!(r) === 32 ? 32 : 16;
    let groupSize = group!(r);
    if (![2, 4, 8].includes(groupSize) || all.length % groupSize !== 0) groupSize = 1;
    let text = '\n';
    for (let start = 0; start < all.length; start += rowSize) {
      const line = all.subarray(start, start + rowSize);
      let hex = '';
      for (let at = 0; at < line.length; at += groupSize) {
        const piece = Array.from(line.subarray(at, at + groupSize), hex2)
          .reverse()
          .join('');
        hex += at === 0 ? piece : ` ${piece}`;
      }
      if (ascii!(r) !== 0) {
        const width = rowSize * 2 + rowSize / groupSize + 1;
        hex =
          hex.padEnd(width) +
          Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
      }
      // DUMP_PREFIX_OFFSET is 2; an address (1) would be one of the kernel's buffer.
      text += `${prefix(r)}${type!(r) === 2 ? `${start.toString(16).padStart(8, '0')}: ` : ''}${hex}\n`;
    }
    return text;
  });
};

const getString: Helper = (compiler, [node]) => compiler.arrayExpression(compiler.array(node));

/** A string argument of a probe (probe-text.ts): in quotes, or (fault) where it could not be read. */
const probeString: Helper = (compiler, [node]) => {
  const { at, size } = compiler.array(node);
  return textOf((r) => (size(r) === 0 ? '(fault)' : `"${r.text(at(r), size(r))}"`));
};

const getLength: Helper = (compiler, [node]) => ({ type: UNSIGNED_INT, value: compiler.array(node).size });

const getBitmask: Helper = (compiler, [node]) => {
  const array = compiler.array(node);
  return textOf((r) => bitmap(r.memory, array.at(r), array.size(r) * 8));
};

function firstArgument(compiler: Compiler, [node]: readonly Node[]): Expression {
  return compiler.compile(node!);
}

/** jiffies_to_msecs, jiffies_to_usecs: ticks to a unit, rounded up where a tick is no whole number of units. */
function fromTicks(unitsPerSecond: number): Helper {
  return (compiler, [node]) => {
    const ticks = converted(compiler.compile(node!), 8, false);
    const hertz = compiler.environment.ticksPerSecond ?? 250;
    return {
      type: UNSIGNED_INT,
      value: (r) => convert(Math.ceil((Number(ticks(r)) * unitsPerSecond) / hertz), 4, false),
    };
  };
}

function divided(divisor: number, operator: '/' | '%'): Helper {
  return (compiler, [node]) =>
    compiler.binary(
      operator,
      { ...compiler.word(node!), type: scalarOf(8, false)! },
      constantOf(divisor, UNSIGNED_LONG),
    );
}

/** Reverses the bytes of an integer: big-endian fields. */
function swapped(size: number): Helper {
  return (compiler, [node]) => {
    const value = converted(compiler.compile(node!), size, false);
    return {
      type: scalarOf(size, false)!,
      value: (r) => {
        const bytes = value(r)
          .toString(16)
          .padStart(size * 2, '0')
          .match(/../g)!;
        return convert(BigInt(`0x${bytes.reverse().join('')}`), size, false);
      },
    };
  };
}

/** A number from the place of an integer's highest set bit, -1 where there is none. */
function bitPosition(from: (highest: number) => number): Helper {
  const position = (value: Integer) => {
    const unsigned = BigInt.asUintN(64, BigInt(value));
    return from(unsigned === 0n ? -1 : unsigned.toString(2).length - 1);
  };
  return (compiler, [node]) => {
    const { constant, value } = compiler.word(node!);
    return constant === undefined
      ? { type: INT, value: (r) => position(value(r)) }
      : constantOf(position(constant), INT);
  };
}

/** The smaller or the larger of two values. */
function extreme(operator: '<' | '>'): Helper {
  return (compiler, [left, right]) => {
    const test: Node = { kind: 'binary', operator, left: left!, right: right! };
    return compiler.compile({ kind: 'conditional', test, yes: left!, no: right! });
  };
}

/**
 * A page request of an Intel IOMMU, four words of 64 bits (Intel VT-d specification, 7.4.1.1, Page Request Descriptor), as
 * the kernel spells it (drivers/iommu/intel/iommu.h, decode_prq_descriptor).
 */
const pageRequest: Helper = (compiler, [, , ...nodes]) => {
  const words = nodes.map((node) => converted(compiler.compile(node), 8, false));
  return textOf((r) => {
    const [w0, w1, w2, w3] = words.map((word) => BigInt(word(r))) as [bigint, bigint, bigint, bigint];
    const bits = (word: bigint, low: number, count: number) =>
      ((word >> BigInt(low)) & ((1n << BigInt(count)) - 1n)).toString(16);
    const flags = (
      [
        [w1, 0, 'r'],
        [w1, 1, 'w'],
        [w0, 52, 'x'],
        [w0, 53, 'p'],
        [w1, 2, 'l'],
      ] as const
    )
      .map(([word, bit, letter]) => (bits(word, bit, 1) === '1' ? letter : '-'))
      .join('');
    const data = bits(w0, 9, 1) === '1' ? ` private=0x${w2.toString(16)}/0x${w3.toString(16)}\n` : '';
    return `rid=0x${bits(w0, 16, 16)} addr=0x${bits(w1, 12, 52)} ${flags} pasid=0x${bits(w0, 32, 20)} index=0x${bits(w1, 3, 9)}${data}`;
  });
};

const ERROR_TYPES = ['Corrected', 'Uncorrected', 'Deferred', 'Fatal'];

export const HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ...['__print_flags', '__print_flags_u64'].map((name) => [name, printFlags] as const),
  ...['__print_symbolic', '__print_symbolic_u64'].map((name) => [name, printSymbolic] as const),
  ['__print_hex', hexadecimal(' ')],
  ['__print_hex_str', hexadecimal('')],
  ['__print_array', printArray],
  ['__print_dynamic_array', printDynamicArray],
  ['__print_hex_dump', printHexDump],
  ['__print_ns_to_secs', divided(1e9, '/')],
  [
    '__print_ns_without_secs',
    (compiler, args) => {
      const rest = divided(1e9, '%')(compiler, args);
      return { type: UNSIGNED_INT, value: rest.value };
    },
  ],
  ...['__get_str', '__get_rel_str', '__get_dynamic_array', '__get_rel_dynamic_array'].map(
    (name) => [name, getString] as const,
  ),
  // No name of C, so that no print fmt can mean it.
  ['(probe string)', probeString],
  ...['__get_sockaddr', '__get_rel_sockaddr'].map((name) => [name, getString] as const),
  ...['__get_dynamic_array_len', '__get_rel_dynamic_array_len'].map((name) => [name, getLength] as const),
  ...['__get_bitmask', '__get_rel_bitmask', '__get_cpumask', '__get_rel_cpumask'].map(
    (name) => [name, getBitmask] as const,
  ),
  ...['__builtin_expect', 'likely', 'unlikely', '__builtin_assume', 'ktime_to_ns', 'READ_ONCE'].map(
    (name) => [name, firstArgument] as const,
  ),
  [
    '__builtin_constant_p',
    (compiler, [node]) => constantOf(compiler.compile(node!).constant === undefined ? 0 : 1, INT),
  ],
  [
    '__builtin_choose_expr',
    (compiler, [test, yes, no]) => compiler.compile(compiler.compile(test!).constant === 0 ? no! : yes!),
  ],
  ['__builtin_clzll', bitPosition((highest) => 63 - highest)],
  ...['__ilog2_u32', '__ilog2_u64'].map((name) => [name, bitPosition((highest) => highest)] as const),
  ['jiffies_to_msecs', fromTicks(1000)],
  ['jiffies_to_usecs', fromTicks(1_000_000)],
  ...['__builtin_bswap16', 'ntohs', 'htons', 'be16_to_cpu', '__fswab16', '__swab16'].map(
    (name) => [name, swapped(2)] as const,
  ),
  ...['__builtin_bswap32', 'ntohl', 'htonl', 'be32_to_cpu', '__fswab32', '__swab32'].map(
    (name) => [name, swapped(4)] as const,
  ),
  ...['__builtin_bswap64', 'be64_to_cpu', '__fswab64', '__swab64'].map((name) => [name, swapped(8)] as const),
  ['min', extreme('<')],
  ['max', extreme('>')],
  ...DEVICE_HELPERS,
  ['decode_prq_descriptor', pageRequest],
  [
    'mc_event_error_type',
    (compiler, [node]) => {
      const value = compiler.compile(node!).value;
      return textOf((r) => ERROR_TYPES[Number(value(r))] ?? 'Info');
    },
  ],
]);
