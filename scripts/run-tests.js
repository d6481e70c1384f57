// Runs bundled test files, one process a file so that no test depends on another, and counts. Used by test.js, and inside the
// emulated machine (vm/guest.js), where there is nothing but Node.

import { spawn } from 'node:child_process';

/** Runs one test file; answers what it counted. */
function run(name, bundles) {
  return new Promise((resolve) => {
    const path = `${bundles}/${name.replace(/\.ts$/, '.mjs')}`;
    const child = spawn(process.execPath, ['--enable-source-maps', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // KTAP_TEST_SLOWNESS: how much slower than usual this machine is.
      timeout: 150_000 * Number(process.env.KTAP_TEST_SLOWNESS ?? 1),
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

/** Runs test files (paths below test/) from the folder of their bundles; `print` gets lines as they come. */
export async function runTests(files, bundles, print) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const name of files) {
    const started = Date.now();
    const result = await run(name, bundles);
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skipped += result.skipped;
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    print(
      `${result.failed > 0 ? 'FAIL' : 'ok  '} test/${name}: ${result.passed} passed${result.skipped ? `, ${result.skipped} skipped` : ''} (${seconds} s)`,
    );
    // A skip is never silent: tests print its reason on a line of their own.
    for (const line of result.output.split('\n')) if (line.startsWith('SKIP ')) print(`     ${line}`);
    if (result.failed > 0 || process.env.KTAP_TEST_VERBOSE !== undefined) print(result.output);
  }
  return sum;
}
