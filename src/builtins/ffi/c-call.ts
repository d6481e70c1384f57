// Calls C functions of this process through koffi: values of a script to arguments, and the result back.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import type { Engine } from '../../engine/engine.js';
import { ScriptError, type TableRef, type Value } from '../../engine/values.js';
import { processMemory } from '../../events/memory-reader.js';
import type { BuiltinContext } from '../declare.js';
import { typeName } from '../format-value.js';
import { toAddress, toInteger } from '../integers.js';
import { stringAt } from '../memory.js';
import { formatPrintf } from '../printf-format.js';
import { cString, ObjectStore, pointsTo, takesString } from './c-object.js';
import { type CType, type FunctionType, type RecordType, typeText } from './c-types.js';

/** A type as koffi takes it. */
type NativeType = string | Koffi.TypeObject;
type NativeFunction = (...args: unknown[]) => unknown;

/** Level of messages that a script writes to the kernel's log: KERN_INFO. */
const LOG_LEVEL = 6;

export class CFunctions {
  readonly objects: ObjectStore;
  readonly #context: BuiltinContext;
  readonly #koffi: typeof Koffi;
  readonly #process: Koffi.LibraryHandle;
  readonly #loaded = new Map<FunctionType, NativeFunction>();
  readonly #records = new Map<RecordType, NativeType>();

  /** Throws ScriptError where koffi has no build for this machine. */
  constructor(engine: Engine, context: BuiltinContext) {
    this.#context = context;
    try {
      this.#koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
      this.#process = this.#koffi.load(null);
    } catch (error) {
      throw new ScriptError(`ffi cannot be used: the package koffi does not load (${(error as Error).message})`);
    }
    const koffi = this.#koffi;
    this.objects = new ObjectStore(engine, {
      addressOf: (bytes) => koffi.address(bytes) as bigint,
      stringAt: readOwnString,
    });
  }

  /** Calls `name` with values of the script. */
  call(name: string, type: FunctionType, args: readonly Value[]): Value {
    if (name === 'printk') return this.#printk(args);
    const { parameters, varargs, result } = type;
    if (args.length < parameters.length || (args.length > parameters.length && !varargs))
      throw new ScriptError(
        `C.${name} takes ${varargs ? 'at least ' : ''}${parameters.length} argument${parameters.length === 1 ? '' : 's'}, got ${args.length}`,
      );
    const native = this.#load(name, type);
    this.objects.toMemory();
    // Buffers that only this list keeps must live until the call is over.
    const converted: unknown[] = [];
    for (const [index, value] of args.entries()) {
      const parameter = parameters[index];
      const place = `bad argument ${index + 1} of C.${name}`;
      if (parameter !== undefined) converted.push(this.#argument(place, name, parameter, value));
      else converted.push(...this.#extraArgument(place, value));
    }
    let answer: unknown;
    try {
      answer = native(...converted);
    } catch (error) {
      throw new ScriptError(`C.${name}: ${(error as Error).message}`);
    } finally {
      this.objects.fromMemory();
    }
    return this.#result(result, answer);
  }

  #load(name: string, type: FunctionType): NativeFunction {
    const loaded = this.#loaded.get(type);
    if (loaded !== undefined) return loaded;
    const parameters = type.parameters.map((each) => this.#nativeType(each, `C.${name}`));
    const result = this.#nativeType(type.result, `C.${name}`);
    let native: NativeFunction;
    try {
      native = this.#process.func(name, result, type.varargs ? [...parameters, '...'] : parameters) as NativeFunction;
    } catch {
      if (isKernelFunction(name))
        throw new ScriptError(
          `C.${name}: only the kernel has this function`,
          'functions of the process (libc) can be called; printk writes to the log of the kernel',
        );
      throw new ScriptError(`C.${name}: this process has no function of that name`);
    }
    this.#loaded.set(type, native);
    return native;
  }

  #nativeType(type: CType, what: string): NativeType {
    switch (type.kind) {
      case 'void':
        return 'void';
      case 'integer':
        return `${type.signed ? 'int' : 'uint'}${type.size * 8}`;
      case 'pointer':
        return 'void *';
      case 'float':
        throw new ScriptError(`${what} takes or gives a ${type.name}: ktap has no floating point`);
      case 'struct':
      case 'union':
        return this.#nativeRecord(type, what);
      default:
        throw new ScriptError(`${what}: ${typeText(type)} cannot be passed`);
    }
  }

  /** A struct or union that is passed as a whole. */
  #nativeRecord(type: RecordType, what: string): NativeType {
    let record = this.#records.get(type);
    if (record === undefined) {
      if (type.fields === undefined) throw new ScriptError(`${what}: ${typeText(type)} has not been declared`);
      const members: Record<string, NativeType> = {};
      for (const [index, field] of type.fields.entries())
        members[field.name === '' ? `unnamed ${index}` : field.name] = this.#nativeMember(field.type, what);
      record = type.kind === 'struct' ? this.#koffi.struct(members) : this.#koffi.union(members);
      this.#records.set(type, record);
    }
    return record;
  }

  #nativeMember(type: CType, what: string): NativeType {
    if (type.kind === 'float') return type.size === 4 ? 'float' : 'double';
    if (type.kind === 'array') return this.#koffi.array(this.#nativeMember(type.of, what), type.length ?? 0);
    return this.#nativeType(type, what);
  }

  #argument(place: string, name: string, type: CType, value: Value): unknown {
    const refuse = (hint?: string): never => {
      throw new ScriptError(`${place}: ${typeText(type)} expected, got ${typeName(value)}`, hint);
    };
    switch (type.kind) {
      case 'integer':
        if (typeof value === 'boolean' && type.isBool) return value ? 1 : 0;
        if (typeof value !== 'number' && typeof value !== 'bigint') return refuse();
        if (type.isBool) return value === 0 ? 0 : 1;
        return type.signed ? BigInt.asIntN(type.size * 8, BigInt(value)) : BigInt.asUintN(type.size * 8, BigInt(value));
      case 'pointer':
        if (typeof value === 'string') return takesString(type.to) ? cString(value) : refuse();
        return this.#pointer(place, name, type.to, value) ?? refuse();
      default: {
        if (typeof value !== 'object' || !('entries' in value)) return refuse('ffi.new makes C objects');
        const object = this.objects.placeOf(value);
        if (object === undefined) throw new ScriptError(`${place}: ${this.objects.notAnObject(value)}`);
        if (object.type !== type) return refuse();
        return this.#koffi.decode(object.address, this.#nativeType(type, place));
      }
    }
  }

  /** Address for a pointer argument; undefined where the value cannot be one. */
  #pointer(place: string, name: string, to: CType, value: Value): bigint | undefined {
    if (value === undefined) return 0n;
    if (typeof value === 'number' || typeof value === 'bigint') return toAddress(value);
    if (typeof value !== 'object') return undefined;
    if (value.kind === 'function')
      throw new ScriptError(`${place}: C cannot call a function of a script`, 'callbacks are not supported');
    if (!('entries' in value)) return undefined;
    const object = this.objects.placeOf(value);
    if (object === undefined)
      throw new ScriptError(`${place}: ${this.objects.notAnObject(value)}`, 'ffi.new makes C objects');
    if (name === 'free' || name === 'realloc')
      throw new ScriptError(`${place}: an object of ffi.new is no memory of malloc`, 'ffi.free ends it');
    if (!pointsTo(to, object.type))
      throw new ScriptError(`${place}: ${typeText({ kind: 'pointer', to })} expected, got ${typeText(object.type)}`);
    return object.address;
  }

  /** An argument for `...`: its type and its value. */
  #extraArgument(place: string, value: Value): [string, unknown] {
    if (typeof value === 'number' || typeof value === 'bigint') return ['int64', BigInt(value)];
    if (typeof value === 'string') return ['void *', cString(value)];
    const address = this.#pointer(place, '', { kind: 'void' }, value);
    if (address === undefined)
      throw new ScriptError(`${place}: number, string or C object expected, got ${typeName(value)}`);
    return ['void *', address];
  }

  #result(type: CType, answer: unknown): Value {
    switch (type.kind) {
      case 'integer':
        return type.isBool ? Number(answer) !== 0 : toInteger(BigInt(answer as number));
      case 'pointer':
        return this.objects.pointerValue(BigInt((answer as bigint | null) ?? 0), type.to);
      case 'struct':
      case 'union': {
        const table = this.objects.make(type);
        this.objects.fill(table, (address) => this.#koffi.encode(address, this.#nativeRecord(type, 'C'), answer));
        return table;
      }
      default:
        return undefined;
    }
  }

  /** The kernel's printk, by way of its log device; answers the number of bytes. */
  #printk(args: readonly Value[]): Value {
    const [format, ...values] = args;
    if (typeof format !== 'string')
      throw new ScriptError(`bad argument 1 of C.printk: string expected, got ${typeName(format)}`);
    // A script may give a level as kernel code does: KERN_WARNING is "\0014".
    const text = formatPrintf(format, values, this.#context);
    const level = /^\x01([0-7])/.exec(text)?.[1] ?? String(LOG_LEVEL);
    const message = text.replace(/^\x01[0-7c]/, '');
    try {
      writeFileSync('/dev/kmsg', Buffer.from(`<${level}>${message}`, 'latin1'));
    } catch (error) {
      throw new ScriptError(`C.printk: /dev/kmsg cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
    return message.length;
  }

  /** `n` bytes, or up to the NUL, of an object or at an address; nil where nothing can be read. */
  stringOf(value: Value, n: number | undefined): Value {
    if (typeof value === 'object') {
      this.objects.toMemory();
      this.objects.fromMemory();
      const bytes = this.objects.bytesOf(value as TableRef);
      if (bytes === undefined)
        throw new ScriptError(`bad argument 1 of ffi.string: ${this.objects.notAnObject(value as TableRef)}`);
      const end = n === undefined ? bytes.indexOf(0) : n;
      return bytes.toString('latin1', 0, end < 0 ? bytes.length : Math.min(end, bytes.length));
    }
    const address = toAddress(value as number);
    return n === undefined ? readOwnString(address) : readOwnBytes(address, n);
  }
}

/** Reads by way of the kernel, so that a wrong address is nil and no crash. */
function readOwnString(address: bigint): string | undefined {
  const memory = processMemory(process.pid);
  if (memory === undefined) return undefined;
  try {
    return stringAt(memory, address, 1 << 20);
  } finally {
    memory.close();
  }
}

function readOwnBytes(address: bigint, n: number): string | undefined {
  const memory = processMemory(process.pid);
  if (memory === undefined) return undefined;
  try {
    return memory.read(address, n)?.toString('latin1');
  } finally {
    memory.close();
  }
}

/** Whether the kernel's symbol table has a function of that name; a slow look, for a message. */
function isKernelFunction(name: string): boolean {
  try {
    return readFileSync('/proc/kallsyms', 'latin1').match(new RegExp(` [tT] ${name}$`, 'm')) !== null;
  } catch {
    return false;
  }
}
