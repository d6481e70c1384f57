// Each reserved word is no name of a variable, and a name in all the places where any word is one.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runScript } from '../support/run-script.js';

const RESERVED = (
  'trace trace_end argevent argname arg1 arg2 arg3 arg4 arg5 arg6 arg7 arg8 arg9 and or not break else elseif false for ' +
  'function goto if in local var nil repeat return true until while cdef argstr probename'
).split(' ');
const ORDINARY =
  'tick profile continue args end do then pid tid uid cpu execname self arg arg10 arg99 TRACE Local'.split(' ');

for (const word of RESERVED) {
  test(`${word} is reserved`, async () => {
    for (const text of [`local ${word} = 1`, `function f(${word}) { }`, `for (${word} = 1, 2) { }`, `::${word}::`]) {
      const run = await runScript(text);
      assert.is(run.compiled, false, text);
      assert.is(run.errors.length, 1, text);
    }
  });
  test(`${word} is a name after a dot, a colon and before =`, async () => {
    const text = `t = {${word} = 1}\nt.${word} += 1\nprint(t.${word}, t["${word}"])
function t.f() { return {${word} = function (self, n) { return n }} }
print(t.f():${word}(5))`;
    const run = await runScript(text);
    assert.equal(
      run.errors.map(({ message }) => message),
      [],
    );
    assert.is(run.output, '2\t2\n5\n');
  });
}

for (const word of ORDINARY) {
  test(`${word} is an ordinary name`, async () => {
    const run = await runScript(`local ${word} = 1\n${word} = ${word} + 1\nprint(${word})`);
    assert.is(run.output, '2\n');
    const global = await runScript(`${word} = 1\n${word} = ${word} + 1\nprint(${word})`);
    assert.is(global.output, '2\n');
  });
}

test.run();
