// The lists of -l and -lv, and which words switch events on.

import { suite as makeSuite } from 'uvu';
import * as assert from 'uvu/assert';
import { enableWords } from '../../src/events/attachment.js';
import { describeEvents, listEvents } from '../../src/events/live-source.js';
import { testUnless, whyNoTracing } from '../support.js';

const suite = makeSuite('live lists');
const live = (name: string, body: () => void): void => testUnless(whyNoTracing(), suite, name, body);

live('names by a glob of both parts', () => {
  assert.equal(listEvents('sched:sched_swit*'), ['sched:sched_switch']);
  assert.equal(listEvents('sch?d:sched_process_[ef]*').sort(), [
    'sched:sched_process_exec',
    'sched:sched_process_exit',
    'sched:sched_process_fork',
    'sched:sched_process_free',
  ]);
  assert.ok(listEvents('syscalls:sys_enter_*').length > 200);
  assert.ok(listEvents().length > listEvents('syscalls:*').length);
  assert.equal(listEvents('no:such'), []);
});

live('a word without a colon is looked for anywhere in system and event', () => {
  const found = listEvents('getppid');
  assert.ok(found.includes('syscalls:sys_enter_getppid') && found.includes('syscalls:sys_exit_getppid'));
  assert.ok(listEvents('sched').includes('sched:sched_switch'));
  assert.equal(listEvents('sys_enter_getpp*'), ['syscalls:sys_enter_getppid']);
});

live('fields with their types, as argN counts them', () => {
  const lines = describeEvents('sched:sched_switch');
  assert.is(lines[0], 'sched:sched_switch');
  assert.ok(lines.some((line) => /^ {4}arg1 +char prev_comm\[16\]$/.test(line)));
  assert.ok(lines.some((line) => /^ {4}arg2 +pid_t prev_pid$/.test(line)));
});

suite('whole systems and the whole kernel are switched on in one word', () => {
  const all = ['a:x', 'a:y', 'b:x', 'b:z'];
  const words = (...names: string[]): string[] => {
    const wanted = names.map((name) => [name, { system: name.split(':')[0]!, event: name.split(':')[1]! }] as const);
    return enableWords(new Map(wanted), all);
  };
  assert.equal(words(...all), ['*:*']);
  assert.equal(words('a:x', 'a:y'), ['a:*']);
  assert.equal(words('a:x', 'b:x', 'b:z'), ['a:x', 'b:*']);
  // Not in the kernel's list, as events that were made meanwhile.
  assert.equal(words('new:x'), ['new:x']);
  assert.equal(enableWords(new Map([['a:x', { system: 'a', event: 'x' }]]), []), ['a:x']);
});

suite.run();
