// What the tests of the bytecode share: compiling a text, the code of a function as short lines, modules made by hand.

import * as assert from 'uvu/assert';
import { type CompileOptions, compile, disassemble, type Module, type Prototype } from '../../src/bytecode/index.js';
import { encodeABC, Op } from '../../src/bytecode/isa.js';
import { type Diagnostic, KtapError, parseChunk } from '../../src/language/index.js';

export function compileText(text: string, options?: CompileOptions): { module: Module; warnings: Diagnostic[] } {
  const source = { name: 'test.kp', text };
  return compile(parseChunk(source), source, options);
}

/** Code of a function of a script, a word a line: number, mnemonic, operands, comment; one space between columns. */
export function codeOf(text: string, functionNumber = 0, options?: CompileOptions): string {
  const sections = disassemble(compileText(text, options).module).split('\n\n');
  const [, code] = sections[functionNumber]!.split('  code\n');
  return code!
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replace(/ line \d+ */, ' ')
        .replace(/ +/g, ' ')
        .trim(),
    )
    .join('\n');
}

/** Asserts that a function has exactly this code; leading spaces of lines do not count. */
export function hasCode(text: string, expected: string, functionNumber = 0, options?: CompileOptions): void {
  const lines = expected.trim().split('\n');
  assert.is(codeOf(text, functionNumber, options), lines.map((line) => line.trim()).join('\n'));
}

/** The one diagnostic of the KtapError that an action throws. */
export function errorOf(action: () => void): Diagnostic {
  try {
    action();
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    return error.diagnostics[0]!;
  }
  throw new Error('no error');
}

/** Asserts that compiling fails with this message at this part of the text. */
export function refuses(text: string, message: string | RegExp, marked: string, options?: CompileOptions): Diagnostic {
  const error = errorOf(() => compileText(text, options));
  if (typeof message === 'string') assert.is(error.message, message);
  else assert.match(error.message, message);
  assert.is(text.slice(error.span!.start, error.span!.end), marked);
  return error;
}

/** A valid prototype without effect, with parts of one's own. */
export function prototype(parts: Partial<Prototype> & { words?: readonly number[] } = {}): Prototype {
  const code = Uint32Array.from(parts.words ?? parts.code ?? [encodeABC(Op.RETURN, 0, 1, 0)]);
  return {
    name: 'main',
    parameterCount: 0,
    isVararg: true,
    registerCount: 8,
    constants: [],
    upvalues: [{ fromRegister: false, index: 0, name: '(globals)' }],
    children: [],
    spans: new Uint32Array(2 * code.length),
    locals: [],
    ...parts,
    code,
  };
}

export const moduleOf = (...prototypes: Prototype[]): Module => ({ source: { name: 'test.kp', text: '' }, prototypes });
