// What a built-in answers where the machine does not tell.

import type { BuiltinContext } from './declare.js';

/** nil, counted; the run says at its end how often `what` was not known. */
export function unknown(context: BuiltinContext, what: string): undefined {
  context.countUnknown?.(what);
  return undefined;
}
