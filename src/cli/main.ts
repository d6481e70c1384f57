// `ktap`: reads the command line and does what it says. What scripts do is in the library (index.ts).

import { builtinHelp } from '../builtins/help.js';
import { KtapError, renderDiagnostic } from '../language/diagnostics.js';
import { OutputClosed, writeOut } from '../session/output.js';
import { cleanUp, listEvents } from './kernel-commands.js';
import { helpText, type Options, parseOptions, UsageError } from './options.js';
import { runScript } from './run.js';
import { VERSION } from './version.js';

/** Does what the options say; the exit status. */
async function main(options: Options): Promise<number> {
  if (options.help) writeOut(1, helpText());
  else if (options.version) writeOut(1, `ktap ${VERSION}\n`);
  else if (options.helpBuiltins !== undefined) writeOut(1, builtinHelp(options.helpBuiltins));
  else if (options.clean) cleanUp(options);
  else if (options.list !== undefined) listEvents(options.list, false);
  else if (options.listVerbose !== undefined) listEvents(options.listVerbose, true);
  else return runScript(options);
  return 0;
}

/** Says what went wrong, in the form that belongs to it; the exit status. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`ktap: ${error.message}\n`);
    return 2;
  }
  if (error instanceof OutputClosed) return 0;
  if (error instanceof KtapError) {
    for (const each of error.diagnostics) process.stderr.write(`${renderDiagnostic(each)}\n`);
    return 1;
  }
  process.stderr.write(`ktap: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}

async function start(): Promise<void> {
  let status: number;
  try {
    status = await main(parseOptions(process.argv.slice(2)));
  } catch (error) {
    status = report(error);
  }
  // Nothing may keep the process: a traced command's pipes, a pending wait.
  process.exit(status);
}

process.title = 'ktap';
void start();
