// How handlers read the current event: fields of every kind, by number and by name.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EventLayout, FieldLayout } from '../../src/engine/index.js';
import { FieldKind, RunStatus } from '../../src/engine/layout.js';
import type { FunctionRef } from '../../src/engine/values.js';
import { errorLine, finish, type TestEngine, testEngine } from './support.js';

const test = suite('engine: events');

const field = (name: string, kind: number, offset: number, size: number, signed = false): FieldLayout => ({
  name,
  kind,
  offset,
  size,
  signed,
});

/** Runs `handler` (the body of a function) for a record; answers what it returns. */
function handle(made: TestEngine, layout: EventLayout, record: Buffer, body: string): unknown[] {
  const { engine } = made;
  const descriptor = engine.defineEvent(layout);
  const address = engine.allocateBuffer(4096);
  engine.memory.bytes.set(record, address);
  assert.is(made.run(`function handler() { ${body} }`), RunStatus.DONE);
  const handler = engine.global('handler') as FunctionRef;
  engine.pin(handler.ref);
  Object.assign(engine.event, { descriptor, record: address, length: record.length, cpu: 1, tid: 2, time: 3 });
  engine.startHandler(handler.ref);
  assert.is(engine.inHandler, true);
  assert.is(finish(engine), RunStatus.DONE);
  assert.is(engine.inHandler, false);
  return engine.results();
}

const RECORD = Buffer.alloc(64);
RECORD.writeUInt8(0xfe, 0);
RECORD.writeUInt16LE(0xfffd, 2);
RECORD.writeInt32LE(-4, 4);
RECORD.writeBigInt64LE(-5n, 8);
RECORD.write('comm\0junk', 16, 'latin1');
RECORD.writeUInt32LE((6 << 16) | 48, 32);
RECORD.writeUInt32LE((6 << 16) | 8, 36);
RECORD.write('hello\0', 48, 'latin1');

test('integers by size and sign', () => {
  const args = [
    field('a', FieldKind.INTEGER, 0, 1),
    field('b', FieldKind.INTEGER, 0, 1, true),
    field('c', FieldKind.INTEGER, 2, 2),
    field('d', FieldKind.INTEGER, 2, 2, true),
    field('e', FieldKind.INTEGER, 4, 4),
    field('f', FieldKind.INTEGER, 4, 4, true),
    field('g', FieldKind.INTEGER, 8, 8),
    field('h', FieldKind.INTEGER, 8, 8, true),
  ];
  const got = handle(
    testEngine(),
    { name: 'e', args, named: [] },
    RECORD,
    'return arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9',
  );
  assert.equal(got, [0xfe, -2, 0xfffd, -3, 0xffff_fffc, -4, -5, -5, undefined]);
});

test('strings of fixed and dynamic length end at a NUL', () => {
  const args = [
    field('comm', FieldKind.CHARS, 16, 16),
    field('full', FieldKind.CHARS, 16, 3),
    field('data', FieldKind.DATA_LOC, 32, 4),
    field('rel', FieldKind.REL_LOC, 36, 4),
    field('none', FieldKind.NIL, 0, 8),
  ];
  const got = handle(testEngine(), { name: 'e', args, named: [] }, RECORD, 'return arg1, arg2, arg3, arg4, arg5');
  assert.equal(got, ['comm', 'com', 'hello', 'hello', undefined]);
});

test('a field that reaches beyond the record is nil', () => {
  const record = Buffer.alloc(12);
  record.writeUInt32LE((100 << 16) | 8, 0);
  const args = [
    field('loc', FieldKind.DATA_LOC, 0, 4),
    field('far', FieldKind.INTEGER, 8, 8),
    field('text', FieldKind.CHARS, 8, 16),
    field('wild', FieldKind.INTEGER, 0xffff_fffc, 8),
  ];
  const got = handle(testEngine(), { name: 'e', args, named: [] }, record, 'return arg1, arg2, arg3, arg4');
  assert.equal(got, [undefined, undefined, undefined, undefined]);
});

test('fields by name, the text, the name, and fields that the host reads', () => {
  const named = [field('pid', FieldKind.INTEGER, 4, 4, true), field('odd', FieldKind.HOST, 0, 0)];
  const args = [field('pid', FieldKind.INTEGER, 4, 4, true), field('odd', FieldKind.HOST, 0, 0)];
  const body = 'return argname, argevent, args.pid, args.odd, args.missing, arg2';
  const got = handle(testEngine(), { name: 'sched_switch', args, named }, RECORD, body);
  assert.equal(got, ['sched_switch', 'event text', -4, 1001, undefined, 1]);
});

test('one handler for several events finds each field in its place', () => {
  const made = testEngine();
  const { engine } = made;
  const layouts = [
    { name: 'one', args: [], named: [field('x', FieldKind.INTEGER, 0, 1)] },
    { name: 'two', args: [], named: [field('y', FieldKind.INTEGER, 0, 1), field('x', FieldKind.INTEGER, 4, 4, true)] },
    { name: 'three', args: [], named: [] },
  ];
  const descriptors = layouts.map((layout) => engine.defineEvent(layout));
  const record = engine.allocateBuffer(4096);
  engine.memory.bytes.set(RECORD, record);
  made.run('seen = "" function handler() { seen = seen .. argname; if (args.x) { seen = seen .. args.x } }');
  const { ref } = engine.global('handler') as FunctionRef;
  for (const i of [0, 1, 2, 0, 1]) {
    Object.assign(engine.event, { descriptor: descriptors[i], record, length: 64 });
    engine.startHandler(ref);
    assert.is(finish(engine), RunStatus.DONE);
  }
  assert.is(engine.global('seen'), 'one254two-4threeone254two-4');
});

test('outside a handler there is no event', () => {
  for (const word of ['argname', 'argevent', 'arg1', 'args.pid']) {
    const { engine, run } = testEngine();
    assert.is(run(`function f() { return ${word} }\nlocal x = f()`), RunStatus.ERROR);
    assert.match(errorLine(engine), /^1: arg\w+ is known only while an event is handled/);
  }
});

test.run();
