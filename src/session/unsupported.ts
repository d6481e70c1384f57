// Constructs of the language that parse but have no source of events yet: refused when compiling, at their place.

import type { Chunk, TraceStatement } from '../language/ast.js';
import { errorAt, type Source } from '../language/diagnostics.js';

const KIND_NAMES = {
  tracepoint: 'tracepoints',
  kprobe: 'probes of kernel functions',
  uprobe: 'probes of user functions',
  sdt: 'static markers',
  function: 'the function tracer',
} as const;

/** Throws KtapError at the first block whose kind of event does not exist yet. */
export function refuseUnsupported(chunk: Chunk, source: Source): void {
  for (const node of nodesOf(chunk)) {
    if (node.type === 'Trace') {
      const { definitions, definitionStart } = node as TraceStatement;
      const refused = definitions.find(({ kind }) => kind !== 'tracepoint');
      if (refused === undefined) continue;
      const start = definitionStart + refused.offset;
      throw errorAt(
        source,
        { start, end: start + refused.text.length },
        `${KIND_NAMES[refused.kind]} are not supported yet`,
        'tracepoints (`sys:event`) and tick timers are',
      );
    }
  }
}

interface AnyNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** All nodes below a node, itself first, in no promised order; iterative, since trees can be deep. */
function* nodesOf(root: Chunk): Generator<AnyNode> {
  const pending: object[] = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ('type' in next) yield next as AnyNode;
    for (const child of Object.values(next)) if (typeof child === 'object' && child !== null) pending.push(child);
  }
}
