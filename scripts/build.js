// Builds dist/: the interpreter (AssemblyScript → WebAssembly), the command line and the library (esbuild), their types
// (tsc, only for the package). What is up to date is not made again.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { build } from 'esbuild';
import { generateAssemblyConstants } from './generate.js';

process.chdir(new URL('..', import.meta.url).pathname);

const forPackage = process.argv.includes('--package');

const newest = (paths) => Math.max(...paths.map((path) => statSync(path).mtimeMs));
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`);

mkdirSync('dist', { recursive: true });
if (forPackage)
  for (const file of readdirSync('dist')) if (file !== 'interpreter.wasm') rmSync(`dist/${file}`, { recursive: true });

await generateAssemblyConstants();
const wasm = 'dist/interpreter.wasm';
if (!existsSync(wasm) || statSync(wasm).mtimeMs < newest([...filesBelow('assembly'), 'asconfig.json'])) {
  execFileSync(
    process.execPath,
    ['node_modules/assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', 'release'],
    {
      stdio: 'inherit',
    },
  );
}

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  // Less text to compile at each start.
  minify: true,
  sourcemap: forPackage ? false : 'linked',
  define: { KTAP_VERSION: JSON.stringify(JSON.parse(readFileSync('package.json', 'utf8')).version) },
  logLevel: 'warning',
};
await build({ ...shared, entryPoints: { index: 'src/index.ts' }, outdir: 'dist', format: 'esm' });
// The command line is one CommonJS script, since those can have a code cache (bin/ktap.cjs).
await build({
  ...shared,
  entryPoints: { cli: 'src/cli/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  define: { ...shared.define, 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
});
execFileSync(process.execPath, ['scripts/write-code-cache.cjs'], { stdio: 'inherit' });

if (forPackage || !existsSync('dist/types/index.d.ts')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    stdio: 'inherit',
  });
}
