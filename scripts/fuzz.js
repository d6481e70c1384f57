// Searches for programs on which the engine and the reference evaluator disagree, and for damage to scripts, modules
// or recordings that brings out more than an error: `npm run fuzz -- [programs|scripts|modules|recordings] --minutes N [--seed S]`.

import { spawn } from 'node:child_process';
import { build } from 'esbuild';
import { TEST_BUNDLE } from './bundle-tests.js';

process.chdir(new URL('..', import.meta.url).pathname);

const program = 'build/fuzz/fuzz.mjs';
await build({ ...TEST_BUNDLE, entryPoints: ['test/support/fuzz.ts'], outfile: program });
const child = spawn(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
child.on('close', (code) => process.exit(code ?? 1));
