// ansi.*: control sequences of terminals (ECMA-48: ED, CUP, SGR).

import type { Integer } from '../engine/values.js';
import { type Builtin, builtin } from './declare.js';

const colour = (name: string, parameters: readonly string[], doc: string): Builtin =>
  builtin({
    name: `ansi.${name}`,
    family: 'ansi',
    parameters: parameters.map((each) => ({ name: each, type: 'integer' }) as const),
    returns: 'nothing',
    doc,
    call: (context, ...codes: Integer[]) => context.write(`\x1b[${codes.slice(0, parameters.length).join(';')}m`),
  });

export const ANSI_BUILTINS = [
  builtin({
    name: 'ansi.clear_screen',
    family: 'ansi',
    parameters: [],
    returns: 'nothing',
    doc: 'Clears the screen of the terminal and goes to its upper left corner.',
    call: (context) => context.write('\x1b[1;1H\x1b[2J'),
  }),
  colour(
    'set_color',
    ['fg'],
    'Sets the colour of the text that follows: 30 black, 31 red, 32 green, 33 yellow, 34 blue, 35 magenta, 36 cyan, 37 white; 90 to 97 brighter.',
  ),
  colour(
    'set_color2',
    ['fg', 'bg'],
    'Sets the colours of text and background; backgrounds are 40 to 47 in the same order, 100 to 107 brighter.',
  ),
  colour(
    'set_color3',
    ['fg', 'bg', 'attr'],
    'Sets the colours of text and background and an attribute: 0 none, 1 bold, 4 underlined, 5 blinking, 7 reversed. 0 also takes the colours back, since terminals read the numbers from left to right.',
  ),
  builtin({
    name: 'ansi.reset_color',
    family: 'ansi',
    parameters: [],
    returns: 'nothing',
    doc: 'Back to the colours and attributes of the terminal.',
    call: (context) => context.write('\x1b[0m'),
  }),
  builtin({
    name: 'ansi.new_line',
    family: 'ansi',
    parameters: [],
    returns: 'nothing',
    doc: 'Writes a newline.',
    call: (context) => context.write('\n'),
  }),
];
