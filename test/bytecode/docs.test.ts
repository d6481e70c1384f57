// docs/bytecode.md is made from the instruction set; the committed file is current.

import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import { ROOT } from '../support.js';

const test = suite('bytecode reference');

test('docs/bytecode.md is what scripts/generate-docs.js makes', () => {
  execFileSync(process.execPath, ['scripts/generate-docs.js', '--check'], { cwd: ROOT, stdio: 'pipe' });
});

test.run();
