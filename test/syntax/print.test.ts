// Random programs: printing and parsing again gives the same, and no change of bytes brings out anything but an error.

import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Chunk, KtapError, parseChunk, renderDiagnostic } from '../../src/language/index.js';
import { programOfSeed, programs } from '../support/generate.js';
import { printChunk } from '../support/print-chunk.js';

const parseBytes = (text: string): Chunk => parseChunk({ name: 'program', text });

/** A tree without the places of its nodes, for comparing. */
function shape(chunk: Chunk): string {
  const places = new Set(['start', 'end', 'operatorStart', 'nameStart', 'definitionStart']);
  return JSON.stringify(chunk, (key, value) => {
    if (places.has(key)) return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });
}

test('print, parse, print is stable, and the tree stays the same', () => {
  for (const options of [{}, { tracing: true }]) {
    fc.assert(
      fc.property(programs(options), (text) => {
        const chunk = parseBytes(text);
        const printed = printChunk(chunk);
        const again = parseBytes(printed);
        assert.is(printChunk(again), printed);
        assert.is(shape(again), shape(chunk));
      }),
      { numRuns: 200 },
    );
  }
});

test('the programs have every statement and operator of the grammar', () => {
  const found = new Set<string>();
  const note = (node: unknown): void => {
    if (Array.isArray(node)) for (const each of node) note(each);
    if (typeof node !== 'object' || node === null) return;
    const { type, operator } = node as { type?: string; operator?: string };
    if (type !== undefined) found.add(operator === undefined ? type : `${type} ${operator}`);
    for (const value of Object.values(node)) note(value);
  };
  for (let seed = 1; seed <= 300; seed++) note(parseBytes(programOfSeed(seed, { tracing: true })));
  const expected = [
    ...'Nil Boolean Integer String Vararg KernelSymbol Name Index Call MethodCall Function Table'.split(' '),
    ...'Parenthesized EventText EventName EventArgument EventField'.split(' '),
    ...'+ - * / % ^ .. == != < <= > >='.split(' ').map((operator) => `Binary ${operator}`),
    ...['Logical and', 'Logical or', 'Unary -', 'Unary not'],
    ...'+ - * / %'.split(' ').map((operator) => `CompoundAssign ${operator}`),
    ...'Local LocalFunction FunctionStatement Assign Aggregate CallStatement Do If While Repeat NumericFor'.split(' '),
    ...'CFor GenericFor Return Break Continue Goto Label Trace TraceEnd Timer Cdef'.split(' '),
  ];
  assert.equal(
    expected.filter((each) => !found.has(each)),
    [],
  );
});

/** What a person or a disk may do to a script. */
const changes = fc.array(
  fc.record({
    at: fc.nat({ max: 1_000_000 }),
    remove: fc.nat({ max: 4 }),
    insert: fc.oneof(
      fc.constantFrom(...'(){}[]"\'`#=<>!.:;,-+/\\\n\0'.split('')),
      fc.constantFrom(' function ', ' trace ', ' until ', ' end ', '[[', ']]', '..', '--', '<<<', '0x', '1.', 'tick-'),
      fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
      fc.constant(''),
    ),
  }),
  { minLength: 1, maxLength: 8 },
);

/** Parses; any exception but an error with a place inside the script fails the test. */
function parseOrRefuse(text: string): void {
  try {
    const printed = printChunk(parseBytes(text));
    assert.is(printChunk(parseBytes(printed)), printed);
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    assert.is(error.diagnostics.length, 1);
    const [diagnostic] = error.diagnostics;
    const { start, end } = diagnostic!.span!;
    assert.ok(start >= 0 && start <= end && end <= text.length, `place ${start} to ${end} of ${text.length}`);
    assert.ok(renderDiagnostic(diagnostic!).startsWith('program:'));
  }
}

test('scripts with changed bytes parse or give one error', () => {
  fc.assert(
    fc.property(programs({ tracing: true, statements: 4 }), changes, (program, list) => {
      let text = program;
      for (const { at, remove, insert } of list) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + insert + text.slice(place + remove);
      }
      parseOrRefuse(text);
    }),
    { numRuns: 1000 },
  );
});

test('every beginning of a script parses or gives one error', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const text = programOfSeed(seed, { tracing: true, statements: 3 });
    for (let length = 0; length <= text.length; length++) parseOrRefuse(text.slice(0, length));
  }
});

test('random bytes parse or give one error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => parseOrRefuse(Buffer.from(bytes).toString('latin1'))),
    { numRuns: 1000 },
  );
});

test.run();
