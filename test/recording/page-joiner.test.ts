// Partly filled sub-buffers joined to full ones: the same records at the same times, in fewer pages.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LAYOUT_64_BIT, SubBufferReader } from '../../src/events/ring-buffer.js';
import { PageJoiner } from '../../src/recording/page-joiner.js';
import { SubBufferBuilder, seeded, simpleRecord, TestMemory } from '../events/sub-buffers.js';

const test = suite('joined pages');
const memory = new TestMemory();
const SIZE = 1024;

test.before.each(() => memory.reset());

/** Time and value of each record of some pages, and `lost` where events were lost before one. */
function records(pages: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const reader = new SubBufferReader(memory.memory, LAYOUT_64_BIT, 0n);
  for (const page of pages) {
    const address = memory.place(page);
    reader.open(address, page.length);
    if (reader.missed !== 0) found.push(`lost ${reader.missed}`);
    while (reader.next()) found.push(`${reader.time} ${memory.memory.u32[(reader.address + 8) >>> 2]}`);
    assert.not(reader.damaged);
  }
  return found;
}

function join(pages: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  const joiner = new PageJoiner(LAYOUT_64_BIT, SIZE, (page) => joined.push(page.slice()));
  for (const page of pages) joiner.append(page);
  joiner.flush();
  return joined;
}

test('pages of a few records', () => {
  const random = seeded(11);
  let now = 1n << 40n;
  let value = 0;
  const pages: Uint8Array[] = [];
  for (let page = 0; page < 300; page++) {
    now += BigInt(random(2 ** 30));
    const builder = new SubBufferBuilder(now, SIZE);
    for (let count = random(20); count > 0; count--) {
      now += BigInt([0, 50, 2 ** 28][random(3)]!);
      builder.record(now, simpleRecord(300, 1, value++), { absolute: random(5) === 0 });
    }
    if (random(4) === 0) builder.discarded(5, 8);
    // The end of a page's entries, as the kernel marks it.
    if (random(4) === 0) builder.word(29);
    pages.push(builder.finish(random(20) === 0 ? 7 : undefined));
  }
  const joined = join(pages);
  assert.equal(records(joined), records(pages));
  assert.ok(joined.length < pages.length / 2, `${joined.length} of ${pages.length}`);
});

test('full pages stay as they are', () => {
  const builder = new SubBufferBuilder(1000n, SIZE);
  for (let value = 0; builder.record(1000n, simpleRecord(300, 1, value)); value++);
  const page = builder.finish();
  const empty = new SubBufferBuilder(1001n, SIZE).finish();
  assert.equal(join([page, empty, page]), [page, page]);
});

test('a page that makes no sense goes through', () => {
  // A record with a length that no page has room for.
  const page = new SubBufferBuilder(1000n, SIZE).word(0).word(0xfffffff0).finish();
  const good = new SubBufferBuilder(1000n, SIZE);
  good.record(1000n, simpleRecord(300, 1, 1));
  const whole = good.finish();
  assert.equal(join([whole, page, whole]), [whole, page, whole]);
});

test.run();
