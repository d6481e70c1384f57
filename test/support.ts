// What the tests share: the project's folder, running the command line, skipping with a reason.

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's folder; tests run with it as the current folder. */
export const ROOT = process.cwd();
export const KTAP = fileURLToPath(new URL(`file://${ROOT}/bin/ktap.cjs`));

/** How much slower than usual this machine is (an emulated one): limits of time are that much longer. */
export const SLOWNESS = Number(process.env.KTAP_TEST_SLOWNESS ?? 1);

export interface Ran {
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ktap ARGS…` to its end. */
export function ktap(
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; timeout?: number; cwd?: string } = {},
): Promise<Ran> {
  return run(process.execPath, [KTAP, ...args], options);
}

export function run(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; timeout?: number; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      timeout: (options.timeout ?? 60_000) * SLOWNESS,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('error', reject);
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('close', (status, signal) =>
      resolve({
        status: status ?? -1,
        signal,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}

/** Why live tracing cannot be tested here; undefined where it can. */
export function whyNoTracing(): string | undefined {
  if (process.getuid?.() !== 0) return 'live tracing needs root';
  const root = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].find((path) => existsSync(`${path}/instances`));
  if (root === undefined) return 'tracefs is not mounted';
  try {
    accessSync(`${root}/instances`, constants.W_OK);
  } catch {
    return `${root}/instances is not writable`;
  }
  return undefined;
}

/**
 * Makes an instance's trace files print pointers as they are. Where the kernel was started with no_hash_pointers they do
 * anyway, and the option is left alone: with it off, kernels before 6.13 print each text's first %s as nothing
 * (trace_check_vprintf cuts its own buffer, which then holds the format too).
 */
export function plainPointers(instance: string): void {
  if (readFileSync('/proc/cmdline', 'latin1').includes('no_hash_pointers')) return;
  if (existsSync(`${instance}/options/hash-ptr`)) writeFileSync(`${instance}/options/hash-ptr`, '0');
}

/** Registers `test` with a uvu suite, or a printed skip where `reason` says why it cannot run. */
export function testUnless(
  reason: string | undefined,
  suite: { (name: string, body: () => Promise<void> | void): void; skip(name?: string, body?: () => void): void },
  name: string,
  body: () => Promise<void> | void,
): void {
  if (reason === undefined) {
    suite(name, body);
    return;
  }
  console.log(`SKIP ${name}: ${reason}`);
  suite.skip(name, () => {});
}
