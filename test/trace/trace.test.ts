// Runs the .trace files of this folder (README.md says how they are written) on the live kernel.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KTAP, type Ran, ROOT, SLOWNESS, testUnless, whyNoTracing } from '../support.js';

type Case = Readonly<Record<string, string>>;

const KEYS = ['name', 'needs', 'script', 'options', 'command', 'signal', 'expect', 'stderr', 'status'];
const INSTANCES = '/sys/kernel/tracing/instances';

function parseCases(text: string): Case[] {
  return text.split(/^---+$/m).map((part) => {
    const found: Record<string, string> = {};
    let key = '';
    for (const line of part.split('\n')) {
      const match = /^([a-z]+):(?: (.*))?$/.exec(line);
      if (match !== null) {
        key = match[1]!;
        if (!KEYS.includes(key)) throw new Error(`unknown key ${key}`);
        found[key] = match[2] ?? '';
      } else if (line.startsWith('    ') || line === '') {
        if (key !== '' && (line !== '' || found[key] !== '')) {
          found[key] = found[key] === '' ? line.slice(4) : `${found[key]}\n${line.slice(4)}`;
        }
      } else if (!line.startsWith('#')) throw new Error(`not understood: ${line}`);
    }
    for (const each of Object.keys(found)) found[each] = found[each]!.trimEnd();
    return found;
  });
}

/** Why a case cannot run here. */
function missing(needs: string): string | undefined {
  for (const need of needs.split(' ').filter((each) => each !== '')) {
    if (need === 'tracing') {
      const reason = whyNoTracing();
      if (reason !== undefined) return reason;
    } else if (need === 'perf') {
      if (!existsSync('/proc/sys/kernel/perf_event_paranoid')) return 'the kernel has no perf events';
    } else if (need.startsWith('cpus=')) {
      if (availableParallelism() < Number(need.slice(5))) return `it needs ${need.slice(5)} CPUs`;
    } else if (!(process.env.PATH ?? '').split(':').some((path) => readable(path).includes(need))) {
      return `${need} is not installed`;
    }
  }
  return undefined;
}

function readable(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const substitute = (text: string): string =>
  text
    .replaceAll('NODE', process.execPath)
    .replace(
      /GETPPID\((\d+)\)/g,
      (_, count) => `${process.execPath} -e 'for (let i = 0; i < ${count}; i++) process.ppid'`,
    );

/** Runs ktap on a case; sends its signal once tracing is announced. */
function runCase(test: Case, folder: string): Promise<Ran & { readonly pid: number }> {
  writeFileSync(join(folder, 'script.kp'), `${substitute(test.script ?? '')}\n`);
  const args = (test.options ?? '').split(' ').filter((each) => each !== '');
  if (test.command !== undefined && !args.includes('-q') && !args.includes('-v')) args.push('-q');
  args.push('script.kp');
  if (test.command !== undefined) args.push('--', 'sh', '-c', substitute(test.command));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [KTAP, ...args], { cwd: folder, timeout: 60_000 * SLOWNESS });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (test.signal === undefined || !String(chunk).includes('Tracing...')) return;
      const [name, seconds] = test.signal.split(' ');
      setTimeout(() => child.kill(`SIG${name}` as NodeJS.Signals), Number(seconds) * 1000 * Math.min(SLOWNESS, 4));
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: status ?? -1, signal, stdout, stderr, pid: child.pid! }));
  });
}

/** Whether lines are as expected; `...` stands for any number of lines. */
function matches(expected: readonly string[], lines: readonly string[]): boolean {
  if (expected.length === 0) return lines.length === 0;
  const [first, ...rest] = expected;
  if (first === '...') return lines.some((_, index) => matches(rest, lines.slice(index))) || matches(rest, []);
  if (lines.length === 0) return false;
  const ok = /^\/.*\/$/.test(first!) ? new RegExp(first!.slice(1, -1)).test(lines[0]!) : first === lines[0];
  return ok && matches(rest, lines.slice(1));
}

/** The files to run: those that scripts/bundle-tests.js chose, or all. */
const FILES =
  process.env.KTAP_TRACE_FILES?.split(' ') ??
  readdirSync(join(ROOT, 'test/trace')).filter((name) => name.endsWith('.trace'));

for (const file of FILES) {
  const cases = suite(file);
  const folder = mkdtempSync(join(tmpdir(), 'ktap-trace-'));
  cases.after(() => rmSync(folder, { recursive: true }));
  for (const each of parseCases(readFileSync(join(ROOT, 'test/trace', file), 'utf8'))) {
    testUnless(missing(each.needs ?? 'tracing'), cases, `${file}: ${each.name}`, async () => {
      const { status, stdout, stderr, pid } = await runCase(each, folder);
      const lines = stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
      if (each.stderr !== undefined) assert.match(stderr, new RegExp(each.stderr, 's'));
      else assert.is(stderr, '');
      if (each.expect !== undefined) {
        const expected = each.expect === '' ? [] : each.expect.split('\n');
        assert.ok(matches(expected, lines), `expected:\n${each.expect}\ngot:\n${stdout}\n${stderr}`);
      }
      assert.is(status, Number(each.status ?? 0), stderr);
      // Other tracers may run beside this test.
      const left = readable(INSTANCES).filter((name) => name.startsWith(`ktap-${pid}-`));
      assert.equal(left, []);
    });
  }
  cases.run();
}
