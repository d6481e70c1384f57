// Built-ins of the reference evaluator: those that need neither events nor a machine.

import type { Evaluator } from './evaluator.js';
import { less } from './operators.js';
import { formatText } from './printf.js';
import {
  Aggregation,
  AggregationTable,
  BuiltinFunction,
  type Closure,
  distributionText,
  Exit,
  HISTOGRAM_HEAD,
  histogramRow,
  POWERS_OF_TWO,
  ReferenceScriptError,
  someType,
  steps,
  Table,
  textOf,
  truth,
  typeName,
  Unsupported,
  type Value,
} from './values.js';

type Kind = 'any' | 'number' | 'string' | 'tables' | 'function' | 'aggregation';

const fits = (value: Value, kind: Kind): boolean => {
  switch (kind) {
    case 'any':
      return true;
    case 'tables':
      return value instanceof Table || value instanceof AggregationTable;
    default:
      return typeName(value) === kind;
  }
};

const badArgument = (name: string, at: number, wanted: string, value: Value): ReferenceScriptError =>
  new ReferenceScriptError(
    `bad argument ${at} of ${name}: ${wanted === 'tables' ? 'table' : wanted} expected, got ${typeName(value)}`,
  );

/** Sets all built-ins in the globals. `write` takes the output. */
export function defineBuiltins(evaluator: Evaluator, write: (text: string) => void, args: readonly string[]): void {
  const globals = evaluator.globals.map;

  /** `kinds`: one word a parameter, `?` for optional ones, a last `...` for more. */
  const define = (name: string, kinds: string, call: (...args: never[]) => Value | Value[], into = globals): void => {
    const parameters = kinds.split(' ').filter((kind) => kind !== '' && kind !== '...');
    into.set(
      name,
      new BuiltinFunction(name, (given) => {
        for (const [i, kind] of parameters.entries()) {
          const optional = kind.endsWith('?');
          if (optional && given[i] === undefined) continue;
          const wanted = kind.replace('?', '') as Kind;
          if (!fits(given[i], wanted)) throw badArgument(name, i + 1, wanted, given[i]);
        }
        const result = call(...(given as never[]));
        return Array.isArray(result) ? result : [result as Value];
      }),
    );
  };
  const nothing: Value[] = [];

  define('print', '...', (...values: Value[]) => {
    write(`${values.map((value) => textOf(value)).join('\t')}\n`);
    return nothing;
  });
  define('printf', 'string ...', (format: string, ...values: Value[]) => {
    write(formatText(format, values));
    return nothing;
  });
  for (const name of ['tostring', 'stringof']) define(name, 'any', (value: Value) => textOf(value));
  define('type', 'any', (value: Value) => typeName(value));
  define('len', 'any', (value: Value) => {
    if (typeof value === 'string') return BigInt(value.length);
    if (value instanceof Table || value instanceof AggregationTable) return BigInt(value.map.size);
    throw badArgument('len', 1, 'table or string', value);
  });
  define('delete', 'tables', (table: Table | AggregationTable) => {
    table.map.clear();
    return nothing;
  });
  /** Offset from 0 of a position that counts from 1, or from the end where it is negative; 0 counts as 1. */
  const offsetOf = (position: bigint, length: number): number =>
    Math.max(0, Number(position > 0n ? position - 1n : position < 0n ? BigInt(length) + position : 0n));
  define('strfind', 'string string number?', (text: string, sub: string, from = 1n) => {
    const start = offsetOf(from, text.length);
    const found = start > text.length ? -1 : text.indexOf(sub, start);
    return found < 0 ? undefined : BigInt(found + 1);
  });
  define('substr', 'string number number?', (text: string, from: bigint, count?: bigint) => {
    const start = offsetOf(from, text.length);
    if (count === undefined) return text.slice(start);
    return count > 0n ? text.slice(start, start + Number(count)) : '';
  });

  define('pairs', 'tables', (table: Table | AggregationTable) => {
    const iterator = (table.map as Map<Value, Value>).entries();
    const next = new BuiltinFunction('pairs iterator', () => iterator.next().value ?? [undefined]);
    return [next, table, undefined];
  });
  define('sort_pairs', 'tables function?', (table: Table | AggregationTable, compare?: Value) => {
    const before = (a: Value, b: Value): boolean => {
      if (compare !== undefined) return truth(evaluator.call(compare, [a, b], 0)[0]);
      if (a instanceof Aggregation && b instanceof Aggregation) return a.count < b.count;
      if ((typeof a === 'bigint' || typeof a === 'string') && typeof a === typeof b) return less(a, b, false);
      throw new ReferenceScriptError(`sort_pairs cannot compare ${someType(a)} with ${someType(b)}`);
    };
    const entries = [...table.map] as [Value, Value][];
    const sorted = mergeSort(entries, (a, b) => before(b[1], a[1]));
    let at = 0;
    const next = new BuiltinFunction('sort_pairs iterator', () => [...(sorted[at++] ?? [undefined])]);
    return [next, table, undefined];
  });

  define('ptable', '', () => new AggregationTable());
  define('quantize', '', () => new AggregationTable(POWERS_OF_TWO));
  define('lquantize', 'number number number', (low: bigint, high: bigint, step: bigint) => {
    if (step <= 0n) throw new ReferenceScriptError('lquantize: step is not positive');
    if (low >= high) throw new ReferenceScriptError('lquantize: low is not below high');
    return new AggregationTable(steps(low, high, step));
  });
  const read = (name: string, get: (value: Aggregation) => bigint): void =>
    define(name, 'any', (value: Value) => {
      if (value === undefined) return 0n;
      if (value instanceof Aggregation) return get(value);
      throw badArgument(name, 1, 'aggregation', value);
    });
  read('count', (value) => value.count);
  read('sum', (value) => value.sum);
  read('min', (value) => value.min);
  read('max', (value) => value.max);
  read('avg', (value) => value.average);

  const histogram = (table: Table | AggregationTable, rows = 20n): Value[] => {
    if (table instanceof AggregationTable && table.buckets !== undefined && table.map.size > 0) {
      for (const [key, value] of table.map) write(`${textOf(key)}\n${distributionText(value)}\n`);
      return nothing;
    }
    const entries: [Value, bigint][] = [];
    for (const [key, value] of table.map as Map<Value, Value>) {
      const number = value instanceof Aggregation ? value.count : value;
      if (typeof number !== 'bigint')
        throw new ReferenceScriptError(`histogram: the value of ${textOf(key)} is no number`);
      entries.push([key, number]);
    }
    const total = entries.reduce((sum, [, number]) => sum + number, 0n);
    const sorted = [...entries].sort(([, a], [, b]) => (a > b ? -1 : a < b ? 1 : 0));
    write(`${HISTOGRAM_HEAD}\n`);
    for (const [key, number] of sorted.slice(0, Number(rows))) write(`${histogramRow(textOf(key), number, total)}\n`);
    if (sorted.length > rows) write(`${'...'.padStart(32)} |\n`);
    return nothing;
  };
  define('histogram', 'tables', (table) => histogram(table));
  define('print_hist', 'tables number?', histogram);

  define('exit', 'number?', (status?: bigint) => {
    throw new Exit(Number(BigInt.asUintN(8, status ?? 0n)));
  });

  const library = (name: string): Map<Value, Value> => {
    const table = new Table();
    globals.set(name, table);
    return table.map;
  };
  define('new', 'number number', () => new Table(), library('table'));
  const ansi = library('ansi');
  const sequence = (codes: string): Value[] => {
    write(`\x1b[${codes}m`);
    return nothing;
  };
  define('set_color', 'number', (fg) => sequence(`${fg}`), ansi);
  define('set_color2', 'number number', (fg, bg) => sequence(`${fg};${bg}`), ansi);
  define('set_color3', 'number number number', (fg, bg, attribute) => sequence(`${fg};${bg};${attribute}`), ansi);
  define('reset_color', '', () => sequence('0'), ansi);
  define(
    'new_line',
    '',
    () => {
      write('\n');
      return nothing;
    },
    ansi,
  );
  const kdebug = library('kdebug');
  for (const name of ['trace_end', 'probe_end']) {
    define(
      name,
      'function',
      (handler: Closure) => {
        if (evaluator.inHandler) throw new ReferenceScriptError('trace_end in a handler');
        evaluator.endBlocks.push(handler);
        return nothing;
      },
      kdebug,
    );
  }
  for (const name of MACHINE) {
    define(name, '...', () => {
      throw new Unsupported(name);
    });
  }

  const argument = library('arg');
  argument.set(0n, 'script');
  for (const [i, value] of scriptArguments(args).entries()) argument.set(BigInt(i + 1), value);
}

/** Built-ins whose answer depends on the machine. */
const MACHINE = (
  'pid tid uid execname cpu num_cpus in_interrupt in_iowait arch kernel_v user_string kernel_string curr_task_info ' +
  'curr_taskinfo gettimeofday_us gettimeofday_ns gettimeofday_ms gettimeofday_s print_trace_clock backtrace stack ' +
  'ustack print_backtrace ipof'
).split(' ');

/** Arguments of the script: numbers where they look like numbers. */
export function scriptArguments(args: readonly string[]): Value[] {
  return args.map((text) => (/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? numberOf(text) : text));
}

function numberOf(text: string): bigint {
  const size = BigInt(text.replace('-', ''));
  return BigInt.asIntN(64, text.startsWith('-') ? -size : size);
}

/** Stable; `after(a, b)`: a must come after b. */
function mergeSort<T>(items: readonly T[], after: (a: T, b: T) => boolean): T[] {
  if (items.length < 2) return [...items];
  const middle = items.length >> 1;
  const left = mergeSort(items.slice(0, middle), after);
  const right = mergeSort(items.slice(middle), after);
  const sorted: T[] = [];
  while (left.length > 0 && right.length > 0) sorted.push((after(left[0]!, right[0]!) ? right : left).shift()!);
  return [...sorted, ...left, ...right];
}
