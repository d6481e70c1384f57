// Texts of run-time errors, and where they happened: the position, what the failing operand is called in the script
// (asked of the bytecode), and the traceback.

import { modeOf, Op, opcodeOf, operandA, operandB, operandC, RK_CONSTANT } from '../bytecode/isa.js';
import { type Diagnostic, positionOf } from '../language/diagnostics.js';
import type { LoadedPrototype } from './decoder.js';
import type { Heap } from './heap.js';
import { outOfMemoryText } from './heap.js';
import {
  ClosureObject,
  ErrorCode,
  Frame,
  Instruction,
  ObjectType,
  PrototypeRecord,
  Region,
  State,
} from './heap-layout.js';
import { Tag } from './layout.js';
import { NATIVE_BUILTINS } from './native-builtins.js';
import { operandName } from './operand-names.js';

/** Words for types, by tag; what the built-in `type` answers. */
export const TYPE_NAMES: readonly string[] = [
  'nil',
  'boolean',
  'boolean',
  'number',
  'string',
  'table',
  'ptable',
  'aggregation',
  'function',
  'function',
  'stack',
];

/** Frames of a traceback that are shown at either end. */
const SHOWN_FRAMES = 8;

/** A script function under way. */
export interface Place {
  readonly function: LoadedPrototype;
  readonly word: number;
}

/** Script functions under way, innermost first. True only while `run` is not running, or in a host call. */
export function placesOf(heap: Heap, loaded: readonly LoadedPrototype[]): Place[] {
  const { u32, u8 } = heap.memory;
  const places: Place[] = [];
  const top = heap.state(State.FP);
  for (let frame = top; frame > Region.FRAMES; frame -= Frame.SIZE) {
    const callee = u32[(frame + Frame.CALLEE) >>> 2]!;
    if (callee === 0 || u8[callee] !== ObjectType.CLOSURE) continue;
    const record = u32[(callee + ClosureObject.PROTOTYPE) >>> 2]!;
    const fn = loaded[u32[(record + PrototypeRecord.ID) >>> 2]!]!;
    const pc = u32[(frame + Frame.PC) >>> 2]!;
    // Below the top a frame's PC is where it goes on, one after its call; an extra instruction knows its word itself.
    const isExtra = pc >= fn.code + fn.prototype.code.length * Instruction.SIZE;
    const at = frame === top || isExtra ? pc : pc - Instruction.SIZE;
    places.push({ function: fn, word: u32[(at + Instruction.WORD) >>> 2]! });
  }
  return places;
}

/** The source and span of a place. */
export function positionOfPlace({ function: fn, word }: Place): Pick<Diagnostic, 'source' | 'span'> {
  const { spans } = fn.prototype;
  return { source: fn.module.source, span: { start: spans[2 * word]!, end: spans[2 * word + 1]! } };
}

/** An error with the position and traceback of the call under way. */
export function diagnosticHere(
  heap: Heap,
  loaded: readonly LoadedPrototype[],
  message: string,
  hint?: string,
): Diagnostic {
  const places = placesOf(heap, loaded);
  const [innermost] = places;
  const notes = traceback(places);
  return {
    severity: 'error',
    message,
    ...(innermost === undefined ? {} : positionOfPlace(innermost)),
    ...(hint === undefined ? {} : { hint }),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

function traceback(places: readonly Place[]): string[] {
  // Where everything is in one function, the position says all.
  if (places.length < 2) return [];
  const notes = places.map((place) => {
    const { source, span } = positionOfPlace(place);
    return `in ${functionWords(place.function)} (${source!.name}:${positionOf(source!, span!.start).line})`;
  });
  if (notes.length <= 2 * SHOWN_FRAMES) return notes;
  const left = notes.length - 2 * SHOWN_FRAMES;
  return [...notes.slice(0, SHOWN_FRAMES), `… ${left} more calls …`, ...notes.slice(-SHOWN_FRAMES)];
}

function functionWords({ prototype, index }: LoadedPrototype): string {
  if (index === 0) return 'the main chunk';
  if (prototype.name === '') return 'an anonymous function';
  if (/^(?:trace|trace_end|tick-.*|profile-.*)(?: |$)/.test(prototype.name)) return prototype.name;
  return `function ${prototype.name}`;
}

const OPERATORS: Readonly<Record<number, string>> = {
  [Op.ADD]: '+',
  [Op.SUB]: '-',
  [Op.MUL]: '*',
  [Op.DIV]: '/',
  [Op.MOD]: '%',
  [Op.POW]: '^',
  [Op.INCTABLE]: '+',
};
const EVENT_WORDS = ['argevent', 'argname', 'argN', 'args'];
const ARGUMENT_TYPES: Readonly<Record<string, readonly string[]>> = {
  len: ['table or string'],
  pairs: ['table'],
  sort_pairs: ['table', 'function'],
  delete: ['table'],
  table_new: ['number', 'number'],
  lquantize: ['number', 'number', 'number'],
  exit: ['number'],
};

const typeName = (tag: number): string => TYPE_NAMES[tag] ?? 'value';
const article = (name: string): string => (/^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`);
const aValue = (tag: number): string => (tag === Tag.NIL ? 'nil' : article(typeName(tag)));

/** Message and hint for the error code that `run` left, in the top frame's instruction. */
export function describeError(heap: Heap, loaded: readonly LoadedPrototype[]): { message: string; hint?: string } {
  const code = heap.state(State.ERROR);
  const a = heap.state(State.ERROR_A) | 0;
  const b = heap.state(State.ERROR_B) | 0;
  const place = placesOf(heap, loaded)[0];
  const word = place === undefined ? 0 : place.function.prototype.code[place.word]!;
  /** ` (global 'x')` for an RK operand, or nothing. */
  const named = (operand: number): string => {
    if (place === undefined || operand >= RK_CONSTANT) return '';
    const name = operandName(place.function.prototype, place.word, operand);
    return name === undefined ? '' : ` (${name})`;
  };
  const opcode = opcodeOf(word);
  const isStore = opcode === Op.SETTABLE || opcode === Op.INCTABLE || opcode === Op.AGGTABLE;
  /** The name of the instruction's table. */
  const table = (): string => {
    if (place === undefined) return '';
    const operand = isStore || opcode === Op.SETLIST ? operandA(word) : operandB(word);
    if (!modeOf(word) || opcode === Op.SELF) return named(operand);
    const upvalue = place.function.prototype.upvalues[operand];
    return upvalue === undefined || upvalue.name.startsWith('(') ? '' : ` (local '${upvalue.name}')`;
  };
  const key = (): string => named(isStore ? operandB(word) : operandC(word));
  switch (code) {
    case ErrorCode.MEMORY:
      return { message: outOfMemoryText(heap.maxMemory) };
    case ErrorCode.ARITHMETIC: {
      if (b < 0) return { message: `cannot negate ${aValue(a)}${named(operandB(word))}` };
      const operator = OPERATORS[opcode] ?? '+';
      const leftIsWrong = a !== Tag.INTEGER && a !== Tag.NIL;
      const culprit = leftIsWrong ? (opcode === Op.INCTABLE ? '' : named(operandB(word))) : named(operandC(word));
      return { message: `cannot compute ${typeName(a)} ${operator} ${typeName(b)}${culprit}` };
    }
    case ErrorCode.COMPOUND_NIL:
      return { message: `the right side of ${OPERATORS[opcode] ?? '+'}= is nil${named(operandC(word))}` };
    case ErrorCode.DIVISION_BY_ZERO:
      return { message: 'division by zero' };
    case ErrorCode.NEGATIVE_EXPONENT:
      return { message: 'negative exponent' };
    case ErrorCode.CONCAT:
      return {
        message: `cannot join ${aValue(a)} with ..${named(operandB(word) + b)}`,
        hint: 'tostring(v) makes a string of any value',
      };
    case ErrorCode.COMPARE:
      return { message: `cannot compare ${aValue(a)} with ${aValue(b)}` };
    case ErrorCode.CALL:
      return { message: `cannot call ${a === Tag.NIL ? 'a nil value' : aValue(a)}${named(operandA(word))}` };
    case ErrorCode.INDEX:
      return { message: `cannot index ${a === Tag.NIL ? 'a nil value' : aValue(a)}${table()}` };
    case ErrorCode.NIL_KEY:
      return { message: `a table key is nil${key()}` };
    case ErrorCode.FOR_NUMBER:
      return { message: `the ${['start', 'limit', 'step'][b]} of a for loop is ${aValue(a)}, not a number` };
    case ErrorCode.FOR_STEP:
      return { message: 'the step of a for loop is 0' };
    case ErrorCode.DEPTH:
      return { message: 'recursion deeper than 10,000 calls' };
    case ErrorCode.STACK:
      return { message: 'too many values on the stack' };
    case ErrorCode.AGGREGATION_STORE:
      return {
        message: `cannot store into an aggregation table${table()}`,
        hint: 'add a sample with t[k] <<< n, or remove an entry with t[k] = nil',
      };
    case ErrorCode.AGGREGATION_INCREMENT:
      return {
        message: `cannot change an aggregation table${table()} by an assignment`,
        hint: 'add a sample with t[k] <<< n',
      };
    case ErrorCode.AGGREGATION_SAMPLE:
      return { message: `a sample must be a number, not ${aValue(a)}${named(operandC(word))}` };
    case ErrorCode.AGGREGATION_TARGET:
      return {
        message: `<<< needs an aggregation table, not ${aValue(a)}${table()}`,
        hint: 'make one with ptable(), quantize() or lquantize(low, high, step)',
      };
    case ErrorCode.NO_EVENT:
      return { message: `${EVENT_WORDS[a]} is known only while an event is handled, in a trace block` };
    case ErrorCode.ARGUMENT: {
      const builtin = NATIVE_BUILTINS[a] ?? '';
      const expected = ARGUMENT_TYPES[builtin]?.[b - 1] ?? 'aggregation';
      const name = builtin === 'table_new' ? 'table.new' : builtin;
      const got = typeName(heap.state(State.ERROR_C));
      return { message: `bad argument ${b} of ${name}: ${expected} expected, got ${got}` };
    }
    case ErrorCode.SORT_COMPARE:
      return {
        message: `sort_pairs cannot compare ${aValue(a)} with ${aValue(b)}`,
        hint: 'give it a function that says which of two values comes first',
      };
    case ErrorCode.LQUANTIZE:
      return {
        message: [
          'lquantize: step must be positive',
          'lquantize: low must be below high',
          'lquantize: too many buckets',
        ][a]!,
      };
    default:
      return { message: `the interpreter failed (${code})` };
  }
}
