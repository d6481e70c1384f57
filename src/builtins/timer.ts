// timer.*: what tick and profile blocks are made of.

import type { Value } from '../engine/values.js';
import { builtin } from './declare.js';

const timer = (kind: 'tick' | 'profile', doc: string) =>
  builtin({
    name: `timer.${kind}`,
    family: 'kdebug and timer',
    parameters: [
      { name: 'interval', type: 'string' },
      { name: 'fn', type: 'function' },
    ],
    returns: 'nothing',
    doc,
    call: (context, interval: string, handler: Value) => {
      context.registerTimer(kind, interval, handler);
    },
  });

export const TIMER_BUILTINS = [
  timer(
    'tick',
    'Calls `fn` again and again on one processor, as `tick-N… {…}` does; the interval is text such as "1s", "10ms", "500us" or "99Hz".',
  ),
  timer(
    'profile',
    'Calls `fn` again and again on every processor, as `profile-N… {…}` does; the interval is text such as "1s", "10ms", "500us" or "99Hz".',
  ),
];
