// Modules as bytes: written and read back they are the same; damaged ones are errors that name the place.

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { disassemble, type Module, readModule, verify, writeModule } from '../../src/bytecode/index.js';
import { KtapError } from '../../src/language/index.js';
import { compileText, errorOf, moduleOf, prototype } from './support.js';

const test = suite('binary module');

const SCRIPT = `#!/usr/bin/ktap
# \xc3\xbcber Bytes
local counts, total = {}, 0
function add(key, n, ...) {
  counts[key] += n
  total += n
  return function (...) { return total, ... }
}
trace syscalls:sys_enter_* { add(argname, arg1, args.fd) }
tick-1s { print(total .. " \xff\\x00" .. -9223372036854775808, \`schedule\`) }
trace_end {
  for (k, v in pairs(counts)) { printf("%s %d\\n", k, v) }
  for (i = 1, 10) { if (i == 5 or not total) { break } else { counts[i] = {1, 2, x = nil, add(true, false)} } }
}`;

const module = compileText(SCRIPT).module;
const bytes = writeModule(module);

/** The checksum made right again, so that what is behind it is tried. */
function withChecksum(changed: Uint8Array): Uint8Array {
  const result = Uint8Array.from(changed);
  let crc = 0xffff_ffff;
  for (const byte of result.subarray(16)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  new DataView(result.buffer).setUint32(12, ~crc >>> 0, true);
  return result;
}

const comparable = (each: Module) => ({
  ...each,
  prototypes: each.prototypes.map((prototype) => ({
    ...prototype,
    code: [...prototype.code],
    spans: [...prototype.spans],
  })),
});

test('a module that is written and read is the same', () => {
  const back = readModule(bytes, 'test.kpc');
  assert.equal(comparable(back), comparable(module));
  assert.is(disassemble(back), disassemble(module));
  assert.equal(writeModule(back), bytes);
  verify(back);
});

test('the same script gives the same bytes', () => {
  assert.equal(writeModule(compileText(SCRIPT).module), bytes);
});

test('the bytes of a small module, the same on every machine', () => {
  const small = moduleOf(
    prototype({
      constants: [{ kind: 'integer', value: -2n }, { kind: 'string', value: 'a\xff' }, { kind: 'nil' }],
      locals: [{ name: 'x', register: 3, start: 0, end: 1 }],
    }),
  );
  const parts = [
    '1b4b50430d0a00ff', // magic
    '01000000', // version
    '3d763e79', // CRC-32
    '07746573742e6b70', // source name
    '00', // source text
    '01', // one prototype
    '046d61696e', // its name
    '000108', // parameters, vararg, registers
    '03', // constants
    '03feffffffffffffff',
    '040261ff',
    '00',
    '0100000928676c6f62616c7329', // upvalues
    '00', // children
    '0119008000', // words: RETURN 0 1
    '0000', // spans
    '010178030001', // locals
  ];
  assert.is(Buffer.from(writeModule(small)).toString('hex'), parts.join(''));
});

test('what is no module, or one of another version', () => {
  assert.is(
    errorOf(() => readModule(Buffer.from('print(1)'), 'x')).message,
    'this is no compiled ktap module (offset 0)',
  );
  assert.is(errorOf(() => readModule(new Uint8Array(0), 'x')).message, 'this is no compiled ktap module (offset 0)');
  assert.match(errorOf(() => readModule(bytes.subarray(0, 10), 'x')).message, /ends within its header \(offset 10\)/);
  const newer = Uint8Array.from(bytes);
  newer[8] = 2;
  assert.is(
    errorOf(() => readModule(newer, 'x')).message,
    'version 2 of the module format, this ktap reads version 1 (offset 8)',
  );
});

test('damage by accident is found by the checksum', () => {
  assert.match(errorOf(() => readModule(bytes.subarray(0, -1), 'x')).message, /the checksum does not match/);
  const damaged = Uint8Array.from(bytes);
  damaged[100]! ^= 1;
  assert.match(errorOf(() => readModule(damaged, 'x')).message, /the checksum does not match/);
});

test('a module that ends too early or too late says where', () => {
  assert.match(errorOf(() => readModule(withChecksum(bytes.subarray(0, -1)), 'x')).message, /\(offset \d+\)$/);
  const longer = withChecksum(Uint8Array.of(...bytes, 0));
  assert.is(errorOf(() => readModule(longer, 'x')).message, `more bytes than the module has (offset ${bytes.length})`);
});

test('a list longer than the module takes no memory', () => {
  const huge = withChecksum(Uint8Array.of(...bytes.subarray(0, 16), 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f));
  assert.is(errorOf(() => readModule(huge, 'x')).message, 'a list is longer than the module (offset 18)');
});

test('mutated modules are errors or pass the verifier, never another exception', () => {
  const mutation = fc.record({
    at: fc.integer({ min: 16, max: bytes.length - 1 }),
    value: fc.integer({ min: 0, max: 255 }),
  });
  let passed = 0;
  fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(bytes.length - 17)),
      (list, cut) => {
        const mutated = Uint8Array.from(bytes);
        for (const { at, value } of list) mutated[at] = value;
        const file = withChecksum(cut === null ? mutated : mutated.subarray(0, 16 + cut));
        try {
          const back = readModule(file, 'x');
          verify(back);
          disassemble(back);
          assert.equal(writeModule(back), file);
          passed++;
        } catch (error) {
          if (!(error instanceof KtapError)) throw error;
          assert.ok(error.message.length > 0);
        }
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(passed > 0);
});

test.run();
