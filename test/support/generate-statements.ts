// Random statements. Loops have counters of their own that nothing else writes to, functions call only what was defined
// before them: so programs end, except where they run into an error.

import { callText, inBrackets, makeElementOf, makeExpression } from './generate-expressions.js';
import { type GeneratorState, TYPES, type Type } from './generate-state.js';

/** Statements of one block, each with all of its lines. */
export function makeStatements(state: GeneratorState, count: number, depth: number): string[] {
  const statements: string[] = [];
  for (let index = 0; index < count && state.affords(1); index++) {
    state.spend(1);
    statements.push(makeStatement(state, depth));
  }
  return statements;
}

/** A block in braces, in a scope of its own unless the caller opened one. */
function makeBlock(state: GeneratorState, depth: number, first: readonly string[] = []): string {
  const statements = state.inScope(() => [
    ...first,
    ...makeStatements(state, 1 + state.choices.below(3), depth - 1),
    ...makeEnding(state),
  ]);
  return wrapBlock(state, statements);
}

function wrapBlock(state: GeneratorState, statements: readonly string[]): string {
  if (statements.length === 0) return '{}';
  const body = statements.join(state.choices.chance(15) ? '; ' : '\n');
  return `{\n${body.replace(/^/gm, '  ')}\n}`;
}

/** What may stand last in a block: seldom a jump. */
function makeEnding(state: GeneratorState): string[] {
  const { choices } = state;
  if (state.loops.length > 0 && choices.chance(12)) {
    const allowsContinue = state.loops[state.loops.length - 1]!;
    return [allowsContinue && choices.chance(50) ? 'continue' : 'break'];
  }
  if (state.returns !== undefined && choices.chance(8)) return [makeReturn(state)];
  return [];
}

function makeReturn(state: GeneratorState): string {
  const returns = state.returns ?? [];
  const list = returns.map((type) => makeExpression(state, type, 2));
  // A tail call, where a function gives just the same.
  const same = state.callables.filter(
    (callable) => callable.returns.join() === returns.join() && state.affords(callable.cost),
  );
  if (same.length > 0 && state.frozen === 0 && state.choices.chance(40)) {
    return `return ${callText(state, state.choices.pick(same))}`;
  }
  return `return ${list.join(', ')}`.trimEnd();
}

function makeStatement(state: GeneratorState, depth: number): string {
  const { choices } = state;
  if (depth > 0 && choices.chance(45)) return makeCompound(state, depth);
  switch (choices.below(16)) {
    case 0:
    case 1:
    case 14:
    case 15:
      return makePrint(state);
    case 2:
    case 3:
      return makeLocal(state);
    case 4:
      return makeAssignment(state);
    case 5:
      return makeIncrement(state);
    case 6:
      return makeStore(state);
    case 7:
      return makeSwap(state);
    case 8:
      return makeCallStatement(state);
    case 9:
      return makeAggregate(state);
    case 10:
      return makePrintf(state);
    case 11:
      return choices.pick([';', '{}', 'local unused', 'print()']);
    case 12:
      return makeSpread(state);
    default:
      return makeDelete(state);
  }
}

function makePrint(state: GeneratorState): string {
  const { choices } = state;
  const list: string[] = [];
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const tables = state.variablesOf('table');
    // An element as it is, nil where there is none.
    if (tables.length > 0 && choices.chance(20)) list.push(makeElementOf(state, choices.pick(tables).name));
    else list.push(makeExpression(state, choices.pick(TYPES), 3));
  }
  if (list.length === 1 && /^["'[]/.test(list[0]!) && !/ /.test(list[0]!) && choices.chance(30))
    return `print ${list[0]}`;
  return `print(${list.join(', ')})`;
}

function makePrintf(state: GeneratorState): string {
  const { choices } = state;
  const directives: string[] = [];
  const list: string[] = [];
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const isNumber = choices.chance(60);
    const width = choices.pick(['', '5', '-5', '05', '+', ' ', '.3', '12.4', '#', 'l']);
    directives.push(
      `%${isNumber ? width : width.replace(/[+#l0 ]/, '')}${isNumber ? choices.pick('diuxXo'.split('')) : 's'}`,
    );
    list.push(makeExpression(state, isNumber ? 'number' : choices.pick(['string', 'boolean']), 2));
  }
  return `printf("${directives.join('|')}\\n", ${list.join(', ')})`;
}

function makeLocal(state: GeneratorState): string {
  const { choices } = state;
  const word = choices.pick(['local', 'var']);
  const types = choices.chance(25) ? [choices.pick(TYPES), choices.pick(TYPES)] : [choices.pick(TYPES)];
  const values = types.map((type) => makeValue(state, type));
  const variables = types.map((type) => state.freshVariable(type));
  state.variables.push(...variables);
  return `${word} ${variables.map(({ name }) => name).join(', ')} = ${values.join(', ')}`;
}

/** A value to store. Strings are cut, for one that is joined to itself in a loop would grow without bounds. */
function makeValue(state: GeneratorState, type: Type): string {
  const text = makeExpression(state, type, 3);
  return type === 'string' && text.includes('..') ? `substr(${text}, 1, 20)` : text;
}

function makeAssignment(state: GeneratorState): string {
  const { choices } = state;
  const type = choices.pick(TYPES);
  const variables = state.variablesOf(type, true).filter(() => state.frozen === 0 || type !== 'table');
  if (variables.length > 0 && !choices.chance(15)) {
    const variable = choices.pick(variables);
    if (type === 'number' && choices.chance(40)) {
      const operator = choices.pick(['+=', '-=', '*=', '/=', '%=']);
      const value = /[/%]/.test(operator) ? choices.pick(['3', '-2', '10']) : makeExpression(state, 'number', 2);
      return `${variable.name} ${operator} ${value}`;
    }
    return `${variable.name} = ${makeValue(state, type)}`;
  }
  if (state.returns !== undefined || state.loops.length > 0 || state.inHandler) return makePrint(state);
  // A new global variable: where it is set it always is, for this is the main chunk and no loop.
  const value = makeValue(state, type);
  const variable = state.freshVariable(type);
  state.variables.push(variable);
  return `${variable.name} = ${value}`;
}

function makeIncrement(state: GeneratorState): string {
  const { choices } = state;
  const operator = choices.pick(['++', '--']);
  const numbers = state.variablesOf('number', true);
  const tables = state.variablesOf('table');
  if (tables.length > 0 && state.frozen === 0 && choices.chance(50)) {
    return `${makeElementOf(state, choices.pick(tables).name)}${operator}`;
  }
  return numbers.length > 0 ? `${choices.pick(numbers).name}${operator}` : makePrint(state);
}

/** A store into a table of numbers. */
function makeStore(state: GeneratorState): string {
  const { choices } = state;
  const tables = state.variablesOf('table');
  if (tables.length === 0 || state.frozen > 0) return makePrint(state);
  const element = makeElementOf(state, choices.pick(tables).name);
  if (choices.chance(15)) return `${element} = nil`;
  return `${element} ${choices.pick(['=', '+=', '-=', '*='])} ${makeExpression(state, 'number', 2)}`;
}

/** Several targets at once: all values before any store. */
function makeSwap(state: GeneratorState): string {
  const { choices } = state;
  const type = choices.pick<Type>(['number', 'string', 'boolean']);
  const variables = state.variablesOf(type, true);
  if (variables.length < 2) return makeLocal(state);
  const [first, second] = [choices.pick(variables).name, choices.pick(variables).name];
  if (type !== 'number' || state.variablesOf('table').length === 0 || state.frozen > 0 || choices.chance(50)) {
    return `${first}, ${second} = ${second}, ${first}`;
  }
  const element = makeElementOf(state, choices.pick(state.variablesOf('table')).name);
  return `${first}, ${element}, ${second} = ${second}, ${first}, ${makeExpression(state, 'number', 2)}`;
}

function makeCallStatement(state: GeneratorState): string {
  const { choices } = state;
  const affordable = state.callables.filter(({ cost }) => state.affords(cost));
  if (affordable.length === 0 || state.frozen > 0) return makePrint(state);
  const callable = choices.pick(affordable);
  switch (choices.below(4)) {
    case 0:
      return `print(${callText(state, callable)})`;
    case 1:
      return `print((${callText(state, callable)}), ${callText(state, callable)})`;
    case 2: {
      const call = callText(state, callable);
      const variables = callable.returns.map((type) => state.freshVariable(type));
      if (variables.length === 0) return call;
      state.variables.push(...variables);
      return `local ${variables.map(({ name }) => name).join(', ')} = ${call}`;
    }
    default:
      return callText(state, callable);
  }
}

function makeAggregate(state: GeneratorState): string {
  const { choices } = state;
  if (state.aggregations.length === 0 || choices.chance(10)) {
    const name = state.fresh('a');
    state.aggregations.push(name);
    return `local ${name} = ${choices.pick(['ptable()', 'quantize()', 'lquantize(-10, 100, 10)'])}`;
  }
  const name = choices.pick(state.aggregations);
  const key = makeExpression(state, choices.pick(['number', 'string', 'boolean']), 1);
  if (choices.chance(20)) return `print(${name}${inBrackets(key)}, len(${name}))`;
  if (choices.chance(8)) return `histogram(${name})`;
  if (state.frozen > 0) return makePrint(state);
  return `${name}${inBrackets(key)} <<< ${makeExpression(state, 'number', 2)}`;
}

/** Lists that are expanded or cut. */
function makeSpread(state: GeneratorState): string {
  const { choices } = state;
  if (!state.hasVararg) return makePrint(state);
  const number = state.freshVariable('number');
  const table = state.freshVariable('table');
  switch (choices.below(3)) {
    case 0:
      return 'print(...)';
    case 1:
      state.variables.push(table);
      return `local ${table.name} = {len({..., ...}), len({(...)})}`;
    default:
      state.variables.push(number);
      return `local ${number.name}, extra = len({1, ...}), ...`;
  }
}

function makeDelete(state: GeneratorState): string {
  const tables = state.variablesOf('table');
  if (tables.length === 0 || state.frozen > 0) return makePrint(state);
  return `delete(${state.choices.pick(tables).name})`;
}

/** A statement with a body. */
function makeCompound(state: GeneratorState, depth: number): string {
  const { choices } = state;
  switch (choices.below(13)) {
    case 0:
    case 1:
      return makeIf(state, depth);
    case 2:
      return makeBlock(state, depth);
    case 3:
      return makeNumericFor(state, depth);
    case 4:
      return makeCFor(state, depth);
    case 5:
      return makeWhile(state, depth);
    case 6:
      return makeRepeat(state, depth);
    case 7:
      return makePairs(state, depth);
    case 8:
      return makeGoto(state, depth);
    case 9:
    case 10:
    case 11:
      return makeFunction(state, depth);
    default:
      return makeRecursion(state);
  }
}

/** A condition, in parentheses unless it has none of what needs them. `bound` must hold as well. */
function makeCondition(state: GeneratorState, bound?: string): string {
  const { choices } = state;
  const free = makeExpression(state, choices.pick<Type>(['boolean', 'boolean', 'number']), 2);
  const condition = bound === undefined ? free : `${bound} ${choices.pick(['and', '&&'])} not (${free})`;
  return condition.includes('{') || choices.chance(60) ? `(${condition})` : condition;
}

function makeIf(state: GeneratorState, depth: number): string {
  const { choices } = state;
  let text = `if ${makeCondition(state)} ${makeBlock(state, depth)}`;
  while (choices.chance(25)) {
    text += ` ${choices.pick(['elseif', 'else if'])} ${makeCondition(state)} ${makeBlock(state, depth)}`;
  }
  return choices.chance(40) ? `${text} else ${makeBlock(state, depth)}` : text;
}

function makeNumericFor(state: GeneratorState, depth: number): string {
  const { choices } = state;
  const rounds = choices.below(5);
  if (!state.affords(rounds * 2)) return makePrint(state);
  const [from, limit, step] = choices.pick([
    ['1', `${rounds}`, ''],
    [`${rounds}`, '1', '-1'],
    ['-2', `${rounds * 3 - 3}`, '3'],
    ['9223372036854775806', '9223372036854775807', choices.pick(['', '2'])],
    ['-9223372036854775807', '-9223372036854775808', '-1'],
    ['9223372036854775807', '-9223372036854775808', '-9223372036854775807'],
    ['1', '0', ''],
  ]);
  const variable = state.freshVariable('number', choices.chance(50));
  const body = state.inLoop(Math.max(rounds, 3), true, () => {
    state.variables.push(variable);
    return makeBlock(state, depth);
  });
  const list = `${variable.name} = ${from}, ${limit}${step === '' ? '' : `, ${step}`}`;
  return `for ${choices.chance(70) ? `(${list})` : list} ${body}`;
}

function makeCFor(state: GeneratorState, depth: number): string {
  const { choices } = state;
  const rounds = 1 + choices.below(4);
  if (!state.affords(rounds * 2)) return makePrint(state);
  const variable = state.freshVariable('number', false);
  const { name } = variable;
  const form = choices.below(4);
  // Without condition and step the loop ends by a break: no `continue` may pass it by.
  const isEndless = form === 3;
  const body = state.inLoop(rounds, !isEndless, () => {
    state.variables.push(variable);
    if (!isEndless) return makeBlock(state, depth);
    return wrapBlock(state, [...makeStatements(state, 1 + choices.below(2), depth - 1), 'break']);
  });
  const heads = [
    `${name} = 0; ${name} < ${rounds}; ${name}++`,
    `${name} = ${rounds * 2}; ${name} > 0; ${name} -= 2`,
    `${name} = 1; ${name} <= ${rounds}; ${name} = ${name} + 1`,
    `${name} = 0;;`,
  ];
  return `for (${heads[form]}) ${body}`;
}

function makeWhile(state: GeneratorState, depth: number): string {
  const { choices } = state;
  const rounds = 1 + choices.below(4);
  if (!state.affords(rounds * 2)) return makePrint(state);
  const counter = state.freshVariable('number', false);
  const { name } = counter;
  const text = state.inScope(() => {
    state.variables.push(counter);
    const condition = makeCondition(state, `${name} < ${rounds}`);
    const body = state.inLoop(rounds, true, () => makeBlock(state, depth, [`${name}++`]));
    return `while ${condition} ${body}`;
  });
  return `{\n  local ${name} = 0\n${text.replace(/^/gm, '  ')}\n}`;
}

function makeRepeat(state: GeneratorState, depth: number): string {
  const { choices } = state;
  const rounds = 1 + choices.below(4);
  if (!state.affords(rounds * 2)) return makePrint(state);
  const counter = state.freshVariable('number', false);
  const { name } = counter;
  const text = state.inScope(() => {
    state.variables.push(counter);
    return state.inLoop(rounds, true, () => {
      const local = state.freshVariable('number');
      state.variables.push(local);
      const first = [`local ${local.name} = ${name} * 2`, `${name}++`];
      const statements = [...first, ...makeStatements(state, 1 + choices.below(2), depth - 1)];
      const body = choices.chance(50)
        ? wrapBlock(state, statements)
        : `\n${statements.join('\n').replace(/^/gm, '  ')}\n`;
      return `repeat ${body} until ${name} >= ${rounds} or ${local.name} == ${choices.below(10)}`;
    });
  });
  return `{\n  local ${name} = 0\n${text.replace(/^/gm, '  ')}\n}`;
}

function makePairs(state: GeneratorState, depth: number): string {
  const { choices } = state;
  if (!state.affords(40)) return makePrint(state);
  const tables = state.variablesOf('table');
  const table = tables.length > 0 && choices.chance(70) ? choices.pick(tables).name : undefined;
  const [key, value] = [state.fresh('k'), state.freshVariable('number')];
  const walk = choices.pick(['pairs', 'sort_pairs', 'sort_pairs']);
  const compare = walk === 'sort_pairs' && choices.chance(50) ? ', function (x, y) { return x > y }' : '';
  const argument = table ?? makeExpression(state, 'table', 1);
  const body = state.inLoop(10, true, () => {
    state.frozen++;
    state.variables.push(value);
    const first = [`print(${key}, ${value.name})`];
    if (table !== undefined && choices.chance(30))
      first.push(choices.pick([`${table}[${key}] = nil`, `${table}[${key}] += 1`]));
    const block = makeBlock(state, depth, first);
    state.frozen--;
    return block;
  });
  const list = `${key}, ${value.name} in ${walk}(${argument}${compare})`;
  return `for ${choices.chance(70) ? `(${list})` : list} ${body}`;
}

function makeGoto(state: GeneratorState, depth: number): string {
  const { choices } = state;
  const label = state.fresh('l');
  if (choices.chance(50)) {
    const block = makeBlock(state, depth);
    return `{\n  if ${makeCondition(state)} { goto ${label} }\n${block.replace(/^/gm, '  ')}\n  ::${label}::\n}`;
  }
  if (!state.affords(6)) return makePrint(state);
  const counter = state.freshVariable('number', false);
  const { name } = counter;
  const block = state.inScope(() => {
    state.variables.push(counter);
    // A loop by hand: break and continue do not know it.
    const loops = state.loops.splice(0);
    const rounds = state.rounds;
    state.rounds *= 3;
    const text = makeBlock(state, depth);
    state.rounds = rounds;
    state.loops.push(...loops);
    return text;
  });
  return `{\n  local ${name} = 0\n  ::${label}::\n  ${name} += 1\n${block.replace(/^/gm, '  ')}\n  if ${name} < 3 { goto ${label} }\n}`;
}

/** A function in one of its forms, with closures over what is in scope. */
function makeFunction(state: GeneratorState, depth: number): string {
  const { choices } = state;
  if (state.frozen > 0) return makePrint(state);
  const parameterTypes = Array.from({ length: choices.below(3) }, () => choices.pick(TYPES));
  const returns = choices.pick<readonly Type[]>([
    ['number'],
    ['string'],
    ['number', 'string'],
    ['boolean'],
    ['table'],
    [],
  ]);
  const hasVararg = choices.chance(20);
  const parameters = parameterTypes.map((type) => state.freshVariable(type));
  const { result: body, cost } = state.inFunction(returns, hasVararg, () => {
    state.variables.push(...parameters);
    return wrapBlock(state, [...makeStatements(state, choices.below(4), depth - 1), makeReturn(state)]);
  });
  const names = [...parameters.map(({ name }) => name), ...(hasVararg ? ['...'] : [])].join(', ');
  const signature = { parameters: parameterTypes, returns, hasVararg, cost };
  const name = state.fresh('f');
  state.callables.push({ name, ...signature });
  switch (choices.below(5)) {
    case 0:
      return `local function ${name}(${names}) ${body}`;
    case 1:
      return `local ${name} = function (${names}) ${body}`;
    case 2: {
      // A method of an object; the call counts in the object.
      state.callables.pop();
      const object = state.fresh('o');
      state.callables.push({ name: `${object}:m`, ...signature });
      const first = '{\n  self.calls++\n';
      return `local ${object} = {calls = 0, sub = {}}\nfunction ${object}:m(${names}) ${body.replace(/^\{\n?/, first)}\nfunction ${object}.sub.f() { return ${object}.calls }\nprint(${object}.sub.f())`;
    }
    case 3: {
      // A counter: each call changes what the closure keeps.
      const kept = state.fresh('c');
      const inner = `function (${names}) ${body.replace(/^\{\n?/, `{\n  ${kept}++\n  print(${kept})\n`)}`;
      return `local ${name} = (function (${kept}) {\nreturn ${inner}\n})(${makeExpression(state, 'number', 1)})`;
    }
    default:
      return `var ${name}\n${name} = function (${names}) ${body}`;
  }
}

/** A function that calls itself, in the middle or in the tail. */
function makeRecursion(state: GeneratorState): string {
  const { choices } = state;
  if (state.frozen > 0 || !state.affords(30)) return makePrint(state);
  state.spend(30);
  const name = state.fresh('r');
  const value = makeExpression(state, 'number', 1);
  return choices.chance(50)
    ? `local function ${name}(n, sum) { if n <= 0 { return sum, n } return ${name}(n - 1, sum + n) }\nprint(${name}(20, ${value}))`
    : `local function ${name}(n) { if (n < 2) { return n } return ${name}(n - 1) + ${name}(n - 2) }\nprint(${name}(6), ${value})`;
}
