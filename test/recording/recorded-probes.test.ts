// Which recorded events a probe or marker of a script means: the names that perf probe gives.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KtapError } from '../../src/language/diagnostics.js';
import { parseEventDefinitions } from '../../src/language/event-definition.js';
import { recordedProbe } from '../../src/recording/recorded-probes.js';
import { openRecording } from '../../src/recording/recording-source.js';
import { SubBufferBuilder, simpleRecord, TestMemory } from '../events/sub-buffers.js';
import { METADATA, NUMBER_FORMAT, run, temporaryFolder, writeRecording } from './small-recording.js';

const test = suite('recorded probes');

/** Which of the events a definition means. */
function meant(definition: string, ...events: string[]): string[] {
  const [parsed] = parseEventDefinitions(definition, { name: '-e', text: definition }, 0);
  const matches = recordedProbe(parsed!)!;
  return events.filter((event) => {
    const [system = '', name = ''] = event.split(':');
    return matches(system, name);
  });
}

test('functions of the kernel', () => {
  const events = ['probe:vfs_read', 'probe:vfs_read__return', 'probe:vfs_read_1', 'probe:vfs_write', 'sched:vfs_read'];
  assert.equal(meant('probe:vfs_read', ...events), ['probe:vfs_read', 'probe:vfs_read_1']);
  assert.equal(meant('probe:vfs_read%return', ...events), ['probe:vfs_read__return']);
  assert.equal(meant('probe:vfs_*', ...events), ['probe:vfs_read', 'probe:vfs_read_1', 'probe:vfs_write']);
  assert.equal(meant('probe:vfs_read_1', ...events), ['probe:vfs_read_1']);
});

test('functions of programs, by the name of the file up to its first dot or dash', () => {
  const events = ['probe_libc:malloc', 'probe_libc:malloc__return', 'probe_libm:sin', 'probe_ls:main', 'probe:malloc'];
  assert.equal(meant('probe:/usr/lib/libc.so.6:malloc', ...events), ['probe_libc:malloc']);
  assert.equal(meant('probe:/usr/lib/libc-2.31.so:malloc%return', ...events), ['probe_libc:malloc__return']);
  assert.equal(meant('probe:/bin/ls:*', ...events), ['probe_ls:main']);
});

test('markers', () => {
  const events = ['sdt_libc:setjmp', 'sdt_libstdcxx:throw', 'probe_libc:setjmp'];
  assert.equal(meant('sdt:/usr/lib/libc.so.6:libc:setjmp', ...events), ['sdt_libc:setjmp']);
  assert.equal(meant('sdt:/usr/lib/libstdc++.so.6:throw', ...events), ['sdt_libstdcxx:throw']);
});

test('tracepoints are found otherwise', () => {
  const [parsed] = parseEventDefinitions('sched:*', { name: '-e', text: 'sched:*' }, 0);
  assert.is(recordedProbe(parsed!), undefined);
});

test("ktap's own probes, by the definitions of the script", () => {
  const page = new SubBufferBuilder(1000n, 1024);
  page.record(1000n, simpleRecord(300, 1, 7));
  const path = join(temporaryFolder(), 'own.dat');
  writeRecording(path, [[page.finish()]], 1024, {
    ...METADATA,
    formats: new Map([['ktap_7_1_0', [NUMBER_FORMAT.replace('name: number', 'name: event_3')]]]),
    recorder: 'ktap',
    probes: [{ system: 'ktap_7_1_0', event: 'event_3', title: 'probe:vfs_read%return', name: 'ret_vfs_read' }],
  });
  const memory = new TestMemory();
  const replayed = (text: string): string[] => {
    const source = { name: '-e', text };
    const recording = openRecording(path, memory);
    try {
      const definitions = parseEventDefinitions(text, source, 0);
      recording.attach([{ block: 0, definitions, source, span: { start: 0, end: text.length } }]);
      return run(recording, memory).map(({ event, text }) => `${event} ${text}`);
    } finally {
      recording.close();
    }
  };
  assert.equal(replayed('probe:vfs_read%return'), ['ret_vfs_read event_3: value=7']);
  assert.throws(
    () => replayed('probe:vfs_write'),
    (error: KtapError) => {
      assert.match(error.diagnostics[0]!.hint!, 'the recording has probe:vfs_read%return');
      return true;
    },
  );
});

test.run();
