// print and printf.

import type { Value } from '../engine/values.js';
import { builtin } from './declare.js';
import { formatValue } from './format-value.js';
import { formatPrintf } from './printf-format.js';

export const OUTPUT_BUILTINS = [
  builtin({
    name: 'print',
    family: 'output',
    parameters: [{ name: 'values', type: 'any', rest: true }],
    returns: 'nothing',
    doc: 'Writes the values, separated by tabs, and a newline to standard output. Tables are shown as `{k = v, …}` (one that contains itself as `{...}` there), aggregation values as `[count: 2 sum: 7 max: 5 min: 2 avg: 3]`, stacks as symbols one a line, values of `quantize` and `lquantize` as their distribution.',
    call: (context, ...values: Value[]) => {
      if (values.length === 1) {
        context.write(`${formatValue(values[0], context)}\n`);
        return;
      }
      let line = '';
      for (let index = 0; index < values.length; index++)
        line += index === 0 ? formatValue(values[index], context) : `\t${formatValue(values[index], context)}`;
      context.write(`${line}\n`);
    },
  }),
  builtin({
    name: 'printf',
    family: 'output',
    parameters: [
      { name: 'format', type: 'string' },
      { name: 'values', type: 'any', rest: true },
    ],
    returns: 'nothing',
    doc: 'Writes the text that the format makes of the values: `%d` or `%i` decimal, `%u` decimal without sign, `%x` `%X` hexadecimal, `%o` octal, `%c` one byte, `%s` any value as `print` shows it, `%p` the kernel symbol of an address, `%%` a percent sign. Flags `- + space # 0`, width, precision and `*` are as in C; lengths (`l`, `ll`, `h`, `z`) are ignored, all integers have 64 bits. nil prints `nil`; any other non-number for a number and a missing value are errors.',
    call: (context, format: string, ...values: Value[]) => context.write(formatPrintf(format, values, context)),
  }),
];
