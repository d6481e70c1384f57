// A compiled script in memory. Its form as bytes (.kpc) is binary-module.ts.

import type { Source } from '../language/diagnostics.js';

export type Constant =
  | { readonly kind: 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: bigint }
  /** Byte string. */
  | { readonly kind: 'string'; readonly value: string }
  /** Address of a kernel symbol: stays a name in the module, becomes an integer when the module is loaded. */
  | { readonly kind: 'symbol'; readonly name: string };

export interface UpvalueSource {
  /** From a register of the parent's frame, else from an upvalue of the parent. */
  readonly fromRegister: boolean;
  readonly index: number;
  readonly name: string;
}

export interface LocalVariable {
  readonly name: string;
  readonly register: number;
  /** Words [start, end) in which the register holds this variable. */
  readonly start: number;
  readonly end: number;
}

export interface Prototype {
  /** `main`, `f`, `a.b:m`, `trace syscalls:*`, `tick-1s`; empty for an anonymous function. */
  readonly name: string;
  readonly parameterCount: number;
  readonly isVararg: boolean;
  /** Registers that a frame needs. */
  readonly registerCount: number;
  readonly code: Uint32Array;
  readonly constants: readonly Constant[];
  readonly upvalues: readonly UpvalueSource[];
  /** Indices into Module.prototypes. */
  readonly children: readonly number[];
  /** Byte offsets of the source for each word, two entries a word: start and end of what an error there marks. */
  readonly spans: Uint32Array;
  readonly locals: readonly LocalVariable[];
}

export interface Module {
  readonly source: Source;
  /** The main chunk is the first; it is a vararg function whose only upvalue is the globals table (`fromRegister: false, index: 0`). */
  readonly prototypes: readonly Prototype[];
}
