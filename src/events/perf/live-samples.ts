// What perf adds to a live source: samples for profile timers, and the events whose handlers ask for stacks, which come
// from perf instead of the instance. Both take their place among the instance's records in one order of time.

import type { AddressBytes } from '../../engine/values.js';
import { AddressSpaces, type FileSymbols } from '../address-spaces.js';
import { type AttachedEvent, unionOfFilters } from '../attachment.js';
import type { EventCatalogue } from '../event-catalogue.js';
import type { EventFormat } from '../format.js';
import { MergedCursor, type StreamCursor } from '../merged-cursor.js';
import {
  type BoundEvent,
  type EventStacks,
  FIRST_TIMER_ID,
  type StackUse,
  type TraceRequest,
  type UserStack,
} from '../source.js';
import { PerfEvents, type PerfEventsOptions, type StackedTracepoint } from './perf-events.js';
import type { CallChain } from './sample-cursor.js';
import { noteSideBand, recordSize } from './side-band.js';

/** The kernel fires a CPU clock no sooner than after so many nanoseconds (perf_swevent_start_hrtimer in kernel/events/core.c). */
const SHORTEST_INTERVAL = 10_000;
const TRACER = /^(?:__traceiter|perf_trace|perf_call_bpf|perf_syscall)_/;
/** The kernel waits for a grace period for each event that perf lets go of, one after the other: 45 ms measured. */
const CLOSING_SECONDS = 0.045;
const MANY_EVENTS = 100;
/** Share of firings whose absence is not worth a word. */
const USUALLY_MISSED = 0.01;
/** Own threads that a filter names; the samples of others are passed over when they are read. */
const MOST_OWN_THREADS = 60;

export interface LiveSamplesOptions
  extends Pick<PerfEventsOptions, 'memory' | 'epoch' | 'allocateBuffer' | 'cpus' | 'threads' | 'now' | 'bufferSizeKb'> {
  readonly requests: readonly TraceRequest[];
  readonly events: ReadonlyMap<string, AttachedEvent>;
  readonly catalogue: EventCatalogue;
  /** Own threads, whose events are not wanted; none where they are. */
  readonly hiddenThreads: readonly number[];
  /** Of the instance's buffers. */
  readonly records: StreamCursor;
  /** The instance's buffers go into a recording, which these samples are not in. */
  readonly recording: boolean;
  /** Names of the code in programs and libraries. */
  readonly files?: FileSymbols;
  /** Messages for the user. */
  onMessage(text: string): void;
  /** Kernel symbol at an address. */
  kernelSymbol(address: bigint): string | undefined;
}

/** The events, by `system:event`, that should come from perf, with the stacks that their handlers ask for. */
function eventsWithStacks(
  requests: readonly TraceRequest[],
  events: ReadonlyMap<string, AttachedEvent>,
): Map<string, StackUse> {
  const found = new Map<string, StackUse>();
  if (!requests.some(({ stacks }) => stacks !== undefined)) return found;
  const byBlock = new Map(requests.map(({ block, stacks }) => [block, stacks]));
  for (const [name, { uses }] of events) {
    const wanted = uses.map(({ block }) => byBlock.get(block)).filter((stacks) => stacks !== undefined);
    if (wanted.length > 0) found.set(name, eitherStack(wanted));
  }
  return found;
}

const usesUser = ({ stacks }: { readonly stacks: StackUse }): boolean => stacks.user;

function eitherStack(uses: readonly StackUse[]): StackUse {
  return { kernel: uses.some(({ kernel }) => kernel), user: uses.some(({ user }) => user) };
}

/** Whether the blocks need anything of perf. */
export function needSamples(requests: readonly TraceRequest[]): boolean {
  return requests.some(({ profile, stacks, definitions, ids }) => {
    const hasEvents = definitions.length > 0 || ids !== undefined;
    return profile !== undefined || (stacks !== undefined && hasEvents);
  });
}

export class LiveSamples implements EventStacks {
  readonly cursor: MergedCursor;
  /** The events, by `system:event`, that come from here and not from the instance. */
  readonly taken: ReadonlySet<string>;
  private readonly perf: PerfEvents;
  private readonly spaces: AddressSpaces;
  private readonly timers: ReadonlyMap<
    number,
    { readonly block: number; readonly interval: number; readonly format: EventFormat }
  >;
  private readonly warned: readonly string[];
  private readonly options: LiveSamplesOptions;
  /** Kernel stacks of system calls' events, by id. */
  private readonly syscallStacks = new Map<number, AddressBytes>();
  private readonly tracers = new Map<AddressBytes, boolean>();
  /** Threads are selected: timers fire only while they run. */
  private readonly selecting: boolean;
  private enabledAt = 0;
  private enabledFor = 0;

  /** Opens the events, switched off. Throws KtapError where perf is not permitted. */
  constructor(options: LiveSamplesOptions) {
    const { requests, events, catalogue, hiddenThreads, records } = options;
    const profiles = requests.filter(({ profile }) => profile !== undefined);
    const timers = profiles.map(({ profile, stacks }, index) => ({
      interval: profile!.interval,
      id: FIRST_TIMER_ID + index,
      stacks: stacks ?? { kernel: false, user: false },
    }));
    const tracepoints: StackedTracepoint[] = [];
    for (const [name, stacks] of eventsWithStacks(requests, events)) {
      const event = events.get(name)!;
      const filter = withoutThreads(event, hiddenThreads);
      tracepoints.push({ name, id: catalogue.idOf(event), filter, stacks });
    }
    const { memory, epoch, cpus, threads, now } = options;
    this.options = options;
    this.selecting = threads !== undefined;
    this.spaces = new AddressSpaces(options.files === undefined ? {} : { files: options.files });
    this.perf = new PerfEvents({
      memory,
      epoch,
      cpus,
      threads,
      now,
      bufferSizeKb: options.bufferSizeKb,
      allocateBuffer: options.allocateBuffer,
      timers,
      tracepoints,
      ...(timers.some(usesUser) || tracepoints.some(usesUser)
        ? { sideBand: (_type, address) => noteSideBand(this.spaces, memory, address, recordSize(memory, address)) }
        : {}),
      hiddenPid: hiddenThreads.length > 0 ? process.pid : undefined,
    });
    if (options.recording && tracepoints.length > 0) {
      const names = tracepoints.map(({ name }) => name).join(', ');
      options.onMessage(`ktap: warning: not recorded, since their handlers ask for stacks: ${names}`);
    }
    this.takeSyscallStacks(tracepoints, catalogue);
    const { refused } = this.perf;
    this.taken = new Set(tracepoints.map(({ name }) => name).filter((name) => !refused.includes(name)));
    if (refused.length > 0) options.onMessage(`ktap: warning: the kernel has no stacks for ${refused.join(', ')}`);
    if (this.taken.size > MANY_EVENTS) {
      const seconds = Math.ceil(this.taken.size * CLOSING_SECONDS);
      options.onMessage(
        `ktap: warning: ${this.taken.size} events with stacks: switching them off can take ${seconds} s`,
      );
    }
    this.timers = new Map(
      profiles.map(({ block, profile }, index) => {
        const id = FIRST_TIMER_ID + index;
        const { name, interval } = profile!;
        return [id, { block, interval, format: { system: 'timer', name, id, fields: [], printFormat: '""' } }];
      }),
    );
    this.cursor = new MergedCursor(records, this.perf.cursor);
    this.warned = profiles
      .filter(({ profile }) => profile!.interval < SHORTEST_INTERVAL)
      .map(({ profile }) => tooShort(profile!.name));
  }

  private takeSyscallStacks(tracepoints: readonly StackedTracepoint[], catalogue: EventCatalogue): void {
    for (const event of ['sys_enter', 'sys_exit']) {
      const calls = tracepoints.filter(({ name, stacks }) => stacks.kernel && name.startsWith(`syscalls:${event}_`));
      if (calls.length === 0 || !catalogue.has('raw_syscalls', event)) continue;
      const stack = this.perf.syscallStack(catalogue.idOf({ system: 'raw_syscalls', event }));
      for (const { id } of calls) this.syscallStacks.set(id, stack);
    }
  }

  get fds(): readonly number[] {
    return this.perf.fds;
  }
  get bytesRead(): number {
    return this.perf.bytesRead;
  }

  set enabled(on: boolean) {
    this.perf.enabled = on;
    if (on) this.enabledAt = this.options.now();
    else this.enabledFor = this.options.now() - this.enabledAt;
  }

  /** Brings in what is there now. `final`: the events are off. */
  read(final: boolean): void {
    if (this.perf.closed) return;
    this.perf.cursor.read(final);
    this.cursor.final = final;
  }

  /** The timer whose samples have an id. */
  timerOf(id: number): BoundEvent | undefined {
    const timer = this.timers.get(id);
    return timer && { format: timer.format, blocks: [timer.block], name: timer.format.name, isTimer: true };
  }

  /** The format that stands for a profile timer's samples. */
  *formatsOf(block: number): Iterable<EventFormat> {
    for (const timer of this.timers.values()) if (timer.block === block) yield timer.format;
  }

  kernel(): AddressBytes | undefined {
    const sampled = this.stacksNow()?.kernel;
    if (sampled === undefined) return undefined;
    const frames = sampled === '' ? (this.syscallStacks.get(this.cursor.id) ?? '') : sampled;
    let from = 0;
    while (from < frames.length && this.isTracer(frames.slice(from, from + 8))) from += 8;
    return from === 0 ? frames : frames.slice(from);
  }

  /** The address is in a function by which a tracepoint calls the tracer. */
  private isTracer(address: AddressBytes): boolean {
    let is = this.tracers.get(address);
    if (is === undefined) {
      is = TRACER.test(this.options.kernelSymbol(Buffer.from(address, 'latin1').readBigUInt64LE()) ?? '');
      this.tracers.set(address, is);
    }
    return is;
  }

  user(): UserStack | undefined {
    const chain = this.stacksNow();
    return chain && { addresses: chain.user, space: this.spaces.numberOf(this.perf.cursor.pid) };
  }

  userSymbol(address: bigint, space?: number): string | undefined {
    const number = space ?? (this.cursor.atSecond ? this.spaces.numberOf(this.perf.cursor.pid) : undefined);
    return number === undefined ? undefined : this.spaces.symbolAt(address, number);
  }

  private stacksNow(): CallChain | undefined {
    return this.cursor.atSecond ? this.perf.cursor.chain() : undefined;
  }

  losses(): readonly { readonly cpu: number; readonly events: number }[] {
    return this.perf.losses();
  }

  warnings(): readonly string[] {
    const warnings = [...this.warned, ...this.missed()];
    const { throttled } = this.perf;
    if (throttled > 0)
      warnings.push(
        `the kernel held back profile timers ${throttled} times, since they fired more often than kernel.perf_event_max_sample_rate`,
      );
    return warnings;
  }

  /** Where timers fired less often than they should have: a CPU's clock can stand still, for example while it is idle. */
  private *missed(): Iterable<string> {
    if (this.selecting) return;
    // After exit() nothing more is handed out.
    const time = Math.min(this.enabledFor, this.perf.cursor.horizon - this.enabledAt);
    for (const [id, { interval, format }] of this.timers) {
      const expected = Math.floor(time / Math.max(interval, SHORTEST_INTERVAL));
      for (const { cpu, samples } of this.perf.samplesOf(id)) {
        const lost = this.perf.losses().find((loss) => loss.cpu === cpu)?.events ?? 0;
        const missed = expected - samples - lost;
        if (missed > Math.max(1, expected * USUALLY_MISSED)) {
          yield `${format.name} fired ${samples} times on CPU ${cpu}; the kernel left out ${missed}, as it may while a CPU is idle`;
        }
      }
    }
  }

  close(): void {
    this.perf.close();
  }
}

function tooShort(name: string): string {
  return `${name} fires every ${SHORTEST_INTERVAL / 1000} µs, which is as often as the kernel's CPU clock can`;
}

/**
 * The filter of an event, with threads of this process left out in the kernel: reading samples would else make samples.
 * The function tracer's filter knows only addresses.
 */
function withoutThreads(event: AttachedEvent, threads: readonly number[]): string | undefined {
  const filter = unionOfFilters(event);
  if (threads.length === 0 || event.system === 'ftrace') return filter;
  const others = threads.slice(0, MOST_OWN_THREADS).map((tid) => `common_pid != ${tid}`);
  return [...(filter === undefined ? [] : [`(${filter.replace(/[\n\r]/g, ' ')})`]), ...others].join(' && ');
}
