// The library: what a program that embeds ktap relies on.

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileScript, KtapError, startTrace } from '../../src/index.js';
import { run } from '../support.js';

const RECORDING = 'samples/recordings/syscalls.dat';

test('a script that cannot be compiled throws, with the place', () => {
  try {
    compileScript('print(1', { name: 'x.kp' });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KtapError);
    const [diagnostic] = (error as KtapError).diagnostics;
    assert.is(diagnostic!.source!.name, 'x.kp');
  }
});

test('output, exit status and tables come back as values', async () => {
  let output = '';
  const script = compileScript('print("hi") t = {a = 1, b = {2, "x"}} n = 5 exit(4)');
  const result = await startTrace(script, { onOutput: (bytes) => (output += Buffer.from(bytes)) }).finished;
  assert.is(output, 'hi\n');
  assert.is(result.exitCode, 4);
  assert.is(result.globals.get('n'), 5);
  const t = result.globals.get('t') as Map<unknown, unknown>;
  assert.is(t.get('a'), 1);
  assert.equal(
    [...(t.get('b') as Map<unknown, unknown>)],
    [
      [1, 2],
      [2, 'x'],
    ],
  );
});

test('a recording is handled, with its events as objects', async () => {
  const names = new Set<string>();
  let first = '';
  const script = compileScript('s = {} trace syscalls:sys_enter_* { s[argname] += 1 }');
  const result = await startTrace(script, {
    replay: RECORDING,
    onOutput: () => {},
    onEvent: (event) => {
      names.add(event.name);
      if (first === '') first = event.text;
    },
  }).finished;
  const s = result.globals.get('s') as Map<string, number>;
  assert.ok(s.size > 5);
  assert.is(s.size, names.size);
  assert.is(
    result.events,
    [...s.values()].reduce((sum, count) => sum + count, 0),
  );
  assert.match(first, /^sys_\w+\(/);
  assert.equal(result.losses, []);
});

test('two run in one process, each with its own globals', async () => {
  const script = compileScript('n = 0 trace sched:sched_switch { n += 1 } trace_end { print(n) }');
  const outputs = ['', ''];
  const traces = outputs.map((_, index) =>
    startTrace(script, { replay: RECORDING, onOutput: (bytes) => (outputs[index] += Buffer.from(bytes)) }),
  );
  await Promise.all(traces.map((trace) => trace.finished));
  assert.is(outputs[0], outputs[1]);
  assert.ok(Number(outputs[0]) > 0);
});

test('an error of the script is in the result and reported', async () => {
  const reported: string[] = [];
  const script = compileScript('x = nil\nx()', { name: 'bad.kp' });
  const result = await startTrace(script, { onDiagnostic: (each) => reported.push(each.message) }).finished;
  assert.is(result.exitCode, 1);
  assert.is(result.diagnostics.length, 1);
  assert.is(reported.length, 1);
});

test('stop ends an endless loop', async () => {
  const trace = startTrace(compileScript('n = 0 while (1) { n += 1 }'));
  setTimeout(() => trace.stop(), 50);
  const result = await trace.finished;
  assert.is(result.exitCode, 0);
  assert.ok((result.globals.get('n') as number) > 0);
});

test('a program adds a built-in of its own', async () => {
  const { builtin } = await import('../../src/index.js');
  const twice = builtin({
    name: 'twice',
    family: 'own',
    parameters: [{ name: 'n', type: 'integer' }],
    returns: 'integer',
    doc: 'Twice a number.',
    call: (_, n: number) => n * 2,
  });
  let output = '';
  const runTwice = (text: string) =>
    startTrace(compileScript(text), { builtins: [twice], onOutput: (bytes) => (output += Buffer.from(bytes)) })
      .finished;
  await runTwice('print(twice(21))');
  assert.is(output, '42\n');
  const wrong = await runTwice('print(twice("x"))');
  assert.match(wrong.diagnostics[0]!.message, 'twice');
});

test('the program of the README runs, and is what the README shows', async () => {
  const program = readFileSync('samples/embedding/count-switches.mjs', 'utf8');
  assert.ok(readFileSync('README.md', 'utf8').includes(program));
  // `ktap` is found as a program that has installed the package finds it: by the package's own name.
  const { status, stdout, stderr } = await run(process.execPath, ['samples/embedding/count-switches.mjs', RECORDING]);
  assert.is(stderr, '');
  assert.match(stdout, /^tasks: *\t\d+\n\d+ switches\n/);
  assert.is(status, 0);
});

test.run();
