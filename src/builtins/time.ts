// Times of day and of the trace clock: of the event in a handler, else now.

import { type Builtin, builtin } from './declare.js';
import { toInteger } from './integers.js';

const timeOfDay = (unit: string, words: string, nanoseconds: bigint): Builtin =>
  builtin({
    name: `gettimeofday_${unit}`,
    family: 'time',
    parameters: [],
    returns: 'integer',
    doc: `${words} since 1970 (UTC): when the event happened, in a handler; else now.`,
    call: (context) => toInteger(context.wallClock() / nanoseconds),
  });

export const TIME_BUILTINS = [
  timeOfDay('s', 'Seconds', 1_000_000_000n),
  timeOfDay('ms', 'Milliseconds', 1_000_000n),
  timeOfDay('us', 'Microseconds', 1000n),
  timeOfDay('ns', 'Nanoseconds', 1n),
  builtin({
    name: 'print_trace_clock',
    family: 'time',
    parameters: [],
    returns: 'nothing',
    doc: 'Writes the time of the event on the trace clock, or now, as the kernel shows it in its `trace` file: seconds, a point and microseconds, such as `4711.081508`, and a newline.',
    call: (context) => {
      // The kernel rounds to the nearest microsecond.
      const microseconds = (context.traceClock() + 500n) / 1000n;
      const fraction = String(microseconds % 1_000_000n).padStart(6, '0');
      context.write(`${microseconds / 1_000_000n}.${fraction}\n`);
    },
  }),
];
