// Takes away what tracers leave behind. An instance is named after the process that made it, so that a later start can
// tell whether that process is still there:
//
//     ktap-PID-START-N        START: start time of the process in clock ticks since boot, since a pid is used again
//     ktap-PID-START-N-ns42   made in another pid namespace than the machine's first, with that number
//
// Probes are in a group named after the instance, with underscores (dynamic-events.ts). Only what carries such a name and
// belongs to nobody alive is touched.

import { mkdirSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { findTracefs, readText, TracefsFolder } from './tracefs.js';

/** /proc/PID/ns/pid of the machine's first pid namespace; the number is fixed (include/linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = '4026531836';
/** How long to wait for a process that is just being killed to let go of its files, in milliseconds. */
export const BUSY_PATIENCE = 500;
const BUSY_STEP = 2;

/** State letter and start time of a process, undefined where there is none. */
function processStat(pid: string): { state: string; start: string } | undefined {
  try {
    const text = readText(`/proc/${pid}/stat`);
    // The name, in parentheses, may contain anything; field 3 is the state, field 22 the start time.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, start: fields[19]! };
  } catch {
    return undefined;
  }
}

function pidNamespace(pid: string): string | undefined {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0];
  } catch {
    return undefined;
  }
}

/** Makes a folder below `instances` under a name of this process that is not in use yet; answers its path. Throws Node's errors. */
export function makeOwnedFolder(instances: string): string {
  const namespace = pidNamespace('self') ?? FIRST_PID_NAMESPACE;
  const suffix = namespace === FIRST_PID_NAMESPACE ? '' : `-ns${namespace}`;
  const owner = `${process.pid}-${processStat('self')?.start ?? 0}`;
  for (let number = 0; ; number++) {
    const path = `${instances}/ktap-${owner}-${number}${suffix}`;
    try {
      mkdirSync(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Whether the process that an instance or a group of probes is named after is gone; false for names that are not ours. */
export function ownerIsDead(name: string): boolean {
  const match = /^ktap-(\d+)-(\d+)-\d+(?:-ns(\d+))?$/.exec(name.replaceAll('_', '-'));
  if (match === null) return false;
  const [, pid, start, namespace = FIRST_PID_NAMESPACE] = match;
  const here = pidNamespace('self') ?? FIRST_PID_NAMESPACE;
  if (namespace === here) {
    const stat = processStat(pid!);
    return stat === undefined || stat.start !== start || stat.state === 'Z' || stat.state === 'X';
  }
  // Another namespace: its pids mean nothing here. From the first one all processes can be seen, and if none is in that
  // namespace the owner is gone; from any other nothing can be said.
  if (here !== FIRST_PID_NAMESPACE) return false;
  return !readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && pidNamespace(entry) === namespace);
}

/**
 * Removes the instances and probes of dead tracers below the root of tracefs, and only those; answers their names. `busy`
 * is told of those that cannot be removed because somebody uses them; the events of instances are off then. Throws
 * KtapError where tracefs is not there, Node's errors where `instances` cannot be read.
 */
export function removeLeftovers(root = findTracefs(), busy: (name: string) => void = () => {}): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(`${root}/instances`)) {
    if (!name.startsWith('ktap-') || !ownerIsDead(name)) continue;
    if (removeInstance(`${root}/instances/${name}`, BUSY_PATIENCE)) removed.push(name);
    else busy(name);
  }
  // Behind the instances, in which they are switched on.
  const probes = removeProbes(root, (group) => group.startsWith('ktap_') && ownerIsDead(group));
  for (const name of probes.busy) busy(name);
  return [...removed, ...probes.removed];
}

/**
 * Removes all probes of the groups for which `wanted` answers true. Answers the groups of which something was removed, and
 * the names (`group/event`) of those that stay because somebody else has switched them on.
 */
export function removeProbes(
  root: string,
  wanted: (group: string) => boolean,
): { readonly removed: readonly string[]; readonly busy: readonly string[] } {
  const folder = new TracefsFolder(root);
  const removed = new Set<string>();
  const busy: string[] = [];
  // dynamic_events (since 5.0) holds the probes of both other files, and event probes.
  for (const file of folder.has('dynamic_events') ? ['dynamic_events'] : ['kprobe_events', 'uprobe_events']) {
    // `p:group/event place args`, for an event with many places one such line each.
    const lines = (folder.tryRead(file) ?? '').matchAll(/^\w+:(\S+?)\/(\S+)/gm);
    const names = new Map(Array.from(lines, ([, group, event]) => [`${group}/${event}`, group!]));
    for (const [name, group] of names) {
      if (!wanted(group)) continue;
      try {
        folder.append(file, `-:${name}`);
        removed.add(group);
      } catch (error) {
        // Another tracer that was started at the same time may have been quicker.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') busy.push(name);
      }
    }
  }
  return { removed: [...removed], busy };
}

/**
 * Removes an instance with all that is enabled in it. False where it stays because somebody has one of its files open, after
 * `patience` milliseconds of trying; tracing in it is off then. An instance that is gone already counts as removed.
 */
export function removeInstance(path: string, patience = 0): boolean {
  for (let waited = 0; ; waited += BUSY_STEP) {
    try {
      rmdirSync(path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return true;
      if (code !== 'EBUSY' || waited >= patience) break;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_STEP);
  }
  const folder = new TracefsFolder(path);
  for (const file of ['tracing_on', 'events/enable']) {
    try {
      folder.write(file, '0');
    } catch {
      // Somebody else removed it meanwhile.
    }
  }
  return false;
}

/**
 * Calls a function when the process exits, by whatever way lets JavaScript run: the end, process.exit, an exception that
 * nobody caught. It must be synchronous. Answers a function that calls it off.
 */
export function atExit(takeDown: () => void): () => void {
  process.on('exit', takeDown);
  return () => process.off('exit', takeDown);
}
