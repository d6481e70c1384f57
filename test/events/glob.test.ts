// Globs of event definitions and kernel filters.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { globMatcher, isGlob } from '../../src/events/glob.js';

const test = suite('glob');

for (const [glob, yes, no] of [
  ['sys_enter_read', ['sys_enter_read'], ['sys_enter_readv', 'xsys_enter_read', '']],
  ['sys_*', ['sys_', 'sys_enter_read'], ['sys', 'asys_']],
  ['*', ['', 'anything'], []],
  ['*read*', ['read', 'pread64', 'sys_enter_readlinkat'], ['rea', 'write']],
  ['?read', ['pread'], ['read', 'ppread']],
  ['sys_enter_[a-c]*', ['sys_enter_accept', 'sys_enter_clone'], ['sys_enter_dup']],
  ['[!a-c]x', ['dx', '!x'], ['ax', 'x']],
  ['[]a]', [']', 'a'], ['b', '[]a]']],
  ['a[b', ['a[b'], ['ab']],
  ['a\\*b', ['a*b'], ['axb']],
  ['*a*b*c', ['abc', 'xaxbxabcc'], ['ab', 'cba']],
] as [string, string[], string[]][]) {
  test(`${glob} matches whole names`, () => {
    const matches = globMatcher(glob);
    for (const text of yes) assert.ok(matches(text), text);
    for (const text of no) assert.not.ok(matches(text), text);
  });
}

test('many stars do not take exponential time', () => {
  assert.not.ok(globMatcher(`${'*a'.repeat(30)}*b`)('a'.repeat(2000)));
});

test('tells globs from names', () => {
  assert.ok(isGlob('sys_*') && isGlob('a?') && isGlob('[ab]'));
  assert.not.ok(isGlob('sys_enter_read'));
});

test.run();
