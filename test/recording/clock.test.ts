// Time in a replay is that of the recording.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ktap } from '../support.js';

const SAMPLE = 'samples/recordings/syscalls.dat';

test('tick counts the time of the recording, in order with its events', async () => {
  const script = `
    n = 0
    last = 0
    trace *:* { n += 1 last = gettimeofday_us() }
    tick-50ms { print(gettimeofday_us(), last, n) }
  `;
  const { stdout, status } = await ktap(['--replay', SAMPLE, '-e', script]);
  assert.is(status, 0);
  const ticks = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  assert.ok(ticks.length >= 3, stdout);
  for (const [index, [now, last, n]] of ticks.entries()) {
    assert.is(now! - ticks[0]![0]!, index * 50_000);
    assert.ok(last! <= now!, 'no event of a later time came before');
    assert.ok(index === 0 || n! >= ticks[index - 1]![2]!);
  }
});

test.run();
