// The list of providers. A new kind of probe is a file beside this one and a line here.

import type { EventDefinition } from '../../language/event-definition.js';
import { kprobeProvider } from './kprobe.js';
import type { Provider } from './provider.js';
import { tracepointProvider } from './tracepoint.js';
import { uprobeProvider } from './uprobe.js';

/** The providers, by the kind of definition that each finds the events of. */
export function makeProviders(): ReadonlyMap<EventDefinition['kind'], Provider> {
  return new Map([tracepointProvider, kprobeProvider, uprobeProvider].map((provider) => [provider.kind, provider]));
}
