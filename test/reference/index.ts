// Runs a script through the reference evaluator.

import type { Chunk } from '../../src/language/ast.js';
import { defineBuiltins, scriptArguments } from './builtins.js';
import { Evaluator } from './evaluator.js';
import { Exit, ReferenceScriptError, Unsupported } from './values.js';

export interface ReferenceOutcome {
  /** Byte string. */
  readonly output: string;
  readonly status: number;
  /** Errors in the order in which they happened; `offset` in bytes of the script. */
  readonly errors: readonly { readonly message: string; readonly offset: number }[];
}

/** Evaluates a script to its end, trace_end blocks included; a text instead of an outcome says why the reference cannot tell. */
export function runReference(
  chunk: Chunk,
  args: readonly string[] = [],
  options: { maxSteps?: number; maxOutput?: number } = {},
): ReferenceOutcome | string {
  const evaluator = new Evaluator({ maxSteps: options.maxSteps ?? 20_000_000 });
  const maxOutput = options.maxOutput ?? 10_000_000;
  let output = '';
  const errors: { message: string; offset: number }[] = [];
  let status = 0;

  /** Answers whether the script goes on to its next part. */
  const attempt = (part: () => void): 'done' | 'exit' | 'error' => {
    try {
      part();
      return 'done';
    } catch (error) {
      if (error instanceof Exit) {
        status = error.status;
        return 'exit';
      }
      if (!(error instanceof ReferenceScriptError)) throw error;
      errors.push({ message: error.message, offset: error.offset ?? 0 });
      return 'error';
    }
  };

  try {
    defineBuiltins(
      evaluator,
      (text) => {
        output += text;
        if (output.length > maxOutput) throw new Unsupported('too much output');
      },
      args,
    );
    if (attempt(() => evaluator.main(chunk.body, scriptArguments(args))) !== 'error') {
      evaluator.inHandler = true;
      for (const block of evaluator.endBlocks) if (attempt(() => void evaluator.call(block, [], 0)) === 'exit') break;
    }
  } catch (error) {
    if (error instanceof Unsupported) return error.message;
    if (error instanceof RangeError) return error.message;
    throw error;
  }
  return { output, status: errors.length > 0 ? 1 : status, errors };
}
