// What is said on standard error at the end of a run: lost events, and the figures of --stats.

import type { TraceResult } from '../index.js';

/** Who lost the events, for the advice. */
export type LossPlace = 'live' | 'replay';

/** Losses are never silent. What a recording lacks by damage is said by its warnings. */
export function reportLosses(
  { losses }: Pick<TraceResult, 'losses'>,
  place: LossPlace,
  say: (text: string) => void,
): void {
  const dropped = losses.filter(({ damage }) => damage === undefined);
  if (dropped.length === 0) return;
  const known = dropped.reduce((sum, { events }) => sum + (events ?? 0), 0);
  const some = dropped.some(({ events }) => events === undefined);
  const count = known === 0 ? 'some' : `${some ? 'at least ' : ''}${known}`;
  const where = dropped.map(({ cpu, events }) => `CPU ${cpu}: ${events ?? 'some'}`).join(', ');
  const advice =
    place === 'live'
      ? "the kernel's buffers were full. A larger --buffer-size, fewer events (a filter) or less to do for each helps"
      : 'the buffers were full when it was recorded. A larger --buffer-size there (trace-cmd: -b) helps';
  say(`ktap: warning: ${count} events were lost (${where}): ${advice}`);
}

/** Losses in a few words, for --stats. */
function lossSummary(losses: TraceResult['losses']): string[] {
  if (losses.length === 0) return ['none lost'];
  return losses.map(({ cpu, events, damage }) => {
    if (damage === undefined) return `CPU ${cpu}: ${events ?? 'some'} lost`;
    return `CPU ${cpu}: ${damage.pages} damaged pages, ${damage.bytes} bytes missing`;
  });
}

/** The figures of a run: events, handlers, heap, processor time of this process. */
export function reportStatistics(result: TraceResult, milliseconds: number, say: (text: string) => void): void {
  const { user, system } = process.cpuUsage();
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  say(
    `ktap: ran ${milliseconds.toFixed(0)} ms, processor time ${(user / 1000).toFixed(0)} ms user, ${(system / 1000).toFixed(0)} ms system`,
  );
  say(`ktap: ${result.events} events handled, ${lossSummary(result.losses).join(', ')}`);
  for (const { name, calls } of result.handlers) say(`ktap: ${calls} × ${name}`);
  const { used, peak, collections, longestPause } = result.heap;
  say(
    `ktap: heap ${mebibytes(used)}, at most ${mebibytes(peak)}, ${collections} collections, longest ${longestPause.toFixed(2)} ms`,
  );
  say(`ktap: process at most ${mebibytes(process.resourceUsage().maxRSS * 1024)}`);
}
