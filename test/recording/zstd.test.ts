// The decoder of Zstandard blocks, against fzstd and against damage.

import { readFileSync } from 'node:fs';
import { Decompress } from 'fzstd';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordType } from '../../src/recording/perf-data/abi.js';
import { ZstdStream } from '../../src/recording/perf-data/zstd-stream.js';
import { seeded } from '../events/sub-buffers.js';

const test = suite('zstd');

/** The contents of the COMPRESSED records of a recording. */
function compressedParts(path: string): Uint8Array[] {
  const file = readFileSync(path);
  const parts: Uint8Array[] = [];
  let at = Number(file.readBigUInt64LE(40));
  for (const end = at + Number(file.readBigUInt64LE(48)); at < end; at += file.readUInt16LE(at + 6)) {
    if (file.readUInt32LE(at) === RecordType.COMPRESSED) {
      parts.push(new Uint8Array(file.subarray(at + 8, at + file.readUInt16LE(at + 6))));
    }
  }
  return parts;
}

function unpacked(parts: readonly Uint8Array[], largest = 0): { bytes: Buffer; unreadable: number } {
  const pieces: Uint8Array[] = [];
  const stream = new ZstdStream(largest, (bytes) => pieces.push(bytes.slice()));
  for (const part of parts) stream.push(part);
  return { bytes: Buffer.concat(pieces), unreadable: stream.unreadable };
}

const parts = compressedParts('samples/recordings/cpu-clock.data');
const expected = ((): Buffer => {
  const pieces: Uint8Array[] = [];
  const stream = new Decompress((bytes) => pieces.push(bytes.slice()));
  for (const part of parts) stream.push(part);
  return Buffer.concat(pieces);
})();

test('a recording, whole and in pieces of any size', () => {
  assert.is(expected.length > 20_000, true);
  assert.equal(unpacked(parts), { bytes: expected, unreadable: 0 });
  const all = Buffer.concat(parts);
  const random = seeded(4);
  for (let turn = 0; turn < 20; turn++) {
    const pieces: Uint8Array[] = [];
    // The head of the frame comes whole.
    for (let at = 0; at < all.length; ) {
      const end = Math.min(all.length, at + (at === 0 ? 18 : 1) + random(1 + turn * 100));
      pieces.push(new Uint8Array(all.subarray(at, end)));
      at = end;
    }
    assert.equal(unpacked(pieces), { bytes: expected, unreadable: 0 });
  }
});

test('damage is seen or gives other bytes, and never more than there can be', () => {
  const random = seeded(5);
  for (let turn = 0; turn < 3000; turn++) {
    const damaged = parts.map((part) => part.slice());
    for (let count = 1 + random(3); count > 0; count--) {
      const part = damaged[random(damaged.length)]!;
      part[random(part.length)] = random(256);
    }
    const { bytes } = unpacked(damaged, 2 ** 20);
    assert.is(bytes.length <= damaged.length * 2 ** 20, true);
  }
});

test('plain blocks, blocks of one byte, and the end of the frame', () => {
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0, 0];
  const raw = (last: boolean, text: string): number[] => {
    const header = (text.length << 3) | (last ? 1 : 0);
    return [header & 255, header >> 8, 0, ...Buffer.from(text)];
  };
  const same = [((1000 << 3) & 255) | 2, (1000 << 3) >> 8, 0, 0x41];
  const bytes = [...head, ...raw(false, 'plain bytes'), ...same, ...raw(true, 'end')];
  assert.is(unpacked([Uint8Array.from(bytes)]).bytes.toString(), `plain bytes${'A'.repeat(1000)}end`);
  assert.is(unpacked([Uint8Array.from(bytes), Uint8Array.of(1)]).unreadable, 1);
  // A window of 1 KiB moves on.
  const long = [...head, ...Array.from({ length: 6000 }, () => same).flat()];
  assert.is(unpacked([Uint8Array.from(long)]).bytes.length, 6_000_000);
});

test.run();
