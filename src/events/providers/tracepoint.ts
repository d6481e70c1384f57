// Tracepoints: `sys:event`, globs in both parts. They exist already; nothing is made.

import { isGlob } from '../glob.js';
import { nearestNames } from '../nearest-names.js';
import { definitionError, type Provider } from './provider.js';

export const tracepointProvider: Provider = {
  kind: 'tracepoint',
  find(placed, { catalogue }) {
    const { text, system = '*', event = '*' } = placed.definition;
    const found = catalogue.match(system, event);
    if (found.length > 0) return found;
    const what = isGlob(system) || isGlob(event) ? 'no event matches' : 'there is no event';
    const nearest = nearestNames(`${system}:${event}`, catalogue.names(), 3);
    throw definitionError(
      placed,
      `${what} ${text}`,
      nearest.length === 0 ? undefined : `the nearest names: ${nearest.join(', ')}`,
    );
  },
};
