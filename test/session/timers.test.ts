// When tick timers fire: at their rate among the events, late rounds merged and counted.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TimerQueue } from '../../src/session/timers.js';

function queue(...intervals: number[]): TimerQueue {
  const timers = new TimerQueue();
  for (const interval of intervals) timers.add(interval, 0, `tick-${interval}`);
  timers.start(0);
  return timers;
}

/** Names of the timers that fire up to `time`. */
function fired(timers: TimerQueue, time: number, merging: boolean): string[] {
  const names: string[] = [];
  for (let timer = timers.take(time, merging); timer !== undefined; timer = timers.take(time, merging))
    names.push(timer.name);
  return names;
}

const test = suite('timers');

test('a timer is due from its time on, the one that is due first goes first', () => {
  const timers = queue(10, 15);
  assert.equal(fired(timers, 9, true), []);
  assert.equal(fired(timers, 15, true), ['tick-10', 'tick-15']);
  assert.equal(fired(timers, 19, true), []);
  assert.is(timers.nextDue, 20);
});

test('rounds that are due at the same place among the events are one', () => {
  const timers = queue(10);
  assert.equal(fired(timers, 57, true), ['tick-10']);
  assert.equal([timers.timers[0]!.fired, timers.timers[0]!.merged], [1, 4]);
  assert.is(timers.nextDue, 60);
});

test('with a recording each round fires', () => {
  const timers = queue(10);
  assert.is(fired(timers, 57, false).length, 5);
});

test('events that come late do not change the rate among them', () => {
  const timers = queue(10);
  let count = 0;
  for (let time = 1; time <= 1000; time++) count += fired(timers, time, true).length;
  assert.is(count, 100);
});

test('a handler that takes longer than the interval loses the rounds meanwhile, and keeps the beat', () => {
  const timers = queue(10);
  const timer = timers.take(10, true)!;
  timers.took(timer, 35);
  assert.is(timers.nextDue, 50);
  assert.is(timer.merged, 3);
  assert.equal(fired(timers, 49, true), []);
});

test.run();
