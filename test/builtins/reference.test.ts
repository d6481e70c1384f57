// Help and docs/builtins.md, both made from the declarations; the example of built-ins of one's own.

import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Builtin } from '../../src/builtins/declare.js';
import { builtinHelp, signature } from '../../src/builtins/help.js';
import { BUILTINS } from '../../src/builtins/registry.js';
import { NATIVE_BUILTINS } from '../../src/engine/native-builtins.js';
import { ktap, ROOT } from '../support.js';
import { bench } from './support.js';

test('docs/builtins.md is current', () => {
  execFileSync(process.execPath, ['scripts/generate-builtins-doc.js', '--check'], { cwd: ROOT, stdio: 'pipe' });
});

test('every built-in of the interpreter is declared, and each is either native or has an implementation', () => {
  const natives = BUILTINS.flatMap((each) => (each.native === undefined ? [] : [each.native]));
  assert.equal([...natives].sort(), [...NATIVE_BUILTINS].sort());
  for (const each of BUILTINS) assert.is((each.native === undefined) !== (each.call === undefined), true, each.name);
});

test('no name is declared twice', () => {
  const names = BUILTINS.flatMap((each) => [each.name, ...(each.aliases ?? [])]);
  assert.equal(names.length, new Set(names).size);
});

test('every name of the language reference is there', () => {
  const { globals } = bench();
  const names =
    'print printf pairs sort_pairs len delete tostring stringof type strfind substr ipof histogram print_hist ptable count sum avg max min quantize lquantize pid tid uid execname cpu num_cpus in_interrupt in_iowait arch kernel_v user_string kernel_string curr_task_info curr_taskinfo gettimeofday_us gettimeofday_ns gettimeofday_ms gettimeofday_s print_trace_clock backtrace stack ustack print_backtrace exit ansi table kdebug timer net';
  for (const name of names.split(' ')) assert.ok(globals.has(name), name);
});

test('signatures show what may be left out', () => {
  const of = (name: string) => signature(BUILTINS.find((each) => each.name === name)!);
  assert.is(of('print'), 'print(…)');
  assert.is(of('printf'), 'printf(format, …)');
  assert.is(of('strfind'), 'strfind(s, sub [, from])');
  assert.is(of('backtrace'), 'backtrace([skip [, max]])');
  assert.is(of('exit'), 'exit([code])');
});

test('help lists all, and tells more about one, an alias, a table or a family', () => {
  const all = builtinHelp();
  for (const each of BUILTINS) assert.ok(all.includes(signature(each)), each.name);
  assert.ok(all.split('\n').every((line) => line.length <= 120));
  assert.match(builtinHelp('strfind'), /^strfind\(s, sub \[, from\]\): integer or nil\n {4}s: string\n/);
  assert.match(builtinHelp('stringof'), /^tostring\(v\): string\n {4}also: stringof\n/);
  assert.match(builtinHelp('ansi'), /ansi\.reset_color/);
  assert.throws(() => builtinHelp('strfnd'), /there is no built-in strfnd/);
});

test('the example of samples/extending works', async () => {
  const { default: example } = (await import(`${ROOT}/samples/extending/hostname.mjs`)) as { default: Builtin[] };
  const { call } = bench({ extra: example });
  assert.is(call('hostname'), execFileSync('uname', ['-n']).toString().trim());
  assert.is(call('hash', 'a', 10), 97 % 10);
});

test('the example is loaded from the command line', async () => {
  const ran = await ktap(['--load', 'samples/extending/hostname.mjs', '-e', 'print(hash("a", 10)) hash(5)']);
  assert.is(ran.stdout, '7\n');
  assert.match(ran.stderr, /^-e:1:22: error: bad argument 1 of hash: string expected, got number\n/);
  assert.is(ran.status, 1);
});

test.run();
