// The perf events of a trace: CPU-clock samples for profile timers, and the tracepoints whose handlers ask for stacks,
// since a perf sample carries both stacks beside the record. One ring for each CPU takes the samples of all of them:
//
//     CPU n:  dummy event of all tasks (owns the ring; records about tasks where symbols need them)
//             ◄─ SET_OUTPUT ─ cpu-clock, for each profile timer
//             ◄─ SET_OUTPUT ─ tracepoint, for each event with stacks
//
// Where tasks are selected, each event is opened for each of their threads with `inherit`, so that threads and children
// to come are in it too. Everything is opened switched off.

import { readFileSync } from 'node:fs';
import type { LinearMemory } from '../../engine/memory.js';
import type { AddressBytes } from '../../engine/values.js';
import { plainError } from '../../language/diagnostics.js';
import { closeAll } from '../instance.js';
import { NativeError } from '../native.js';
import type { StackUse } from '../source.js';
import { AttrFlag, EventRequest, EventType, encodeAttributes, ReadFormat, SampleType, SoftwareEvent } from './abi.js';
import { type Mapping, PerfCalls } from './calls.js';
import { PerfRing, SEGMENT_BYTES } from './ring.js';
import { SampleCursor, type SampleCursorOptions, type SampledEvent } from './sample-cursor.js';
import { syscallStack } from './syscall-stack.js';

export interface ProfileTimer {
  /** Nanoseconds. */
  readonly interval: number;
  /** Id of its samples at the cursor. */
  readonly id: number;
  readonly stacks: StackUse;
}

export interface StackedTracepoint {
  /** As in tracefs, `system:event`, for messages. */
  readonly name: string;
  readonly id: number;
  /** The kernel's filter, if there is one. */
  readonly filter: string | undefined;
  readonly stacks: StackUse;
}

export interface PerfEventsOptions extends Pick<SampleCursorOptions, 'hiddenPid' | 'sideBand' | 'now'> {
  readonly memory: LinearMemory;
  readonly epoch: bigint;
  allocateBuffer(bytes: number): number;
  readonly cpus: readonly number[];
  /** KiB of each CPU's ring, rounded up to a power of two; a usual size where not given. */
  readonly bufferSizeKb?: number | undefined;
  /** Threads of the selected processes, asked until there is none that is new; undefined: all tasks. */
  readonly threads: (() => readonly number[]) | undefined;
  readonly timers: readonly ProfileTimer[];
  readonly tracepoints: readonly StackedTracepoint[];
}

/** Bytes of a CPU's ring, where the machine has few CPUs and the user may have that much; a power of two. */
const USUAL_RING = 4 * 1024 * 1024;
const LEAST_RING = 64 * 1024;
const ALL_RINGS = 128 * 1024 * 1024;
const ALL_TASKS = -1;

const COMMON_SAMPLE = SampleType.IDENTIFIER | SampleType.TID | SampleType.TIME | SampleType.CPU;

export class PerfEvents {
  readonly cursor: SampleCursor;
  /** Tracepoints that perf does not sample. */
  readonly refused: string[] = [];
  /** Of the rings, for poll. */
  readonly fds: readonly number[];

  private readonly calls: PerfCalls;
  private readonly rings: PerfRing[] = [];
  private readonly mappings: Mapping[] = [];
  /** All events of a CPU but the ring's own, by CPU. */
  private readonly events = new Map<number, number[]>();
  private readonly sampled = new Map<number, SampledEvent & { readonly cpu: number }>();
  /** The kernel tells an event's lost samples (since 6.0). */
  private tellsLost = true;
  /** CPUs that are on, and the events that own their rings. */
  private readonly cpus: number[] = [];
  private readonly owners: number[] = [];
  /** The rings are not mapped any more: what reads them must not be called. */
  closed = false;

  /** Opens everything, switched off. Throws KtapError where the kernel does not permit it, with nothing left open. */
  constructor(options: PerfEventsOptions) {
    try {
      this.calls = new PerfCalls();
      for (const cpu of options.cpus) if (this.openRing(cpu, options)) this.cpus.push(cpu);
      for (const timer of options.timers) this.openEvent(options, clockAttributes(timer), timer.stacks, timer.id);
      for (const tracepoint of options.tracepoints) this.openTracepoint(options, tracepoint);
    } catch (error) {
      this.close();
      throw error instanceof NativeError ? refusal(error) : error;
    }
    this.fds = this.owners;
    const { memory, hiddenPid, sideBand, now } = options;
    this.cursor = new SampleCursor({
      memory,
      rings: this.rings,
      events: this.sampled,
      hiddenPid,
      now,
      ...(sideBand === undefined ? {} : { sideBand }),
    });
  }

  private openTracepoint(options: PerfEventsOptions, tracepoint: StackedTracepoint): void {
    const attributes = { type: EventType.TRACEPOINT, config: tracepoint.id, period: 1, raw: true };
    const counts = new Map([...this.events].map(([cpu, fds]) => [cpu, fds.length]));
    try {
      this.openEvent(options, attributes, tracepoint.stacks, undefined, tracepoint);
    } catch (error) {
      // Some events are too near to perf itself to be sampled (irq_vectors:irq_work_entry).
      if (!(error instanceof NativeError) || !/EPERM|EINVAL|EOPNOTSUPP/.test(error.message)) throw error;
      for (const [cpu, fds] of this.events) closeAll(fds.splice(counts.get(cpu)!));
      this.refused.push(tracepoint.name);
    }
  }

  /** False where the CPU is off. */
  private openRing(cpu: number, options: PerfEventsOptions): boolean {
    const size = ringBytes(options);
    const sideBand = AttrFlag.MMAP | AttrFlag.MMAP2 | AttrFlag.COMM | AttrFlag.COMM_EXEC | AttrFlag.TASK;
    const attributes = encodeAttributes({
      type: EventType.SOFTWARE,
      config: SoftwareEvent.DUMMY,
      period: 1,
      sampleType: COMMON_SAMPLE,
      flags: AttrFlag.DISABLED | AttrFlag.SAMPLE_ID_ALL | (options.sideBand === undefined ? 0 : sideBand),
      wakeUpBytes: size / 2,
    });
    let fd: number;
    try {
      fd = this.calls.open(attributes, ALL_TASKS, cpu);
    } catch (error) {
      if (error instanceof NativeError && error.message.endsWith('ENODEV')) return false;
      throw error;
    }
    this.owners.push(fd);
    this.events.set(cpu, []);
    const mapping = this.mapRing(fd, size);
    this.mappings.push(mapping);
    const start = options.allocateBuffer(SEGMENT_BYTES);
    this.rings.push(new PerfRing(cpu, mapping.bytes, options.memory, start, options.epoch));
    return true;
  }

  /** A ring as large as the user may lock memory (perf_event_mlock_kb, RLIMIT_MEMLOCK). */
  private mapRing(fd: number, size: number): Mapping {
    for (;;) {
      try {
        return this.calls.map(fd, size);
      } catch (error) {
        size /= 2;
        if (size < LEAST_RING) throw error;
      }
    }
  }

  private openEvent(
    options: PerfEventsOptions,
    event: { readonly type: number; readonly config: number; readonly period: number; readonly raw?: boolean },
    stacks: StackUse,
    timerId: number | undefined,
    tracepoint?: StackedTracepoint,
  ): void {
    const { threads } = options;
    const hasChain = stacks.kernel || stacks.user;
    const flags =
      AttrFlag.DISABLED |
      AttrFlag.SAMPLE_ID_ALL |
      (threads === undefined ? 0 : AttrFlag.INHERIT) |
      (stacks.kernel ? 0 : AttrFlag.EXCLUDE_CALLCHAIN_KERNEL) |
      (stacks.user ? 0 : AttrFlag.EXCLUDE_CALLCHAIN_USER);
    const sampleType =
      COMMON_SAMPLE | (hasChain ? SampleType.CALLCHAIN : 0) | (event.raw === true ? SampleType.RAW : 0);
    const open = (task: number): void => {
      for (const [index, cpu] of this.cpus.entries()) {
        const owner = this.owners[index]!;
        const fd = this.openCounting({ ...event, sampleType, flags, wakeUpBytes: USUAL_RING / 2 }, task, cpu);
        this.events.get(cpu)!.push(fd);
        this.calls.request(fd, EventRequest.SET_OUTPUT, owner);
        if (tracepoint?.filter !== undefined) this.calls.setFilter(fd, tracepoint.filter);
        const sampled = { timerId, hasChain, samples: 0, cpu };
        this.sampled.set(Number(this.calls.idOf(fd) & 0xffffffffn), sampled);
      }
    };
    if (threads === undefined) {
      open(ALL_TASKS);
      return;
    }
    const seen = new Set<number>();
    for (;;) {
      const fresh = threads().filter((tid) => !seen.has(tid));
      if (fresh.length === 0) return;
      for (const tid of fresh) {
        seen.add(tid);
        try {
          open(tid);
        } catch (error) {
          // It has just ended.
          if (!(error instanceof NativeError) || !error.message.endsWith('ESRCH')) throw error;
        }
      }
    }
  }

  /** Opens an event that counts its lost samples where the kernel can. */
  private openCounting(attributes: Parameters<typeof encodeAttributes>[0], task: number, cpu: number): number {
    if (this.tellsLost) {
      try {
        return this.calls.open(encodeAttributes({ ...attributes, readFormat: ReadFormat.LOST }), task, cpu);
      } catch (error) {
        if (!(error instanceof NativeError) || !error.message.endsWith('EINVAL')) throw error;
        this.tellsLost = false;
      }
    }
    return this.calls.open(encodeAttributes(attributes), task, cpu);
  }

  /** Switches all events on or off. */
  set enabled(on: boolean) {
    const request = on ? EventRequest.ENABLE : EventRequest.DISABLE;
    const all = [...this.owners, ...[...this.events.values()].flat()];
    for (const fd of on ? all : all.reverse()) this.calls.request(fd, request);
  }

  /** Kernel stack of a system call at a raw_syscalls event, by its id; empty where it cannot be had. */
  syscallStack(id: number): AddressBytes {
    try {
      return syscallStack(this.calls, id, (fd) => closeAll([fd]));
    } catch (error) {
      if (error instanceof NativeError) return '';
      throw error;
    }
  }

  /** Samples of a profile timer that have been handed out, by CPU. */
  *samplesOf(timerId: number): Iterable<{ readonly cpu: number; readonly samples: number }> {
    for (const event of this.sampled.values()) if (event.timerId === timerId) yield event;
  }

  /** Samples that the kernel dropped, by CPU. */
  losses(): { readonly cpu: number; readonly events: number }[] {
    const losses: { readonly cpu: number; readonly events: number }[] = [];
    for (const { cpu, lost } of this.rings) {
      let events = lost;
      // What the events themselves say includes what no record in the ring tells yet.
      if (this.tellsLost && !this.closed) {
        const counted = this.events.get(cpu)!.reduce((sum, fd) => sum + this.calls.lostOf(fd), 0);
        events = Math.max(events, counted);
      }
      if (events > 0) losses.push({ cpu, events });
    }
    return losses;
  }

  /** How often the kernel held a timer back because it fired too often. */
  get throttled(): number {
    return this.rings.reduce((sum, ring) => sum + ring.throttled, 0);
  }

  get bytesRead(): number {
    return this.rings.reduce((sum, ring) => sum + ring.bytesRead, 0);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeAll([...this.events.values()].flat());
    closeAll(this.owners);
    for (const mapping of this.mappings) mapping.unmap();
  }
}

function ringBytes({ bufferSizeKb, cpus }: PerfEventsOptions): number {
  if (bufferSizeKb !== undefined) return Math.max(LEAST_RING, 2 ** Math.ceil(Math.log2(bufferSizeKb * 1024)));
  let size = USUAL_RING;
  while (size > LEAST_RING && size * cpus.length > ALL_RINGS) size /= 2;
  return size;
}

function clockAttributes({ interval }: ProfileTimer): { type: number; config: number; period: number } {
  return { type: EventType.SOFTWARE, config: SoftwareEvent.CPU_CLOCK, period: interval };
}

const PARANOID = '/proc/sys/kernel/perf_event_paranoid';

/** What a person can do about a refused perf event. */
function refusal({ message }: NativeError): Error {
  if (/EACCES|EPERM/.test(message)) {
    return plainError(
      `perf events are not permitted (${message})`,
      `run ktap as root or with CAP_PERFMON, or lower ${PARANOID}, which is ${paranoid()}, to -1; a container may forbid the call as well`,
    );
  }
  if (/ENOSYS|ENOENT|EOPNOTSUPP/.test(message)) {
    return plainError(
      `this kernel has no perf events (${message})`,
      'profile timers and stacks need CONFIG_PERF_EVENTS; tick timers do not',
    );
  }
  if (/EMFILE|ENFILE/.test(message)) {
    return plainError(
      `too many perf events (${message})`,
      'an event whose handler asks for a stack takes a file for each CPU and selected thread: trace fewer events, or raise `ulimit -n`',
    );
  }
  return plainError(`perf events cannot be used (${message})`);
}

function paranoid(): string {
  try {
    return readFileSync(PARANOID, 'latin1').trim();
  } catch {
    return 'not there';
  }
}
