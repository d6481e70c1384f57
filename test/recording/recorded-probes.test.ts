// Which recorded events a probe or marker of a script means: the names that perf probe gives.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEventDefinitions } from '../../src/language/event-definition.js';
import { recordedProbe } from '../../src/recording/recorded-probes.js';

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

test.run();
