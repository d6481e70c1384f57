// Runs the script of a command line through the library, or prints or writes its bytecode.

import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Builtin,
  type CompiledScript,
  compileScript,
  disassemble,
  moduleBytes,
  type RecordOptions,
  startTrace,
} from '../index.js';
import { plainError, renderDiagnostic } from '../language/diagnostics.js';
import { writeOut } from '../session/output.js';
import { importModule } from './import-module.js';
import type { Options } from './options.js';
import { reportLosses, reportStatistics } from './reports.js';

/** The exit status. */
export async function runScript(options: Options): Promise<number> {
  const { name, bytes } = scriptText(options);
  const builtins = options.load === undefined ? [] : await loadBuiltins(options.load);
  const script = compile(name, bytes, options);
  if (options.dumpBytecode) {
    writeOut(1, disassemble(script.module));
    return 0;
  }
  if (options.compile !== undefined) {
    onFile(options.compile, 'write', () => writeFileSync(options.compile!, moduleBytes(script)));
    return 0;
  }
  return trace(script, options, builtins);
}

async function trace(script: CompiledScript, options: Options, builtins: readonly Builtin[]): Promise<number> {
  const descriptor =
    options.output === undefined ? 1 : onFile(options.output, 'write', () => openSync(options.output!, 'w'));
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  const quiet = options.quiet === true;
  const started = performance.now();
  const run = startTrace(script, {
    arguments: options.arguments,
    outputDescriptor: descriptor,
    onDiagnostic: (diagnostic) => say(renderDiagnostic(diagnostic)),
    onActive: () => {
      if (options.command === undefined && options.process === undefined && options.replay === undefined && !quiet) {
        say('Tracing... Hit Ctrl-C to end.');
      }
    },
    ...(quiet ? {} : { onMessage: say }),
    ...(options.replay === undefined ? {} : { replay: options.replay }),
    ...(options.record === undefined ? {} : { record: recordOptions(options.record, options) }),
    ...(options.bufferSize === undefined ? {} : { bufferSize: options.bufferSize }),
    ...(options.process === undefined ? {} : { pid: options.process }),
    ...(options.cpu === undefined ? {} : { cpu: options.cpu }),
    ...(options.command === undefined ? {} : { command: options.command }),
    ...(options.maxMemory === undefined ? {} : { maxMemory: options.maxMemory }),
    traceSelf: options.traceSelf === true,
    timeStamps: options.timeStamps === true,
    gcStress: options.gcStress === true,
    verbose: options.verbose === true,
    allowFfi: options.ffi === true,
    builtins,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => run.stop());
  const result = await run.finished;
  if (descriptor !== 1) closeSync(descriptor);
  // Losses are said in any case; those by damage of a recording are among the warnings.
  if (!quiet || result.losses.length > 0) for (const warning of result.warnings) say(`ktap: warning: ${warning}`);
  reportLosses(result, options.replay === undefined ? 'live' : 'replay', say);
  if (options.stats) reportStatistics(result, performance.now() - started, say);
  if (options.strict && result.losses.length > 0 && result.exitCode === 0) {
    say('ktap: exit status 3, since events were lost (--strict)');
    return 3;
  }
  return result.exitCode;
}

function recordOptions(path: string, { fileVersion, compression, events }: Options): RecordOptions {
  return {
    path,
    only: events !== undefined,
    ...(fileVersion === undefined ? {} : { version: fileVersion }),
    ...(compression === undefined ? {} : { compression }),
  };
}

/** The script's bytes and its name in messages. */
function scriptText({ evaluate, simple, events, file }: Options): { name: string; bytes: Uint8Array } {
  if (evaluate !== undefined) return { name: '-e', bytes: Buffer.from(evaluate) };
  if (simple !== undefined) {
    return { name: '-s', bytes: Buffer.from(`trace ${simple} { print(cpu(), pid(), execname(), argevent) }`) };
  }
  if (events !== undefined) return { name: '--events', bytes: Buffer.from(`trace ${events} {}`) };
  if (file === '-') return { name: '-', bytes: readFileSync(0) };
  const bytes = onFile(file!, 'read', () => readFileSync(file!));
  return { name: file!, bytes };
}

/** Compiles, and shows the warnings that are wanted. */
function compile(name: string, bytes: Uint8Array, options: Options): CompiledScript {
  if (bytes.every((byte) => byte <= 0x20)) throw plainError(`${name}: the script is empty`);
  const disabled = options.noWarnings?.split(',') ?? [];
  const script = compileScript(bytes, {
    name,
    dialect: options.dialect === '0.5' ? '0.5' : '0.4',
    disabledWarnings: disabled,
    allowFfi: options.ffi === true,
  });
  if (options.quiet !== true && !disabled.includes('all')) {
    for (const warning of script.warnings) process.stderr.write(`${renderDiagnostic(warning)}\n`);
  }
  return script;
}

/** The built-ins that a module exports by default: one or several. */
async function loadBuiltins(path: string): Promise<readonly Builtin[]> {
  onFile(path, 'read', () => statSync(path));
  const { default: exported } = (await importModule(pathToFileURL(resolve(path)).href)) as {
    default?: Builtin | readonly Builtin[];
  };
  if (exported === undefined) throw plainError(`${path} has no default export: a built-in or a list of them`);
  return Array.isArray(exported) ? exported : [exported as Builtin];
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOTDIR: 'a part of its path is no folder',
  ENOSPC: 'no space left on the device',
};

/** Does something with a file; the system's error becomes one that says what was tried on which file. */
function onFile<T>(path: string, verb: 'read' | 'write', action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw plainError(`cannot ${verb} ${path}: ${REASONS[code ?? ''] ?? message}`);
  }
}
