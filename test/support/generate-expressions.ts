// Random expressions of a wanted type, with parentheses where they are needed and some where they are not.

import type { GeneratorState, Type } from './generate-state.js';
import { TYPES } from './generate-state.js';

/** Text of an expression and the strength of its outermost operator, as in the parser; 9: none, 10: may take a suffix. */
interface Text {
  readonly text: string;
  readonly strength: number;
}

const OPERAND = 9;
const PREFIX = 10;

const operand = (text: string): Text => ({ text, strength: OPERAND });
const prefix = (text: string): Text => ({ text, strength: PREFIX });

const NUMBERS = [
  '0',
  '1',
  '2',
  '3',
  '7',
  '10',
  '255',
  '0x1F',
  '0644',
  '1000000007',
  '4294967296',
  '9007199254740993',
  '9223372036854775807',
  '9999999999999999999',
  '0xffffffffffffffff',
];
const STRINGS = [
  '""',
  '"a"',
  "'b'",
  '"abc"',
  '[[long]]',
  '[==[]]]==]',
  String.raw`"\x41\066\n"`,
  String.raw`'it\'s'`,
  '"12"',
  '"a b c"',
];
const KEYS = ['a', 'b', 'c', 'd', 'end', 'size'];

/** `[key]`; a long string must not stand directly behind the bracket. */
export function inBrackets(key: string): string {
  return key.startsWith('[') ? `[ ${key} ]` : `[${key}]`;
}

/** An expression of a type, somewhere where anything may stand. */
export function makeExpression(state: GeneratorState, type: Type, depth = 3): string {
  return make(state, type, depth).text;
}

/** An expression where only one at least `weakest` strong may stand. */
function within(state: GeneratorState, type: Type, depth: number, weakest: number): string {
  const made = make(state, type, depth - 1);
  return made.strength < weakest || state.choices.chance(5) ? `(${made.text})` : made.text;
}

function make(state: GeneratorState, type: Type, depth: number): Text {
  const { choices } = state;
  if (state.wildness > 0 && choices.below(1000) >= 1000 - state.wildness) return makeWild(state, depth);
  if (depth <= 0 || choices.chance(25)) return makeLeaf(state, type);
  if (choices.chance(6)) return makeChoice(state, type, depth);
  if (choices.chance(12)) {
    const call = makeCall(state, type, depth);
    if (call !== undefined) return call;
  }
  if (choices.chance(2)) return makeFunctionCall(state, type, depth);
  switch (type) {
    case 'number':
      return makeNumber(state, depth);
    case 'string':
      return makeString(state, depth);
    case 'boolean':
      return makeBoolean(state, depth);
    case 'table':
      return makeLeaf(state, 'table');
  }
}

/** Something of any type, nil too. */
function makeWild(state: GeneratorState, depth: number): Text {
  const { choices } = state;
  if (choices.chance(40)) return operand('nil');
  if (choices.chance(10)) return prefix(`${choices.pick(['missing', 'undefined.field', 'print'])}`);
  return make(state, choices.pick(TYPES), depth - 1);
}

function makeLeaf(state: GeneratorState, type: Type): Text {
  const { choices } = state;
  const variables = state.variablesOf(type);
  if (variables.length > 0 && choices.chance(65)) return prefix(choices.pick(variables).name);
  if (state.inHandler && state.options.tracing === true && choices.chance(40)) return makeEventWord(state, type);
  switch (type) {
    case 'number':
      if (choices.chance(4)) return { text: '-9223372036854775808', strength: 7 };
      return operand(choices.pick(NUMBERS));
    case 'string':
      return operand(choices.pick(STRINGS));
    case 'boolean':
      return operand(choices.pick(['false', 'true']));
    case 'table':
      return makeTable(state);
  }
}

function makeEventWord(state: GeneratorState, type: Type): Text {
  const { choices } = state;
  if (type === 'number') return prefix(choices.pick(['arg1', 'arg9', 'args.prev_pid', 'args.end']));
  return prefix(choices.pick(['argevent', 'argname', 'argstr', 'probename', 'arg2', 'args.comm']));
}

function makeTable(state: GeneratorState): Text {
  const { choices } = state;
  const items: string[] = [];
  for (let count = choices.below(5); count > 0; count--) {
    const value = makeExpression(state, 'number', 1);
    const form = choices.below(5);
    if (form === 1) items.push(`${choices.pick(KEYS)} = ${value}`);
    else if (form === 2)
      items.push(`${inBrackets(makeExpression(state, choices.pick(['number', 'string']), 1))} = ${value}`);
    else if (form === 3) items.push(`["${choices.pick(KEYS)} x"] = ${value}`);
    else items.push(value);
  }
  const separator = choices.pick([', ', '; ', ',\n  ']);
  return operand(`{${items.join(separator)}${items.length > 0 && choices.chance(20) ? ',' : ''}}`);
}

/** `c and a or b`, `a or b`. */
function makeChoice(state: GeneratorState, type: Type, depth: number): Text {
  const and = state.choices.pick(['and', '&&']);
  const or = state.choices.pick(['or', '||']);
  const condition = within(state, 'boolean', depth, 2);
  const first = within(state, type, depth, 3);
  const second = within(state, type, depth, 2);
  return { text: `${condition} ${and} ${first} ${or} ${second}`, strength: 1 };
}

/** A call of a script function that gives the type, if there is one. */
function makeCall(state: GeneratorState, type: Type, depth: number): Text | undefined {
  const fitting = state.callables.filter(({ returns, cost }) => returns[0] === type && state.affords(cost));
  if (fitting.length === 0 || state.frozen > 0) return undefined;
  const callable = state.choices.pick(fitting);
  const call = callText(state, callable, depth);
  // Parentheses cut several results to one.
  return prefix(callable.returns.length > 1 ? `(${call})` : call);
}

/** Arguments and all of a call; `callable` must be affordable. */
export function callText(state: GeneratorState, callable: GeneratorState['callables'][number], depth = 2): string {
  const { choices } = state;
  state.spend(callable.cost);
  const { parameters } = callable;
  if (parameters.length === 1 && !callable.hasVararg && choices.chance(20)) {
    if (parameters[0] === 'string') return `${callable.name} ${choices.pick(STRINGS)}`;
    if (parameters[0] === 'table') return `${callable.name} ${makeTable(state).text}`;
  }
  const list = parameters.map((type) => makeExpression(state, type, depth - 1));
  if (callable.hasVararg) {
    for (let count = choices.below(3); count > 0; count--) list.push(makeExpression(state, choices.pick(TYPES), 1));
  } else if (choices.chance(3)) {
    list.push('1'); // one too many is dropped
  }
  return `${callable.name}(${list.join(', ')})`;
}

/** A function that is called where it stands. */
function makeFunctionCall(state: GeneratorState, type: Type, depth: number): Text {
  const argument = makeExpression(state, type, depth - 1);
  const parameter = state.freshVariable(type);
  const { result } = state.inFunction([type], false, () => {
    state.variables.push(parameter);
    state.frozen = 1;
    return makeExpression(state, type, depth - 1);
  });
  return prefix(`(function (${parameter.name}) { return ${result} })(${argument})`);
}

function binary(
  state: GeneratorState,
  type: Type,
  depth: number,
  operator: string,
  strength: number,
  rightType = type,
): Text {
  const left = within(state, type, depth, strength);
  const right = within(state, rightType, depth, strength + 1);
  return { text: `${left} ${operator} ${right}`, strength };
}

function makeNumber(state: GeneratorState, depth: number): Text {
  const { choices } = state;
  const number = (weakest: number): string => within(state, 'number', depth, weakest);
  switch (choices.below(13)) {
    case 0:
      return binary(state, 'number', depth, '+', 5);
    case 1:
      return binary(state, 'number', depth, choices.pick(['-', '- -', '+ -']), 5);
    case 2:
      return binary(state, 'number', depth, '*', 6);
    case 3:
    case 4: {
      const divisor = choices.pick(['2', '3', '-7', '10', '-1', '9223372036854775807', '(-9223372036854775808)']);
      const right = state.wildness > 0 && choices.chance(5) ? number(7) : divisor;
      return { text: `${number(6)} ${choices.pick(['/', '%'])} ${right}`, strength: 6 };
    }
    case 5: {
      const exponent = choices.pick(['2', '0', '1', '3', '63', '2 ^ 2', 'len "ab"']);
      const right = state.wildness > 0 && choices.chance(5) ? number(7) : exponent;
      return { text: `${number(OPERAND)} ^ ${right}`, strength: 8 };
    }
    case 6:
      return { text: `-${number(7)}`, strength: 7 };
    case 7:
      return prefix(`len(${makeExpression(state, choices.pick(['string', 'table']), depth - 1)})`);
    case 8:
      return makeElement(state, depth);
    case 9: {
      if (state.aggregations.length === 0) return binary(state, 'number', depth, '+', 5);
      const key = makeExpression(state, choices.pick(['number', 'string']), 1);
      return prefix(
        `${choices.pick(['count', 'sum', 'min', 'max', 'avg'])}(${choices.pick(state.aggregations)}${inBrackets(key)})`,
      );
    }
    case 10: {
      const [text, sub] = [makeExpression(state, 'string', depth - 1), makeExpression(state, 'string', 0)];
      return { text: `strfind(${text}, ${sub}) or ${number(2)}`, strength: 1 };
    }
    case 11:
      return state.hasVararg ? prefix('len({...})') : operand(choices.pick(NUMBERS));
    default:
      return prefix(`(${number(0)})`);
  }
}

/** An element of a table of numbers, or another number where there is none. */
function makeElement(state: GeneratorState, depth: number): Text {
  const { choices } = state;
  const tables = state.variablesOf('table');
  if (tables.length === 0) return makeLeaf(state, 'number');
  const element = makeElementOf(state, choices.pick(tables).name, depth);
  return { text: `${element} or ${within(state, 'number', depth, 2)}`, strength: 1 };
}

/** `t.key` or `t[key]`. */
export function makeElementOf(state: GeneratorState, table: string, depth = 2): string {
  const { choices } = state;
  switch (choices.below(3)) {
    case 0:
      return `${table}.${choices.pick(KEYS)}`;
    case 1:
      return `${table}${inBrackets(makeExpression(state, 'number', depth - 1))}`;
    default: {
      const key = makeExpression(state, choices.pick(['string', 'boolean']), depth - 1);
      return `${table}${inBrackets(key)}`;
    }
  }
}

function makeString(state: GeneratorState, depth: number): Text {
  const { choices } = state;
  const part = (): string => within(state, choices.pick(['string', 'number']), depth, 5);
  switch (choices.below(6)) {
    case 0:
      return { text: `${part()} .. ${part()}`, strength: 4 };
    case 1:
      return { text: `${part()} .. ${part()} .. ${part()}`, strength: 4 };
    case 2: {
      const text = makeExpression(state, 'string', depth - 1);
      const from = choices.pick(['1', '2', '-1', '-3', '5', '100']);
      return prefix(choices.chance(30) ? `substr(${text}, ${from})` : `substr(${text}, ${from}, ${choices.below(4)})`);
    }
    case 3:
      return prefix(
        `${choices.pick(['tostring', 'stringof'])}(${makeExpression(state, choices.pick(TYPES), depth - 1)})`,
      );
    case 4:
      return prefix(`type(${makeExpression(state, choices.pick(TYPES), depth - 1)})`);
    default:
      return prefix(`(${makeExpression(state, 'string', depth - 1)})`);
  }
}

function makeBoolean(state: GeneratorState, depth: number): Text {
  const { choices } = state;
  switch (choices.below(8)) {
    case 0:
      return binary(state, 'number', depth, choices.pick(['<', '<=', '>', '>=']), 3);
    case 1:
      return binary(state, 'string', depth, choices.pick(['<', '<=', '>', '>=']), 3);
    case 2: {
      const operator = choices.pick(['==', '!=', '~=']);
      return binary(state, choices.pick(TYPES), depth, operator, 3, choices.pick(TYPES));
    }
    case 3:
      return { text: `${choices.pick(['not ', '!'])}${within(state, choices.pick(TYPES), depth, 7)}`, strength: 7 };
    case 4: {
      const right = within(state, 'boolean', depth, 3);
      return { text: `${within(state, 'boolean', depth, 2)} ${choices.pick(['and', '&&'])} ${right}`, strength: 2 };
    }
    case 5: {
      const right = within(state, 'boolean', depth, 2);
      return { text: `${within(state, 'boolean', depth, 1)} ${choices.pick(['or', '||'])} ${right}`, strength: 1 };
    }
    case 6: {
      const tables = state.variablesOf('table');
      if (tables.length === 0) return operand('true');
      return {
        text: `${makeElementOf(state, choices.pick(tables).name)} ${choices.pick(['==', '!=', '<'])} nil`,
        strength: 3,
      };
    }
    default:
      return { text: `nil ${choices.pick(['==', '!=', '<', '>='])} ${within(state, 'number', depth, 4)}`, strength: 3 };
  }
}
