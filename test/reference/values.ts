// Values of the reference evaluator. nil is undefined, integers are bigints, strings are byte strings, tables are
// JavaScript Maps, whose rules for order and removal while iterating are the language's own.

import type { FunctionExpression } from '../../src/language/ast.js';
import type { Scope } from './scope.js';

export type Value =
  | undefined
  | boolean
  | bigint
  | string
  | Table
  | AggregationTable
  | Aggregation
  | Closure
  | BuiltinFunction;

export class Table {
  readonly map = new Map<Value, Value>();
}

/** How a distribution sorts samples into buckets; each bucket is known by its smallest number. */
export interface Buckets {
  /** The bucket of a sample. */
  of(sample: bigint): bigint;
  /** The buckets next to one; undefined at the ends. */
  before(bucket: bigint): bigint | undefined;
  after(bucket: bigint): bigint | undefined;
  name(bucket: bigint): string;
}

export class AggregationTable {
  readonly map = new Map<Value, Aggregation>();
  constructor(readonly buckets?: Buckets) {}
}

export class Aggregation {
  count = 0n;
  sum = 0n;
  min = 0n;
  max = 0n;
  readonly rows = new Map<bigint, bigint>();
  constructor(readonly buckets?: Buckets) {}

  add(sample: bigint): void {
    if (this.count === 0n || sample < this.min) this.min = sample;
    if (this.count === 0n || sample > this.max) this.max = sample;
    this.count++;
    this.sum = wrap(this.sum + sample);
    if (this.buckets === undefined) return;
    const bucket = this.buckets.of(sample);
    this.rows.set(bucket, (this.rows.get(bucket) ?? 0n) + 1n);
  }

  get average(): bigint {
    return this.count === 0n ? 0n : this.sum / this.count;
  }
}

export class Closure {
  constructor(
    readonly code: FunctionExpression,
    readonly scope: Scope,
  ) {}
}

export class BuiltinFunction {
  constructor(
    readonly name: string,
    readonly call: (args: Value[]) => Value[],
  ) {}
}

/** An error of the script; `offset` is added where the position is known. */
export class ReferenceScriptError extends Error {
  constructor(
    message: string,
    public offset?: number,
  ) {
    super(message);
  }
}

/** The script called exit. */
export class Exit extends Error {
  constructor(readonly status: number) {
    super('exit');
  }
}

/** The reference cannot tell the outcome: too many steps, or something that needs a machine. */
export class Unsupported extends Error {}

export const wrap = (n: bigint): bigint => BigInt.asIntN(64, n);

export const truth = (value: Value): boolean => value !== undefined && value !== false;

export function typeName(value: Value): string {
  if (value === undefined) return 'nil';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'bigint') return 'number';
  if (typeof value === 'string') return 'string';
  if (value instanceof Table) return 'table';
  if (value instanceof AggregationTable) return 'ptable';
  if (value instanceof Aggregation) return 'aggregation';
  return 'function';
}

/** The type of a value as error messages say it. */
export function someType(value: Value): string {
  const name = value instanceof AggregationTable ? 'aggregation table' : typeName(value);
  return name === 'nil' ? name : `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** Likewise where a value was to be used: nil is `a nil value`. */
export const someValue = (value: Value): string => (value === undefined ? 'a nil value' : someType(value));

/** The text of a value as `print` writes it. `around` are the tables that this one stands in. */
export function textOf(value: Value, around: readonly Value[] = []): string {
  if (value === undefined) return 'nil';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return value;
  if (value instanceof Aggregation) {
    if (value.buckets !== undefined) return distributionText(value);
    return `[count: ${value.count} sum: ${value.sum} max: ${value.max} min: ${value.min} avg: ${value.average}]`;
  }
  if (value instanceof Table || value instanceof AggregationTable) {
    if (around.includes(value)) return '{...}';
    const inside = [...around, value];
    const pairs = [...value.map].map(([key, item]) => `${textOf(key, inside)} = ${textOf(item, inside)}`);
    return `{${pairs.join(', ')}}`;
  }
  throw new Unsupported('the text of a function');
}

// ---- histograms (section 5)

export const HISTOGRAM_HEAD = `${'value '.padStart(32)}------------- Distribution ------------- count`;

export function histogramRow(name: string, value: bigint, total: bigint): string {
  const key = name.length > 32 ? `${name.slice(0, 28)}...` : name;
  const width = total === 0n ? 0 : Math.min(39, Math.max(0, Number((39n * value) / total)));
  return `${key.padStart(32)} |${'@'.repeat(width).padEnd(39)}${String(value).padEnd(7)}`;
}

/** Rows of a distribution, joined by newlines, without a last one. */
export function distributionText(value: Aggregation): string {
  const { buckets, rows } = value;
  if (buckets === undefined) throw new Unsupported('no distribution');
  const filled = [...rows.keys()].sort((a, b) => (a < b ? -1 : 1));
  const lines = [HISTOGRAM_HEAD];
  if (filled.length > 0) {
    let bucket: bigint | undefined = buckets.before(filled[0]!) ?? filled[0]!;
    const last = buckets.after(filled.at(-1)!) ?? filled.at(-1)!;
    while (bucket !== undefined && bucket <= last) {
      lines.push(histogramRow(buckets.name(bucket), rows.get(bucket) ?? 0n, value.count));
      bucket = buckets.after(bucket);
    }
  }
  return lines.join('\n');
}

const SMALLEST = -(1n << 63n);

/** Powers of two: …, -2, -1, 0, 1, 2, 4, …; a bucket of negative numbers is named by the one nearest to zero. */
export const POWERS_OF_TWO: Buckets = {
  of(sample) {
    if (sample === 0n) return 0n;
    const size = sample < 0n ? -sample : sample;
    const power = 1n << BigInt(size.toString(2).length - 1);
    return sample < 0n ? -power : power;
  },
  before(bucket) {
    if (bucket === SMALLEST) return undefined;
    return bucket > 1n ? bucket / 2n : bucket >= 0n ? bucket - 1n : bucket * 2n;
  },
  after(bucket) {
    if (bucket === 1n << 62n) return undefined;
    return bucket < -1n ? bucket / 2n : bucket <= 0n ? bucket + 1n : bucket * 2n;
  },
  name: String,
};

/** Steps from low to high, one bucket below and one above. The bucket below low counts as number low - step. */
export function steps(low: bigint, high: bigint, step: bigint): Buckets {
  const below = low - step;
  const lastStep = low + ((high - low - 1n) / step) * step;
  return {
    of: (sample) => (sample < low ? below : sample >= high ? high : low + ((sample - low) / step) * step),
    before: (bucket) => (bucket === below ? undefined : bucket === high ? lastStep : bucket - step),
    after: (bucket) => (bucket === high ? undefined : bucket === lastStep ? high : bucket + step),
    name: (bucket) => (bucket === below ? `< ${low}` : bucket === high ? `>= ${high}` : String(bucket)),
  };
}
