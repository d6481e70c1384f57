// Which stacks the handler of a block may ask for, found in its bytecode: stacks are made by the kernel when the event
// happens, and cost something, so only events whose handlers can use them carry them.

import type { Module, Prototype } from '../bytecode/module.js';
import type { StackUse } from '../events/source.js';

const KERNEL: ReadonlySet<string> = new Set(['backtrace', 'stack', 'print_backtrace']);
const USER: ReadonlySet<string> = new Set(['ustack']);

/** Names of prototypes that are handlers begin so (`trace sys:event`, `tick-1s`, `trace_end`). */
const HANDLER_NAME = /^(?:trace|trace_end|tick-.*|profile-.*)(?: |$)/;

/**
 * What the handlers of that name may ask for; undefined: nothing. A handler may get at what the main chunk and the script's
 * functions name as well; other handlers' code is not its own.
 */
export function stackUseOf(module: Module, handler: string): StackUse | undefined {
  const names = new Set<string>();
  // All that is not inside of a handler hangs on the main chunk.
  const pending = [0];
  for (const [index, { name }] of module.prototypes.entries()) if (name === handler) pending.push(index);
  const seen = new Set<number>();
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    const prototype = module.prototypes[index]!;
    for (const name of namesIn(prototype)) names.add(name);
    for (const child of prototype.children) if (!HANDLER_NAME.test(module.prototypes[child]!.name)) pending.push(child);
  }
  const kernel = [...KERNEL].some((name) => names.has(name));
  const user = [...USER].some((name) => names.has(name));
  return kernel || user ? { kernel, user } : undefined;
}

/** The string constants of a function: the names of the globals that it uses are among them. */
function* namesIn({ constants }: Prototype): Generator<string> {
  for (const constant of constants) if (constant.kind === 'string') yield constant.value;
}
