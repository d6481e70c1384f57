// What the parts of the compiler share about the script that is being compiled.

import type { Block } from '../../language/ast.js';
import type { Source } from '../../language/diagnostics.js';
import type { FunctionDescription, FunctionState } from './function-state.js';
import type { Resolution } from './resolver.js';

export type Dialect = '0.4' | '0.5';

export interface CompileContext {
  readonly source: Source;
  readonly dialect: Dialect;
  readonly allowFfi: boolean;
  readonly resolution: Resolution;
  /** Compiles a function inside `parent`; answers its number in the module. */
  compileFunction(parent: FunctionState | undefined, description: FunctionDescription, body: Block): number;
}
