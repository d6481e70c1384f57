// The tick timers of a script (`tick-1s`; profile timers are events of the source) on the time scale of the events, so that
// both take their place in one order.

import type { HeapRef } from '../engine/values.js';

export interface Timer {
  /** Nanoseconds. */
  readonly interval: number;
  readonly handler: HeapRef;
  /** As the script writes it, `tick-1s`. */
  readonly name: string;
  /** Nanoseconds after the source's epoch. */
  due: number;
  fired: number;
  /** Rounds that were left out because the handler was late. */
  merged: number;
}

/** Leaves out the rounds of a timer that are due at `time`. */
function mergeUntil(timer: Timer, time: number): void {
  if (timer.due > time) return;
  const late = Math.floor((time - timer.due) / timer.interval) + 1;
  timer.merged += late;
  timer.due += late * timer.interval;
}

export class TimerQueue {
  readonly timers: Timer[] = [];
  #started = false;

  add(interval: number, handler: HeapRef, name: string): void {
    this.timers.push({ interval, handler, name, due: Number.POSITIVE_INFINITY, fired: 0, merged: 0 });
  }

  get started(): boolean {
    return this.#started;
  }

  /** All timers start together. */
  start(now: number): void {
    this.#started = true;
    for (const timer of this.timers) timer.due = now + timer.interval;
  }

  /** When the next timer fires; infinite where there is none. */
  get nextDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const timer of this.timers) if (timer.due < due) due = timer.due;
    return due;
  }

  /**
   * Takes the timer that fires next, if it is due at `time`, and sets its next round. `merging`, for live traces: rounds that
   * are due by then as well are merged into this one, so that timers never pile up. What counts is the place among the
   * events, not the present: where handlers lag behind the events, timers keep their rate among them.
   */
  take(time: number, merging: boolean): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers)
      if (timer.due <= time && (next === undefined || timer.due < next.due)) next = timer;
    if (next === undefined) return undefined;
    next.fired++;
    next.due += next.interval;
    if (merging) mergeUntil(next, time);
    return next;
  }

  /** The handler of a timer took so many nanoseconds: the rounds that it missed meanwhile are merged into that one. */
  took(timer: Timer, nanoseconds: number): void {
    mergeUntil(timer, timer.due - timer.interval + nanoseconds);
  }
}
