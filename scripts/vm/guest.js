// Does the job inside the emulated machine, and tells what comes of it on standard output (a serial port of its own, so that
// messages of the kernel cannot get between): one JSON value a line.
//
//   job.json   { command: "shell command line" } or { files: ["trace/trace.test.ts", …], bundles: "build/…" },
//              and environment: { NAME: "value" }
//   results    { ready: seconds since the kernel started, release }   once, first
//              { output: text }                                       as it comes
//              { exit: status, passed?, failed?, skipped? }            once, last

import { spawn } from 'node:child_process';
import { readFileSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { runTests } from '../run-tests.js';

const report = (value) => {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
};

const job = JSON.parse(readFileSync('job.json', 'utf8'));
Object.assign(process.env, job.environment);
report({ ready: Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]), release: release() });
if (job.command !== undefined) {
  const child = spawn('sh', ['-c', job.command], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1');
    stream.on('data', (output) => report({ output }));
  }
  child.on('close', (status, signal) => report({ exit: status ?? signal }));
} else {
  const sum = await runTests(job.files, job.bundles, (line) => report({ output: `${line}\n` }));
  report({ exit: sum.failed > 0 ? 1 : 0, ...sum });
}
