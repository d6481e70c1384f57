// Random programs do in the engine what they do in the reference evaluator, and damage brings out nothing but errors.
// `npm run fuzz` searches longer, with other seeds.

import { isMainThread } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findingText, type Search, searchInThreads, work } from '../support/workers.js';

async function findsNothing(search: Search): Promise<void> {
  const { checked, findings } = await searchInThreads(import.meta.url, search);
  assert.is(findings.map(findingText).join('\n'), '');
  assert.is(checked, search.count);
}

if (isMainThread) {
  test('20,000 random programs agree with the reference evaluator', () =>
    findsNothing({ kind: 'programs', first: 1, count: 20_000 }));

  test('4,000 damaged scripts: an error or a run', () =>
    findsNothing({ kind: 'damaged scripts', first: 1, count: 4_000 }));

  test('2,000 damaged modules: an error or a run', () =>
    findsNothing({ kind: 'damaged modules', first: 1, count: 2_000 }));

  test.run();
} else {
  await work();
}
