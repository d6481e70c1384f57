// From the bytes of a file to a verified module: source text is parsed and compiled, a .kpc is read.

import { builtinNames } from '../builtins/registry.js';
import { compile, isModule, type Module, readModule, verify } from '../bytecode/index.js';
import type { Diagnostic } from '../language/diagnostics.js';
import { parseChunk } from '../language/index.js';

export interface CompileOptions {
  /** Shown in messages; `-e` where there is no file. */
  readonly name?: string;
  /** '0.5': `arg0` is the first argument of an event. */
  readonly dialect?: '0.4' | '0.5';
  /** Codes of warnings that are not wanted. */
  readonly disabledWarnings?: readonly string[];
  /** Lets the script call C functions. */
  readonly allowFfi?: boolean;
}

/** A script that can be run, any number of times. */
export interface CompiledScript {
  readonly module: Module;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Compiles a script, or reads and verifies a compiled module (told apart by its first bytes). A string is text, bytes are
 * taken as they are. Throws KtapError with the place.
 */
export function compileScript(input: string | Uint8Array, options: CompileOptions = {}): CompiledScript {
  const name = Buffer.from(options.name ?? '-e', 'utf8').toString('latin1');
  const bytes = typeof input === 'string' ? Buffer.from(input, 'utf8') : Buffer.from(input);
  if (isModule(bytes)) {
    const module = readModule(bytes, name);
    verify(module);
    return { module, warnings: [] };
  }
  const source = { name, text: bytes.toString('latin1') };
  const chunk = parseChunk(source);
  const { module, warnings } = compile(chunk, source, {
    dialect: options.dialect ?? '0.4',
    disabledWarnings: new Set(options.disabledWarnings ?? []),
    allowFfi: options.allowFfi ?? false,
    ...builtinNames(),
  });
  verify(module);
  return { module, warnings };
}
