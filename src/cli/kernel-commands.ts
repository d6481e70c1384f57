// The commands that look at or clean the kernel without running a script: -l, -lv, --clean.

import { removeLeftovers } from '../events/cleanup.js';
import { describeEvents, listEvents as eventNames } from '../events/live-source.js';
import { writeOut } from '../session/output.js';
import type { Options } from './options.js';

/** Prints the events whose names match a glob (`sys:event`, or a part of the event's name), with their fields if asked. */
export function listEvents(glob: string, verbose: boolean): void {
  const lines = verbose ? describeEvents(glob) : eventNames(glob);
  writeOut(1, lines.map((line) => `${line}\n`).join(''));
}

/** Removes what killed tracers left, and says what that was. */
export function cleanUp({ quiet }: Options): void {
  const removed = removeLeftovers();
  if (quiet === true) return;
  for (const name of removed) process.stderr.write(`ktap: removed ${name}\n`);
  process.stderr.write(
    `ktap: ${removed.length === 0 ? 'nothing was left by killed tracers' : `${removed.length} removed`}\n`,
  );
}
