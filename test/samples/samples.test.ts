// Every script in samples/ runs: each shows in its head comment how (`#   ktap …`), and those commands are what is run
// here. A command that needs the live kernel skips where there is none to trace.

import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KTAP, run, testUnless, whyNoTracing } from '../support.js';

const samples = suite('samples');
const scripts = readdirSync('samples', { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.kp'))
  .sort();

for (const name of scripts) {
  const text = readFileSync(`samples/${name}`, 'utf8');
  const commands = [...text.matchAll(/^# {3}ktap (.*)$/gm)].map((match) => match[1]!);
  samples(`samples/${name} says how it is run`, () => {
    assert.ok(commands.length > 0);
    for (const command of commands) assert.match(command, `samples/${name}`);
  });
  for (const command of commands) {
    const live = /\btrace |^profile-/m.test(text) && !command.includes('--replay');
    testUnless(live ? whyNoTracing() : undefined, samples, `ktap ${command}`, async () => {
      const result = await run('sh', ['-c', `exec "$0" "$1" ${command}`, process.execPath, KTAP]);
      // The status is the traced command's, which may fail on purpose (ls of a missing file).
      if (!command.includes(' -- ')) assert.is(result.status, 0, result.stderr);
      assert.not.match(result.stderr, 'error:');
      assert.ok(result.stdout.length > 0, 'it prints something');
    });
  }
}

samples.run();
