// Runs the tests: bundles each test/**/*.test.ts into build/test-<pid>/ and gives them to uvu, one process a file.
// Last line: `N passed, N failed, N skipped`.
// `npm test -- PATTERN…` runs only the files whose path contains one of the patterns; `npm test -- profile.trace` runs the
// cases of that file.

import { rmSync } from 'node:fs';
import { bundleTests, chooseTests } from './bundle-tests.js';
import { runTests } from './run-tests.js';

process.chdir(new URL('..', import.meta.url).pathname);

const { files, environment } = chooseTests(process.argv.slice(2));
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
Object.assign(process.env, environment);

// A folder of this run's own: two runs do not disturb each other.
const bundles = `build/test-${process.pid}`;
process.on('exit', () => rmSync(bundles, { recursive: true, force: true }));
await bundleTests(files, bundles);
const sum = await runTests(files, bundles, console.log);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 ? 1 : 0);
