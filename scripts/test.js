// Runs the tests: bundles each test/**/*.test.ts into build/test-<pid>/ and gives them to uvu, one process a file so that no
// test depends on another. Last line: `N passed, N failed, N skipped`.
// `npm test -- PATTERN…` runs only the files whose path contains one of the patterns.

import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

process.chdir(new URL('..', import.meta.url).pathname);

const patterns = process.argv.slice(2);
const files = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => patterns.length === 0 || patterns.some((pattern) => `test/${name}`.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}

// A folder of this run's own: two runs do not disturb each other.
const bundles = `build/test-${process.pid}`;
process.on('exit', () => rmSync(bundles, { recursive: true, force: true }));
await build({
  entryPoints: files.map((name) => `test/${name}`),
  outdir: bundles,
  outbase: 'test',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  logLevel: 'warning',
});

/** Runs one test file; answers what it counted. */
function run(name) {
  return new Promise((resolve) => {
    const path = `${bundles}/${name.replace(/\.ts$/, '.mjs')}`;
    const child = spawn(process.execPath, ['--enable-source-maps', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 150_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => {
      const figure = (label) =>
        [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
          (sum, match) => sum + Number(match[1]),
          0,
        );
      const total = figure('Total');
      const passed = figure('Passed');
      const skipped = figure('Skipped');
      let failed = total - passed;
      if (code !== 0 && failed === 0) failed = 1;
      resolve({ name, output, passed, failed, skipped });
    });
  });
}

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const name of files) {
  const started = Date.now();
  const result = await run(name);
  sum.passed += result.passed;
  sum.failed += result.failed;
  sum.skipped += result.skipped;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `${result.failed > 0 ? 'FAIL' : 'ok  '} test/${name}: ${result.passed} passed${result.skipped ? `, ${result.skipped} skipped` : ''} (${seconds} s)`,
  );
  // A skip is never silent: tests print its reason on a line of their own.
  for (const line of result.output.split('\n')) if (line.startsWith('SKIP ')) console.log(`     ${line}`);
  if (result.failed > 0) console.log(result.output);
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 ? 1 : 0);
