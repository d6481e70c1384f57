// ffi: declarations of C, objects in the hands of a script, calls of functions of libc.

import { accessSync, constants, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { Declarations, parseDeclarations, parseType } from '../../src/builtins/ffi/c-parser.js';
import { namedFields, type RecordType, sizeOf, typeText } from '../../src/builtins/ffi/c-types.js';
import type { TableRef, Value } from '../../src/engine/values.js';
import { testUnless } from '../support.js';
import { bench, type FakeTable, fn, list, scriptError } from './support.js';

const declared = (text: string): Declarations => {
  const declarations = new Declarations();
  parseDeclarations(text, declarations);
  return declarations;
};

test('sizes and layout are those of 64-bit Linux', () => {
  const declarations = declared(`
    /* as <time.h> has it */
    struct timespec { time_t tv_sec; long tv_nsec; };
    struct mixed { char c; short s; int i; char d; void *p; }; // padding
    struct packed { char c; int i; } __attribute__((packed));
    union either { int i; unsigned char bytes[6]; double d; };
    enum { TEN = 10, ELEVEN, SHIFTED = 1 << 4 | 1 };
    struct nested { struct timespec times[TEN / 5]; union { int a; long b; }; struct { char x, y; } inner; };
    typedef struct list { struct list *next; unsigned long long value; } list_t, *list_p;
  `);
  const size = (type: string): number | undefined => sizeOf(parseType(type, declarations));
  assert.equal(
    ['char', 'short int', 'unsigned', 'long unsigned int', 'long long', 'float', 'double', 'bool', 'u64'].map(size),
    [1, 2, 4, 8, 8, 4, 8, 1, 8],
  );
  assert.equal(
    ['struct timespec', 'struct mixed', 'struct packed', 'union either', 'struct nested', 'list_t', 'list_p'].map(size),
    [16, 24, 5, 8, 48, 16, 8],
  );
  assert.equal(
    ['int[TEN]', 'char[ELEVEN][2]', 'int *[3]', 'int (*)[3]', 'char[SHIFTED]'].map(size),
    [40, 22, 24, 8, 17],
  );
  assert.is(sizeOf(parseType('int[?]', declarations, 7)), 28);
  assert.equal(
    namedFields(declarations.records.get('nested') as RecordType).map(({ name, offset }) => [name, offset]),
    [
      ['times', 0],
      ['a', 32],
      ['b', 32],
      ['inner', 40],
    ],
  );
});

test('functions, function pointers and varargs', () => {
  const { functions } = declared(`
    int printf(const char *format, ...);
    extern void *bsearch(const void *key, const void *base, size_t n, size_t size,
                         int (*compare)(const void *, const void *));
    void (*signal(int sig, void (*handler)(int)))(int);
    unsigned int sleep(unsigned), pause(void);
  `);
  const text = (name: string): string => {
    const type = functions.get(name)!;
    return `${typeText(type.result)}(${type.parameters.map(typeText).join(', ')}${type.varargs ? ', ...' : ''})`;
  };
  assert.is(text('printf'), 'int(char *, ...)');
  assert.is(text('bsearch'), 'void *(void *, void *, unsigned long, unsigned long, int (*)(…))');
  assert.is(text('signal'), 'void (*)(…)(int, void (*)(…))');
  assert.is(text('sleep'), 'unsigned int(unsigned int)');
  assert.is(text('pause'), 'unsigned int()');
});

test('wrong declarations are errors that say where', () => {
  for (const [text, message] of [
    ['int f(', /^ffi\.cdef: line 1: a type expected before the end$/],
    ['\nfoo f(void);', /^ffi\.cdef: line 2: unknown type foo$/],
    ['int f(void) { return 1; }', /a function cannot have a body here/],
    ['int x;', /x is a variable/],
    ['struct s { int a : 3; };', /bit-fields are not supported \(a\)/],
    ['struct s { struct s inner; };', /the field inner has no size: struct s/],
    ['struct s { int a; int a; };', /two fields are called a/],
    ['struct s { int a; }; struct s { int b; };', /struct s is declared a second time/],
    ['#define X 1', /"#" has no place in a declaration/],
    ['int a[1/0];', /division by zero/],
    ['long float f(void);', /"float long" is no type/],
    ['int f(void)[3];', /./],
    [`int ${'('.repeat(5000)}f${')'.repeat(5000)};`, /nested deeper than 100/],
    [`int f(int a[${'-'.repeat(100_000)}1]);`, /nested deeper than 100/],
  ] as const)
    assert.throws(() => declared(text), scriptError(message), text.slice(0, 40));
});

test('without --ffi every use says so', () => {
  const { call, globals } = bench();
  for (const [name, argument] of [
    ['ffi.cdef', 'int getpid(void);'],
    ['ffi.new', 'int'],
    ['ffi.sizeof', 'int'],
  ] as const)
    assert.throws(() => call(name, argument), scriptError('C functions are not allowed'));
  assert.not(globals.has('C'));
});

test.run();

// ---- calls

const calls = suite('calls of C functions');

const withFfi = (declarations: string) => {
  const made = bench({ allowFfi: true });
  made.call('ffi.cdef', declarations);
  return {
    ...made,
    make: (type: string, n?: number): TableRef => made.call('ffi.new', type, n) as TableRef,
  };
};

calls('integers of all sizes wrap to their type', () => {
  const { call } = withFfi(
    'int abs(int); long labs(long); int getpid(void); int toupper(int); unsigned htonl(unsigned);',
  );
  assert.is(call('C.getpid'), process.pid);
  assert.is(call('ffi.C.getpid'), process.pid);
  assert.is(call('C.abs', -5), 5);
  assert.is(call('C.abs', 2 ** 32 - 7), 7);
  assert.is(call('C.labs', -4611686018427387909n), 4611686018427387909n);
  assert.is(call('C.toupper', 97), 65);
  assert.is(call('C.htonl', 1), 16777216);
});

calls('strings, pointers and NULL', () => {
  const { call } = withFfi(
    'size_t strlen(const char *s); char *strchr(const char *s, int c); char *getenv(const char *name); void *malloc(size_t); void free(void *); void *memset(void *, int, size_t);',
  );
  assert.is(call('C.strlen', 'h\xe9llo'), 5);
  assert.is(call('C.getenv', 'KTAP_NO_SUCH_VARIABLE'), undefined);
  assert.is(call('C.getenv', 'HOME'), process.env.HOME);
  const address = call('C.malloc', 16) as number;
  call('C.memset', address, 65, 15);
  call('C.memset', address + 15, 0, 1);
  assert.is(call('ffi.string', address), 'A'.repeat(15));
  assert.is(call('ffi.string', address, 3), 'AAA');
  call('C.free', address);
  call('C.free', undefined);
  assert.is(call('ffi.string', 16), undefined);
});

calls('varargs take integers, strings and objects', () => {
  const { call, make } = withFfi('int snprintf(char *buffer, size_t size, const char *format, ...);');
  const buffer = make('char[64]');
  assert.is(call('C.snprintf', buffer, 64, '%d|%s|%lx|%s', -5, 'text', -1, undefined), 31);
  assert.is(call('ffi.string', buffer), '-5|text|ffffffffffffffff|(null)');
  assert.is(buffer.get(0), 45);
  assert.is(buffer.size, 64);
  const other = make('char[8]');
  other.set(0, 120);
  call('C.snprintf', buffer, 64, '<%s>', other);
  assert.is(call('ffi.string', buffer), '<x>');
});

calls('structs: fields reach C and come back', () => {
  const { call, make } = withFfi(`
    struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst; long tm_gmtoff; const char *tm_zone; };
    time_t timegm(struct tm *); struct tm *gmtime_r(const time_t *, struct tm *);
    struct utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65]; };
    int uname(struct utsname *);
  `);
  const tm = make('struct tm');
  assert.is(tm.get('tm_mday'), 0);
  tm.set('tm_year', 70);
  tm.set('tm_mday', 2);
  assert.is(call('C.timegm', tm), 86400);
  const time = make('time_t');
  time.set(0, 1_700_000_000);
  assert.is(call('C.gmtime_r', time, tm), tm);
  assert.equal([tm.get('tm_year'), tm.get('tm_mon'), tm.get('tm_mday'), tm.get('tm_zone')], [123, 10, 14, 'GMT']);
  const names = make('struct utsname');
  assert.is(call('C.uname', names), 0);
  assert.is(names.get('release'), release());
  assert.is(names.get('sysname'), 'Linux');
});

calls('nested structs, arrays, unions and pointers between objects', () => {
  const { call, make } = withFfi(`
    struct iovec { void *iov_base; size_t iov_len; };
    ssize_t readv(int fd, const struct iovec *iov, int iovcnt);
    ssize_t writev(int fd, const struct iovec *iov, int iovcnt);
    int pipe(int fds[2]); int close(int);
    struct pair { struct { int x, y; } a[2]; union { int whole; unsigned char byte[4]; short half; }; };
    void *memcpy(void *, const void *, size_t);
  `);
  const fds = make('int[2]');
  assert.is(call('C.pipe', fds), 0);
  const [reader, writer] = [fds.get(0), fds.get(1)] as [number, number];
  const vector = make('struct iovec[2]');
  const part = (index: number) => vector.get(index) as TableRef;
  part(0).set('iov_base', 'hello ');
  part(0).set('iov_len', 6);
  part(1).set('iov_base', 'world');
  part(1).set('iov_len', 5);
  assert.is(call('C.writev', writer, vector, 2), 11);
  const text = make('char[11]');
  const into = make('struct iovec');
  into.set('iov_base', text);
  into.set('iov_len', 11);
  assert.is(call('C.readv', reader, into, 1), 11);
  assert.is(call('ffi.string', text), 'hello world');
  assert.is(into.get('iov_base'), text);
  call('C.close', reader);
  call('C.close', writer);

  const [one, two] = [make('struct pair'), make('struct pair')];
  ((one.get('a') as TableRef).get(1) as TableRef).set('y', 7);
  one.set('whole', 0x01020304);
  call('C.memcpy', two, one, call('ffi.sizeof', one) as Value);
  assert.is(((two.get('a') as TableRef).get(1) as TableRef).get('y'), 7);
  assert.is(two.get('half'), 0x0304);
  assert.is(two.get('byte'), '\x04\x03\x02\x01');
  two.set('half', 5);
  call('C.memcpy', one, two, 20);
  assert.is(one.get('whole'), 0x01020005);
});

calls('structs by value', () => {
  const { call } = withFfi('typedef struct { int quot, rem; } div_t; div_t div(int, int); ');
  const answer = call('C.div', 17, 5) as TableRef;
  assert.equal([answer.get('quot'), answer.get('rem')], [3, 2]);
  const { call: pass, make } = withFfi('struct in_addr { unsigned s_addr; }; char *inet_ntoa(struct in_addr);');
  const address = make('struct in_addr');
  address.set('s_addr', 0x0100007f);
  assert.is(pass('C.inet_ntoa', address), '127.0.0.1');
});

calls('sizes and enum constants', () => {
  const { call, make, globals } = withFfi('enum color { RED, GREEN = 5 }; struct s { char c; long l; };');
  assert.is((globals.get('C') as TableRef).get('GREEN'), 5);
  assert.is(call('ffi.sizeof', 'struct s'), 16);
  assert.is(call('ffi.sizeof', 'enum color'), 4);
  assert.is(call('ffi.sizeof', make('int[?]', 3)), 12);
  assert.throws(() => call('ffi.sizeof', 'struct nosuch'), scriptError('ffi.sizeof: struct nosuch has no size'));
  assert.throws(() => call('ffi.new', 'int[]'), scriptError('ffi.new: int[] has no size'));
  assert.throws(() => call('ffi.new', 'int[100000000]'), scriptError(/has more than 1048576 elements/));
  assert.throws(() => call('ffi.new', 'int x'), scriptError('C type "int x": not understood at x'));
});

calls('a freed object cannot be used', () => {
  const { call, make } = withFfi('struct s { int i; }; void *memset(void *, int, size_t);');
  const object = make('struct s');
  call('ffi.free', object);
  assert.is(object.get('i'), undefined);
  call('print', object);
  for (const use of [
    () => call('ffi.free', object),
    () => call('ffi.sizeof', object),
    () => call('ffi.string', object),
    () => call('C.memset', object, 0, 4),
  ])
    assert.throws(use, scriptError(/this struct s has been freed$/));
});

calls('wrong uses are errors of the script', () => {
  const { call, make } = withFfi(`
    size_t strlen(const char *); int getpid(void); int ktap_no_such_function(int); int vfs_read(int);
    double sqrt(double); void free(void *); void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
    struct s { int i; char name[4]; char *text; }; struct t { long l; }; int stat(struct s *); void *memchr(void *, int, size_t);
  `);
  assert.throws(() => call('C.strlen'), scriptError('C.strlen takes 1 argument, got 0'));
  assert.throws(() => call('C.getpid', 1), scriptError('C.getpid takes 0 arguments, got 1'));
  assert.throws(() => call('C.strlen', true), scriptError('bad argument 1 of C.strlen: char * expected, got boolean'));
  assert.throws(
    () => call('C.memchr', 'a', 'b', 1),
    scriptError('bad argument 2 of C.memchr: int expected, got string'),
  );
  assert.throws(
    () => call('C.strlen', list()),
    scriptError('bad argument 1 of C.strlen: a C object expected, got a table'),
  );
  assert.throws(
    () => call('C.stat', make('struct t')),
    scriptError('bad argument 1 of C.stat: struct s * expected, got struct t'),
  );
  assert.throws(
    () => call('C.ktap_no_such_function', 1),
    scriptError('C.ktap_no_such_function: this process has no function of that name'),
  );
  assert.throws(() => call('C.sqrt', 2), scriptError('C.sqrt takes or gives a double: ktap has no floating point'));
  assert.throws(
    () => call('C.free', make('int')),
    scriptError('bad argument 1 of C.free: an object of ffi.new is no memory of malloc'),
  );
  assert.throws(
    () => call('C.qsort', make('int[2]'), 2, 4, fn('f')),
    scriptError('bad argument 4 of C.qsort: C cannot call a function of a script'),
  );
  const object = make('struct s');
  const storing = (key: string, value: Value, message: string | RegExp) => {
    object.set(key, value);
    assert.throws(() => call('C.strlen', ''), scriptError(message));
    object.set(key, undefined);
  };
  storing('i', 'x', 'field i of struct s: number expected, got string');
  storing('name', 'hello', 'field name of struct s has room for 4 bytes, not for 5');
  storing('nosuch', 1, 'struct s has no field nosuch');
  storing('text', true, 'field text of struct s: char * expected, got boolean');
  storing('text', fn('f'), 'C cannot call a function of a script');
  object.set('name', 'four');
  assert.is(call('C.strlen', ''), 0);
  assert.is(object.get('name'), 'four');
});

testUnless(
  process.getuid?.() === 0 && /vfs_read$/m.test(kernelSymbols())
    ? undefined
    : 'the symbols of the kernel cannot be read',
  calls,
  'a function that only the kernel has',
  () => {
    const { call } = withFfi('long vfs_read(void *, char *, size_t, void *);');
    assert.throws(
      () => call('C.vfs_read', undefined, undefined, 0, undefined),
      scriptError('C.vfs_read: only the kernel has this function'),
    );
  },
);

testUnless(whyNoLog(), calls, 'printk writes to the log of the kernel', () => {
  const { call } = withFfi(
    'int printk(const char *fmt, ...); int open(const char *, int); ssize_t read(int, void *, size_t); long lseek(int, long, int); int close(int);',
  );
  const text = `ktap test ${process.pid}`;
  const log = call('C.open', '/dev/kmsg', 0x800) as number;
  call('C.lseek', log, 0, 2);
  assert.is(call('C.printk', '%s: %d\n', text, 42), text.length + 5);
  const buffer = call('ffi.new', 'char[8192]') as FakeTable;
  const n = call('C.read', log, buffer, 8192) as number;
  assert.match(call('ffi.string', buffer, n) as string, new RegExp(`;${text}: 42\n`));
  call('C.close', log);
  assert.throws(() => call('C.printk', '%d', 'x'), scriptError(/number expected for %d, got string/));
});

function kernelSymbols(): string {
  try {
    return readFileSync('/proc/kallsyms', 'latin1');
  } catch {
    return '';
  }
}

function whyNoLog(): string | undefined {
  try {
    accessSync('/dev/kmsg', constants.W_OK | constants.R_OK);
    return undefined;
  } catch {
    return '/dev/kmsg cannot be read and written';
  }
}

calls.run();
