// The heap as the host sees it: values between linear memory and JavaScript, tables, strings, buffers.

import {
  AggregationObject,
  BucketMode,
  BuiltinObject,
  ClosureObject,
  ErrorCode,
  ObjectType,
  PrototypeRecord,
  Region,
  StringObject,
  TableObject,
} from './heap-layout.js';
import { Tag } from './layout.js';
import { LinearMemory } from './memory.js';
import {
  type AddressBytes,
  type AggregationValue,
  addressBytes,
  type FunctionRef,
  type HeapRef,
  type Integer,
  ScriptError,
  type StackValue,
  type TableRef,
  type Value,
} from './values.js';
import type { InterpreterExports } from './wasm-module.js';

const HIGH = 2 ** 32;
/** Strings up to here are read char by char, which beats a call into the Buffer's C++. */
const SHORT = 24;

export class Heap {
  #lastSpace = -1;
  #lastMark: AddressBytes = '';
  readonly exports: InterpreterExports;
  readonly memory: LinearMemory;
  readonly maxMemory: number;
  /** Names of built-ins by number, of script functions by prototype number. */
  readonly builtinNames = new Map<number, string>();
  readonly prototypeNames: string[] = [];

  constructor(exports: InterpreterExports, maxMemory: number) {
    this.exports = exports;
    this.memory = new LinearMemory(exports.memory);
    this.maxMemory = maxMemory;
  }

  state(address: number): number {
    return this.memory.u32[address >>> 2]!;
  }

  setState(address: number, value: number): void {
    this.memory.u32[address >>> 2] = value;
  }

  outOfMemory(): ScriptError {
    return new ScriptError(outOfMemoryText(this.maxMemory));
  }

  // ---- values

  /** The value at an address. */
  read(address: number): Value {
    const at = address >>> 2;
    const { u32, i32 } = this.memory;
    switch (u32[at]) {
      case Tag.NIL:
        return undefined;
      case Tag.FALSE:
        return false;
      case Tag.TRUE:
        return true;
      case Tag.INTEGER: {
        const high = i32[at + 3]!;
        const low = u32[at + 2]!;
        if (high >= -0x200000 && high < 0x200000 && (high !== -0x200000 || low !== 0)) return high * HIGH + low;
        return this.memory.i64[(address >>> 3) + 1]!;
      }
      case Tag.STRING:
        return this.readString(u32[at + 2]!);
      default:
        return this.reference(u32[at]!, u32[at + 2]!);
    }
  }

  reference(tag: number, ref: HeapRef): Value {
    switch (tag) {
      case Tag.TABLE:
        return new HeapTable(this, 'table', ref);
      case Tag.AGGREGATION_TABLE:
        return new HeapTable(this, 'aggregation-table', ref);
      case Tag.AGGREGATION:
        return new HeapAggregation(this, ref);
      case Tag.STACK:
        return new HeapStack(this, ref);
      default:
        return { kind: 'function', ref, builtin: tag === Tag.BUILTIN, name: this.functionName(tag, ref) };
    }
  }

  functionName(tag: number, ref: HeapRef): string {
    const { u32, u8 } = this.memory;
    if (tag === Tag.FUNCTION) {
      const prototype = u32[(ref + ClosureObject.PROTOTYPE) >>> 2]!;
      return this.prototypeNames[u32[(prototype + PrototypeRecord.ID) >>> 2]!] ?? '';
    }
    if (u8[ref] !== ObjectType.BUILTIN) return 'iterator';
    return this.builtinNames.get(u32[(ref + BuiltinObject.ID) >>> 2]!) ?? '';
  }

  readInteger(address: number): Integer {
    const high = this.memory.i32[(address >>> 2) + 1]!;
    const low = this.memory.u32[address >>> 2]!;
    if (high >= -0x200000 && high < 0x200000 && (high !== -0x200000 || low !== 0)) return high * HIGH + low;
    return this.memory.i64[address >>> 3]!;
  }

  readString(ref: HeapRef): string {
    const length = this.memory.u32[(ref + StringObject.LENGTH) >>> 2]!;
    const from = ref + StringObject.BYTES;
    if (length > SHORT) return this.memory.bytes.toString('latin1', from, from + length);
    const { u8 } = this.memory;
    let text = '';
    for (let i = from; i < from + length; i++) text += String.fromCharCode(u8[i]!);
    return text;
  }

  /** Stores a value at an address. Throws ScriptError when memory is short, TypeError for what is no value. */
  write(address: number, value: Value): void {
    const at = address >>> 2;
    switch (typeof value) {
      case 'undefined':
        this.memory.u32[at] = Tag.NIL;
        return;
      case 'boolean':
        this.memory.u32[at] = value ? Tag.TRUE : Tag.FALSE;
        return;
      case 'number': {
        if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no value of a script`);
        const { u32 } = this.memory;
        u32[at] = Tag.INTEGER;
        u32[at + 2] = value;
        u32[at + 3] = Math.floor(value / HIGH);
        return;
      }
      case 'bigint':
        this.memory.u32[at] = Tag.INTEGER;
        this.memory.i64[(address >>> 3) + 1] = value;
        return;
      case 'string': {
        const ref = this.intern(value);
        this.writeReference(address, Tag.STRING, ref);
        return;
      }
      default:
        this.writeReference(address, tagOf(value), value.ref);
    }
  }

  writeReference(address: number, tag: number, ref: HeapRef): void {
    const { u32 } = this.memory;
    const at = address >>> 2;
    u32[at] = tag;
    u32[at + 2] = ref;
    u32[at + 3] = 0;
  }

  // ---- strings

  /** The interned string (or, with another type, stack) of a byte string. */
  intern(text: string, type: number = ObjectType.STRING): HeapRef {
    const { length } = text;
    let ref: number;
    if (length <= SHORT) {
      const { u8 } = this.memory;
      for (let i = 0; i < length; i++) u8[Region.SCRATCH + i] = text.charCodeAt(i);
      ref = this.exports.stringAt(Region.SCRATCH, length, type);
    } else if (length <= Region.SCRATCH_SIZE) {
      this.memory.bytes.write(text, Region.SCRATCH, length, 'latin1');
      ref = this.exports.stringAt(Region.SCRATCH, length, type);
    } else {
      const units = (length + 4095) >>> 12;
      const buffer = this.exports.allocateUnits(units) >>> 0;
      this.memory.refresh();
      if (buffer === 0) throw this.outOfMemory();
      this.memory.bytes.write(text, buffer, length, 'latin1');
      ref = this.exports.stringAt(buffer, length, type);
      this.exports.freeUnits(buffer, units);
    }
    this.memory.refresh();
    if (ref === 0) throw this.outOfMemory();
    return ref >>> 0;
  }

  // ---- objects

  table(ref: HeapRef, kind: TableRef['kind'] = 'table'): TableRef {
    return new HeapTable(this, kind, ref);
  }

  newTable(kind: TableRef['kind']): TableRef {
    const type = kind === 'table' ? ObjectType.TABLE : ObjectType.AGGREGATION_TABLE;
    return this.table(this.checked(this.exports.newTable(type)), kind);
  }

  /** Address of something just allocated; throws when there was no memory. */
  checked(ref: number): HeapRef {
    this.memory.refresh();
    if (ref === 0) throw this.outOfMemory();
    return ref >>> 0;
  }

  /** The first word of a space's stacks; that of the last one is kept, since stacks of one process often come in a row. */
  #markOf(space: number): AddressBytes {
    if (space !== this.#lastSpace) {
      this.#lastSpace = space;
      this.#lastMark = addressBytes([SPACE_MARK + BigInt(space)]);
    }
    return this.#lastMark;
  }

  newStack(addresses: AddressBytes, space?: number): StackValue {
    const bytes = space === undefined ? addresses : this.#markOf(space) + addresses;
    return new HeapStack(this, this.intern(bytes, ObjectType.STACK));
  }
}

export function outOfMemoryText(maxMemory: number): string {
  const mebibytes = maxMemory / 2 ** 20;
  return `out of memory (--max-memory ${Number.isInteger(mebibytes) ? `${mebibytes}M` : maxMemory})`;
}

/** Tag of a value that is an object in the heap. */
export function tagOf(value: TableRef | AggregationValue | FunctionRef | StackValue): number {
  switch (value.kind) {
    case 'table':
      return Tag.TABLE;
    case 'aggregation-table':
      return Tag.AGGREGATION_TABLE;
    case 'aggregation':
      return Tag.AGGREGATION;
    case 'stack':
      return Tag.STACK;
    case 'function':
      return value.builtin ? Tag.BUILTIN : Tag.FUNCTION;
  }
}

class HeapTable implements TableRef {
  readonly kind: TableRef['kind'];
  readonly ref: HeapRef;
  readonly #heap: Heap;

  constructor(heap: Heap, kind: TableRef['kind'], ref: HeapRef) {
    this.#heap = heap;
    this.kind = kind;
    this.ref = ref;
  }

  get size(): number {
    return this.#heap.memory.u32[(this.ref + TableObject.COUNT) >>> 2]!;
  }

  get(key: Value): Value {
    this.#heap.write(Region.HOST_KEY, key);
    const value = this.#heap.exports.find(this.ref, Region.HOST_KEY) >>> 0;
    return value === 0 ? undefined : this.#heap.read(value);
  }

  set(key: Value, value: Value): void {
    const heap = this.#heap;
    if (key === undefined) throw new ScriptError('a table key is nil');
    if (this.kind === 'aggregation-table' && value !== undefined) {
      throw new ScriptError('cannot store into an aggregation table');
    }
    heap.write(Region.HOST_KEY, key);
    heap.write(Region.HOST_VALUE, value);
    heap.writeReference(Region.HOST_TABLE, tagOf(this), this.ref);
    const code = heap.exports.setIndex(Region.HOST_TABLE, Region.HOST_KEY, Region.HOST_VALUE);
    heap.memory.refresh();
    if (code !== ErrorCode.NONE) throw heap.outOfMemory();
  }

  *entries(): IterableIterator<[Value, Value]> {
    const heap = this.#heap;
    let position = 0;
    for (;;) {
      position = heap.exports.nextPair(this.ref, position, Region.HOST_KEY, Region.HOST_VALUE);
      if (position === 0) return;
      yield [heap.read(Region.HOST_KEY), heap.read(Region.HOST_VALUE)];
    }
  }

  clear(): void {
    this.#heap.exports.clearTable(this.ref);
  }
}

class HeapAggregation implements AggregationValue {
  readonly kind = 'aggregation';
  readonly ref: HeapRef;
  readonly count: Integer;
  readonly sum: Integer;
  readonly min: Integer;
  readonly max: Integer;
  readonly #heap: Heap;

  constructor(heap: Heap, ref: HeapRef) {
    this.#heap = heap;
    this.ref = ref;
    this.count = heap.readInteger(ref + AggregationObject.COUNT);
    this.sum = heap.readInteger(ref + AggregationObject.SUM);
    this.min = heap.readInteger(ref + AggregationObject.MIN);
    this.max = heap.readInteger(ref + AggregationObject.MAX);
  }

  get #mode(): number {
    if (this.#field(AggregationObject.BUCKETS) === 0) return BucketMode.NONE;
    return this.#field(AggregationObject.MODE);
  }

  #field(offset: number): number {
    return this.#heap.memory.u32[(this.ref + offset) >>> 2]!;
  }

  get range(): AggregationValue['range'] {
    if (this.#mode !== BucketMode.LINEAR) return undefined;
    return {
      low: this.#heap.readInteger(this.ref + AggregationObject.LOW),
      high: this.#heap.readInteger(this.ref + AggregationObject.HIGH),
      step: this.#heap.readInteger(this.ref + AggregationObject.STEP),
    };
  }

  get buckets(): AggregationValue['buckets'] {
    if (this.#mode === BucketMode.NONE) return undefined;
    const from = this.#field(AggregationObject.BUCKETS);
    const total = this.#field(AggregationObject.BUCKET_COUNT);
    const rows: { low: Integer; count: Integer }[] = [];
    for (let i = 0; i < total; i++) {
      const count = this.#heap.readInteger(from + 8 * i);
      if (count !== 0) rows.push({ low: this.#lowOf(i, total), count });
    }
    return rows;
  }

  /** Number that names bucket `i` (assembly/aggregation.ts has their order). */
  #lowOf(i: number, total: number): Integer {
    const { range } = this;
    if (range === undefined) return i === 64 ? 0 : toInteger(i > 64 ? 1n << BigInt(i - 65) : -(1n << BigInt(63 - i)));
    const low = BigInt(range.low);
    if (i === 0) return toInteger(low - 1n);
    if (i === total - 1) return range.high;
    return toInteger(low + BigInt(range.step) * BigInt(i - 1));
  }
}

class HeapStack implements StackValue {
  readonly kind = 'stack';
  readonly ref: HeapRef;
  readonly #heap: Heap;

  constructor(heap: Heap, ref: HeapRef) {
    this.#heap = heap;
    this.ref = ref;
  }

  get addresses(): readonly bigint[] {
    const words = this.#words();
    return words.length > 0 && isSpaceMark(words[0]!) ? words.slice(1) : words;
  }

  get space(): number | undefined {
    const [first] = this.#words();
    return first !== undefined && isSpaceMark(first) ? Number(first - SPACE_MARK) : undefined;
  }

  #words(): readonly bigint[] {
    const { u32, u64 } = this.#heap.memory;
    const length = u32[(this.ref + StringObject.LENGTH) >>> 2]! >>> 3;
    const first = (this.ref + StringObject.BYTES) >>> 3;
    return Array.from(u64.subarray(first, first + length));
  }
}

/** A user stack's first word is this plus the number of its process; no machine has addresses there. */
const SPACE_MARK = 1n << 63n;
const SPACE_MARK_END = SPACE_MARK + (1n << 53n);

function isSpaceMark(word: bigint): boolean {
  return word >= SPACE_MARK && word < SPACE_MARK_END;
}

/** A 64-bit integer as the host writes it: a number where that is exact. */
export function toInteger(value: bigint): Integer {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
