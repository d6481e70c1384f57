// `npm run fuzz`: searches until its time is over, with seeds from a random place or a given one, and prints what it
// finds. A finding's seed shows it again: `--seed N`.

import { isMainThread } from 'node:worker_threads';
import { findingText, type SearchKind, searchInThreads, work } from './workers.js';

const KINDS: readonly SearchKind[] = ['programs', 'damaged scripts', 'damaged modules', 'damaged recordings'];
/** Seconds that one kind has before the next has its turn. */
const TURN_SECONDS = 20;

const USAGE = 'usage: npm run fuzz -- [programs|scripts|modules|recordings] [--minutes N] [--seed S]';

function optionsOf(args: readonly string[]): { minutes: number; seed: number; kinds: readonly SearchKind[] } {
  let minutes = 1;
  let seed = Math.floor(Math.random() * 1e9);
  let kinds = KINDS;
  for (let i = 0; i < args.length; i++) {
    const option = args[i]!;
    if (!option.startsWith('-')) {
      kinds = KINDS.filter((kind) => kind.endsWith(option));
      continue;
    }
    const value = args[++i];
    if (option === '--minutes' && Number(value) > 0) minutes = Number(value);
    else if (option === '--seed' && /^\d+$/.test(value ?? '')) seed = Number(value);
    else throw new Error(USAGE);
  }
  if (kinds.length === 0) throw new Error(USAGE);
  return { minutes, seed, kinds };
}

async function fuzz(): Promise<void> {
  const { minutes, seed, kinds } = optionsOf(process.argv.slice(2));
  const end = performance.now() + minutes * 60_000;
  const checked = new Map<SearchKind, number>();
  let found = 0;
  console.log(`from seed ${seed}, for ${minutes} min`);
  for (let turn = 0; performance.now() < end; turn++) {
    const kind = kinds[turn % kinds.length]!;
    const before = checked.get(kind) ?? 0;
    const milliseconds = Math.min(TURN_SECONDS * 1000, end - performance.now());
    const search = { kind, first: seed + before, count: 1_000_000, milliseconds };
    const result = await searchInThreads(import.meta.url, search);
    checked.set(kind, before + result.checked);
    found += result.findings.length;
    for (const finding of result.findings) console.log(findingText(finding));
  }
  for (const [kind, count] of checked) console.log(`${kind}: ${count} checked`);
  console.log(`${found} found`);
  process.exitCode = found > 0 ? 1 : 0;
}

if (isMainThread) {
  try {
    await fuzz();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
} else {
  await work();
}
