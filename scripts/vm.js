// Runs the tests of live tracing in emulated machines with stock kernels of Debian, for what the kernel here lacks:
//
//   npm run test:vm [-- PATTERN…]            the live tests (or those that match), under each x86-64 kernel
//   npm run test:vm -- --kernel 6.12         under this kernel only
//   npm run test:vm -- --arch aarch64        on an emulated arm64
//   npm run test:vm -- --cpus 2              with two processors
//   npm run test:vm -- --modules xfs,nbd     with more of the kernel's modules loaded
//   npm run test:vm -- --shell 'ktap -e …'   a shell command inside, instead of tests; its output and status
//   npm run test:vm -- --console             an interactive shell inside
//
// Last line: `N passed, N failed, N skipped`. Where qemu or Debian's packages cannot be had it says so, and succeeds.

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleTests, chooseTests } from './bundle-tests.js';
import { ARCHITECTURES, kernels, missingPrograms, unpacked, updateLists } from './vm/debian.js';
import { boot, disksOf, qemuOf } from './vm/machine.js';
import { modules, project, userLand } from './vm/root-file-system.js';

process.chdir(new URL('..', import.meta.url).pathname);

/** What is tested without patterns: what touches the kernel. */
const LIVE = ['test/trace/', 'live', 'test/events/perf.test.ts', 'test/session/'];

/** How much slower than a real machine an emulated one is, at worst. */
const SLOWNESS = 10;

function skip(reason) {
  console.log(`SKIP emulated machine: ${reason}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string', default: '' },
    arch: { type: 'string', default: 'x86_64' },
    cpus: { type: 'string', default: '1' },
    modules: { type: 'string', default: '' },
    shell: { type: 'string' },
    console: { type: 'boolean', default: false },
    verbose: { type: 'boolean', short: 'v', default: false },
    limit: { type: 'string', default: '1800' },
  },
});
const machine = { arm64: 'aarch64', amd64: 'x86_64' }[options.arch] ?? options.arch;
const architecture = ARCHITECTURES[machine];
if (architecture === undefined) {
  console.error(`--arch ${options.arch}: there are ${Object.keys(ARCHITECTURES).join(' and ')}`);
  process.exit(2);
}
const missing = missingPrograms(qemuOf(machine));
if (missing.length > 0) skip(`${missing.join(', ')} not installed`);
try {
  updateLists();
} catch (error) {
  skip(error.message);
}

const single = options.shell !== undefined || options.console;
const offered = kernels(architecture);
let chosen = offered.filter(({ release }) => release.startsWith(options.kernel));
if (chosen.length === 0) {
  console.error(`--kernel ${options.kernel}: Debian has ${offered.map(({ release }) => release).join(', ')}`);
  process.exit(2);
}
// A command wants one machine, and an emulated arm64 is slow: the oldest kernel there, unless another is named.
if (single || (machine === 'aarch64' && options.kernel === '')) chosen = chosen.slice(0, 1);

const job = { environment: { KTAP_TEST_SLOWNESS: String(SLOWNESS), KTAP_TEST_DISKS: disksOf(machine).join(' ') } };
if (options.verbose) job.environment.KTAP_TEST_VERBOSE = '1';
if (options.shell !== undefined) job.command = `alias ktap='node /ktap/bin/ktap.cjs'\n${options.shell}`;
let bundles;
if (!single) {
  const { files, environment } = chooseTests(patterns.length > 0 ? patterns : LIVE);
  if (files.length === 0) {
    console.error('no test file matches');
    process.exit(1);
  }
  Object.assign(job.environment, environment);
  bundles = `build/test-${process.pid}`;
  process.on('exit', () => rmSync(bundles, { recursive: true, force: true }));
  await bundleTests(files, bundles);
  Object.assign(job, { files, bundles });
}

const sum = { passed: 0, failed: 0, skipped: 0 };
/** Reasons of skips, with the number of tests. */
const lacking = new Map();
let status = 0;
for (const kernel of chosen) {
  let image;
  let archives;
  try {
    image = `${unpacked(kernel.package, architecture)}/boot/vmlinuz-${kernel.release}`;
    archives = [
      userLand(machine),
      modules(
        kernel,
        architecture,
        options.modules.split(',').filter((name) => name !== ''),
      ),
      project(machine, job, bundles),
    ];
  } catch (error) {
    skip(`${kernel.package}: ${error.stderr ?? error.message}`);
  }
  const started = Date.now();
  const problem = await boot({
    machine,
    kernel: image,
    archives,
    cpus: Number(options.cpus),
    seconds: Number(options.limit),
    interactive: options.console,
    onResult({ ready, release, output, exit, passed, failed, skipped }) {
      if (ready !== undefined && !single) {
        const seconds = ((Date.now() - started) / 1000).toFixed(1);
        console.log(`Linux ${release} on ${machine}, ${options.cpus} CPU, ready after ${seconds} s`);
      }
      if (output !== undefined) {
        if (single) process.stdout.write(Buffer.from(output, 'latin1'));
        else process.stdout.write(output);
        for (const [, reason] of output.matchAll(/^ *SKIP .*: (.*)$/gm))
          lacking.set(reason, (lacking.get(reason) ?? 0) + 1);
      }
      if (exit !== undefined) status = Math.max(status, Number(exit) || 0);
      sum.passed += passed ?? 0;
      sum.failed += failed ?? 0;
      sum.skipped += skipped ?? 0;
    },
  });
  if (problem !== undefined) {
    console.log(`FAIL the machine with ${kernel.release}: ${problem}`);
    sum.failed++;
    status = 1;
  }
}
if (single) process.exit(status);
for (const [reason, tests] of lacking) console.log(`skipped ${tests}: ${reason}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 ? 1 : 0);
