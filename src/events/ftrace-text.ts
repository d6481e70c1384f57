// Texts of the tracers' own records (system `ftrace`), which have printers of their own in kernel/trace/trace_output.c.
// They carry no `name: ` in front. Function-graph records, whose text depends on their neighbours, keep their print fmt.

import type { EventFormat } from './format.js';
import { Compiler } from './print-format/compiler.js';
import type { Integer } from './print-format/integers.js';
import type { Node } from './print-format/parser.js';
import { integerAt, type RecordReader } from './print-format/reader.js';
import { compilePrintf, symbolText } from './print-format/text.js';
import type { TextEnvironment } from './text-environment.js';

type Printer = (reader: RecordReader) => string;

/** Compiles the text of a tracer's record; undefined where its print fmt is to be used. */
export function compileFtraceText(format: EventFormat, environment: TextEnvironment): Printer | undefined {
  const offset = (name: string) => format.fields.find((field) => field.name === name)?.offset ?? 8;
  const symbol = plainSymbol(environment);
  const word = environment.longSize ?? 8;
  const wordAt = (r: RecordReader, at: number) => integerAt(r, r.base + at, word, false);
  switch (format.name) {
    case 'function': {
      const [ip, parent] = [offset('ip'), offset('parent_ip')];
      return (r) => {
        const caller = wordAt(r, parent);
        return caller === 0 ? symbol(wordAt(r, ip)) : `${symbol(wordAt(r, ip))} <-${symbol(caller)}`;
      };
    }
    case 'print': {
      const [ip, buf] = [offset('ip'), offset('buf')];
      return (r) => `${symbol(wordAt(r, ip))}: ${r.text(r.base + buf, r.length - buf)}`;
    }
    case 'bputs': {
      const [ip, str] = [offset('ip'), offset('str')];
      return (r) => `${symbol(wordAt(r, ip))}: ${kernelText(environment, wordAt(r, str))}`;
    }
    case 'bprint':
      return binaryPrint(format, environment, symbol);
    case 'raw_data': {
      const [id, buf] = [offset('id'), offset('buf')];
      return (r) => {
        const bytes = r.memory.subarray(r.base + buf, r.base + r.length);
        const hex = Array.from(bytes, (byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('');
        return `# ${r.view.getUint32(r.base + id, true).toString(16)} buf:${hex}`;
      };
    }
    case 'kernel_stack': {
      const caller = offset('caller');
      return (r) => {
        let text = '<stack trace>';
        for (let at = caller; at + word <= r.length; at += word) {
          const address = wordAt(r, at);
          // All ones ends the stack.
          if (typeof address === 'bigint' && address === 0xffffffffffffffffn) break;
          text += `\n => ${symbol(address)}`;
        }
        return text;
      };
    }
    case 'user_stack': {
      const caller = offset('caller');
      return (r) => {
        let text = '<user stack trace>';
        for (let i = 0; i < 8; i++) {
          const address = wordAt(r, caller + i * word);
          if (address === 0) break;
          text += `\n =>  <${address.toString(16).padStart(word * 2, '0')}>`;
        }
        return text;
      };
    }
    default:
      return undefined;
  }
}

/** Where a function returns to while a kretprobe has its return address (kernel/trace/trace_output.c, kretprobed). */
const TRAMPOLINES = new Set(['arch_rethook_trampoline', '__kretprobe_trampoline', 'kretprobe_trampoline']);

/** A symbol without its offset and module; 0 stays 0, an address without a symbol is a number. */
function plainSymbol(environment: TextEnvironment): (address: Integer) => string {
  const texts = new Map<Integer, string>();
  return (address) => {
    let text = texts.get(address);
    if (text === undefined) {
      const place = address === 0 ? undefined : environment.placeAt?.(BigInt(address));
      text =
        address === 0
          ? '0'
          : place === undefined
            ? `0x${address.toString(16).padStart(8, '0')}`
            : TRAMPOLINES.has(place.name) && place.offset === 0
              ? "[unknown/kretprobe'd]"
              : symbolText({ ...place, module: undefined }, 0, false);
      if (texts.size >= 4096) texts.clear();
      texts.set(address, text);
    }
    return text;
  };
}

function kernelText(environment: TextEnvironment, address: Integer): string {
  return environment.kernelString?.(BigInt(address)) ?? `(0x${address.toString(16)})`;
}

/** trace_printk: the record holds the address of the format string and its arguments, packed as vbin_printf packs them. */
function binaryPrint(format: EventFormat, environment: TextEnvironment, symbol: (address: Integer) => string): Printer {
  const offset = (name: string) => format.fields.find((field) => field.name === name)?.offset ?? 8;
  const [ip, fmt, buf] = [offset('ip'), offset('fmt'), offset('buf')];
  const compiler = new Compiler(format, environment);
  return (r) => {
    const head = `${symbol(r.unsigned64(r.base + ip))}: `;
    const text = environment.kernelString?.(BigInt(r.unsigned64(r.base + fmt)));
    if (text === undefined) return `${head}(0x${r.unsigned64(r.base + fmt).toString(16)})`;
    return head + compilePrintf(compiler, text, packedArguments(text, r, r.base + buf))(r);
  };
}

/** The packed arguments as literals: integers of 4 bytes aligned to 4, of 8 in two words; strings in place, with their NUL. */
function packedArguments(text: string, r: RecordReader, start: number) {
  const nodes: Node[] = [];
  let at = start;
  const integer = (size: number) => {
    at = start + Math.ceil((at - start) / 4) * 4;
    const value = integerAt(r, at, size, false);
    at += size;
    nodes.push({ kind: 'number', value: BigInt(value), unsigned: true, long: size === 8 });
  };
  const directive = /%[-+ #0]*(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|L|z|t)?([a-zA-Z%])/g;
  for (const [, width, precision, modifier, letter] of text.matchAll(directive)) {
    if (letter === '%') continue;
    if (width === '*') integer(4);
    if (precision === '*') integer(4);
    if (letter === 's') {
      const value = r.text(at, r.base + r.length - at);
      at += value.length + 1;
      nodes.push({ kind: 'string', value });
    } else {
      integer(
        letter === 'p' || /^(?:l|ll|L|z|t)$/.test(modifier ?? '')
          ? 8
          : modifier === 'hh'
            ? 1
            : modifier === 'h'
              ? 2
              : 4,
      );
    }
  }
  return nodes;
}
