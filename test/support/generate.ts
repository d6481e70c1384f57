// Random well-formed programs that cover every statement and operator of the grammar. They print what they compute, so
// that two evaluators can be compared, and nearly all of them end by themselves. A program is made from a stream of
// numbers (choices.ts): from fast-check, which then can shrink it, or from a seed.

import * as fc from 'fast-check';
import { type Choices, choicesFrom, choicesFromSeed } from './choices.js';
import { makeExpression } from './generate-expressions.js';
import { type GeneratorOptions, GeneratorState, TYPES } from './generate-state.js';
import { makeStatements } from './generate-statements.js';

export type { GeneratorOptions } from './generate-state.js';

/** Numbers in a stream at most: enough for a few hundred lines. */
const MAXIMUM_NUMBERS = 3_000;

/** Programs for fast-check. */
export function programs(options: GeneratorOptions = {}): fc.Arbitrary<string> {
  return fc
    .array(fc.nat({ max: 0xffffff }), { maxLength: MAXIMUM_NUMBERS, size: 'max' })
    .map((numbers) => generateProgram(choicesFrom(numbers), options));
}

/** The program of a seed. */
export function programOfSeed(seed: number, options: GeneratorOptions = {}): string {
  return generateProgram(choicesFromSeed(seed), options);
}

export function generateProgram(choices: Choices, options: GeneratorOptions = {}): string {
  const state = new GeneratorState(choices, options);
  const statements: string[] = [];
  // Something of each type to work on.
  for (const type of TYPES) {
    const value = makeExpression(state, type, 1);
    const variable = state.freshVariable(type);
    state.variables.push(variable);
    statements.push(`${choices.pick(['', 'local '])}${variable.name} = ${value}`);
  }
  if (choices.chance(40)) {
    const name = state.fresh('a');
    state.aggregations.push(name);
    statements.push(`${name} = ptable()`);
  }
  const first = state.variables.map(({ name }) => name);
  const count = 1 + choices.below(options.statements ?? 12);
  for (let index = 0; index < count; index++) {
    if (options.tracing === true && choices.chance(20)) statements.push(makeTracing(state));
    else statements.push(...makeStatements(state, 1, 3));
    if (choices.chance(30)) statements.push(`print(${first.join(', ')})`);
  }
  const globals = state.variables.map(({ name }) => name);
  statements.push(`print(${globals.join(', ')})`);
  if (choices.chance(15)) statements.push(`trace_end ${makeHandlerBody(state)}`);
  if (choices.chance(5)) statements.push(`exit(${choices.pick(['0', '3', '256', '-1'])})`);
  const lineEnd = choices.chance(5) ? ' # comment {"\n' : '\n';
  return `${choices.chance(5) ? '#!/usr/bin/env ktap\n' : ''}${statements.join(lineEnd)}\n`;
}

const DEFINITIONS = [
  'sched:sched_switch',
  '*:*',
  'syscalls:sys_enter_*/fd == 1/',
  'sched:sched_switch, sched:sched_wak[a-z]* /prev_comm == "{" || prev_pid != 0/',
  'probe:vfs_read count=%dx',
  'probe:vfs_*%return',
  'probe:vfs_read+0x10, # comment {\n  probe:vfs_write%return r=$retval',
  'probe:/lib/libc.so.6:mem* a=%di s=+0(%si):ustring /a > 0/',
  'probe:/bin/sh:0x1234',
  'sdt:/lib/libc.so.6:libc:setjmp',
  'ftrace:function /ip==vfs_*/',
];

/** A block of an event or a timer, or cdef. */
function makeTracing(state: GeneratorState): string {
  const { choices } = state;
  switch (choices.below(4)) {
    case 0:
      return `tick-${choices.pick(['1s', '10ms', '5usec', '3Hz'])} ${makeHandlerBody(state)}`;
    case 1:
      return `profile-${choices.pick(['97Hz', '1sec', '100nsec'])} ${makeHandlerBody(state)}`;
    case 2:
      return choices.pick(['cdef [[ int getpid(void); ]]', 'print(`vfs_read`)']);
    default:
      return `trace ${choices.pick(DEFINITIONS)} ${makeHandlerBody(state)}`;
  }
}

function makeHandlerBody(state: GeneratorState): string {
  const { result } = state.inFunction([], false, () => {
    state.inHandler = true;
    const statements = makeStatements(state, 1 + state.choices.below(3), 2);
    state.inHandler = false;
    return statements;
  });
  return `{\n${result.join('\n').replace(/^/gm, '  ')}\n}`;
}
