// Scripts at the limits of the language and of the bytecode, made by a program because they are long: each limit is
// either beyond what is tried here, or an error that names it, never a crash.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runScript, type ScriptRun } from '../support/run-script.js';

const count = (n: number, item: (i: number) => string, separator = '\n'): string =>
  Array.from({ length: n }, (_, i) => item(i + 1)).join(separator);

async function prints(text: string, expected: string): Promise<void> {
  const run = await runScript(text);
  assert.equal(
    run.errors.map(({ message }) => message),
    [],
  );
  assert.is(run.output, `${expected}\n`);
}

async function fails(text: string, message: RegExp, options: Parameters<typeof runScript>[3] = {}): Promise<ScriptRun> {
  const run = await runScript(text, [], 'default', options);
  assert.is(run.status, 1);
  assert.is(run.errors.length, 1);
  assert.match(run.errors[0]!.message, message);
  assert.ok(run.errors[0]!.span !== undefined, 'the error has a place');
  return run;
}

test('200 locals in a function', async () => {
  await prints(`${count(200, (i) => `local v${i} = ${i}`)}\nprint(v1 + v100 + v200)`, '301');
});

test('more than 200 locals', async () => {
  await fails(
    count(201, (i) => `local v${i} = ${i}`),
    /200/,
  );
});

test('locals of ended blocks do not count', async () => {
  await prints(`${count(300, (i) => `{ local v = ${i} n = v }`)}\nprint(n)`, '300');
});

test('a function of 200 parameters', async () => {
  const names = count(200, (i) => `p${i}`, ', ');
  await prints(`function f(${names}) { return p1 + p200 }\nprint(f(${count(200, String, ', ')}))`, '201');
});

test('a call of 240 arguments', async () => {
  await prints(`function f(...) { return len({...}) }\nprint(f(${count(240, String, ', ')}))`, '240');
});

test('a call of 300 arguments', async () => {
  await fails(`print(${count(300, String, ', ')})`, /250/);
});

test('255 upvalues', async () => {
  const level = (from: number, to: number): string => count(to - from + 1, (i) => `local v${from + i - 1} = 1`);
  const sum = count(250, (i) => `v${i}`, ' + ');
  // The locals are spread over two functions, since one has 200 at the most.
  await prints(
    `${level(1, 150)}\nlocal function g() {\n${level(151, 250)}\nreturn function () { return ${sum} } }\nprint(g()())`,
    '250',
  );
});

test('more than 255 upvalues', async () => {
  const level = (from: number, to: number): string => count(to - from + 1, (i) => `local v${from + i - 1} = 1`);
  const sum = count(300, (i) => `v${i}`, ' + ');
  await fails(
    `${level(1, 150)}\nlocal function g() {\n${level(151, 300)}\nreturn function () { return ${sum} } }`,
    /255/,
  );
});

test('thousands of constants', async () => {
  const text = `t = {}\n${count(5000, (i) => `t["k${i}"] = ${i + 1_000_000}`)}\nprint(len(t), t.k1, t.k5000)`;
  await prints(text, '5000\t1000001\t1005000');
});

test('constants beyond the reach of operands in every instruction', async () => {
  const text = [
    `t = {${count(600, (i) => `"s${i}"`, ', ')}}`,
    'u = {a = 9000000001}',
    'u.a += 9000000002',
    'u["zz1"] += 5000000001',
    'x = 9000000003 - u.a',
    'function u:method(n) { return n * 7000000001 }',
    'print(u:method(2), x, u.a < 8000000001, u.a == 18000000003, "aa1" .. "bb1")',
    's = ptable()',
    's["key zz"] <<< 6000000001',
    'print(s["key zz"], u.zz1, t[600])',
  ].join('\n');
  await prints(
    text,
    '14000000002\t-9000000000\tfalse\ttrue\taa1bb1\n[count: 1 sum: 6000000001 max: 6000000001 min: 6000000001 avg: 6000000001]\t5000000001\ts600',
  );
});

test('a constructor of thousands of positions', async () => {
  await prints(
    `t = {${count(30_000, String, ', ')}}\nprint(len(t), t[1], t[15000], t[30000])`,
    '30000\t1\t15000\t30000',
  );
});

test('a constructor of thousands of names', async () => {
  await prints(`t = {${count(3000, (i) => `n${i} = ${i}`, ', ')}}\nprint(len(t), t.n3000)`, '3000\t3000');
});

test('a long chain of elseif', async () => {
  const branches = count(2000, (i) => `elseif (x == ${i}) { print("branch ${i}") }`);
  await prints(`x = 1999\nif (x == 0) { }\n${branches}\nelse { print("none") }`, 'branch 1999');
});

test('a loop over a long body', async () => {
  await prints(`for (i = 1, 2) {\n${count(10_000, (i) => `x = i + ${i}`)}\n}\nprint(x)`, '10002');
});

test('a loop over a body that no jump can span', async () => {
  const run = await runScript(`while (x == nil) {\n${count(70_000, (i) => `y = z + ${i}`)}\nx = 1 }\nprint("done")`);
  if (run.errors.length > 0) assert.match(run.errors[0]!.message, /131,?071|too (far|long|large)/);
  else assert.is(run.output, 'done\n');
});

test('a join of 200 pieces', async () => {
  await prints(`print(len(${count(200, (i) => `"p" .. ${i}`, ' .. ')}))`, String(200 + 9 + 2 * 90 + 3 * 101));
});

test('a join of more pieces than registers', async () => {
  const run = await runScript(`print(len(${count(400, () => '"ab"', ' .. ')}))`);
  if (run.errors.length > 0) assert.match(run.errors[0]!.message, /250/);
  else assert.is(run.output, '800\n');
});

test('a sum of thousands of terms', async () => {
  await prints(`x = 1\nprint(${count(3000, () => 'x', ' + ')})`, '3000');
});

test('a chain of thousands of and', async () => {
  await prints(`x = 1\nprint(${count(3000, () => 'x', ' and ')})`, '1');
});

for (const [name, open, inner, close] of [
  ['parentheses', '(', '1', ')'],
  ['constructors', '{', '1', '}'],
  ['unary minuses', '- ', '1', ''],
  ['powers', '2 ^ ', '1', ''],
  ['calls', 'f(', '1', ')'],
  ['functions', 'function () { return ', '1', ' }'],
] as const) {
  for (const depth of [100, 100_000]) {
    test(`${depth} nested ${name}: a run or an error, no crash`, async () => {
      const run = await runScript(`x = ${open.repeat(depth)}${inner}${close.repeat(depth)}\nprint("ok")`);
      if (run.compiled && run.errors.length === 0) assert.is(run.output, 'ok\n');
      else {
        assert.is(run.errors.length, 1);
        assert.ok(depth > 100 || name === 'functions' || name === 'calls', run.errors[0]!.message);
      }
    });
  }
}

for (const [name, open, close] of [
  ['blocks', '{ ', ' }'],
  ['ifs', 'if (1) { ', ' }'],
  ['whiles', 'while (1) { ', ' break }'],
  ['function statements', 'local function f() { ', ' }'],
] as const) {
  for (const depth of [50, 50_000]) {
    test(`${depth} nested ${name}: a run or an error, no crash`, async () => {
      const run = await runScript(`${open.repeat(depth)}x = 1${close.repeat(depth)}\nprint("ok")`);
      if (run.compiled && run.errors.length === 0) assert.is(run.output, 'ok\n');
      else assert.ok(run.errors.length === 1 && depth > 50, run.errors[0]?.message);
    });
  }
}

test('a string of a mebibyte', async () => {
  await prints(`s = "${'x'.repeat(1 << 20)}"\nprint(len(s))`, String(1 << 20));
});

test('a script of ten thousand lines', async () => {
  await prints(`${count(10_000, (i) => `v${i % 100} = ${i} print_nothing = v${i % 7}`)}\nprint(v1)`, '9901');
});

test('an error on a late line has its line', async () => {
  const run = await fails(`${count(5000, (i) => `x = ${i}`)}\nmissing()`, /./);
  const { source, span } = run.errors[0]!;
  assert.is(source!.text.slice(0, span!.start).split('\n').length, 5001);
});

test('memory that grows without end in the main chunk is an error that ends the program', async () => {
  const text =
    'trace_end { print("end") }\nt = {}\ni = 0\nfunction f() { while (1) { i++ t[i] = "entry " .. i } }\nf()';
  const run = await fails(text, /memory/, { maxMemory: 16 << 20 });
  assert.is(run.output, '');
});

test('a string that doubles without end is an error', async () => {
  await fails('s = "x"\nwhile (1) { s = s .. s }', /memory|long/, { maxMemory: 16 << 20 });
});

test('a huge printf width is an error or is bounded by memory', async () => {
  const run = await runScript('printf("%*d\\n", 2147483647, 5)', [], 'default', { maxMemory: 16 << 20 });
  assert.ok(run.errors.length === 1 || run.output.length > 0);
});

test('a huge table.new is an error', async () => {
  await fails('t = table.new(1000000000000, 5)', /memory|large/, { maxMemory: 16 << 20 });
});

test.run();
