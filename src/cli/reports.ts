// What is said on standard error at the end of a run: lost events, and the figures of --stats.

import type { TraceResult } from '../index.js';

/** Losses are never silent. */
export function reportLosses({ losses }: TraceResult, say: (text: string) => void): void {
  if (losses.length === 0) return;
  const known = losses.reduce((sum, { events }) => sum + (events ?? 0), 0);
  const where = losses.map(({ cpu, events }) => `CPU ${cpu}: ${events ?? 'some'}`).join(', ');
  say(`ktap: warning: ${known > 0 ? known : 'some'} events were lost (${where})`);
}

/** The figures of a run: events, handlers, heap, processor time of this process. */
export function reportStatistics(result: TraceResult, milliseconds: number, say: (text: string) => void): void {
  const { user, system } = process.cpuUsage();
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  say(
    `ktap: ran ${milliseconds.toFixed(0)} ms, processor time ${(user / 1000).toFixed(0)} ms user, ${(system / 1000).toFixed(0)} ms system`,
  );
  say(`ktap: ${result.events} events handled, ${result.losses.length === 0 ? 'none' : 'some'} lost`);
  for (const { name, calls } of result.handlers) say(`ktap: ${calls} × ${name}`);
  const { used, peak, collections, longestPause } = result.heap;
  say(
    `ktap: heap ${mebibytes(used)}, at most ${mebibytes(peak)}, ${collections} collections, longest ${longestPause.toFixed(2)} ms`,
  );
  say(`ktap: process at most ${mebibytes(process.resourceUsage().maxRSS * 1024)}`);
}
