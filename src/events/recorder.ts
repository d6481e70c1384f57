// What a live source tells whoever keeps its events in a file. The file's format is not its business (recording/recorder.ts).

import type { EventName } from './event-catalogue.js';
import type { TracingInstance } from './instance.js';
import type { SubBufferLayout } from './ring-buffer.js';
import type { TracefsFolder } from './tracefs.js';

/** A task as it was when tracing began. */
export interface FirstTask {
  readonly tid: number;
  /** Byte string. */
  readonly comm: string;
  readonly pid: number;
}

/** An event that is recorded; of probes also what the script calls them, since the kernel's names are made up. */
export interface RecordedEvent extends EventName {
  /** argname. */
  readonly name?: string;
  /** The definition in the script. */
  readonly title?: string;
}

/** The trace that is recorded. */
export interface RecordedTrace {
  /** The root of tracefs. */
  readonly tracefs: TracefsFolder;
  readonly instance: TracingInstance;
  readonly layout: SubBufferLayout;
  readonly events: readonly RecordedEvent[];
  /** Events of the buffer that tells of tasks. */
  readonly taskEvents: readonly EventName[];
  /** Trace-clock time in ns at which tracing begins, and ns from that clock to the time since 1970. */
  readonly start: bigint;
  readonly wallClockOffset: bigint;
  /** Tasks that were there when tracing began. */
  firstTasks(): Iterable<FirstTask>;
  /** Names of tasks as they are now. */
  taskNames(): Iterable<readonly [tid: number, comm: string]>;
}

export interface EventRecorder {
  /** Only the raw stream is wanted: no event needs to be handed out. */
  readonly only: boolean;
  /** Before tracing begins. Throws KtapError. */
  begin(trace: RecordedTrace): void;
  /** A sub-buffer of a CPU, in the order of that CPU; valid during the call. Throws KtapError. */
  append(cpu: number, subBuffer: Uint8Array): void;
  /** The same of the buffer that tells of tasks. */
  appendTasks(cpu: number, subBuffer: Uint8Array): void;
  /** All has been appended; answers a sentence for the person. Throws KtapError. */
  finish(): string;
  /** Gives up, unless it is finished. */
  abandon(): void;
}
