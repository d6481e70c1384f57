// C objects in the hands of a script. An object is an ordinary table: fields by name, elements of arrays from 0. Its memory
// is a Buffer; table and memory are made equal before a C function is called and again after it.
//
//     script  s.tv_sec = 5 ─→ table {tv_sec = 5, …} ── toMemory ─→ Buffer ─→ C function
//                                    table ←── fromMemory ── Buffer ←─┘
//
// So reading and printing an object needs nothing of the engine, and no access of a script can leave the memory.

import type { Engine } from '../../engine/engine.js';
import { type HeapRef, ScriptError, type TableRef, type Value } from '../../engine/values.js';
import { typeName } from '../format-value.js';
import { toAddress, toInteger } from '../integers.js';
import { type CType, namedFields, type RecordType, sizeOf, typeText } from './c-types.js';

/** What an object needs of the process. */
export interface Process {
  /** Address of a Buffer's bytes, which stay where they are while it lives. */
  addressOf(bytes: Buffer): bigint;
  /** The string at an address of this process; undefined where nothing can be read. */
  stringAt(address: bigint): string | undefined;
}

interface CObject {
  readonly type: CType;
  readonly table: TableRef;
  readonly bytes: Buffer;
  readonly address: bigint;
  /** The bytes before the script's stores: what the table showed when it was last read. */
  readonly before: Buffer;
  /** Strings that pointers in the object point to, by the pointer's offset. */
  readonly strings: Map<number, Buffer>;
}

/** A part of an object that is a table of its own. */
interface Place {
  readonly address: bigint;
  readonly type: CType;
}

const FREED = '(freed)';
const MOST_ELEMENTS = 1 << 20;

export class ObjectStore {
  readonly #engine: Engine;
  readonly #process: Process;
  readonly #objects = new Map<HeapRef, CObject>();
  readonly #byAddress = new Map<bigint, CObject>();
  /** Made anew by each toMemory. */
  readonly #places = new Map<HeapRef, Place>();

  constructor(engine: Engine, process: Process) {
    this.#engine = engine;
    this.#process = process;
  }

  /** A new object, all zero. A type that is no struct, union or array becomes an array of one. */
  make(type: CType): TableRef {
    const whole: CType =
      type.kind === 'struct' || type.kind === 'union' || type.kind === 'array'
        ? type
        : { kind: 'array', of: type, length: 1 };
    const size = sizeOf(whole);
    if (size === undefined) throw new ScriptError(`ffi.new: ${typeText(type)} has no size`);
    if (elementsOf(whole) > MOST_ELEMENTS)
      throw new ScriptError(`ffi.new: ${typeText(type)} has more than ${MOST_ELEMENTS} elements`);
    // At least one byte, so that every object has an address of its own.
    const bytes = Buffer.alloc(Math.max(1, size));
    const table = this.#engine.newTable();
    this.#engine.pin(table.ref);
    const object: CObject = {
      type: whole,
      table,
      bytes,
      address: this.#process.addressOf(bytes),
      before: Buffer.alloc(bytes.length),
      strings: new Map(),
    };
    this.#objects.set(table.ref, object);
    this.#byAddress.set(object.address, object);
    this.#read(object, whole, 0, table, true);
    return table;
  }

  /** Ends an object; its table stays with a note in it. Throws ScriptError where it is none (any more). */
  free(table: TableRef): void {
    const object = this.#objects.get(table.ref);
    if (object === undefined) throw new ScriptError(`bad argument 1 of ffi.free: ${this.notAnObject(table)}`);
    this.#objects.delete(table.ref);
    this.#byAddress.delete(object.address);
    table.clear();
    table.set(FREED, typeText(object.type));
    this.#engine.unpin(table.ref);
  }

  /** Type of an object, undefined for other tables. */
  typeOf(table: TableRef): CType | undefined {
    return this.#objects.get(table.ref)?.type;
  }

  /** The memory that a table stands for; valid from toMemory on. */
  placeOf(table: TableRef): Place | undefined {
    return this.#objects.get(table.ref) ?? this.#places.get(table.ref);
  }

  /** Copies the bytes of a struct that C returned into a new object. */
  fill(table: TableRef, write: (address: bigint) => void): void {
    const object = this.#objects.get(table.ref)!;
    write(object.address);
    this.#read(object, object.type, 0, table, true);
  }

  /** The bytes of an object, as they are. */
  bytesOf(table: TableRef): Buffer | undefined {
    return this.#objects.get(table.ref)?.bytes;
  }

  notAnObject(table: TableRef): string {
    const freed = table.get(FREED);
    return typeof freed === 'string' ? `this ${freed} has been freed` : 'a C object expected, got a table';
  }

  /** Brings what the script has stored into memory. Throws ScriptError for a value that does not fit its field. */
  toMemory(): void {
    this.#places.clear();
    // First where everything is, so that pointers can lead to parts of other objects.
    for (const object of this.#objects.values()) this.#findPlaces(object, object.type, 0, object.table);
    for (const object of this.#objects.values()) {
      object.bytes.copy(object.before);
      this.#writeParts(object, object.type, 0, object.table);
    }
  }

  /** Brings what C has stored into the tables, and the parts of unions that the script has not stored. Follows each toMemory. */
  fromMemory(): void {
    for (const object of this.#objects.values()) this.#read(object, object.type, 0, object.table, false);
  }

  // ---- parts: fields of a struct, elements of an array

  #parts(type: CType): Iterable<Part> {
    if (type.kind === 'struct' || type.kind === 'union') return fieldParts(type);
    return type.kind === 'array' ? elementParts(type.of, type.length ?? 0) : [];
  }

  #findPlaces(object: CObject, type: CType, offset: number, table: TableRef): void {
    if (!hasTables(type)) return;
    for (const part of this.#parts(type)) {
      if (!isTable(part.type)) continue;
      const value = table.get(part.key);
      if (typeof value !== 'object' || !('entries' in value)) continue;
      const at = offset + part.offset;
      this.#places.set(value.ref, { address: object.address + BigInt(at), type: part.type });
      this.#findPlaces(object, part.type, at, value);
    }
  }

  #writeParts(object: CObject, type: CType, offset: number, table: TableRef): void {
    let present = 0;
    for (const part of this.#parts(type)) {
      const value = table.get(part.key);
      if (value !== undefined) present++;
      this.#writePart(object, type, part, offset + part.offset, table, value);
    }
    if (table.size <= present) return;
    const known = new Set<Value>([...this.#parts(type)].map(({ key }) => key));
    for (const [key] of table.entries())
      if (!known.has(key)) throw new ScriptError(`${typeText(type)} has no ${fieldWords(type, key)}`);
  }

  #writePart(object: CObject, owner: CType, part: Part, offset: number, table: TableRef, value: Value): void {
    const refuse: (expected: string) => never = (expected) => {
      throw new ScriptError(
        `${fieldWords(owner, part.key)} of ${typeText(owner)}: ${expected} expected, got ${typeName(value)}`,
      );
    };
    const { type } = part;
    if (isTable(type)) {
      if (value === undefined) return;
      if (typeof value === 'object' && value.kind === 'table') this.#writeParts(object, type, offset, value);
      else refuse('table');
      return;
    }
    // Only what has changed is written: in a union the parts share their bytes.
    const current = this.#readScalar(object, object.before, type, offset);
    if (current === value) return;
    if (value === undefined && type.kind !== 'pointer') {
      table.set(part.key, current);
      return;
    }
    switch (type.kind) {
      case 'integer':
        if (typeof value === 'boolean' && type.isBool) writeInteger(object.bytes, offset, 1, value ? 1n : 0n);
        else if (typeof value === 'number' || typeof value === 'bigint')
          writeInteger(object.bytes, offset, type.size, type.isBool ? (value === 0 ? 0n : 1n) : BigInt(value));
        else refuse(type.isBool ? 'boolean' : 'number');
        break;
      case 'pointer':
        this.#writePointer(object, type.to, offset, value, refuse);
        break;
      case 'array':
        // A char array inside another object is a string.
        if (typeof value !== 'string') refuse('string');
        if (value.length > type.length!)
          throw new ScriptError(
            `${fieldWords(owner, part.key)} of ${typeText(owner)} has room for ${type.length} bytes, not for ${value.length}`,
          );
        object.bytes.fill(0, offset, offset + type.length!);
        object.bytes.write(value, offset, 'latin1');
        break;
      default:
        throw new ScriptError(
          `${fieldWords(owner, part.key)} of ${typeText(owner)} is a ${typeText(type)}: ktap has no floating point`,
        );
    }
    table.set(part.key, this.#readScalar(object, object.bytes, type, offset));
  }

  #writePointer(object: CObject, to: CType, offset: number, value: Value, refuse: (expected: string) => never): void {
    let address: bigint;
    if (value === undefined) {
      address = 0n;
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      address = toAddress(value);
    } else if (typeof value === 'string' && takesString(to)) {
      const bytes = cString(value);
      object.strings.set(offset, bytes);
      address = this.#process.addressOf(bytes);
    } else if (typeof value === 'object' && 'entries' in value) {
      const place = this.placeOf(value);
      if (place === undefined) throw new ScriptError(this.notAnObject(value), 'ffi.new makes C objects');
      if (!pointsTo(to, place.type)) refuse(typeText({ kind: 'pointer', to }));
      address = place.address;
    } else if (typeof value === 'object' && value.kind === 'function') {
      throw new ScriptError('C cannot call a function of a script', 'callbacks are not supported');
    } else {
      refuse(typeText({ kind: 'pointer', to }));
    }
    object.bytes.writeBigUInt64LE(address, offset);
  }

  // ---- reading

  /** Sets the parts of a table from memory: all, or those whose bytes C has changed. */
  #read(object: CObject, type: CType, offset: number, table: TableRef, all: boolean): void {
    const size = sizeOf(type) ?? 0;
    const { bytes, before } = object;
    if (!all && !hasStringPointers(type) && bytes.compare(before, offset, offset + size, offset, offset + size) === 0)
      return;
    for (const part of this.#parts(type)) {
      const at = offset + part.offset;
      if (isTable(part.type)) {
        let inner = table.get(part.key);
        if (typeof inner !== 'object' || inner.kind !== 'table') {
          inner = this.#engine.newTable();
          table.set(part.key, inner);
          this.#read(object, part.type, at, inner, true);
        } else {
          this.#read(object, part.type, at, inner, all);
        }
        continue;
      }
      const end = at + (sizeOf(part.type) ?? 0);
      if (all || hasStringPointers(part.type) || bytes.compare(before, at, end, at, end) !== 0)
        table.set(part.key, this.#readScalar(object, bytes, part.type, at));
    }
  }

  #readScalar(object: CObject, bytes: Buffer, type: CType, offset: number): Value {
    switch (type.kind) {
      case 'integer': {
        const value = readInteger(bytes, offset, type.size, type.signed);
        return type.isBool ? value !== 0n : toInteger(value);
      }
      case 'array': {
        const end = bytes.indexOf(0, offset);
        const limit = offset + (type.length ?? 0);
        return bytes.toString('latin1', offset, end < 0 || end > limit ? limit : end);
      }
      case 'pointer':
        return this.pointerValue(bytes.readBigUInt64LE(offset), type.to, object.strings.get(offset));
      default:
        return undefined;
    }
  }

  /** A pointer that C gave, as a value: nil, a known object, a string for `char *`, else the address. */
  pointerValue(address: bigint, to: CType, own?: Buffer): Value {
    if (address === 0n) return undefined;
    const object = this.#byAddress.get(address);
    if (object !== undefined && pointsTo(to, object.type)) return object.table;
    if (to.kind === 'integer' && to.isChar) {
      const text =
        own !== undefined && this.#process.addressOf(own) === address
          ? own.toString('latin1', 0, own.indexOf(0))
          : this.#process.stringAt(address);
      if (text !== undefined) return text;
    }
    return toInteger(address);
  }
}

interface Part {
  readonly key: Value;
  readonly type: CType;
  readonly offset: number;
}

const partsOfRecords = new WeakMap<RecordType, readonly Part[]>();

function fieldParts(type: RecordType): readonly Part[] {
  let parts = partsOfRecords.get(type);
  if (parts === undefined) {
    parts = namedFields(type).map(({ name, type, offset }) => ({ key: name, type, offset }));
    partsOfRecords.set(type, parts);
  }
  return parts;
}

function* elementParts(type: CType, length: number): IterableIterator<Part> {
  const size = sizeOf(type) ?? 0;
  for (let index = 0; index < length; index++) yield { key: index, type, offset: index * size };
}

/** Whether a part is a table of its own: a struct, a union, or an array that is no string. */
function isTable(type: CType): boolean {
  if (type.kind === 'array') return !(type.of.kind === 'integer' && type.of.isChar);
  return type.kind === 'struct' || type.kind === 'union';
}

function hasTables(type: CType): boolean {
  if (type.kind === 'array') return isTable(type.of);
  return (type.kind === 'struct' || type.kind === 'union') && fieldParts(type).some((part) => isTable(part.type));
}

/** Pointers whose string can change while the pointer stays. */
function hasStringPointers(type: CType): boolean {
  switch (type.kind) {
    case 'pointer':
      return type.to.kind === 'integer' && type.to.isChar === true;
    case 'array':
      return hasStringPointers(type.of);
    case 'struct':
    case 'union':
      return fieldParts(type).some((part) => hasStringPointers(part.type));
    default:
      return false;
  }
}

function elementsOf(type: CType): number {
  if (type.kind === 'array') return (type.length ?? 0) * Math.max(1, elementsOf(type.of));
  if (type.kind === 'struct' || type.kind === 'union')
    return fieldParts(type).reduce((sum, part) => sum + (isTable(part.type) ? elementsOf(part.type) : 1), 0);
  return 1;
}

function fieldWords(owner: CType, key: Value): string {
  return owner.kind === 'array' ? `element ${String(key)}` : `field ${String(key)}`;
}

/** Whether a string of the script can be passed for a pointer to this. */
export function takesString(to: CType): boolean {
  return to.kind === 'void' || (to.kind === 'integer' && to.size === 1 && !to.isBool);
}

/** Whether a pointer to `to` may point to an object of this type. */
export function pointsTo(to: CType, type: CType): boolean {
  if (to.kind === 'void' || (to.kind === 'integer' && to.isChar)) return true;
  if (sameType(to, type)) return true;
  return type.kind === 'array' && pointsTo(to, type.of);
}

function sameType(a: CType, b: CType): boolean {
  if (a === b) return true;
  if (a.kind === 'integer' && b.kind === 'integer') return a.size === b.size;
  if (a.kind === 'pointer' && b.kind === 'pointer') return a.to.kind === 'void' || sameType(a.to, b.to);
  if (a.kind === 'array' && b.kind === 'array') return sameType(a.of, b.of);
  return false;
}

/** The bytes of a string with the NUL that C expects. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1');
}

function readInteger(bytes: Buffer, offset: number, size: number, signed: boolean): bigint {
  if (size === 8) return signed ? bytes.readBigInt64LE(offset) : bytes.readBigUInt64LE(offset);
  return BigInt(signed ? bytes.readIntLE(offset, size) : bytes.readUIntLE(offset, size));
}

function writeInteger(bytes: Buffer, offset: number, size: number, value: bigint): void {
  if (size === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), offset);
  else bytes.writeUIntLE(Number(BigInt.asUintN(size * 8, value)), offset, size);
}
