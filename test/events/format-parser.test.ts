// Format files: every one of this machine, and a stored set of unusual ones for machines without tracefs.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FieldKind } from '../../src/engine/layout.js';
import { eventLayout, readHostField } from '../../src/events/field-layout.js';
import type { EventFormat } from '../../src/events/format.js';
import { FormatError, parseFormat } from '../../src/events/format-parser.js';
import { ROOT, testUnless, whyNoTracing } from '../support.js';

const test = suite('format files');

function stored(name: string): EventFormat {
  const text = readFileSync(`${ROOT}/test/events/formats/${name}.format`, 'latin1');
  return parseFormat(text, name.slice(0, name.indexOf('.')));
}

function field(format: EventFormat, name: string) {
  const found = format.fields.find((candidate) => candidate.name === name);
  assert.ok(found, `${format.name} has a field ${name}`);
  return found!;
}

test('the head, the fields and the print fmt of sched_switch', () => {
  const format = stored('sched.sched_switch');
  assert.is(format.system, 'sched');
  assert.is(format.name, 'sched_switch');
  assert.ok(format.id > 0);
  assert.equal(
    format.fields.map((f) => f.name),
    'common_type common_flags common_preempt_count common_pid prev_comm prev_pid prev_prio prev_state next_comm next_pid next_prio'.split(
      ' ',
    ),
  );
  assert.equal(field(format, 'prev_comm'), {
    name: 'prev_comm',
    type: 'char',
    offset: 8,
    size: 16,
    signed: false,
    common: false,
    arrayLength: 16,
  });
  assert.equal(field(format, 'common_pid').common, true);
  assert.match(format.printFormat, /^"prev_comm=%s .*REC->next_prio$/);
});

test('dynamic arrays in every spelling', () => {
  const block = stored('block.block_rq_issue');
  assert.is(field(block, 'cmd').dynamic, 'data_loc');
  assert.is(field(block, 'cmd').type, '__data_loc char[]');
  assert.is(field(stored('ipi.ipi_send_cpumask'), 'cpumask').dynamic, 'data_loc');
  const relative = stored('synthetic.rel_loc');
  assert.is(field(relative, 'first').dynamic, 'rel_loc');
  assert.is(field(relative, 'second').dynamic, 'rel_loc');
  assert.is(field(relative, 'second').type, '__rel_loc char[]');
  assert.is(field(relative, 'second').arrayLength, undefined);
});

test('types with parentheses, braces and lengths that are words', () => {
  const format = stored('synthetic.rel_loc');
  assert.is(field(format, 'function').type, 'void (*callback)(struct rcu_head *, int)');
  assert.is(field(format, 'odd').type, 'struct { int a; }');
  assert.is(field(format, 'tag').size, 7);
});

test('format files without signed and with special fields', () => {
  const format = stored('synthetic.old');
  assert.is(field(format, 'common_type').signed, false);
  assert.is(field(format, 'negative').signed, true);
  assert.is(field(format, 'caller').arrayLength, 8);
});

test('what is no format file is refused', () => {
  for (const text of [
    '',
    'name: x\n',
    'name: x\nID: 1\nformat:\n\tfield:int a;\n',
    'name: x\nID: 1\n\tfield:int a;\toffset:1;\n',
  ])
    assert.throws(
      () => parseFormat(text, 's'),
      (error: unknown) => error instanceof FormatError,
    );
});

test('args of an event: no common fields; named: all', () => {
  const layout = eventLayout(stored('sched.sched_switch'));
  assert.equal(
    layout.args.map((arg) => [arg.name, arg.kind]),
    [
      ['prev_comm', FieldKind.CHARS],
      ['prev_pid', FieldKind.INTEGER],
      ['prev_prio', FieldKind.INTEGER],
      ['prev_state', FieldKind.INTEGER],
      ['next_comm', FieldKind.CHARS],
      ['next_pid', FieldKind.INTEGER],
      ['next_prio', FieldKind.INTEGER],
    ],
  );
  assert.is(layout.named.length, layout.args.length + 4);
});

test('arguments of a system call have the size and the sign of their C types', () => {
  const layout = eventLayout(stored('syscalls.sys_enter_openat'));
  assert.equal(
    layout.args.map((arg) => [arg.name, arg.size, arg.signed]),
    [
      ['__syscall_nr', 4, true],
      ['dfd', 4, true],
      ['filename', 8, false],
      ['flags', 4, true],
      ['mode', 2, false],
    ],
  );
  assert.equal(
    eventLayout(stored('syscalls.sys_exit_openat')).args.map((arg) => [arg.name, arg.size, arg.signed]),
    [
      ['__syscall_nr', 4, true],
      ['ret', 8, true],
    ],
  );
});

test('a probe: address first, strings as strings, other arrays nil', () => {
  assert.equal(
    eventLayout(stored('probes.ret_openat')).args.map((arg) => [arg.name, arg.kind]),
    [
      ['__probe_func', FieldKind.INTEGER],
      ['__probe_ret_ip', FieldKind.INTEGER],
      ['fd', FieldKind.INTEGER],
      ['name', FieldKind.DATA_LOC],
      ['bytes', FieldKind.NIL],
    ],
  );
});

test('text that runs to the end of the record', () => {
  const layout = eventLayout(stored('ftrace.print'));
  const buf = layout.args.find((arg) => arg.name === 'buf')!;
  assert.is(buf.kind, FieldKind.HOST);
  const memory = new Uint8Array(64);
  memory.set(Buffer.from('hello\n\0zz', 'latin1'), 8 + buf.offset);
  assert.is(readHostField(buf, memory, 8, buf.offset + 8), 'hello\n');
  assert.is(readHostField(buf, memory, 8, buf.offset + 3), 'hel');
});

testUnless(whyNoTracing(), test, 'all format files of this machine', () => {
  const events = '/sys/kernel/tracing/events';
  let count = 0;
  for (const system of readdirSync(events)) {
    if (!existsSync(`${events}/${system}`) || system.startsWith('header_') || system === 'enable') continue;
    for (const event of readdirSync(`${events}/${system}`)) {
      const path = `${events}/${system}/${event}/format`;
      if (!existsSync(path)) continue;
      const text = readFileSync(path, 'latin1');
      const format = parseFormat(text, system);
      count++;
      // The text is rebuilt from what was parsed: nothing may be lost on the way.
      const lines = format.fields.map((f) => {
        const brackets = f.arrayLength === undefined ? '' : `[${f.arrayLength || ''}]`;
        return `\tfield:${f.type} ${f.name}${brackets};\toffset:${f.offset};\tsize:${f.size};\tsigned:${f.signed ? 1 : 0};`;
      });
      const commons = lines.filter((_, index) => format.fields[index]!.common);
      const own = lines.filter((_, index) => !format.fields[index]!.common);
      const rebuilt = `name: ${format.name}\nID: ${format.id}\nformat:\n${commons.join('\n')}\n\n${own.join('\n')}${own.length ? '\n' : ''}\nprint fmt: ${format.printFormat}\n`;
      assert.is(rebuilt, text, path);
      assert.is(eventLayout(format).named.length, format.fields.length);
    }
  }
  console.log(`${count} format files`);
  assert.ok(count > 1000);
});

test.run();
