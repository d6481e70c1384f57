// The form of a module as bytes: a .kpc file. The same module gives the same bytes on every machine.
//
//     +0   magic: 1b 4b 50 43 0d 0a 00 ff  (ESC K P C, then bytes that a transfer as text would damage)
//     +8   u32 version
//     +12  u32 CRC-32 of all that follows: finds damage by accident, and nothing else
//     +16  string source name, string source text
//          number of prototypes, then each:
//            string name, number of parameters, u8 flags (1: vararg), number of registers
//            number of constants, each: u8 kind, then
//              nil, false, true: nothing; integer: 8 bytes, signed; string, kernel symbol: string
//            number of upvalues, each: u8 from register, number, string name
//            number of children, each: number of the prototype
//            number of words, each: u32
//            for each word: start and end of its span, the start as a signed difference to the one before, the end
//              as a signed difference to the start
//            number of locals, each: string name, register, first word, number of words
//
// Integers are little endian. A "number" is LEB128, at most 32 bits; a signed one is zigzag coded. A string is the number
// of its bytes and the bytes. A file is never trusted: what readModule gives is well formed, whether it may run is for the
// verifier to say.

import { KtapError } from '../language/diagnostics.js';
import type { Constant, LocalVariable, Module, Prototype, UpvalueSource } from './module.js';

const MAGIC = '\x1bKPC\r\n\x00\xff';
/** So much of it tells a module from a script; the rest shows damage by a transfer as text. */
const TELLING_BYTES = 4;
const VERSION = 1;
const HEADER_SIZE = 16;

const ConstantKind = { NIL: 0, FALSE: 1, TRUE: 2, INTEGER: 3, STRING: 4, SYMBOL: 5 } as const;

/** The bytes of a module. */
export function writeModule(module: Module): Uint8Array {
  const writer = new Writer();
  writer.string(module.source.name);
  writer.string(module.source.text);
  writer.list(module.prototypes, (prototype) => writePrototype(writer, prototype));
  const body = writer.bytes();
  const file = new Uint8Array(HEADER_SIZE + body.length);
  file.set(Buffer.from(MAGIC, 'latin1'), 0);
  file.set(body, HEADER_SIZE);
  const view = new DataView(file.buffer);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, crc32(body), true);
  return file;
}

function writePrototype(writer: Writer, prototype: Prototype): void {
  writer.string(prototype.name);
  writer.number(prototype.parameterCount);
  writer.byte(prototype.isVararg ? 1 : 0);
  writer.number(prototype.registerCount);
  writer.list(prototype.constants, (constant) => writeConstant(writer, constant));
  writer.list(prototype.upvalues, ({ fromRegister, index, name }) => {
    writer.byte(fromRegister ? 1 : 0);
    writer.number(index);
    writer.string(name);
  });
  writer.list(prototype.children, (child) => writer.number(child));
  writer.number(prototype.code.length);
  for (let pc = 0; pc < prototype.code.length; pc++) writer.word(prototype.code[pc]!);
  let before = 0;
  for (let at = 0; at < prototype.spans.length; at += 2) {
    const start = prototype.spans[at]!;
    writer.signed(start - before);
    writer.signed(prototype.spans[at + 1]! - start);
    before = start;
  }
  writer.list(prototype.locals, ({ name, register, start, end }) => {
    writer.string(name);
    writer.number(register);
    writer.number(start);
    writer.number(end - start);
  });
}

function writeConstant(writer: Writer, constant: Constant): void {
  switch (constant.kind) {
    case 'nil':
      writer.byte(ConstantKind.NIL);
      break;
    case 'boolean':
      writer.byte(constant.value ? ConstantKind.TRUE : ConstantKind.FALSE);
      break;
    case 'integer':
      writer.byte(ConstantKind.INTEGER);
      writer.integer(constant.value);
      break;
    case 'string':
      writer.byte(ConstantKind.STRING);
      writer.string(constant.value);
      break;
    case 'symbol':
      writer.byte(ConstantKind.SYMBOL);
      writer.string(constant.name);
      break;
  }
}

/** Whether bytes are meant to be a compiled module, damaged or not. */
export function isModule(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, TELLING_BYTES)).toString('latin1') === MAGIC.slice(0, TELLING_BYTES);
}

/**
 * Reads a module; `name` is the file's name for messages. Throws KtapError naming the offset for anything that is not
 * exactly what writeModule makes. The module is not verified.
 */
export function readModule(bytes: Uint8Array, name: string): Module {
  const reader = new Reader(bytes, name);
  const magic = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1');
  if (magic !== MAGIC) throw reader.error(0, 'this is no compiled ktap module');
  if (bytes.length < HEADER_SIZE) throw reader.error(bytes.length, 'the file ends within its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw reader.error(8, `version ${version} of the module format, this ktap reads version ${VERSION}`);
  }
  if (view.getUint32(12, true) !== crc32(bytes.subarray(HEADER_SIZE))) {
    throw reader.error(12, 'the checksum does not match: the file is damaged or cut off');
  }
  reader.offset = HEADER_SIZE;
  const source = { name: reader.string(), text: reader.string() };
  const prototypes = reader.list(() => readPrototype(reader));
  if (reader.offset !== bytes.length) throw reader.error(reader.offset, 'more bytes than the module has');
  return { source, prototypes };
}

function readPrototype(reader: Reader): Prototype {
  const name = reader.string();
  const parameterCount = reader.number();
  const isVararg = reader.flag();
  const registerCount = reader.number();
  const constants = reader.list(() => readConstant(reader));
  const upvalues = reader.list((): UpvalueSource => {
    const fromRegister = reader.flag();
    const index = reader.number();
    return { fromRegister, index, name: reader.string() };
  });
  const children = reader.list(() => reader.number());
  const count = reader.count(4);
  const code = new Uint32Array(count);
  for (let pc = 0; pc < count; pc++) code[pc] = reader.word();
  const spans = new Uint32Array(2 * count);
  let before = 0;
  for (let at = 0; at < spans.length; at += 2) {
    before = reader.difference(before);
    spans[at] = before;
    spans[at + 1] = reader.difference(before);
  }
  const locals = reader.list((): LocalVariable => {
    const localName = reader.string();
    const register = reader.number();
    const start = reader.number();
    return { name: localName, register, start, end: start + reader.number() };
  });
  return { name, parameterCount, isVararg, registerCount, constants, upvalues, children, code, spans, locals };
}

function readConstant(reader: Reader): Constant {
  const at = reader.offset;
  const kind = reader.byte();
  switch (kind) {
    case ConstantKind.NIL:
      return { kind: 'nil' };
    case ConstantKind.FALSE:
    case ConstantKind.TRUE:
      return { kind: 'boolean', value: kind === ConstantKind.TRUE };
    case ConstantKind.INTEGER:
      return { kind: 'integer', value: reader.integer() };
    case ConstantKind.STRING:
      return { kind: 'string', value: reader.string() };
    case ConstantKind.SYMBOL:
      return { kind: 'symbol', name: reader.string() };
    default:
      throw reader.error(at, `unknown kind of constant ${kind}`);
  }
}

// ---- bytes

class Writer {
  #buffer = Buffer.alloc(4096);
  #length = 0;

  #room(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(2 * this.#buffer.length, this.#length + count));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  word(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  integer(value: bigint): void {
    this.#room(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
  }

  number(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  string(value: string): void {
    this.number(value.length);
    this.#room(value.length);
    this.#length += this.#buffer.write(value, this.#length, 'latin1');
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.number(items.length);
    for (let index = 0; index < items.length; index++) write(items[index]!);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

class Reader {
  offset = 0;
  readonly #bytes: Buffer;
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  error(offset: number, message: string): KtapError {
    return new KtapError({
      severity: 'error',
      message: `${message} (offset ${offset})`,
      source: { name: this.#name, text: '' },
      hint: 'compile the script again: ktap --compile FILE.kpc SCRIPT',
    });
  }

  #take(count: number): number {
    const at = this.offset;
    if (count > this.#bytes.length - at) throw this.error(at, 'the module ends too early');
    this.offset += count;
    return at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  flag(): boolean {
    const at = this.offset;
    const value = this.byte();
    if (value > 1) throw this.error(at, `${value} where 0 or 1 is expected`);
    return value === 1;
  }

  word(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  integer(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  number(): number {
    const at = this.offset;
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > 0xffff_ffff || scale > 2 ** 28 || (byte === 0 && scale > 1))
        throw this.error(at, 'a number is malformed');
      if (byte < 0x80) return value;
    }
  }

  /** A number that is stored as its difference to another. */
  difference(before: number): number {
    const at = this.offset;
    const coded = this.number();
    const value = before + (coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2);
    if (value < 0 || value > 0xffff_ffff) throw this.error(at, 'a place in the source is malformed');
    return value;
  }

  string(): string {
    const length = this.number();
    const at = this.#take(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** Number of items that need at least `size` bytes each: never more than the file can hold. */
  count(size: number): number {
    const at = this.offset;
    const count = this.number();
    if (count * size > this.#bytes.length - this.offset) throw this.error(at, 'a list is longer than the module');
    return count;
  }

  list<T>(read: () => T): T[] {
    const count = this.count(1);
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }
}

/** CRC-32 as in gzip and PNG: reflected polynomial 0xedb88320. */
function crc32(bytes: Uint8Array): number {
  const table = crcTable();
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function crcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
    table[index] = value;
  }
  return table;
}
