// The kernel's symbol table: places as the kernel prints them, modules, hidden addresses, and BTF's enumerators.

import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BtfEnumerators } from '../../src/events/btf-enumerators.js';
import { parsePrintkFormats, textEnvironment } from '../../src/events/kernel-facts.js';
import { KernelSymbols } from '../../src/events/kernel-symbols.js';
import { testUnless } from '../support.js';

const test = suite('kernel symbols');

const TABLE = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000100 T vfs_read
ffffffff81000100 t read_alias
ffffffff81000140 t helper
ffffffff81000200 W weak_one
ffffffff81000300 T _etext
ffffffff81000300 D data_behind
ffffffffc0002000 t second\t[nf_tables]
ffffffffc0001000 t first\t[nf_tables]
ffffffffc0003000 d table\t[nf_tables]
`;

test('damaged addresses are passed over', () => {
  const symbols = KernelSymbols.parse(
    Buffer.from(TABLE.replace('ffffffff81000000 T _text', 'ffffffff8z000 00 T _text')),
  );
  assert.is(symbols.addressOf('_text'), undefined);
  assert.is(symbols.addressOf('_stext'), 0xffffffff81000000n);
});

test('what lies behind the end of a module is no part of its last symbol', () => {
  const modules = 'nf_tables 8208 0 - Live 0xffffffffc0001000\n';
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'), modules);
  assert.equal(symbols.placeAt(0xffffffffc0003008n), { name: 'table', offset: 8, size: 16, module: 'nf_tables' });
  assert.is(symbols.placeAt(0xffffffffc0003010n), undefined);
});

test('an address in the kernel', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
  assert.equal(symbols.placeAt(0xffffffff81000110n), { name: 'vfs_read', offset: 16, size: 64, module: undefined });
  assert.is(symbols.symbolAt(0xffffffff81000100n), 'vfs_read');
  assert.is(symbols.symbolAt(0xffffffff81000150n), 'helper+0x10');
  // Of several symbols at one address the first one in the table.
  assert.is(symbols.symbolAt(0xffffffff81000004n), '_stext+0x4');
  assert.is(symbols.symbolAt(-0x7efffef0n), 'vfs_read+0x10');
});

test('addresses outside the kernel have no symbol', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
  for (const address of [0n, 0x401000n, 0xffffffff80ffffffn, 0xffffffff81000300n, 0xffffffffc0000fffn])
    assert.is(symbols.placeAt(address), undefined, address.toString(16));
});

test('modules, in no order', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
  assert.equal(symbols.placeAt(0xffffffffc0001004n), { name: 'first', offset: 4, size: 4096, module: 'nf_tables' });
  assert.is(symbols.symbolAt(0xffffffffc0002000n), 'second');
});

test('functions that begin exactly there', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
  assert.is(symbols.textSymbolAt(0xffffffff81000100n), 'vfs_read');
  assert.is(symbols.textSymbolAt(0xffffffff81000200n), 'weak_one');
  assert.is(symbols.textSymbolAt(0xffffffffc0002000n), 'second');
  assert.is(symbols.textSymbolAt(0xffffffff81000101n), undefined);
  assert.is(symbols.textSymbolAt(0xffffffffc0003000n), undefined);
});

test('addresses by name', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
  assert.is(symbols.addressOf('vfs_read'), 0xffffffff81000100n);
  assert.is(symbols.addressOf('first'), 0xffffffffc0001000n);
  for (const name of ['vfs', 'read', 'T', 'nf_tables', '', 'fixed_percpu_data', 'vfs_read\n'])
    assert.is(symbols.addressOf(name), undefined, name);
});

test('a table with hidden addresses says nothing', () => {
  const symbols = KernelSymbols.parse(Buffer.from(TABLE.replace(/^\w+/gm, '0000000000000000'), 'latin1'));
  assert.ok(symbols.hidden);
  assert.is(symbols.addressOf('vfs_read'), undefined);
  assert.is(symbols.placeAt(0xffffffff81000110n), undefined);
  assert.ok(KernelSymbols.parse(new Uint8Array(0)).hidden);
  assert.ok(KernelSymbols.ofThisMachine('/does/not/exist').hidden);
});

test('damaged tables do not throw', () => {
  for (const text of ['ffffffff8100', 'ffffffff81000000 T', 'ffffffff81000000 T x', '\n\n', 'no table\nat all\n'])
    KernelSymbols.parse(Buffer.from(text, 'latin1')).placeAt(0xffffffff81000000n);
});

test('constant strings', () => {
  const strings = parsePrintkFormats('0xffffffff8281a98f : "thaw_processes"\n0xffffffff8281a990 : "a\\n\\"b\\""\n');
  assert.is(strings.get(0xffffffff8281a98fn), 'thaw_processes');
  assert.is(strings.get(0xffffffff8281a990n), 'a\n"b"');
});

test('an environment reads its sources when they are asked for, once', () => {
  let reads = 0;
  const environment = textEnvironment({
    symbols: () => {
      reads++;
      return KernelSymbols.parse(Buffer.from(TABLE, 'latin1'));
    },
  });
  assert.is(reads, 0);
  assert.is(environment.placeAt?.(0xffffffff81000110n)?.name, 'vfs_read');
  assert.is(environment.placeAt?.(0xffffffff81000150n)?.name, 'helper');
  assert.is(reads, 1);
  // Without BTF there are the numbers that never changed.
  assert.is(environment.enumerator?.('TCP_LISTEN'), 10);
  assert.is(environment.enumerator?.('NOT_KNOWN'), undefined);
});

testUnless(
  process.getuid?.() === 0 && existsSync('/proc/kallsyms') ? undefined : 'kernel addresses are hidden',
  test,
  'the running kernel: every function is found again',
  () => {
    const symbols = KernelSymbols.ofThisMachine();
    if (symbols.hidden) return;
    const lines = readFileSync('/proc/kallsyms', 'latin1').split('\n');
    let checked = 0;
    for (let i = 0; i < lines.length; i += 97) {
      const [, digits, type] = /^(\w+) (\w) \S+$/.exec(lines[i]!) ?? [];
      const address = BigInt(`0x${digits ?? 0}`);
      if (!/[tT]/.test(type ?? '') || symbols.placeAt(address) === undefined) continue;
      assert.is(symbols.placeAt(address)!.offset, 0, lines[i]);
      assert.is(symbols.addressOf(symbols.placeAt(address)!.name) !== undefined, true);
      checked++;
    }
    assert.ok(checked > 100);
  },
);

testUnless(
  existsSync('/sys/kernel/btf/vmlinux') ? undefined : 'no BTF',
  test,
  'enumerators of the running kernel',
  () => {
    const enumerators = new BtfEnumerators(readFileSync('/sys/kernel/btf/vmlinux'));
    assert.is(enumerators.value('TCP_LISTEN'), 10);
    assert.is(enumerators.value('PIDTYPE_PID'), 0);
    assert.is(enumerators.value('no_such_enumerator'), undefined);
  },
);

test('no BTF, or something else', () => {
  assert.is(new BtfEnumerators(new Uint8Array(0)).value('TCP_LISTEN'), undefined);
  assert.is(new BtfEnumerators(Buffer.from('something else that is long enough')).value('TCP_LISTEN'), undefined);
});

test.run();
