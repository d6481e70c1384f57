// Built-ins without an engine: values of scripts as plain objects, and a context that records what it is asked.

import type { Builtin, BuiltinContext, EventFacts, EventView } from '../../src/builtins/declare.js';
import { installBuiltins } from '../../src/builtins/registry.js';
import type { Engine } from '../../src/engine/engine.js';
import { FIRST_HOST_BUILTIN } from '../../src/engine/native-builtins.js';
import type { AggregationValue, FunctionRef, Integer, StackValue, TableRef, Value } from '../../src/engine/values.js';

let refs = 1;

/** A table as scripts see it, in JavaScript. */
export class FakeTable implements TableRef {
  readonly kind: TableRef['kind'];
  readonly ref = refs++;
  readonly #map = new Map<Value, Value>();
  constructor(pairs: Iterable<readonly [Value, Value]> = [], kind: TableRef['kind'] = 'table') {
    this.kind = kind;
    for (const [key, value] of pairs) this.#map.set(key, value);
  }
  get size(): number {
    return this.#map.size;
  }
  get(key: Value): Value {
    return this.#map.get(key);
  }
  set(key: Value, value: Value): void {
    if (value === undefined) this.#map.delete(key);
    else this.#map.set(key, value);
  }
  entries(): IterableIterator<[Value, Value]> {
    return this.#map.entries();
  }
  clear(): void {
    this.#map.clear();
  }
}

export const table = (...pairs: (readonly [Value, Value])[]): FakeTable => new FakeTable(pairs);
export const list = (...values: Value[]): FakeTable => new FakeTable(values.map((each, index) => [index + 1, each]));
export const ptable = (...pairs: (readonly [Value, Value])[]): FakeTable => new FakeTable(pairs, 'aggregation-table');

export const aggregation = (
  count: Integer,
  sum: Integer,
  max: Integer,
  min: Integer,
  more: Partial<Pick<AggregationValue, 'buckets' | 'range'>> = {},
): AggregationValue => ({ kind: 'aggregation', ref: refs++, count, sum, max, min, ...more });

export const fn = (name: string): FunctionRef => ({ kind: 'function', ref: refs++, builtin: false, name });
export const stack = (...addresses: bigint[]): StackValue => ({
  kind: 'stack',
  ref: refs++,
  addresses,
  space: undefined,
});

export interface Bench {
  /** Calls a built-in by its name, with the checks of its arguments. */
  call(name: string, ...args: Value[]): Value | readonly Value[];
  /** What it wrote, since the last look. */
  output(): string;
  readonly warnings: string[];
  readonly unknown: string[];
  readonly registered: unknown[];
  readonly globals: ReadonlyMap<string, Value>;
}

export interface BenchOptions {
  readonly event?: EventView;
  readonly facts?: EventFacts;
  readonly replaying?: boolean;
  readonly task?: Partial<BuiltinContext['task']>;
  readonly extra?: readonly Builtin[];
  readonly symbols?: Readonly<Record<string, string>>;
  readonly allowFfi?: boolean;
}

/** All built-ins over a fake engine, whose native ones cannot be called. */
export function bench(options: BenchOptions = {}): Bench {
  const globals = new Map<string, Value>();
  const ids = new Map<number, number>();
  const warnings: string[] = [];
  const unknown: string[] = [];
  const registered: unknown[] = [];
  let written = '';
  const engine = {
    inHandler: options.event !== undefined,
    newTable: () => new FakeTable(),
    newStack: (bytes: string) => stack(...new BigUint64Array(Uint8Array.from(Buffer.from(bytes, 'latin1')).buffer)),
    newBuiltin(id: number, name: string): FunctionRef {
      const ref = refs++;
      ids.set(ref, id);
      return { kind: 'function', ref, builtin: true, name };
    },
    setGlobal: (name: string, value: Value) => void globals.set(name, value),
    global: (name: string) => globals.get(name),
    pin: () => {},
    unpin: () => {},
  } as unknown as Engine;
  const seen = new Set<string>();
  const context: BuiltinContext = {
    engine,
    write: (bytes) => {
      written += bytes;
    },
    warnOnce(key, message) {
      if (!seen.has(key)) warnings.push(message);
      seen.add(key);
    },
    position: () => ({}),
    event: options.event,
    task: { pid: 100, tid: 101, cpu: 1, execname: 'bash', uid: 1000, ...options.task },
    wallClock: () => 1_700_000_000_123_456_789n,
    traceClock: () => 4_711_081_507_812n,
    kernelSymbol: (address) => options.symbols?.[String(address)],
    kernelTextSymbol: (address) => options.symbols?.[String(address)],
    registerTrace: (...args) => void registered.push(['trace', ...args]),
    registerTraceEnd: (...args) => void registered.push(['trace_end', ...args]),
    registerTimer: (...args) => void registered.push(['timer', ...args]),
    registerTraceById: (...args) => void registered.push(['by id', ...args]),
    stopEvents: () => void registered.push(['stop']),
    machine: { arch: 'x86_64', kernelVersion: '6.1.0', cpuCount: 4 },
    countUnknown: (what) => void unknown.push(what),
    ...(options.facts === undefined ? {} : { facts: options.facts }),
    ...(options.replaying === undefined ? {} : { replaying: options.replaying }),
  };
  const installed = installBuiltins(engine, context, options.extra, { allowFfi: options.allowFfi === true });
  return {
    call(name, ...args) {
      const [first, ...rest] = name.startsWith('(') ? [name] : name.split('.');
      let value = globals.get(first!);
      for (const key of rest) value = (value as TableRef).get(key);
      if (value === undefined) throw new Error(`no built-in ${name}`);
      const id = ids.get((value as FunctionRef).ref)!;
      if (id < FIRST_HOST_BUILTIN) throw new Error(`${name} is native`);
      const result = installed.callBuiltin(id, args);
      return Array.isArray(result) && result.length === 1 ? result[0] : result;
    },
    output() {
      const text = written;
      written = '';
      return text;
    },
    warnings,
    unknown,
    registered,
    globals,
  };
}

/** What a test expects to be thrown: a ScriptError with this message. */
export function scriptError(message: string | RegExp): (error: Error) => boolean {
  return (error) => {
    const fits = typeof message === 'string' ? error.message === message : message.test(error.message);
    if (error.name !== 'ScriptError' || !fits) throw new Error(`unexpected ${error.name}: ${error.message}`);
    return true;
  };
}
