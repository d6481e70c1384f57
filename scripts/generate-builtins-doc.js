// Writes docs/builtins.md from the declarations of the built-ins in src/builtins and the example in samples/extending.
// `node scripts/generate-builtins-doc.js --check` only says whether the file is current.

import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { importTypeScript, writeIfChanged } from './generate.js';

const PATH = 'docs/builtins.md';
const EXAMPLE = 'samples/extending/hostname.mjs';

/** The whole text of docs/builtins.md. */
export async function builtinsDocument() {
  const { builtinReference } = await importTypeScript('src/builtins/help.ts');
  return `# Built-in functions

Made by \`node scripts/generate-builtins-doc.js\` from the declarations in \`src/builtins/\`; \`ktap --help-builtins NAME\` shows
the same. Built-ins are ordinary globals: a script may set them anew (\`max = 0\`). In a handler, what depends on time and
task speaks of the moment and task of the event; in the main chunk, in tick and trace_end blocks of ktap itself and now.
Square brackets mark arguments that may be left out. An argument of a wrong type ends the script:
\`bad argument 2 of strfind: string expected, got nil\`.

${builtinReference()}

## Built-ins of your own

A built-in is declared once, with its name, parameters, types, text and implementation. The argument checks, their messages
and the reference come from that. A file for \`ktap --load FILE.mjs\` exports one declaration or a list of them by default;
a program that embeds the library gives them as \`builtins\` to \`startTrace\`. This is \`${EXAMPLE}\`:

\`\`\`js
${readFileSync(EXAMPLE, 'utf8').trimEnd()}
\`\`\`

- \`name\` may have a table before a point (\`net.hostname\`); a name of ktap's own takes its place. \`aliases\` are further names.
- \`parameters\`: \`name\`, \`type\` (\`any integer string boolean table function aggregation stack\`, or a list of these),
  \`optional\`, and \`rest\` for a last one that takes all further arguments.
- \`call\` gets the context and the arguments. Values: nil is \`undefined\`, integers are numbers, or bigints beyond 2^53,
  strings are byte strings (each char one byte, so text of other alphabets goes through
  \`Buffer.from(text).toString('latin1')\`), tables are objects with \`get\`, \`set\`, \`entries\`, \`size\`.
  An array is several results.
- The context gives \`write(bytes)\`, \`task\` (\`pid tid cpu execname uid\`), \`event\` (undefined outside handlers),
  \`wallClock()\`, \`traceClock()\`, \`kernelSymbol(address)\`, \`warnOnce(key, message)\` and \`engine.newTable()\`.
- What \`call\` throws as an ordinary \`Error\` is an error of the script, shown with its place: \`hostname: …\`.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.chdir(new URL('..', import.meta.url).pathname);
  const text = await builtinsDocument();
  if (!process.argv.includes('--check')) {
    writeIfChanged(PATH, text);
  } else if (!existsSync(PATH) || readFileSync(PATH, 'utf8') !== text) {
    console.error(`${PATH} is not current: run node scripts/generate-builtins-doc.js`);
    process.exit(1);
  }
}
