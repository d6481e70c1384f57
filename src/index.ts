// The library: compile a script, run it live or on a recording, receive its output, its events and its final tables.
// The command line is a client of this file and of nothing below it that runs scripts.

import type { Builtin } from './builtins/declare.js';
import { writeModule } from './bytecode/index.js';
import type { Engine } from './engine/engine.js';
import type { LiveOptions } from './events/live-source.js';
import type { EventRecorder } from './events/recorder.js';
import type { EventSource } from './events/source.js';
import { type Diagnostic, plainError } from './language/diagnostics.js';
import { BufferedSink, descriptorSink } from './session/output.js';
import type { CompiledScript } from './session/script.js';
import { Session } from './session/session.js';
import type { SessionResult } from './session/settings.js';
import type { PlainValue } from './session/tables.js';
import type { TracedEvent } from './session/traced-event.js';

export { type Builtin, type BuiltinContext, builtin, type Parameter } from './builtins/declare.js';
export { disassemble } from './bytecode/index.js';
export { ScriptError, type Value } from './engine/values.js';
export { type Diagnostic, KtapError, renderDiagnostic } from './language/diagnostics.js';
export { type CompiledScript, type CompileOptions, compileScript } from './session/script.js';
export type { PlainAggregation, PlainTable, PlainValue } from './session/tables.js';
export type { TracedEvent } from './session/traced-event.js';

/** Default of `maxMemory`: 256 MiB. */
export const DEFAULT_MAX_MEMORY = 256 * 1024 * 1024;

export interface TraceOptions {
  /** The script's arguments: `arg[1]`… and `...`. */
  readonly arguments?: readonly string[];
  /** Receives what the script prints, as bytes, in pieces. Default: a file descriptor, see `outputDescriptor`. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  /** File descriptor that output goes to when there is no `onOutput`; default 1. */
  readonly outputDescriptor?: number;
  /** Messages of the tool (losses, warnings at run time); default: nowhere. */
  readonly onMessage?: (text: string) => void;
  /** Errors of the script and of tracing, as they happen; they are in the result as well. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Called for each event that a block of the script handles, before its handlers. */
  readonly onEvent?: (event: TracedEvent) => void;
  /** Probes and timers are active. */
  readonly onActive?: () => void;
  /** A recording to take events from, instead of this machine's kernel; `-`: standard input. */
  readonly replay?: string;
  /** Keeps the raw events that the script names in a file (trace.dat), too. */
  readonly record?: RecordOptions;
  /** Bytes of the kernel's buffer of each CPU. */
  readonly bufferSize?: number;
  /** Only this process, with its threads and later children. */
  readonly pid?: number;
  /** Only this CPU. */
  readonly cpu?: number;
  /** A command to start, trace with its children, and end with. */
  readonly command?: readonly string[];
  /** Trace the tracer's own threads too. */
  readonly traceSelf?: boolean;
  /** Limit of the script's heap in bytes; default DEFAULT_MAX_MEMORY. */
  readonly maxMemory?: number;
  /** More messages: the events that each block is attached to. */
  readonly verbose?: boolean;
  /** A time stamp before each event's text. */
  readonly timeStamps?: boolean;
  /** Collect garbage at every safepoint: for tests. */
  readonly gcStress?: boolean;
  /** Lets the script call C functions, which can do anything; it must be compiled with the same option. */
  readonly allowFfi?: boolean;
  /** Built-ins of the program's own. */
  readonly builtins?: readonly Builtin[];
}

/** How events are recorded. */
export interface RecordOptions {
  readonly path: string;
  /** Version of the format; default 6. */
  readonly version?: 6 | 7;
  /** Of version 7; default zlib. */
  readonly compression?: 'none' | 'zlib';
  /** Only record: no event is handed to the script. */
  readonly only?: boolean;
}

export interface TraceResult extends Omit<SessionResult, 'decided' | 'exitCode' | 'globals'> {
  /** 0, what exit() was given, 1 after an error, else the status of the command (128 + signal). */
  readonly exitCode: number;
  readonly diagnostics: readonly Diagnostic[];
  /** Globals of the script that are not built-ins, by name; copied out of its heap when first asked for. */
  readonly globals: ReadonlyMap<string, PlainValue>;
}

/** A run of a script. */
export interface Trace {
  /** Resolves when everything has ended and been taken down; rejects only for a fault of the tool itself. */
  readonly finished: Promise<TraceResult>;
  /** Ends the trace as Ctrl-C does; a second call ends trace_end blocks too. */
  stop(): void;
}

/**
 * Runs a script: its main chunk first, then its probes on this machine's kernel or on a recording. Several can run at a
 * time. What is wrong with the script, the events or the machine is reported by `onDiagnostic` and in the result.
 */
export function startTrace(script: CompiledScript, options: TraceOptions = {}): Trace {
  const diagnostics: Diagnostic[] = [];
  const message = options.onMessage ?? (() => {});
  const { onOutput } = options;
  let command: Promise<CommandEnd> | undefined;
  let sayStopped = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    sayStopped = resolve;
  });

  // Loaded when they are needed: a script without probes starts sooner.
  const openSource = async (engine: Engine): Promise<EventSource> => {
    if (options.replay !== undefined) {
      const { openAnyRecording } = await import('./recording/open-recording.js');
      return openAnyRecording(options.replay, engine, replaySelection(options), stopped);
    }
    const { openLive } = await import('./events/live-source.js');
    const { record } = options;
    const live = openLive({
      ...liveOptions(options),
      ...(record === undefined ? {} : { recorder: await openRecorder(record) }),
      memory: engine.memory,
      allocateBuffer: (bytes) => engine.allocateBuffer(bytes),
    });
    command = live.exited;
    command?.then(() => session.commandEnded());
    return live;
  };

  const session = new Session({
    script,
    arguments: options.arguments ?? [],
    output:
      onOutput === undefined
        ? descriptorSink(options.outputDescriptor ?? 1)
        : new BufferedSink((bytes) => onOutput(Buffer.from(bytes, 'latin1'))),
    message,
    report: (diagnostic) => {
      diagnostics.push(diagnostic);
      options.onDiagnostic?.(diagnostic);
    },
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    ...(options.onActive === undefined ? {} : { onActive: options.onActive }),
    openSource,
    hasCommand: options.command !== undefined,
    maxMemory: options.maxMemory ?? DEFAULT_MAX_MEMORY,
    gcStress: options.gcStress ?? false,
    verbose: options.verbose ?? false,
    timeStamps: options.timeStamps ?? false,
    builtins: options.builtins ?? [],
    allowFfi: options.allowFfi ?? false,
  });

  const finish = async (): Promise<TraceResult> => {
    if (options.replay !== undefined && options.command !== undefined) {
      throw plainError('a recording is replayed: a command cannot be started as well');
    }
    if (options.replay !== undefined && options.record !== undefined) {
      throw plainError('a recording is replayed: there is nothing to record');
    }
    const { decided, exitCode, globals, ...result } = await session.run();
    const ended = decided ? undefined : await command;
    let copied: ReadonlyMap<string, PlainValue> | undefined;
    return {
      ...result,
      exitCode: ended === undefined ? exitCode : statusOf(ended),
      diagnostics,
      get globals() {
        copied ??= globals();
        return copied;
      },
    };
  };
  const stop = (): void => {
    sayStopped();
    session.stop();
  };
  return { finished: finish(), stop };
}

/** How a command has ended: its status, or the number of the signal that killed it. */
interface CommandEnd {
  readonly status: number | null;
  readonly signal: number | null;
}

/** The exit status that a shell gives a command. */
function statusOf({ status, signal }: CommandEnd): number {
  return signal === null ? (status ?? 0) : 128 + signal;
}

async function openRecorder(record: RecordOptions): Promise<EventRecorder> {
  const { TraceDatRecorder } = await import('./recording/recorder.js');
  const { path, version = 6, compression = 'zlib', only = false } = record;
  return new TraceDatRecorder({ path, version, compression, only, recorder: 'ktap' });
}

function liveOptions({
  pid,
  cpu,
  traceSelf,
  command,
  onMessage,
  bufferSize,
  verbose,
}: TraceOptions): Partial<LiveOptions> {
  return {
    ...(bufferSize === undefined ? {} : { bufferSizeKb: Math.ceil(bufferSize / 1024) }),
    ...(pid === undefined ? {} : { pid }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(traceSelf === undefined ? {} : { traceSelf }),
    ...(command === undefined ? {} : { command }),
    ...(onMessage === undefined ? {} : { onMessage }),
    ...(verbose === undefined ? {} : { verbose }),
  };
}

function replaySelection({ pid, cpu }: TraceOptions): { pid?: number; cpu?: number } {
  return { ...(pid === undefined ? {} : { pid }), ...(cpu === undefined ? {} : { cpu }) };
}

/** A compiled script as the bytes of a `.kpc` file, the same on every machine. */
export function moduleBytes(script: CompiledScript): Uint8Array {
  return writeModule(script.module);
}
