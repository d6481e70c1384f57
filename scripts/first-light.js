// `npm start`: shows the main job in one run, counting system calls by name and drawing the histogram. Live on a command
// where the machine lets us trace, else on the recording that the package carries. One line says which, and why.

import { spawnSync } from 'node:child_process';

process.chdir(new URL('..', import.meta.url).pathname);

const SCRIPT = 'samples/syscalls/histogram.kp';
const RECORDING = 'samples/recordings/syscalls.dat';
const WORKLOAD = ['ls', '-lR', '/usr/share/doc', '/etc'];

/** A script that attaches a probe and ends at once: mounts tracefs where that is missing and allowed. */
const PROBE = 'trace syscalls:sys_enter_getppid {} tick-1ms { exit(0) }';

const ktap = (args, stdio) => spawnSync(process.execPath, ['bin/ktap.cjs', ...args], { stdio });

/** Why this machine cannot be traced by this user, in the tool's own words; undefined where it can. */
function whyNotLive() {
  if (process.platform !== 'linux') return 'this is not Linux';
  const { status, stderr } = ktap(['-q', '-e', PROBE], 'pipe');
  return status === 0
    ? undefined
    : String(stderr)
        .split('\n')[0]
        .replace(/^.*error: /, '');
}

function live() {
  console.log(`Live: the system calls of \`${WORKLOAD.join(' ')}\`, since this machine can be traced.\n`);
  return ktap([SCRIPT, '--', 'sh', '-c', 'exec "$@" >/dev/null 2>&1', 'sh', ...WORKLOAD], 'inherit').status;
}

function replay(reason) {
  console.log(`From the recording ${RECORDING}, since live tracing is not to be had here: ${reason}\n`);
  return ktap(['--replay', RECORDING, SCRIPT], 'inherit').status;
}

const reason = whyNotLive();
if (reason === undefined) live();
// The status of the workload is its own affair; the recording must work.
else process.exitCode = replay(reason);
