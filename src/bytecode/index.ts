// What others use of the bytecode: the compiler, the binary form, the verifier, the disassembler.

export { isModule, readModule, writeModule } from './binary-module.js';
export { type Compiled, type CompileOptions, compile } from './compiler/index.js';
export { WARNINGS } from './compiler/warnings.js';
export { disassemble } from './disassembler.js';
export type { Constant, LocalVariable, Module, Prototype, UpvalueSource } from './module.js';
export { verify } from './verifier.js';
