// What lies where in processes, by made-up histories of mappings, forks and execs; and perf maps.

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AddressSpaces, parseMaps } from '../../src/events/address-spaces.js';
import { PerfMap, parsePerfMap } from '../../src/events/perf-map.js';

/** Symbols that only say where they were looked up. */
const files = { symbolAt: (path: string, offset: bigint) => `${path}@${offset.toString(16)}` };
const mapping = (start: bigint, path: string, offset = 0n, length = 0x1000n) => ({
  start,
  end: start + length,
  offset,
  path,
});
const spaces = (maps: Readonly<Record<number, string>> = {}) =>
  new AddressSpaces({ files, mapsOf: (pid) => maps[pid] });

const test = suite('address spaces');

test('the lines of /proc/PID/maps that are code', () => {
  const text = `5581a000-5581b000 r--p 00000000 fe:00 123                        /usr/bin/program
5581b000-5581f000 r-xp 00001000 fe:00 123                        /usr/bin/program
7f00a000-7f00b000 r-xp 00000000 fe:00 99                         /tmp/gone lib.so (deleted)
7ffe1000-7ffe2000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]
`;
  assert.equal(parseMaps(text), [
    { start: 0x5581b000n, end: 0x5581f000n, offset: 0x1000n, path: '/usr/bin/program' },
    { start: 0x7f00a000n, end: 0x7f00b000n, offset: 0n, path: '/tmp/gone lib.so' },
    { start: 0x7ffe1000n, end: 0x7ffe2000n, offset: 0n, path: '[vdso]' },
    { start: 0xffffffffff600000n, end: 0xffffffffff601000n, offset: 0n, path: '[vsyscall]' },
  ]);
});

test('a process that was there before the trace is looked up once, later mappings are added', () => {
  const all = spaces({ 7: '1000-2000 r-xp 00000000 fe:00 1 /bin/a\n' });
  all.mapped(7, mapping(0x1000n, '/not/yet'));
  const number = all.numberOf(7);
  assert.is(all.symbolAt(0x1010n, number), '/bin/a@10');
  all.mapped(7, mapping(0x5000n, '/lib/b', 0x300n));
  assert.is(all.symbolAt(0x5004n, number), '/lib/b@304');
  assert.is(all.numberOf(7), number);
});

test('a child has what its parent has until it executes something else; names outlive processes', () => {
  const all = spaces();
  all.executed(7);
  all.mapped(7, mapping(0x1000n, '/bin/shell'));
  all.forked(8, 7);
  const before = all.numberOf(8);
  all.executed(8);
  all.mapped(8, mapping(0x1000n, '/bin/ls'));
  const after = all.numberOf(8);
  all.ended(8);
  all.ended(7);
  assert.is.not(before, after);
  assert.is(all.symbolAt(0x1000n, before), '/bin/shell@0');
  assert.is(all.symbolAt(0x1000n, after), '/bin/ls@0');
});

test('a child of a process from before the trace that ends at once has its parent for an answer', () => {
  const all = spaces({ 7: '1000-2000 r-xp 00000000 fe:00 1 /bin/a\n' });
  all.forked(8, 7);
  const number = all.numberOf(8);
  assert.is(all.symbolAt(0x1000n, number), '/bin/a@0');
});

test('a process number that is used again is another space', () => {
  const all = spaces();
  all.executed(7);
  const first = all.numberOf(7);
  all.ended(7);
  assert.is.not(all.numberOf(7), first);
});

test('what is mapped over something takes its place, in its middle too', () => {
  const all = spaces();
  all.executed(7);
  all.mapped(7, mapping(0x1000n, '/a', 0n, 0x3000n));
  all.mapped(7, mapping(0x2000n, '/b'));
  const number = all.numberOf(7);
  assert.equal(
    [0x1fffn, 0x2000n, 0x3000n, 0x4000n].map((address) => all.symbolAt(address, number)),
    ['/a@fff', '/b@0', '/a@2000', undefined],
  );
});

test('perf map: hexadecimal with or without 0x, names to the end of the line, the last line for a start holds', () => {
  const code = parsePerfMap('2000 10 later\n1000 20 old\n0x1000 0x30 LazyCompile:~f /x.js:1\nnonsense\n');
  assert.equal(code, [
    { start: 0x1000n, size: 0x30n, name: 'LazyCompile:~f /x.js:1' },
    { start: 0x2000n, size: 0x10n, name: 'later' },
  ]);
});

test('perf map: read again when it has grown', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ktap-perf-map-'));
  try {
    writeFileSync(join(folder, 'perf-99999999.map'), '1000 20 first\n');
    const map = new PerfMap(99999999, folder);
    assert.is(map.symbolAt(0x1010n), 'first+0x10');
    assert.is(map.symbolAt(0x1020n), undefined);
    assert.is(map.symbolAt(0x2000n), undefined);
    appendFileSync(join(folder, 'perf-99999999.map'), '2000 8 second\n');
    assert.is(map.symbolAt(0x2000n), 'second');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
