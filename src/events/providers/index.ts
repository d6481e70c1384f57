// The list of providers. A new kind of probe is a file beside this one and a line here.

import type { EventDefinition } from '../../language/event-definition.js';
import type { Provider } from './provider.js';
import { tracepointProvider } from './tracepoint.js';

/** Providers of one event source; those that make probes keep track of them until they are closed. */
export function makeProviders(): ReadonlyMap<EventDefinition['kind'], Provider> {
  return new Map([tracepointProvider].map((provider) => [provider.kind, provider]));
}

/** What a kind is called in messages. */
export const KIND_NAMES: Readonly<Record<EventDefinition['kind'], string>> = {
  tracepoint: 'tracepoints',
  kprobe: 'probes on kernel functions',
  uprobe: 'probes on functions of programs and libraries',
  sdt: 'static markers',
  function: 'ftrace:function',
};
