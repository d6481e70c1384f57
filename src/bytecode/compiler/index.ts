// AST → module. First the names are resolved (resolver.ts), then the code of each function is made in one pass over its
// tree (statements.ts, expressions.ts), then the warnings.

import type { Block, Chunk } from '../../language/ast.js';
import type { Diagnostic, Source } from '../../language/diagnostics.js';
import { Op } from '../isa.js';
import type { Module, Prototype } from '../module.js';
import type { CompileContext, Dialect } from './context.js';
import { ControlFlow } from './control-flow.js';
import { type FunctionDescription, FunctionState } from './function-state.js';
import { resolve } from './resolver.js';
import { statements } from './statements.js';
import { findWarnings } from './warnings.js';

export interface CompileOptions {
  /** How `argN` counts: from arg1 (0.4, the default) or from arg0 (0.5). */
  readonly dialect?: Dialect;
  /** Codes of warnings that are not wanted. */
  readonly disabledWarnings?: ReadonlySet<string>;
  /** C functions may be called (`--ffi`). */
  readonly allowFfi?: boolean;
  /** Built-ins that answer 0 or 1, for a warning: `in_interrupt`. */
  readonly zeroOrOneBuiltins?: ReadonlySet<string>;
}

export interface Compiled {
  readonly module: Module;
  readonly warnings: Diagnostic[];
}

/** Compiles a parsed script. Throws KtapError with the first error that is found. */
export function compile(chunk: Chunk, source: Source, options: CompileOptions = {}): Compiled {
  const resolution = resolve(chunk, source);
  const prototypes: (Prototype | undefined)[] = [];
  const context: CompileContext = {
    source,
    dialect: options.dialect ?? '0.4',
    allowFfi: options.allowFfi ?? false,
    resolution,
    compileFunction(parent, description, body) {
      // Numbers are given on the way down: a child's is always greater than its parent's.
      const number = prototypes.push(undefined) - 1;
      prototypes[number] = compileBody(new FunctionState(context, parent, description), description, body);
      return number;
    },
  };
  const main: FunctionDescription = { node: chunk, name: 'main', parameters: [], isVararg: true };
  context.compileFunction(undefined, main, chunk.body);
  const warnings = findWarnings(context, options.zeroOrOneBuiltins ?? new Set());
  return {
    module: { source, prototypes: prototypes as Prototype[] },
    warnings: warnings.filter((warning) => options.disabledWarnings?.has(warning.code!) !== true),
  };
}

function compileBody(fs: FunctionState, description: FunctionDescription, body: Block): Prototype {
  const flow = new ControlFlow(fs);
  flow.open();
  // Every frame has a register, so that an instruction that needs none may name R[0].
  fs.touch(1);
  for (const parameter of description.parameters) {
    fs.activate(fs.context.resolution.declarations.get(parameter)!, fs.reserve(1));
  }
  statements(fs, flow, body);
  const end = { start: Math.max(body.start, body.end - 1), end: body.end };
  fs.emitABC(Op.RETURN, 0, 1, 0, end);
  fs.deactivate(0);
  flow.finish();
  return fs.finish();
}
