// What a session is given and what it answers.

import type { Builtin } from '../builtins/declare.js';
import type { Engine } from '../engine/engine.js';
import type { EventSource, Loss } from '../events/source.js';
import type { Diagnostic } from '../language/diagnostics.js';
import type { OutputSink } from './output.js';
import type { CompiledScript } from './script.js';
import type { PlainValue } from './tables.js';
import type { TracedEvent } from './traced-event.js';

export interface SessionSettings {
  readonly script: CompiledScript;
  /** The script's arguments, arg[1]…; arg[0] is the module's name. */
  readonly arguments: readonly string[];
  readonly output: OutputSink;
  /** A message for standard error, without its newline. */
  readonly message: (text: string) => void;
  /** A diagnostic of the script, its events or the output. */
  readonly report: (diagnostic: Diagnostic) => void;
  readonly onEvent?: (event: TracedEvent) => void;
  /** Makes the source of events when the main chunk has asked for any, or where there is a command. */
  readonly openSource: (engine: Engine) => Promise<EventSource>;
  /** There is a command to run even if no block asks for events. */
  readonly hasCommand: boolean;
  /** Said when probes are active. */
  readonly onActive?: () => void;
  /** Say what each block is attached to. */
  readonly verbose: boolean;
  readonly maxMemory: number;
  readonly gcStress: boolean;
  readonly timeStamps: boolean;
  readonly builtins: readonly Builtin[];
  /** The script may call C functions. */
  readonly allowFfi: boolean;
}

export interface SessionResult {
  readonly exitCode: number;
  /** Whether exitCode comes from exit(), an error or a request to stop, so that a command's status must not replace it. */
  readonly decided: boolean;
  readonly events: number;
  readonly handlers: readonly { readonly name: string; readonly calls: number }[];
  /** Per CPU; empty where nothing was lost. */
  readonly losses: readonly Loss[];
  /** What is wrong with a recording, and what the machine could not tell. */
  readonly warnings: readonly string[];
  /** Copies out the globals of the script that are not built-ins, by name. */
  readonly globals: () => ReadonlyMap<string, PlainValue>;
  readonly heap: ReturnType<Engine['statistics']>;
}
