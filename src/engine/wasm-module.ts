// Finds and compiles interpreter.wasm, once a process; and what it exports and imports.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Exports of assembly/index.ts. Addresses and numbers are 32-bit. */
export interface InterpreterExports {
  readonly memory: WebAssembly.Memory;
  initialize(maxMemory: number, gcStress: number): void;
  run(budget: number): number;
  startCall(top: number): void;
  startHandler(closure: number, event: number, record: number, length: number): void;
  unwind(): void;
  ensureStack(end: number): number;
  collectNow(): void;
  stringAt(from: number, length: number, type: number): number;
  newTable(type: number): number;
  newBuiltin(id: number): number;
  mainClosure(prototype: number): number;
  find(table: number, key: number): number;
  setIndex(table: number, key: number, value: number): number;
  nextPair(table: number, position: number, key: number, value: number): number;
  clearTable(table: number): void;
  pin(object: number): number;
  unpin(object: number): void;
  allocatePermanent(bytes: number): number;
  registerPrototype(prototype: number): void;
  registerDescriptor(descriptor: number): void;
  allocateUnits(units: number): number;
  freeUnits(address: number, units: number): void;
}

/** Imports, as assembly/host.ts declares them. */
export interface InterpreterImports {
  call(id: number, args: number, bytes: number, results: number): number;
  eventText(to: number): void;
  eventField(index: number, to: number): void;
  collecting(begins: number): void;
}

/** Beside the bundle in dist/; from a test's bundle, in dist/ of the folder that has package.json. */
function locate(): string {
  const here = fileURLToPath(new URL('./interpreter.wasm', import.meta.url));
  if (existsSync(here)) return here;
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'dist', 'interpreter.wasm');
    if (folder === dirname(folder)) return here;
  }
}

// The compiled module holds no state: instances share it.
let compiled: WebAssembly.Module | undefined;

export function instantiate(host: InterpreterImports): InterpreterExports {
  compiled ??= new WebAssembly.Module(readFileSync(locate()));
  return new WebAssembly.Instance(compiled, { host: { ...host } }).exports as unknown as InterpreterExports;
}
