// The kernel's event filters, evaluated on records in memory; and, where this machine allows it, whether the kernel accepts
// and refuses the same texts.

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compileFilter, type FilterContext } from '../../src/events/filter.js';
import { parseFormat } from '../../src/events/format-parser.js';
import { KtapError, renderDiagnostic } from '../../src/language/diagnostics.js';
import { testUnless, whyNoTracing } from '../support.js';
import { TestMemory } from './sub-buffers.js';

const test = suite('filter');
const memory = new TestMemory();

const FORMAT = parseFormat(
  `name: sample
ID: 400
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:char name[8];\toffset:8;\tsize:8;\tsigned:0;
\tfield:s8 tiny;\toffset:16;\tsize:1;\tsigned:1;
\tfield:u8 byte;\toffset:17;\tsize:1;\tsigned:0;
\tfield:short small;\toffset:18;\tsize:2;\tsigned:1;
\tfield:int number;\toffset:20;\tsize:4;\tsigned:1;
\tfield:unsigned int count;\toffset:24;\tsize:4;\tsigned:0;
\tfield:__data_loc char[] path;\toffset:28;\tsize:4;\tsigned:0;
\tfield:long big;\toffset:32;\tsize:8;\tsigned:1;
\tfield:u64 huge;\toffset:40;\tsize:8;\tsigned:0;
\tfield:const char * pointer;\toffset:48;\tsize:8;\tsigned:0;
\tfield:u32 odd;\toffset:57;\tsize:4;\tsigned:0;
\tfield:unsigned long list[2];\toffset:64;\tsize:16;\tsigned:0;

print fmt: ""
`,
  'test',
);

/** A record at a place that is only 4-aligned, as in a ring buffer. */
function placeRecord(): { address: number; length: number } {
  const bytes = new Uint8Array(96);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 400, true);
  view.setInt32(4, 1234, true);
  bytes.set(Buffer.from('bash'), 8);
  view.setInt8(16, -1);
  view.setUint8(17, 200);
  view.setInt16(18, -300, true);
  view.setInt32(20, -100, true);
  view.setUint32(24, 0xfffffff0, true);
  view.setUint32(28, 80 | (9 << 16), true);
  view.setBigInt64(32, -5_000_000_000n, true);
  view.setBigUint64(40, 0xffff_8880_0123_4567n, true);
  view.setUint32(57, 77, true);
  bytes.set(Buffer.from('/etc/abc\0'), 80);
  const address = memory.allocateBuffer(4096) + 4;
  memory.memory.u8.set(bytes, address);
  return { address, length: bytes.length };
}

const record = placeRecord();
const context: FilterContext = {
  memory: memory.memory,
  comm: (tid) => (tid === 1234 ? 'sshd' : 'other'),
  cpu: () => 3,
};

function compile(text: string) {
  const source = { name: '-e', text };
  return compileFilter({ text, source, span: { start: 0, end: text.length }, exact: true }, FORMAT, context);
}

/** First line and marked place of the error. */
function failure(text: string): string {
  try {
    compile(text);
  } catch (error) {
    assert.instance(error, KtapError);
    const [first, , carets] = renderDiagnostic((error as KtapError).diagnostics[0]!).split('\n');
    return `${first!.replace(/^.*test:sample: /, '')} @${carets!.length - 4 - carets!.trim().length}+${carets!.trim().length}`;
  }
  return 'accepted';
}

for (const [text, expected] of [
  ['tiny == -1', true],
  ['tiny == 255', true], // cut to the field's size, as in the kernel
  ['byte == 200', true],
  ['byte > 199 && byte < 201', true],
  ['byte >= 201', false],
  ['small == -300', true],
  ['small < 0', true],
  ['number == -100', true],
  ['number != -100', false],
  ['number <= -100', true],
  ['number > 0', false],
  ['count == 4294967280', true],
  ['count == 0xfffffff0', true],
  ['count > 5', true],
  ['count & 0x10', true],
  ['count & 0xf', false],
  ['common_pid == 1234', true],
  ['common_pid == 02322', true],
  ['common_type == 400', true],
  ['big == -5000000000', true],
  ['big < -4999999999', true],
  ['big < -5000000000', false],
  ['big <= -5000000000', true],
  ['big > 0', false],
  ['huge == 0xffff888001234567', true],
  ['huge > 0xffff888001234566', true],
  ['huge >= 0xffff888001234568', false],
  ['huge != 18446612682089121127', false],
  ['huge & 0xffff000000000000', true],
  ['huge & 0x0000000000000018', false],
  ['odd == 77', true],
  ['name == "bash"', true],
  ["name == 'bash'", true],
  ['name == "bas"', false],
  ['name != "zsh"', true],
  ['name ~ "ba*"', true],
  ['name ~ "*s*"', true],
  ['name ~ "b?s[gh]"', true],
  ['name ~ "!ba*"', false],
  ['path == "/etc/abc"', true],
  ['path ~ "/etc/*"', true],
  ['path.ustring ~ "*.c"', false],
  ['comm == "sshd"', true],
  ['COMM ~ "ss*"', true],
  ['comm != "sshd"', false],
  ['cpu == 3', true],
  ['CPU > 3', false],
  ['cpu & 2', true],
  ['byte==200&&small==-300||tiny==0', true],
  ['byte == 0 && small == 0 || tiny == -1', true],
  ['tiny == -1 || byte == 0 && small == 0', true],
  ['(tiny == -1 || byte == 0) && small == 0', false],
  ['!(byte == 200)', false],
  ['!byte == 200', false],
  ['!!(byte == 200)', true],
  [' \t( byte\n== 200 ) ', true],
  ['0', true],
  ['', true],
] as [string, boolean][]) {
  test(`${JSON.stringify(text)} is ${expected}`, () => {
    assert.is(compile(text)(record.address, record.length), expected);
  });
}

for (const [text, expected] of [
  ['nothing == 1', 'field not found @0+7'],
  ['byte == 1 && nothing == 1', 'field not found @13+7'],
  ['byte = 1', 'invalid operator @5+1'],
  ['byte', 'invalid operator @4+1'],
  ['byte == ', 'invalid value (did you forget quotes)? @8+1'],
  ['byte == x', 'invalid value (did you forget quotes)? @8+1'],
  ['byte == 12x', 'illegal integer value @8+3'],
  ['byte == 08', 'illegal integer value @8+2'],
  ['byte == -1', 'illegal integer value @8+2'],
  ['big == 99999999999999999999', 'illegal integer value @7+20'],
  ['byte ~ 3', 'illegal operation for field type @5+1'],
  ['byte == "x"', 'expecting a number: the field is numeric @8+1'],
  ['name == 5', 'expecting a string: the field is text @8+1'],
  ['name == bash', 'invalid value (did you forget quotes)? @8+1'],
  ['name < "a"', 'illegal operation for field type @5+1'],
  ['name == "bash', 'missing matching quote @8+1'],
  ['(byte == 1', 'too many ( @0+1'],
  ['byte == 1)', 'too few ( @9+1'],
  ['byte == 1 byte == 2', '&& or || is missing @10+1'],
  ['byte == 1 &&', 'a comparison is missing @12+1'],
  ['== 1', 'this cannot begin a comparison @0+1'],
  ['list == 1', 'illegal operation for field type @5+2'],
  ['list[0] == 1', 'invalid operator @4+1'],
  ['pointer == "x"', 'the text that pointer points to is not in the record @0+7'],
  ['huge.function == vfs_read', '.function cannot be evaluated outside the kernel @4+9'],
] as [string, string][]) {
  test(`${JSON.stringify(text)}: ${expected}`, () => assert.is(failure(text), expected));
}

test('thousands of parentheses are refused, not a stack overflow', () => {
  assert.match(failure(`${'('.repeat(50_000)}byte == 1`), 'the filter is nested too deeply');
  assert.match(failure(`${'!'.repeat(50_000)}byte == 1`), 'the filter is nested too deeply');
});

test('a field that reaches over the record is as if it were not there', () => {
  for (const text of ['huge > 0', 'path ~ "*"', 'big != 0', 'count > 0']) {
    assert.is(compile(text)(record.address, 24), false, text);
  }
  assert.is(compile('path ~ "*"')(record.address, 84), false, 'the text itself is cut off');
  assert.is(compile('name == "bash"')(record.address, 16), true);
});

testUnless(whyNoTracing(), test, 'the kernel accepts and refuses the same', () => {
  const instance = `/sys/kernel/tracing/instances/ktap-filter-test-${process.pid}`;
  mkdirSync(instance);
  try {
    const folder = `${instance}/events/sched/sched_switch`;
    const format = parseFormat(readFileSync(`${folder}/format`, 'latin1'), 'sched');
    const accepts = (text: string): boolean => {
      try {
        writeFileSync(`${folder}/filter`, text);
        return true;
      } catch {
        return false;
      }
    };
    const compiles = (text: string): boolean => {
      const source = { name: '-e', text };
      try {
        compileFilter({ text, source, span: { start: 0, end: text.length }, exact: true }, format, context);
        return true;
      } catch {
        return false;
      }
    };
    for (const text of [
      'prev_pid == 1',
      'prev_pid==1&&next_pid!=2||prev_prio<120',
      '!(prev_pid == 1)',
      '!!(prev_pid == 1)',
      'prev_comm ~ "a*" || next_comm == \'b\'',
      'prev_pid == -1',
      'prev_pid == 0x1f && prev_pid == 017',
      'prev_pid & 3',
      'common_pid != 0',
      'comm == "x" && COMM ~ "y*"',
      'cpu == 1 || CPU >= 2',
      '0',
      'prev_pid = 1',
      'prev_pid',
      'prev_pid == x',
      'prev_pid == 12x',
      'prev_pid ~ 3',
      'prev_comm == 5',
      'prev_comm == bash',
      'prev_comm < "a"',
      'prev_comm == "a',
      'nothing == 1',
      '(prev_pid == 1',
      'prev_pid == 1)',
      'prev_pid == 1 next_pid == 2',
      'prev_pid == 1 | next_pid == 2',
      'prev_pid == 99999999999999999999',
    ]) {
      assert.is(compiles(text), accepts(text), text);
    }
  } finally {
    rmdirSync(instance);
  }
});

test.run();
