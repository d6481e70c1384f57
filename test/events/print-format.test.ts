// The interpreter of print fmt: expressions, printf and the kernel's helpers, on records made here.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compileEventText, compileEventTextWithReason } from '../../src/events/event-text.js';
import { parseFormat } from '../../src/events/format-parser.js';
import type { TextEnvironment } from '../../src/events/text-environment.js';
import { ROOT } from '../support.js';

const test = suite('print fmt');

/** Fields of all test records; `bytes` are the record's from offset 8 on. */
const FIELDS: readonly (readonly [declaration: string, offset: number, size: number, signed: 0 | 1])[] = [
  ['u8 byte', 8, 1, 0],
  ['s8 tiny', 9, 1, 1],
  ['u16 half', 10, 2, 0],
  ['int number', 12, 4, 1],
  ['unsigned int word', 16, 4, 0],
  ['u64 wide', 24, 8, 0],
  ['s64 far', 32, 8, 1],
  ['void * pointer', 40, 8, 0],
  ['char comm[8]', 48, 8, 0],
  ['__data_loc char[] name', 56, 4, 1],
  ['__data_loc u32[] list', 60, 4, 0],
  ['__u8 address[16]', 64, 16, 0],
  ['__rel_loc char[] tail', 80, 4, 1],
  ['u16 pair[2]', 84, 4, 0],
  ['const char * label', 88, 8, 0],
  ['__u8 socket[28]', 96, 28, 0],
];

function eventFormat(printFormat: string, system = 'test', name = 'event') {
  const lines = FIELDS.map(([text, offset, size, signed]) => {
    return `\tfield:${text};\toffset:${offset};\tsize:${size};\tsigned:${signed};\n`;
  });
  return parseFormat(`name: ${name}\nID: 1\nformat:\n${lines.join('')}\nprint fmt: ${printFormat}\n`, system);
}

const SYMBOLS = new Map([
  [0xffffffff81000010n, { name: 'vfs_read', offset: 16, size: 0x40, module: undefined }],
  [0xffffffff8100000fn, { name: 'vfs_read', offset: 15, size: 0x40, module: undefined }],
  [0xffffffffc0000000n, { name: 'hook', offset: 0, size: 0x20, module: 'nf_tables' }],
]);

const ENVIRONMENT: TextEnvironment = {
  ticksPerSecond: 250,
  placeAt: (address) => SYMBOLS.get(address),
  kernelString: (address) => (address === 0xffffffff82000000n ? 'rcu_preempt' : undefined),
  enumerator: (name) => ({ RED: 1, GREEN: 2, HUGE: 1n << 40n })[name],
  variable: (name) => (name === 'vmemmap_base' ? 0xffffea0000000000n : undefined),
};

/** One record for all: see the assignments. */
const memory = new Uint8Array(512);
const BASE = 64;
const LENGTH = 200;
{
  const view = new DataView(memory.buffer, BASE);
  view.setUint8(8, 200);
  view.setInt8(9, -3);
  view.setUint16(10, 65535, true);
  view.setInt32(12, -7, true);
  view.setUint32(16, 0xdeadbeef, true);
  view.setBigUint64(24, 0xfedcba9876543210n, true);
  view.setBigInt64(32, -5_000_000_000n, true);
  view.setBigUint64(40, 0xffffffff81000010n, true);
  memory.set(Buffer.from('bash\0zzz'), BASE + 48);
  view.setUint32(56, (6 << 16) | 128, true);
  memory.set(Buffer.from('hello\0'), BASE + 128);
  view.setUint32(60, (8 << 16) | 136, true);
  view.setUint32(136, 1, true);
  view.setUint32(140, 0xabc, true);
  memory.set([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], BASE + 64);
  view.setUint32(80, (5 << 16) | (144 - 84), true);
  memory.set(Buffer.from('tail\0'), BASE + 144);
  view.setUint16(84, 3, true);
  view.setUint16(86, 4, true);
  view.setBigUint64(88, 0xffffffff82000000n, true);
  view.setUint16(96, 2, true);
  memory.set([0x1f, 0x90, 127, 0, 0, 1], BASE + 98);
}

function print(printFormat: string): string {
  const { text, fallback } = compileEventTextWithReason(eventFormat(printFormat), ENVIRONMENT);
  assert.is(fallback, undefined, printFormat);
  return text(memory, BASE, LENGTH).replace(/^event: /, '');
}

/** Each: the print fmt and its text. */
function table(name: string, rows: readonly (readonly [printFormat: string, text: string])[]): void {
  test(name, () => {
    for (const [printFormat, text] of rows) assert.is(print(printFormat), text, printFormat);
  });
}

table('integers by size and sign', [
  ['"%d %u %d %d", REC->byte, REC->half, REC->tiny, REC->number', '200 65535 -3 -7'],
  ['"%u %x", REC->number, REC->number', '4294967289 fffffff9'],
  ['"%lld %llu", REC->wide, REC->wide', '-81985529216486896 18364758544493064720'],
  ['"%lx %ld", REC->far, REC->far', 'fffffffed5fa0e00 -5000000000'],
  ['"%hhd %hd %hhu", REC->byte, REC->half, REC->word', '-56 -1 239'],
  ['"%d", REC->wide', '1985229328'],
  ['"%o %X %#x %#o %#llX", REC->byte, REC->word, REC->byte, 8, REC->wide', '310 DEADBEEF 0xc8 010 0XFEDCBA9876543210'],
  ['"%c%c", 65, \'b\'', 'Ab'],
]);

table('widths, precisions and flags', [
  ['"[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42', '[   42][42   ][00042][+42][ 42]'],
  ['"[%08lx][%#010x][%#06x][%.3d][%6.3d]", 0xffUL, 255, 0, 7, 7', '[000000ff][0x000000ff][0x0000][007][   007]'],
  ['"[%05d][%*d][%-*d]", -42, 6, 42, 6, 42', '[-0042][    42][42    ]'],
  [
    '"[%8s][%-8s][%.2s][%.*s][%*s]", REC->comm, REC->comm, REC->comm, 3, REC->comm, 6, REC->comm',
    '[    bash][bash    ][ba][bas][  bash]',
  ],
  ['"100%% %k"', '100% %k'],
]);

table('strings of every kind', [
  ['"%s|%s|%s", REC->comm, __get_str(name), __get_rel_str(tail)', 'bash|hello|tail'],
  ['"%s", REC->byte ? "yes" : "no"', 'yes'],
  ['"%s|%.*s", (const char *)((void *)0), 3, REC->number ? __get_str(name) : ((void *)0)', '(null)|hel'],
  ['"%s", REC->label', 'rcu_preempt'],
  ['"%s", REC->pointer', '(0xffffffff81000010)'],
  ['"a" "b\\t\\"c\\"\\n" "%d" "\\x41\\101", 1', 'ab\t"c"\n1AA'],
  ['"%" "llu" " %" PRIx64, REC->wide, REC->wide', '18364758544493064720 fedcba9876543210'],
  ['"%s", __get_str(name)[0] ? "some" : "none"', 'some'],
]);

table('expressions', [
  ['"%d %d %d", 2 + 3 * 4, (2 + 3) * 4, 7 - 2 - 1', '14 20 4'],
  ['"%d %d %d %d", -7 / 2, -7 % 3, 1 << 4 | 1, 6 & 3 ^ 1', '-3 -1 17 3'],
  ['"%d %d %d", 1 < 2 && 2 < 1, 1 || 0, !5', '0 1 0'],
  ['"%d", REC->number < 0u', '0'],
  ['"%d", REC->number < 0', '1'],
  ['"%d,%d", ((unsigned int) ((REC->word) >> 20)), ((unsigned int) ((REC->word) & ((1U << 20) - 1)))', '3562,900847'],
  ['"%llu", REC->wide >> 4', '1147797409030816545'],
  ['"%llx", REC->wide & 0xff00000000000000ULL | 1', 'fe00000000000001'],
  ['"%llx", ~0UL', 'ffffffffffffffff'],
  ['"%llu", (u64)REC->number', '18446744073709551609'],
  ['"%llu", REC->far * 2 + REC->wide', '18364758534493064720'],
  ['"%d", (s8)REC->byte + (u8)-1', '199'],
  ['"%d %d", REC->byte ?: 5, 0 ?: 5', '200 5'],
  ['"%zu %zu %zu", sizeof(u64), sizeof(REC->comm), sizeof(struct page)', '8 8 64'],
  ['"%d %d", REC->pair[1], REC->comm[0]', '4 98'],
  ['"%lx", (((struct page *)vmemmap_base) + (2))', 'ffffea0000000080'],
  ['"%d", (REC)->byte', '200'],
  ['"%d", ({ int __x = (REC->byte); int __y = (128); ((__x) < (__y) ? (__x) : (__y)); })', '128'],
  ['"%d", __builtin_expect(!!(REC->byte), 0) ? 1 : 2', '1'],
]);

table('flags and symbols', [
  ['"%s", __print_flags(REC->byte, "|", { 0x08, "A" }, { 0x40, "B" }, { 0x80, "C" })', 'A|B|C'],
  ['"%s", __print_flags(REC->byte, "|", { 0x08, "A" }, { 0x01, "X" })', 'A|0xc0'],
  ['"%s", __print_flags(0, "|", { 1, "A" })', ''],
  ['"%s", __print_flags(REC->tiny, "", { 1, "A" })', 'A0xfffffffffffffffc'],
  ['"%s", __print_symbolic(REC->number, { -7, "minus" }, { 1, "one" })', 'minus'],
  ['"%s", __print_symbolic(REC->byte, { 1, "one" }, { 2, "two" },)', '0xc8'],
  [
    '"%s %s", __print_symbolic(2, { RED, "red" }, { GREEN, "green" }), __print_flags(3, " ", { RED, "red" }, { MISSING, "m" })',
    'green red 0x2',
  ],
  ['"%s", __print_symbolic(1ULL << 40, { HUGE, "huge" })', 'huge'],
]);

table('buffers', [
  ['"%s|%s", __print_hex(REC->address, 4), __print_hex_str(REC->address, 4)', '20 01 0d b8|20010db8'],
  [
    '"%s", __print_array(__get_dynamic_array(list), __get_dynamic_array_len(list) / sizeof(u32), sizeof(u32))',
    '{0x1,0xabc}',
  ],
  ['"%s", __print_dynamic_array(list, 2)', '{0x1,0x0,0xabc,0x0}'],
  ['"%s", __get_bitmask(list)', '00000abc,00000001'],
  ['"%d", __get_dynamic_array_len(name)', '6'],
  [
    '"%s", __print_hex_dump("x: ", 2, 16, 1, REC->comm, 4, 1)',
    '\nx: 00000000: 62 61 73 68                                      bash\n',
  ],
]);

table('pointers', [
  ['"%p %px %pK", REC->pointer, (void *)16, REC->pointer', 'ffffffff81000010 0000000000000010 ffffffff81000010'],
  [
    '"%pS %ps %pB %pF", REC->pointer, REC->pointer, REC->pointer, REC->pointer',
    'vfs_read+0x10/0x40 vfs_read vfs_read+0x10/0x40 vfs_read+0x10/0x40',
  ],
  ['"%pS %ps", (void *)0xffffffffc0000000, (void *)0x1234', 'hook+0x0/0x20 [nf_tables] 0x1234'],
  ['"%pI4 %pi4 %pI4h", REC->address, REC->address, REC->address', '32.1.13.184 032.001.013.184 184.13.1.32'],
  [
    '"%pI6 %pI6c %pi6", REC->address, REC->address, REC->address',
    '2001:0db8:0000:0000:0000:0000:0000:0001 2001:db8::1 20010db8000000000000000000000001',
  ],
  ['"%pISpc %pIS", REC->socket, REC->socket', '127.0.0.1:8080 127.0.0.1'],
  ['"%pM %pMF %pm", REC->address, REC->address, REC->address', '20:01:0d:b8:00:00 20-01-0d-b8-00-00 20010db80000'],
  [
    '"%pU %pUL", REC->address, REC->address',
    '20010db8-0000-0000-0000-000000000001 B80D0120-0000-0000-0000-000000000001',
  ],
  [
    '"%4ph|%*phC|%*phN|%2phD", REC->address, 3, REC->address, 3, REC->address, REC->address',
    '20 01 0d b8|20:01:0d|20010d|20-01',
  ],
  ['"%*pb|%*pbl", 12, __get_dynamic_array(list), 44, __get_dynamic_array(list)', '001|0,34-37,39,41,43'],
  ['"%pe %pe", (void *)-2L, (void *)4096', '-ENOENT 0000000000001000'],
  ['"%pI4", &REC->word', '239.190.173.222'],
]);

table('functions', [
  ['"%u", jiffies_to_msecs(REC->byte)', '800'],
  ['"%llu.%09u", __print_ns_to_secs(5000000007ULL), __print_ns_without_secs(5000000007ULL)', '5.000000007'],
  ['"%s", mc_event_error_type(1)', 'Uncorrected'],
  ['"%x %x", __builtin_bswap16(0x1234), __builtin_bswap32(REC->word)', '3412 efbeadde'],
]);

test('what print fmts do not say falls back to the fields', () => {
  for (const printFormat of [
    '"%d", secret(REC->byte)',
    '"%d", REC->nothing',
    '"%d"',
    '"%d", (',
    '',
    '"%d", NOT_KNOWN',
  ]) {
    const { text, fallback } = compileEventTextWithReason(eventFormat(printFormat), ENVIRONMENT);
    assert.ok(fallback !== undefined, printFormat);
    assert.match(text(memory, BASE, LENGTH), /^event: byte=200 tiny=-3 .*comm="bash" name="hello" .*tail="tail"/);
  }
});

function stored(name: string) {
  const text = readFileSync(`${ROOT}/test/events/formats/${name}.format`, 'latin1');
  return parseFormat(text, name.slice(0, name.indexOf('.')));
}

test('system calls: 0x from kernel 6.18 on', () => {
  const record = new Uint8Array(64);
  const view = new DataView(record.buffer);
  view.setInt32(8, 257, true);
  view.setBigUint64(16, 0xffffff9cn, true);
  view.setBigUint64(24, 0x7ffd3c1a2b40n, true);
  view.setBigUint64(32, 9n, true);
  const format = stored('syscalls.sys_enter_openat');
  const text = (kernelVersion?: string) => compileEventText(format, { kernelVersion })(record, 0, 48);
  const marked = 'sys_openat(dfd: 0xffffff9c, filename: 0x7ffd3c1a2b40, flags: 9, mode: 0)';
  assert.is(text('6.18.0'), marked);
  assert.is(text('7.1.2-rc1'), marked);
  assert.is(text(), marked);
  const plain = 'sys_openat(dfd: ffffff9c, filename: 7ffd3c1a2b40, flags: 9, mode: 0)';
  assert.is(text('6.1.0-18-amd64'), plain);
  assert.is(text('5.10.0'), plain);
  view.setBigInt64(16, -2n, true);
  assert.is(
    compileEventText(stored('syscalls.sys_exit_openat'), {})(record, 0, 24),
    'sys_openat -> 0xfffffffffffffffe',
  );
});

test('system calls: user memory that travels with the event', () => {
  const head = 'name: sys_enter_write\nID: 9\nformat:\n\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n';
  const register = (name: string, offset: number) => `\tfield:long ${name};\toffset:${offset};\tsize:8;\tsigned:0;\n`;
  const fields = register('fd', 16) + register('buf', 24) + register('count', 32);
  const copy = '\tfield:__data_loc char[] __buf_val;\toffset:40;\tsize:4;\tsigned:0;\n\nprint fmt: ';
  const record = new Uint8Array(64);
  const view = new DataView(record.buffer);
  view.setBigUint64(24, 4096n, true);
  view.setBigUint64(32, 5n, true);
  view.setUint32(40, (3 << 16) | 44, true);
  record.set(Buffer.from('hi\0'), 44);
  const bytes = parseFormat(`${head}${fields}${copy}"(%s)", __print_dynamic_array(__buf_val, 1)\n`, 'syscalls');
  assert.is(compileEventText(bytes, {})(record, 0, 48), 'sys_write(fd: 0, buf: 0x1000 (68:69:00, ...), count: 5)');
  const string = parseFormat(`${head}${fields}${copy}"%s", __get_str(__buf_val)\n`, 'syscalls');
  assert.is(compileEventText(string, {})(record, 0, 48), 'sys_write(fd: 0, buf: 0x1000 "hi", count: 5)');
});

test('probes: kernel places as symbols, strings that could not be read', () => {
  const record = new Uint8Array(64);
  const view = new DataView(record.buffer);
  view.setBigUint64(8, 0xffffffffc0000000n, true);
  view.setBigUint64(16, 0xffffffff81000010n, true);
  view.setInt32(24, -1, true);
  view.setUint32(28, (4 << 16) | 36, true);
  record.set([1, 2, 3, 4], 32);
  record.set(Buffer.from('etc\0'), 36);
  const text = compileEventText(stored('probes.ret_openat'), ENVIRONMENT);
  const place = 'ret_openat: (vfs_read+0x10/0x40 <- hook [nf_tables]) fd=-1';
  assert.is(text(record, 0, 40), `${place} name="etc" bytes={0x1,0x2,0x3,0x4}`);
  view.setUint32(28, 36, true);
  assert.is(text(record, 0, 40), `${place} name=(fault) bytes={0x1,0x2,0x3,0x4}`);
  view.setBigUint64(8, 0x401000n, true);
  view.setBigUint64(16, 0n, true);
  assert.match(text(record, 0, 40), /^ret_openat: \(0 <- 0x401000\) /);
});

test('the tracers’ own records', () => {
  const record = new Uint8Array(64);
  const view = new DataView(record.buffer);
  view.setBigUint64(8, 0xffffffff81000010n, true);
  view.setBigUint64(16, 0xffffffffc0000000n, true);
  assert.is(compileEventText(stored('ftrace.function'), ENVIRONMENT)(record, 0, 24), 'vfs_read <-hook');
  record.set(Buffer.from('a line\n\0'), 16);
  assert.is(compileEventText(stored('ftrace.print'), ENVIRONMENT)(record, 0, 24), 'vfs_read: a line');
});

test('statement expressions that print', () => {
  const format = stored('kvmmmu.kvm_mmu_get_page');
  const role = format.fields.find((field) => field.name === 'role')!;
  const record = new Uint8Array(128);
  new DataView(record.buffer).setUint32(role.offset, 0x2 | (1 << 4) | (5 << 8), true);
  assert.is(
    compileEventText(format, ENVIRONMENT)(record, 0, 64),
    'kvm_mmu_get_page: sp gen 0 gfn 0 l2 4-byte q0 -ux !nxe ad root 0 sync existing',
  );
});

test('a text of one memory can go on in another', () => {
  const text = compileEventText(eventFormat('"%s", REC->comm'), ENVIRONMENT);
  assert.is(text(memory, BASE, LENGTH), 'event: bash');
  const other = new Uint8Array(1024);
  other.set(memory, 100);
  assert.is(text(other, BASE + 100, LENGTH), 'event: bash');
});

test.run();
