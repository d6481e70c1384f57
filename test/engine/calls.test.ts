// Calls through the Engine interface: budgets, errors, exit, what built-ins of the host give and throw.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/engine/index.js';
import { RunStatus } from '../../src/engine/layout.js';
import { ScriptError, type Value } from '../../src/engine/values.js';
import { KtapError, plainError } from '../../src/language/diagnostics.js';
import { errorLine, finish, testEngine } from './support.js';

const test = suite('engine: calls');

test('a call gives its results', () => {
  const { engine, load } = testEngine();
  engine.start(load('return 1, "two", nil, true'), []);
  assert.is(engine.run(1000), RunStatus.DONE);
  assert.equal(engine.results(), [1, 'two', undefined, true]);
});

test('the main chunk gets its arguments', () => {
  const { engine, load } = testEngine();
  engine.start(load('return ...'), ['a', 2, undefined, -5n]);
  assert.is(engine.run(1000), RunStatus.DONE);
  assert.equal(engine.results(), ['a', 2, undefined, -5]);
});

test('integers cross exactly at the edges of JavaScript numbers and of 64 bits', () => {
  const values = [
    0,
    -1,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    2n ** 53n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
    2 ** 32,
    -(2 ** 32) - 1,
  ];
  const { engine, load } = testEngine();
  engine.start(load('return ...'), values);
  engine.run(1000);
  assert.equal(engine.results(), values);
});

test('an endless loop comes back when its budget is spent, again and again, until it is abandoned', () => {
  const { engine, load, run } = testEngine();
  engine.start(load('while (1) {}'), []);
  for (let i = 0; i < 5; i++) assert.is(engine.run(100_000), RunStatus.BUDGET);
  engine.abandon();
  assert.is(run('return 7'), RunStatus.DONE);
  assert.equal(engine.results(), [7]);
});

test('a closure keeps the variables of a call that was abandoned', () => {
  const { engine, load } = testEngine();
  engine.start(load('local n = 41; function f() { n += 1; return n } while (1) {}'), []);
  assert.is(engine.run(1000), RunStatus.BUDGET);
  engine.abandon();
  engine.start(engine.global('f') as never, []);
  assert.is(engine.run(1000), RunStatus.DONE);
  assert.equal(engine.results(), [42]);
});

test('the budget may end inside anything, and nothing changes by it', () => {
  const script = `
    local t = {}
    for (i = 1, 50) { t["k" .. i] = (i * 37) % 50 }
    local names = ""
    local function less(a, b) {
      local inner = 0
      for (k, v in sort_pairs({3, 1, 2}, function (x, y) { return x < y })) { inner += v }
      return a < b and inner == 6
    }
    for (k, v in sort_pairs(t, less)) { names = names .. k .. "," }
    for (k, v in sort_pairs(t)) { names = names .. v }
    local function count(n) { if (n == 0) { return names } return count(n - 1) }
    return count(100)`;
  const whole = testEngine();
  assert.is(whole.run(script), RunStatus.DONE);
  for (const options of [{ budget: 1 }, { budget: 7 }, { budget: 1, gcStress: true }]) {
    const sliced = testEngine(options.gcStress ? { gcStress: true } : {});
    assert.is(sliced.run(script, options.budget), RunStatus.DONE);
    assert.equal(sliced.engine.results(), whole.engine.results());
  }
});

test('exit unwinds from any depth with its status', () => {
  const { engine, run } = testEngine();
  assert.is(run('function f(n) { if (n == 0) { exit(300) } return 1 + f(n - 1) } f(50)'), RunStatus.EXIT);
  assert.is(engine.exitCode(), 300);
  assert.is(run('for (k, v in sort_pairs({2, 1}, function (a, b) { exit(4) })) {}'), RunStatus.EXIT);
  assert.is(engine.exitCode(), 4);
  assert.is(run('return 1'), RunStatus.DONE);
});

test('an error has the place, the name of what is wrong, and the calls that led there', () => {
  const { engine, run } = testEngine();
  const script =
    'function inner(x) {\n  return x.field\n}\nfunction outer() {\n  local r = inner(nil)\n  return r\n}\nouter()';
  assert.is(run(script), RunStatus.ERROR);
  assert.is(errorLine(engine), "2: cannot index a nil value (local 'x')");
  assert.equal(engine.error().notes, [
    'in function inner (test.kp:2)',
    'in function outer (test.kp:5)',
    'in the main chunk (test.kp:8)',
  ]);
});

test('operands are named as the script names them', () => {
  const cases: [script: string, error: string][] = [
    ['missing()', "1: cannot call a nil value (global 'missing')"],
    ['t = {}\nt.run()', "2: cannot call a nil value (field 'run')"],
    ['t = {}\nt:go()', "2: cannot call a nil value (method 'go')"],
    ['local s = "x"\nreturn 1 + s', "2: cannot compute number + string (local 's')"],
    ['return s.x.y', "1: cannot index a nil value (global 's')"],
    ['local x = {}\nfunction f() { return -x }\nf()', "2: cannot negate a table (local 'x')"],
    ['return "a" .. missing', "1: cannot join nil with .. (global 'missing')"],
    ['t = {}\nt[missing] = 1', "2: a table key is nil (global 'missing')"],
    ['x += missing', "1: the right side of += is nil (global 'missing')"],
    ['return 1 < "2"', '1: cannot compare a number with a string'],
    ['for (i = 1, "x") {}', '1: the limit of a for loop is a string, not a number'],
    ['return len(5)', '1: bad argument 1 of len: table or string expected, got number'],
    ['pairs(nil)', '1: bad argument 1 of pairs: table expected, got nil'],
  ];
  for (const [script, expected] of cases) {
    const { engine, run } = testEngine();
    assert.is(run(script), RunStatus.ERROR, script);
    assert.is(errorLine(engine), expected);
  }
});

test('10,000 calls are possible, more are an error and not a crash', () => {
  const { engine, run } = testEngine();
  const recurse = 'local function f(n) { if (n == 0) { return 0 } return 1 + f(n - 1) }\n';
  assert.is(run(`${recurse}local r = f(9999) return r`), RunStatus.DONE);
  assert.equal(engine.results(), [9999]);
  assert.is(run(`${recurse}local r = f(10000) return r`), RunStatus.ERROR);
  assert.is(errorLine(engine), '1: recursion deeper than 10,000 calls');
});

test('arguments that grow with every call are an error before the stack is full', () => {
  const { engine, run } = testEngine();
  assert.is(run('function f(...) { return 1 + f(1, 2, 3, 4, 5, 6, 7, 8, ...) } f()'), RunStatus.ERROR);
  assert.match(errorLine(engine), /^1: (?:recursion deeper|too many values)/);
});

test('a million tail calls keep the stack small', () => {
  const { engine, run } = testEngine();
  assert.is(run('function f(n, ...) { if (n == 0) { return ... } return f(n - 1, ...) } return f(1000000, 1, 2)'), 0);
  assert.equal(engine.results(), [1, 2]);
});

test('a built-in gives no, one or several results', () => {
  const functions = {
    none: () => [],
    several: () => [1, 'b', undefined, true],
    many: () => Array.from({ length: 300 }, (_, i) => i),
  };
  const { engine, run } = testEngine({ functions });
  run('local a, b, c = several() return a, b, c, none(), several()');
  assert.equal(engine.results(), [1, 'b', undefined, undefined, 1, 'b', undefined, true]);
  run('local t = {many()} return len(t), t[300]');
  assert.equal(engine.results(), [300, 299]);
  run('return several()');
  assert.equal(engine.results(), [1, 'b', undefined, true]);
});

test('a ScriptError of a built-in is an error at the call, with its hint', () => {
  const functions = {
    broken: () => {
      throw new ScriptError('it is broken', 'mend it');
    },
  };
  const { engine, run } = testEngine({ functions });
  assert.is(run('local x = 1\nbroken()'), RunStatus.ERROR);
  assert.is(errorLine(engine), '2: it is broken');
  assert.is(engine.error().hint, 'mend it');
  assert.is(run('return 5'), RunStatus.DONE);
});

test('anything else that a built-in throws is thrown on, with the call given up', () => {
  const functions = {
    broken: () => {
      throw plainError('not of the script');
    },
  };
  const { engine, run } = testEngine({ functions });
  assert.throws(
    () => run('broken()'),
    (error: unknown) => error instanceof KtapError,
  );
  assert.is(run('return 5'), RunStatus.DONE);
  assert.equal(engine.results(), [5]);
});

test('a built-in can ask where it is called', () => {
  const places: Value[] = [];
  const functions = {
    here: (engine: Engine) => {
      const { source, span } = engine.position();
      places.push(source!.text.slice(span!.start, span!.end));
      return undefined;
    },
  };
  const { run } = testEngine({ functions });
  run('local x = 2\nhere(x, 1)');
  assert.match(String(places[0]), /^here/);
});

test('kernel symbols become numbers when a module is loaded; an unknown one is an error with its place', () => {
  const { engine, load, run } = testEngine();
  run('return `known`');
  assert.equal(engine.results(), [-0x7f00_0000]);
  try {
    load('local x = 1\nreturn `missing`');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KtapError);
    const [diagnostic] = (error as KtapError).diagnostics;
    assert.is(diagnostic!.message, 'the kernel symbol missing is unknown');
    assert.is(diagnostic!.source!.text.slice(diagnostic!.span!.start, diagnostic!.span!.end), '`missing`');
  }
});

test('two engines in one process do not meet', () => {
  const one = testEngine();
  const other = testEngine();
  one.run('x = 1');
  other.run('x = 2');
  one.engine.start(one.load('return x'), []);
  other.engine.start(other.load('return x'), []);
  finish(one.engine);
  finish(other.engine);
  assert.equal([one.engine.results(), other.engine.results()], [[1], [2]]);
});

test.run();
