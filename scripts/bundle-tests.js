// Finds test files by patterns and bundles them for run-tests.js; how test code is bundled at all.

import { readdirSync } from 'node:fs';
import { build } from 'esbuild';

/**
 * The test files whose path contains one of the patterns (all, without patterns), as paths below test/. A pattern that fits
 * .trace files chooses these cases of test/trace/trace.test.ts alone.
 * @returns files, and the environment that the tests need
 */
export function chooseTests(patterns) {
  const all = readdirSync('test', { recursive: true });
  const fits = (name) => patterns.length === 0 || patterns.some((pattern) => `test/${name}`.includes(pattern));
  const files = all.filter((name) => name.endsWith('.test.ts') && fits(name)).sort();
  const cases = all.filter((name) => name.endsWith('.trace') && fits(name));
  if (cases.length === 0 || files.includes('trace/trace.test.ts')) return { files, environment: {} };
  return {
    files: [...files, 'trace/trace.test.ts'].sort(),
    environment: { KTAP_TRACE_FILES: cases.map((name) => name.slice(name.lastIndexOf('/') + 1)).join(' ') },
  };
}

/** For esbuild: code of test/ for this Node, with stacks that name its sources. */
export const TEST_BUNDLE = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  logLevel: 'warning',
};

/** Bundles test files into a folder. */
export async function bundleTests(files, bundles) {
  await build({
    ...TEST_BUNDLE,
    entryPoints: files.map((name) => `test/${name}`),
    outdir: bundles,
    outbase: 'test',
    outExtension: { '.js': '.mjs' },
    splitting: true,
  });
}
