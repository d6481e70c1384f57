// An event as a program that embeds the library sees it.

import type { CurrentEvent } from '../engine/engine.js';
import type { BoundEvent, EventSource } from '../events/source.js';
import { toUtf8 } from '../language/diagnostics.js';

/** An event as a program that embeds the library sees it; valid while its callback runs. */
export interface TracedEvent {
  readonly system: string;
  readonly name: string;
  readonly cpu: number;
  readonly tid: number;
  readonly pid: number;
  /** UTF-8 decoded where possible. */
  readonly execname: string;
  /** Nanoseconds of the trace clock. */
  readonly time: bigint;
  /** What argevent gives. */
  readonly text: string;
}

/** The event that an engine is at; what costs something is made when it is asked for. */
export function tracedEvent(source: EventSource, bound: BoundEvent, event: CurrentEvent): TracedEvent {
  return {
    system: bound.format.system,
    name: bound.name,
    cpu: event.cpu,
    tid: event.tid,
    time: source.epoch + BigInt(event.time),
    get pid() {
      return source.pidOf(event.tid, event.time);
    },
    get execname() {
      return toUtf8(source.commOf(event.tid, event.time, event.cpu));
    },
    get text() {
      return toUtf8(source.textOf(bound, event.record, event.length));
    },
  };
}
