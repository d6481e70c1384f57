// `args.name` in a trace block: a name that none of the block's events has is an error before anything is traced.

import { Op, opcodeOf, operandB, operandC, RK_CONSTANT } from '../bytecode/isa.js';
import type { Module, Prototype } from '../bytecode/module.js';
import type { EventFormat } from '../events/format.js';
import { errorAt } from '../language/diagnostics.js';

/** EVENT's C for a field by name. */
const FIELD_BY_NAME = 3;

interface FieldUse {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Throws KtapError at a field that no event of the block has. `handler` is the name of the handler's prototype; functions
 * that it calls are not looked at, since other blocks may call them too.
 */
export function checkFields(module: Module, handler: string, formats: Iterable<EventFormat>): void {
  const missing = new Map<string, FieldUse>();
  for (const prototype of module.prototypes) {
    if (prototype.name === handler) for (const use of fieldUses(prototype)) missing.set(use.name, use);
  }
  if (missing.size === 0) return;
  const known = new Set<string>();
  for (const { fields } of formats) {
    for (const { name } of fields) {
      missing.delete(name);
      known.add(name);
    }
    if (missing.size === 0) return;
  }
  const [use] = missing.values();
  const names = [...known].filter((name) => !name.startsWith('common_'));
  throw errorAt(
    module.source,
    use!,
    `no event of this block has a field ${use!.name}`,
    `the fields are ${shown(names)}`,
  );
}

function* fieldUses({ code, constants, spans }: Prototype): Generator<FieldUse> {
  for (const [index, word] of code.entries()) {
    if (opcodeOf(word) !== Op.EVENT || operandC(word) !== FIELD_BY_NAME) continue;
    const constant = constants[operandB(word) - RK_CONSTANT];
    if (constant?.kind !== 'string') continue;
    yield { name: constant.value, start: spans[2 * index]!, end: spans[2 * index + 1]! };
  }
}

const SHOWN_NAMES = 40;

function shown(names: readonly string[]): string {
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `${names.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}
