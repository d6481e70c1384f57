// What the tests of live events share: a source on a memory of its own, blocks from definition texts, records as values.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { LinearMemory } from '../../src/engine/memory.js';
import { type LiveOptions, type LiveSource, openLive } from '../../src/events/live-source.js';
import type { TraceRequest } from '../../src/events/source.js';
import { parseEventDefinitions } from '../../src/language/event-definition.js';

export const TRACEFS = '/sys/kernel/tracing';

/** Node program that asks `count` times for its parent's pid: one system call each, which nothing else makes often. */
export const getppid = (count: number): string[] => [
  process.execPath,
  '-e',
  `for (let i = 0; i < ${count}; i++) process.ppid`,
];

/** Memory with the allocator of an engine. */
export function makeMemory(): Pick<LiveOptions, 'memory' | 'allocateBuffer'> {
  const memory = new LinearMemory(new WebAssembly.Memory({ initial: 1, maximum: 4096 }));
  let top = 4096;
  const allocateBuffer = (bytes: number): number => {
    const address = top;
    top = (top + bytes + 4095) & ~4095;
    const missing = top - memory.memory.buffer.byteLength;
    if (missing > 0) memory.memory.grow(Math.ceil(missing / 65536));
    memory.refresh();
    return address;
  };
  return { memory, allocateBuffer };
}

/** Trace blocks with these definition texts. */
export function blocks(...texts: string[]): TraceRequest[] {
  return texts.map((text, block) => {
    const source = { name: 'test.kp', text: `trace ${text} {}` };
    return {
      block,
      definitions: parseEventDefinitions(text, source, 6),
      source,
      span: { start: 6, end: 6 + text.length },
    };
  });
}

export interface SeenEvent {
  readonly name: string;
  readonly blocks: readonly number[];
  readonly tid: number;
  readonly pid: number;
  readonly comm: string;
  readonly cpu: number;
  readonly time: number;
  readonly text: string;
}

export interface Run {
  readonly events: readonly SeenEvent[];
  readonly exit: { status: number | null; signal: number | null } | undefined;
  readonly lost: number;
}

export interface RunOptions extends Partial<LiveOptions> {
  /** What happens once the probes are live; the trace ends when it is done and the command, if there is one, has ended. */
  readonly during?: (source: LiveSource) => Promise<void>;
  /** Only events for which it answers true are kept. */
  readonly keep?: (name: string) => boolean;
}

/** Traces definitions, as a session does, and takes everything down again. */
export async function traceEvents(definitions: readonly string[], options: RunOptions): Promise<Run> {
  const { during, keep, ...live } = options;
  const memory = makeMemory();
  const source = openLive({ ...memory, ...live });
  try {
    source.attach(blocks(...definitions));
    source.start();
    const events: SeenEvent[] = [];
    let over = false;
    let failure: unknown;
    const work = Promise.all([source.exited, during?.(source)])
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        over = true;
        source.wake();
      });
    const drain = (final: boolean): void => {
      const cursor = source.poll(final);
      while (cursor.next()) {
        const event = source.eventOf(cursor.id);
        if (event === undefined) throw new Error(`a record of an unknown event ${cursor.id}`);
        const { address, length, cpu, time } = cursor;
        const accepting = event.blocks.filter((_, index) => event.filters?.[index]?.(address, length) ?? true);
        if (keep?.(event.name) === false || accepting.length === 0) continue;
        const tid = memory.memory.i32[(address + 4) >> 2]!;
        events.push({
          name: event.name,
          blocks: accepting,
          tid,
          pid: source.pidOf(tid, time),
          comm: source.commOf(tid, time),
          cpu,
          time,
          text: source.textOf(event, address, length),
        });
      }
    };
    while (!over) {
      drain(false);
      await source.wait(100);
    }
    source.stop();
    drain(true);
    await work;
    if (failure !== undefined) throw failure;
    const lost = source.losses().reduce((sum, loss) => sum + (loss.events ?? 0), 0);
    return { events, exit: await source.exited, lost };
  } finally {
    source.close();
  }
}

/** Instances of this process, or of another. */
export function instancesOf(pid = process.pid): string[] {
  return readdirSync(`${TRACEFS}/instances`).filter((name) => name.startsWith(`ktap-${pid}-`));
}

/** Runs a program to its end. */
export function runProgram(command: readonly string[]): Promise<{ pid: number; status: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (status) => resolve({ pid: child.pid!, status }));
  });
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Why an event cannot be tested here; undefined where it can. */
export function whyNoEvent(name: string): string | undefined {
  return existsSync(`${TRACEFS}/events/${name.replace(':', '/')}`) ? undefined : `the kernel has no event ${name}`;
}
