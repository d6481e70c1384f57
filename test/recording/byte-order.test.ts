// Recordings of big-endian machines, of 32 and 64 bits, read as those of our own.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestMemory } from '../events/sub-buffers.js';
import { testUnless } from '../support.js';
import { bigEndianRecording, kindsText } from './big-endian.js';
import { replay, temporaryFolder } from './small-recording.js';

const test = suite('byte order');
const folder = temporaryFolder();
const memory = new TestMemory();
const noTraceCmd = spawnSync('trace-cmd', ['--version']).error === undefined ? undefined : 'trace-cmd is not installed';

test.before.each(() => memory.reset());

function recording(long: 4 | 8): string {
  const path = join(folder, `big-${long}.dat`);
  writeFileSync(path, bigEndianRecording(long));
  return path;
}

for (const long of [4, 8] as const) {
  test(`a big-endian recording of a ${8 * long}-bit kernel`, () => {
    const { handled, source } = replay(recording(long), memory, ['test:kinds']);
    assert.equal(
      handled.map(({ cpu, time, tid, text }) => [cpu, time, tid, text]),
      [0, 1, 2, 3, 4, 5].map((n) => [n % 2, n, 70 + n, kindsText(n)]),
    );
    assert.is(handled[0]!.comm, 'init');
    assert.is(source.machine.arch, 's390');
    assert.is(source.epoch, 1000n);
    assert.equal(source.losses(), [
      { cpu: 0, events: 3 },
      { cpu: 1, events: 3 },
    ]);
    assert.equal(source.warnings(), []);
  });

  test(`filters of a big-endian recording of ${8 * long} bits see the fields' values`, () => {
    const { handled } = replay(recording(long), memory, ['test:kinds /half == -297 && word < 0 && name == "name"/']);
    assert.equal(
      handled.map(({ tid }) => tid),
      [73],
    );
  });

  // It knows no signs of short and 32-bit long fields.
  testUnless(noTraceCmd, test, `trace-cmd sees the same in it (${8 * long} bits)`, () => {
    const { status, stdout } = spawnSync('trace-cmd', ['report', '-t', recording(long)], { encoding: 'latin1' });
    assert.is(status, 0);
    const lines = [
      ...stdout.matchAll(/-(\d+) +\[(\d+)\] +([\d.]+): kinds: +wide=(\d+) .* byte=(\d+) name=name .* loose=loose$/gm),
    ];
    assert.equal(
      lines.map(([, ...values]) => values.map(Number)),
      [0, 1, 2, 3, 4, 5].map((n) => [70 + n, n % 2, (1000 + n) / 1e9, 2 ** 40 + n, 200 + n]),
    );
  });
}

test.run();
