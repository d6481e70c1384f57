// Every case of this folder in every mode of the engine, and through the reference evaluator.

import { isMainThread } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Diagnostic, positionOf } from '../../src/language/index.js';
import { type ExpectedDiagnostic, type LanguageCase, readCases } from '../support/language-cases.js';
import { ReferenceWorker, serveReference } from '../support/reference-worker.js';
import { MODES, type Mode, runScript } from '../support/run-script.js';
import { testUnless } from '../support.js';

/** Milliseconds after which a case is stopped, so that one that never ends fails alone. */
const TIME_LIMIT = 20_000;

const shown = ({ message, line }: ExpectedDiagnostic): string => `line ${line}: ${message}`;

const placed = ({ message, source, span }: Diagnostic): ExpectedDiagnostic => ({
  message,
  line: source === undefined || span === undefined ? 0 : positionOf(source, span.start).line,
});

const matches = (actual: ExpectedDiagnostic, expected: ExpectedDiagnostic): boolean =>
  actual.line === expected.line && actual.message.startsWith(expected.message);

/** Compares lists of diagnostics; where they differ, shows both. */
function sameDiagnostics(actual: readonly Diagnostic[], expected: readonly ExpectedDiagnostic[], what: string): void {
  const found = actual.map(placed);
  if (found.length === expected.length && found.every((each, i) => matches(each, expected[i]!))) return;
  assert.equal(found.map(shown), expected.map(shown), what);
}

/** Answers whether the script was compiled. */
async function runInMode(each: LanguageCase, mode: Mode): Promise<boolean> {
  const { output, status, errors, warnings, compiled } = await runScript(each.text, each.args, mode, {
    timeLimit: TIME_LIMIT,
  });
  sameDiagnostics(errors.slice(0, 1), each.error === undefined ? [] : [each.error], `error (${mode})`);
  assert.is(output, each.output, `output (${mode})`);
  assert.is(status, each.status, `exit status (${mode})`);
  if (each.warnings !== undefined) sameDiagnostics(warnings, each.warnings, `warnings (${mode})`);
  return compiled;
}

async function runInReference(each: LanguageCase, reference: ReferenceWorker): Promise<void> {
  const outcome = await reference.evaluate(each.text, each.args);
  if (typeof outcome === 'string') throw new Error(`reference evaluator: ${outcome}`);
  const source = { name: '', text: each.text };
  const lines = outcome.errors.map(({ message, offset }) => `${positionOf(source, offset).line} ${message}`);
  assert.is(outcome.output, each.output, `output (reference, errors at ${lines.join(', ')})`);
  assert.equal(
    outcome.errors.map(({ offset }) => positionOf(source, offset).line),
    each.error === undefined ? [] : [each.error.line],
    `line of the error (reference: ${lines.join(', ')})`,
  );
  assert.is(outcome.status, each.status, 'exit status (reference)');
}

if (isMainThread) {
  const language = suite('language');
  const reference = new ReferenceWorker(import.meta.url);
  for (const each of readCases()) {
    testUnless(each.skipped, language, each.name, async () => {
      let compiled = true;
      for (const mode of Object.keys(MODES) as Mode[]) {
        if (!each.notIn.includes(mode)) compiled = await runInMode(each, mode);
      }
      if (compiled && !each.engineOnly) await runInReference(each, reference);
    });
  }
  language.after(() => reference.close());
  language.run();
} else {
  serveReference();
}
