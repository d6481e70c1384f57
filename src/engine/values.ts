// Values of scripts as the host sees them: arguments and results of built-ins written in TypeScript, and the final
// tables that the library hands to a program.

/** 64-bit integer: a number where it is safe (|n| <= 2^53 - 1), else a bigint. */
export type Integer = number | bigint;

/** Address of an object in linear memory. Objects never move; a host reference does not keep one alive across a safepoint unless pinned. */
export type HeapRef = number;

/** nil is undefined; strings are byte strings (each char one byte). */
export type Value = undefined | boolean | Integer | string | TableRef | AggregationValue | FunctionRef | StackValue;

/** A table or an aggregation table in the heap. */
export interface TableRef {
  readonly kind: 'table' | 'aggregation-table';
  readonly ref: HeapRef;
  readonly size: number;
  get(key: Value): Value;
  /** Storing undefined removes the entry. Throws ScriptError for a nil key. */
  set(key: Value, value: Value): void;
  /** Pairs in insertion order. */
  entries(): IterableIterator<[Value, Value]>;
  clear(): void;
}

/** A sample collection: `[count: 2 sum: 7 max: 5 min: 2 avg: 3]`. */
export interface AggregationValue {
  readonly kind: 'aggregation';
  readonly ref: HeapRef;
  readonly count: Integer;
  readonly sum: Integer;
  readonly min: Integer;
  readonly max: Integer;
  /**
   * For quantize and lquantize: rows by rising bucket, empty ones may be left out; absent else. `low` names the bucket:
   * for quantize 0, ±1, ±2, ±4, … (-4 holds -7 to -4); for lquantize its smallest number, where any number below
   * `range.low` means the bucket `< low` and any from `range.high` on the bucket `>= high`.
   */
  readonly buckets?: readonly { readonly low: Integer; readonly count: Integer }[];
  /** What lquantize was given; absent else. */
  readonly range?: { readonly low: Integer; readonly high: Integer; readonly step: Integer };
}

export interface FunctionRef {
  readonly kind: 'function';
  readonly ref: HeapRef;
  /** Built-in or script function. */
  readonly builtin: boolean;
  readonly name: string;
}

/**
 * Return addresses, innermost first, as a byte string of 64-bit little-endian words: stacks travel from the kernel's samples
 * into the heap in this form, without an object for each address.
 */
export type AddressBytes = string;

/** AddressBytes of single addresses. */
export function addressBytes(addresses: readonly bigint[]): AddressBytes {
  const words = BigUint64Array.from(addresses, (address) => BigInt.asUintN(64, address));
  return Buffer.from(words.buffer).toString('latin1');
}

export interface StackValue {
  readonly kind: 'stack';
  readonly ref: HeapRef;
  /** Return addresses, innermost first. */
  readonly addresses: readonly bigint[];
  /** Of a user stack: the process that the addresses belong to, as events/source.ts numbers it. */
  readonly space: number | undefined;
}

/** An error of a running script, thrown by built-ins; the engine adds position and traceback. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
