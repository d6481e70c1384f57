// Facts of the machine that ktap runs on: for live events, and for scripts before any source of events is open.

import { readFileSync } from 'node:fs';
import { machine as hardwareName, release } from 'node:os';

/** uname's machine and release, and the CPUs that are online; each is looked up when it is asked for. */
export const thisMachine = {
  get arch(): string {
    return hardwareName();
  },
  get kernelVersion(): string {
    return release();
  },
  get cpuCount(): number {
    return onlineCpus();
  },
};

/** CPUs that are online, from the kernel's list (`0-1,4`; Documentation/admin-guide/cputopology.rst). */
function onlineCpus(): number {
  const list = readFileSync('/sys/devices/system/cpu/online', 'latin1').trim();
  return list.split(',').reduce((sum, range) => {
    const [first, last] = range.split('-').map(Number);
    return sum + (last ?? first!) - first! + 1;
  }, 0);
}

/** Nanoseconds from the monotonic clock to the time since 1970, good to about a microsecond. */
export function wallClockOffset(): bigint {
  const wall = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  return wall - process.hrtime.bigint();
}
