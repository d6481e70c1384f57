// Tier 0: binds the interpreter in WebAssembly (assembly/) to the Engine interface.

import type { Module } from '../bytecode/module.js';
import { type Diagnostic, KtapError, plainError } from '../language/diagnostics.js';
import { type LoadedPrototype, loadModule } from './decoder.js';
import type {
  CurrentEvent,
  Engine,
  EngineHost,
  EngineOptions,
  EventDescriptor,
  EventLayout,
  FieldLayout,
  HeapStatistics,
} from './engine.js';
import { describeError, diagnosticHere, placesOf, positionOfPlace, TYPE_NAMES } from './errors.js';
import { Heap } from './heap.js';
import { Descriptor, DescriptorField, Region, State } from './heap-layout.js';
import { RunStatus, Tag } from './layout.js';
import type { LinearMemory } from './memory.js';
import {
  type AddressBytes,
  type FunctionRef,
  type HeapRef,
  ScriptError,
  type StackValue,
  type TableRef,
  type Value,
} from './values.js';
import { type InterpreterExports, instantiate } from './wasm-module.js';

/** WebAssembly has no on-stack replacement: only a new call of `run` gets the optimised code, so slices are short. */
const SLICE = 20_000;
/** A memory of 32 bits holds the stack and the heap; the last part of it stays free. */
const LARGEST_HEAP = 0xe000_0000;
/** Results of a built-in that need no look at the stack's size. */
const FEW = 8;

/** Makes an engine. Throws KtapError where WebAssembly memory cannot be had. */
export function createInterpreter(options: EngineOptions): Engine {
  return new Interpreter(options);
}

class Interpreter implements Engine {
  readonly memory: LinearMemory;
  readonly event: CurrentEvent = { descriptor: 0, record: 0, length: 0, cpu: 0, tid: 0, time: 0 };
  readonly globals: TableRef;
  readonly #exports: InterpreterExports;
  readonly #heap: Heap;
  readonly #host: EngineHost;
  readonly #resolveSymbol: (name: string) => bigint;
  readonly #loaded: LoadedPrototype[] = [];
  #error: Diagnostic | undefined;
  #inHandler = false;
  #pauseBegan = 0;
  #longestPause = 0;

  constructor({ maxMemory, gcStress, host, resolveSymbol }: EngineOptions) {
    this.#host = host;
    this.#resolveSymbol =
      resolveSymbol ??
      ((name) => {
        throw plainError(`kernel symbol ${name} cannot be resolved here`);
      });
    this.#exports = instantiate({
      call: (id, args, bytes, results) => this.#call(id, args >>> 0, bytes, results >>> 0),
      eventText: (to) => this.#receive(to >>> 0, this.#host.eventText()),
      eventField: (index, to) => this.#receive(to >>> 0, this.#host.eventField(index)),
      collecting: (begins) => {
        if (begins) this.#pauseBegan = performance.now();
        else this.#longestPause = Math.max(this.#longestPause, performance.now() - this.#pauseBegan);
      },
    });
    this.#exports.initialize(Math.min(maxMemory, LARGEST_HEAP), gcStress ? 1 : 0);
    this.#heap = new Heap(this.#exports, maxMemory);
    this.memory = this.#heap.memory;
    this.#heap.setState(State.LENIENT, 1);
    this.globals = this.#heap.table(this.#heap.state(State.GLOBALS));
    for (const [tag, name] of TYPE_NAMES.entries()) {
      const ref = this.#heap.intern(name);
      this.#exports.pin(ref);
      this.#heap.setState(Region.TYPE_NAMES + 4 * tag, ref);
    }
  }

  load(module: Module): FunctionRef {
    const main = loadModule(this.#heap, module, this.#loaded, this.#resolveSymbol);
    const ref = this.#heap.checked(this.#exports.mainClosure(main.record));
    return { kind: 'function', ref, builtin: false, name: main.prototype.name };
  }

  // ---- calls

  start(fn: FunctionRef, args: readonly Value[]): void {
    const first = Region.STACK + 16;
    if (this.#exports.ensureStack(first + 16 * args.length) === 0) throw new ScriptError('too many arguments');
    args.forEach((value, i) => {
      this.#heap.write(first + 16 * i, value);
    });
    this.#heap.writeReference(Region.STACK, fn.builtin ? Tag.BUILTIN : Tag.FUNCTION, fn.ref);
    this.#exports.startCall(first + 16 * args.length);
    this.#inHandler = false;
  }

  startHandler(fn: HeapRef): void {
    const { descriptor, record, length } = this.event;
    this.#exports.startHandler(fn, descriptor, record, length);
    this.#inHandler = true;
  }

  run(budget: number): number {
    let left = budget;
    let status: number = RunStatus.BUDGET;
    this.#heap.setState(State.LENIENT, 0);
    try {
      do {
        const slice = Math.min(left, SLICE);
        status = this.#exports.run(slice);
        left -= slice;
      } while (status === RunStatus.BUDGET && left > 0);
    } catch (error) {
      this.memory.refresh();
      this.#heap.setState(State.LENIENT, 1);
      this.#fail(error);
      return RunStatus.ERROR;
    }
    this.memory.refresh();
    this.#heap.setState(State.LENIENT, 1);
    if (status === RunStatus.BUDGET) return status;
    this.#inHandler = false;
    if (status === RunStatus.ERROR) {
      const { message, hint } = describeError(this.#heap, this.#loaded);
      this.#error = diagnosticHere(this.#heap, this.#loaded, message, hint);
      this.#exports.unwind();
    } else if (status === RunStatus.EXIT) {
      this.#exports.unwind();
    }
    return status;
  }

  /** What a built-in threw becomes the script's error; anything else is thrown on, with the call given up. */
  #fail(error: unknown): void {
    this.#inHandler = false;
    if (error instanceof ScriptError) this.#error = diagnosticHere(this.#heap, this.#loaded, error.message, error.hint);
    this.#exports.unwind();
    if (!(error instanceof ScriptError)) throw error;
  }

  abandon(): void {
    this.#exports.unwind();
    this.#inHandler = false;
  }

  results(): Value[] {
    const values: Value[] = [];
    for (let at = Region.STACK; at < this.#heap.state(State.TOP); at += 16) values.push(this.#heap.read(at));
    return values;
  }

  error(): Diagnostic {
    if (this.#error === undefined) throw new KtapError({ severity: 'error', message: 'no call has failed' });
    return this.#error;
  }

  exitCode(): number {
    return this.#heap.state(State.EXIT_CODE) | 0;
  }

  position(): Pick<Diagnostic, 'source' | 'span'> {
    const [innermost] = placesOf(this.#heap, this.#loaded);
    return innermost === undefined ? {} : positionOfPlace(innermost);
  }

  get inHandler(): boolean {
    return this.#inHandler;
  }

  // ---- what the interpreter asks

  #call(id: number, args: number, bytes: number, results: number): number {
    const heap = this.#heap;
    this.memory.refresh();
    const values: Value[] = [];
    for (let offset = 0; offset < bytes; offset += 16) values.push(heap.read(args + offset));
    heap.setState(State.LENIENT, 1);
    const answer = this.#host.callBuiltin(id, values);
    let count = 1;
    if (answer === undefined) {
      this.memory.refresh();
      count = 0;
    } else if (Array.isArray(answer)) {
      count = answer.length;
      if (count > FEW && this.#exports.ensureStack(results + 16 * count) === 0) {
        throw new ScriptError('too many values on the stack');
      }
      this.memory.refresh();
      for (let i = 0; i < count; i++) heap.write(results + 16 * i, answer[i]);
    } else {
      this.memory.refresh();
      heap.write(results, answer as Value);
    }
    heap.setState(State.LENIENT, 0);
    return count;
  }

  #receive(to: number, value: Value): void {
    this.memory.refresh();
    this.#heap.setState(State.LENIENT, 1);
    this.#heap.write(to, value);
    this.#heap.setState(State.LENIENT, 0);
  }

  // ---- heap

  global(name: string): Value {
    return this.globals.get(name);
  }

  setGlobal(name: string, value: Value): void {
    this.globals.set(name, value);
  }

  newTable(): TableRef {
    return this.#heap.newTable('table');
  }

  newAggregationTable(): TableRef {
    return this.#heap.newTable('aggregation-table');
  }

  newStack(addresses: AddressBytes, space?: number): StackValue {
    return this.#heap.newStack(addresses, space);
  }

  newBuiltin(id: number, name: string): FunctionRef {
    this.#heap.builtinNames.set(id, name);
    return { kind: 'function', ref: this.#heap.checked(this.#exports.newBuiltin(id)), builtin: true, name };
  }

  pin(ref: HeapRef): void {
    if (this.#exports.pin(ref) !== 0) throw this.#heap.outOfMemory();
    this.memory.refresh();
  }

  unpin(ref: HeapRef): void {
    this.#exports.unpin(ref);
  }

  collect(): void {
    this.#exports.collectNow();
  }

  statistics(): HeapStatistics {
    const used = this.#heap.state(State.USED);
    return {
      used,
      peak: Math.max(used, this.#heap.state(State.PEAK)),
      collections: this.#heap.state(State.COLLECTIONS),
      longestPause: this.#longestPause,
    };
  }

  // ---- events

  defineEvent({ name, args, named }: EventLayout): EventDescriptor {
    const heap = this.#heap;
    const fields = [...args, ...named];
    const address = heap.checked(
      this.#exports.allocatePermanent(Descriptor.FIELDS + fields.length * DescriptorField.SIZE),
    );
    const strings = [name, ...fields.map((field) => field.name)].map((text) => heap.intern(text));
    const { u32 } = this.memory;
    const at = address >>> 2;
    u32[at] = strings[0]!;
    u32[at + 1] = args.length;
    u32[at + 2] = named.length;
    fields.forEach((field, i) => {
      this.#writeField(address + Descriptor.FIELDS + i * DescriptorField.SIZE, strings[i + 1]!, field);
    });
    this.#exports.registerDescriptor(address);
    return address;
  }

  #writeField(address: number, name: HeapRef, { kind, signed, offset, size }: FieldLayout): void {
    const { u16, u32 } = this.memory;
    u32[(address + DescriptorField.NAME) >>> 2] = name;
    u16[(address + DescriptorField.KIND) >>> 1] = kind;
    u16[(address + DescriptorField.IS_SIGNED) >>> 1] = signed ? 1 : 0;
    u32[(address + DescriptorField.OFFSET) >>> 2] = offset;
    u32[(address + DescriptorField.LENGTH) >>> 2] = size;
  }

  allocateBuffer(bytes: number): number {
    return this.#heap.checked(this.#exports.allocateUnits((bytes + 4095) >>> 12));
  }
}
