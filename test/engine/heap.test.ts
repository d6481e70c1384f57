// The heap: tables against a model, memory limits, the collector.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RunStatus } from '../../src/engine/layout.js';
import type { FunctionRef, StackValue, TableRef, Value } from '../../src/engine/values.js';
import { addressBytes, ScriptError } from '../../src/engine/values.js';
import { errorLine, finish, testEngine } from './support.js';

const test = suite('engine: heap');

/** A small generator of numbers, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

test('tables do what a Map does, in the same order', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = numbers(seed);
    const { engine } = testEngine();
    const table = engine.newTable();
    const model = new Map<Value, Value>();
    const range = [6, 40, 600][seed % 3]!;
    // Some tables begin as 1..n, so that they leave the packed form at some point.
    for (let i = 1; i <= random(20); i++) {
      table.set(i, i);
      model.set(i, i);
    }
    for (let step = 0; step < 4000; step++) {
      const n = random(range);
      const key: Value = [n + 1, `k${n}`, n - range, n % 2 === 0, BigInt(n) << 60n][random(5)]!;
      const canonical = typeof key === 'bigint' ? BigInt.asIntN(64, key) : key;
      const modelKey =
        typeof canonical === 'bigint' && canonical >= -(2n ** 53n) + 1n && canonical < 2n ** 53n
          ? Number(canonical)
          : canonical;
      const action = random(100);
      if (action < 55) {
        table.set(canonical, step);
        model.set(modelKey, step);
      } else if (action < 90) {
        table.set(canonical, undefined);
        model.delete(modelKey);
      } else if (action === 99 && random(20) === 0) {
        table.clear();
        model.clear();
      } else {
        assert.is(table.get(canonical), model.get(modelKey), `seed ${seed}, step ${step}`);
      }
      if (step % 200 === 0) assert.equal([...table.entries()], [...model.entries()], `seed ${seed}, step ${step}`);
    }
    assert.is(table.size, model.size);
    assert.equal([...table.entries()], [...model.entries()]);
  }
});

test('iteration survives removal, additions and the rewriting of the table', () => {
  const { engine, run } = testEngine();
  const script = `
    local t = {}
    for (i = 1, 1000) { t["k" .. i] = i }
    local seen = {}
    local twice = 0
    for (k, v in pairs(t)) {
      if (seen[k]) { twice += 1 }
      seen[k] = true
      t[k] = nil
      # enough new keys that the table is written anew several times
      if (v <= 1000) { t["n" .. v] = v + 1000; t["n" .. v] = nil; t["m" .. v] = v + 2000 }
    }
    local missed = 0
    for (i = 1, 1000) { if (!seen["k" .. i]) { missed += 1 } }
    return twice, missed`;
  assert.is(run(script), RunStatus.DONE);
  assert.equal(engine.results(), [0, 0]);
});

test('a queue in a table stays quick and small', () => {
  const { engine, run } = testEngine({ maxMemory: 8 << 20 });
  const script = `
    local q = {}
    for (i = 1, 100000) {
      q["job" .. i] = i
      if (i > 100) { for (k, v in pairs(q)) { q[k] = nil; break } }
    }
    return len(q)`;
  assert.is(run(script), RunStatus.DONE);
  assert.equal(engine.results(), [100]);
});

test('strings, tables and closures that nobody holds are collected', () => {
  const { engine, run } = testEngine({ maxMemory: 16 << 20 });
  const script = `
    local kept = {}
    for (i = 1, 300000) {
      local s = "some longer text " .. i
      local t = {s, {i}, f = function () { return s }}
      kept[i % 100] = t
    }
    return kept[7][1], kept[7].f()`;
  assert.is(run(script), RunStatus.DONE);
  assert.equal(engine.results(), ['some longer text 299907', 'some longer text 299907']);
  const { used, peak, collections } = engine.statistics();
  assert.ok(collections > 3);
  assert.ok(peak <= 16 << 20);
  engine.collect();
  assert.ok(engine.statistics().used < used || used < 1 << 20);
});

test('long strings are collected as well', () => {
  const { engine, run } = testEngine({ maxMemory: 16 << 20 });
  assert.is(
    run('local s = "x" for (i = 1, 18) { s = s .. s } local n = 0 for (i = 1, 200) { n += len(s .. i) } return n'),
    0,
  );
  assert.equal(engine.results(), [200 * 2 ** 18 + 9 + 180 + 303]);
});

test('what grows without end is an error that names the limit, and the engine goes on', () => {
  const scripts = [
    'local t = {} local i = 0 while (1) { i += 1; t[i] = i }',
    'local t = {} local i = 0 while (1) { i += 1; t["k" .. i] = {} }',
    'local s = "x" while (1) { s = s .. s }',
    'local t = {} while (1) { t = {t} }',
    'local f = nil while (1) { local g = f; f = function () { return g } }',
    'local s = ptable() local i = 0 while (1) { i += 1; s[i] <<< i }',
    'local t = table_new(100000000, 0)',
  ];
  for (const script of scripts) {
    const { engine, run } = testEngine({ maxMemory: 8 << 20 });
    assert.is(run(script), RunStatus.ERROR, script);
    assert.is(errorLine(engine), '1: out of memory (--max-memory 8M)');
    assert.ok(engine.statistics().peak <= 8 << 20, script);
    assert.is(run('local t = {} for (i = 1, 1000) { t[i] = "s" .. i } return len(t)'), RunStatus.DONE, script);
    assert.equal(engine.results(), [1000]);
  }
});

test('a built-in that makes too much is an error as well', () => {
  const functions = { big: () => 'x'.repeat(20 << 20), some: (): Value => 'y'.repeat(3 << 20) + Math.random() };
  const { engine, run } = testEngine({ maxMemory: 8 << 20, functions });
  assert.is(run('local s = big()'), RunStatus.ERROR);
  assert.match(engine.error().message, /^out of memory/);
  assert.is(run('for (i = 1, 20) { local s = some() }'), RunStatus.DONE);
  assert.is(run('local t = {} for (i = 1, 20) { t[i] = some() }'), RunStatus.ERROR);
});

test('the script goes on after a failed allocation has collected', () => {
  const { engine, run } = testEngine({ maxMemory: 12 << 20 });
  // Each round leaves more than half of the limit as garbage, without a safepoint between the allocations.
  const script = `
    local s = "x"
    for (i = 1, 21) { s = s .. s }
    local n = 0
    for (i = 1, 30) { local a = s .. i; local b = a .. i; local c = b .. i; n += len(c) }
    return n`;
  assert.is(run(script), RunStatus.DONE);
  assert.equal(engine.results(), [30 * 2 ** 21 + 3 * (9 + 42)]);
});

test('what is pinned stays, what is not pinned goes', () => {
  const { engine } = testEngine();
  const pinned: TableRef = engine.newTable();
  pinned.set('name', 'kept');
  pinned.set('inner', engine.newTable());
  engine.pin(pinned.ref);
  const before = engine.statistics().used;
  for (let i = 0; i < 1000; i++) engine.newTable().set(i, `text ${i}`);
  engine.collect();
  assert.ok(engine.statistics().used <= before);
  assert.is(pinned.get('name'), 'kept');
  engine.unpin(pinned.ref);
  engine.collect();
  assert.ok(engine.statistics().used < before);
});

test('collecting at every safepoint changes nothing', () => {
  const script = `
    local t = {}
    for (i = 1, 40) { t["k" .. i] = {i, "v" .. i} }
    local function walk(n) { if (n == 0) { return "" } return t["k" .. n][2] .. walk(n - 1) }
    local counters = {}
    for (i = 1, 10) { local n = i; counters[i] = function () { n += 1; return n } }
    local s = ptable()
    for (i = 1, 30) { s["a" .. (i % 3)] <<< counters[i % 10 + 1]() }
    local text = walk(40)
    for (k, v in sort_pairs(s, function (a, b) { return sum(a) > sum(b) })) { text = text .. k .. sum(v) }
    for (k, v in pairs(t)) { t[k] = nil; text = text .. k }
    return text, len(t)`;
  const plain = testEngine();
  const stressed = testEngine({ gcStress: true });
  plain.run(script);
  stressed.run(script);
  assert.equal(stressed.engine.results(), plain.engine.results());
  assert.ok(stressed.engine.statistics().collections > 100);
});

test('stacks are equal when their addresses are', () => {
  const { engine, run } = testEngine();
  const addresses = [0xffff_ffff_8100_0000n, 5n];
  engine.setGlobal('a', engine.newStack(addressBytes(addresses)));
  engine.setGlobal('b', engine.newStack(addressBytes([...addresses])));
  engine.setGlobal('c', engine.newStack(addressBytes([5n])));
  run('local t = {} t[a] = 1 t[b] += 1 return a == b, a == c, t[a], len(t), type(a), a');
  const results = engine.results();
  assert.equal(results.slice(0, 5), [true, false, 2, 1, 'stack']);
  assert.equal((results[5] as StackValue).addresses, addresses);
});

test('aggregations cross with their figures and buckets', () => {
  const { engine, run } = testEngine();
  run(`
    q = quantize() q.a <<< 0 q.a <<< 1 q.a <<< 3 q.a <<< -4 q.a <<< -9223372036854775808 q.a <<< 9223372036854775807
    l = lquantize(0, 25, 10) l.a <<< -1 l.a <<< 0 l.a <<< 24 l.a <<< 25 l.a <<< 99
    p = ptable() p.a <<< 7`);
  const value = (name: string) => (engine.global(name) as TableRef).get('a') as never as Record<string, unknown>;
  assert.equal(value('q').buckets, [
    { low: -(2n ** 63n), count: 1 },
    { low: -4, count: 1 },
    { low: 0, count: 1 },
    { low: 1, count: 1 },
    { low: 2, count: 1 },
    { low: 2n ** 62n, count: 1 },
  ]);
  assert.equal(value('l').buckets, [
    { low: -1, count: 1 },
    { low: 0, count: 1 },
    { low: 20, count: 1 },
    { low: 25, count: 2 },
  ]);
  assert.equal(value('l').range, { low: 0, high: 25, step: 10 });
  const { count, sum, min, max, buckets } = value('p');
  assert.equal([count, sum, min, max, buckets], [1, 7, 7, 7, undefined]);
});

test('the host is refused what a script is refused', () => {
  const { engine } = testEngine();
  assert.throws(
    () => engine.newTable().set(undefined, 1),
    (error: unknown) => error instanceof ScriptError,
  );
  assert.throws(
    () => engine.newAggregationTable().set('k', 1),
    (error: unknown) => error instanceof ScriptError,
  );
});

test('buffers of the host do not count as script memory and lie apart from it', () => {
  const { engine, run } = testEngine({ maxMemory: 4 << 20 });
  const before = engine.statistics().used;
  const address = engine.allocateBuffer(16 << 20);
  assert.is(address % 4096, 0);
  assert.is(engine.statistics().used, before);
  engine.memory.u8.fill(0xaa, address, address + (16 << 20));
  run('local t = {} for (i = 1, 10000) { t["k" .. i] = i } return len(t)');
  assert.equal(engine.results(), [10000]);
  assert.ok(engine.memory.u8.subarray(address, address + (16 << 20)).every((byte) => byte === 0xaa));
});

test('handlers that leave garbage for a long time stay within the limit', () => {
  const { engine, run } = testEngine({ maxMemory: 6 << 20 });
  run('n = 0 last = {} function handler() { n += 1; last[n % 10] = "text number " .. n .. " of this run" }');
  const handler = engine.global('handler') as FunctionRef;
  const descriptor = engine.defineEvent({ name: 'e', args: [], named: [] });
  Object.assign(engine.event, { descriptor, record: engine.allocateBuffer(4096), length: 8 });
  for (let i = 0; i < 200_000; i++) {
    engine.startHandler(handler.ref);
    if (finish(engine, 1000) !== RunStatus.DONE) assert.unreachable(engine.error().message);
  }
  assert.is(engine.global('n'), 200_000);
});

test.run();
