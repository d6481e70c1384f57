// Measures commands against each other: in one run, in turn, several times, since machines are noisy. Reports medians, the
// spread, and ratios of medians.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

export const KTAP = [process.execPath, 'bin/ktap.cjs'];

/** One run of a command: wall time in ms, peak memory in KiB (of its largest process), what it printed. */
export function runOnce(command, { input } = {}) {
  const report = `${tmpdir()}/ktap-bench-${process.pid}`;
  const started = process.hrtime.bigint();
  const child = spawnSync('/usr/bin/time', ['-q', '-o', report, '-f', '%M %U %S', ...command], {
    ...(input === undefined ? {} : { input }),
    maxBuffer: 1 << 28,
  });
  const wall = Number(process.hrtime.bigint() - started) / 1e6;
  if (child.error) throw child.error;
  const [memory, user, system] = readFileSync(report, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  rmSync(report);
  return {
    wall,
    memory,
    processor: (user + system) * 1000,
    status: child.status,
    stdout: String(child.stdout),
    stderr: String(child.stderr),
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs each contender once a round, `rounds` rounds after one warm-up; `figure` makes a number of a run (or of whatever
 * the contender, if it is a function, answers). Answers { name: { median, min, max } }.
 */
export async function compare(contenders, rounds, figure = (result) => result.wall) {
  const values = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const result = typeof contender === 'function' ? await contender() : figure(runOnce(contender));
      if (round >= 0) values[name].push(result);
    }
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, list]) => [
      name,
      { median: median(list), min: Math.min(...list), max: Math.max(...list) },
    ]),
  );
}

/** `12.3 (11.9–14.0)` */
export const spread = ({ median, min, max }, digits = 1) =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
