// Statements that begin with an expression: assignments of all kinds, `x++`, `<<<` and calls.

import type {
  AggregateStatement,
  AssignmentTarget,
  AssignStatement,
  CallStatement,
  CompoundAssignStatement,
  CompoundOperator,
  Expression,
} from '../ast.js';
import { Token } from '../tokens.js';
import { parseExpression, parseExpressionList } from './expressions.js';
import type { Parser } from './state.js';
import { parseSuffixes } from './suffixes.js';

export type SimpleStatement = AssignStatement | CompoundAssignStatement | AggregateStatement | CallStatement;

const MINUS = 0x2d;

const COMPOUND_OPERATORS: (CompoundOperator | undefined)[] = [];
COMPOUND_OPERATORS[Token.AddAssign] = '+';
COMPOUND_OPERATORS[Token.SubtractAssign] = '-';
COMPOUND_OPERATORS[Token.MultiplyAssign] = '*';
COMPOUND_OPERATORS[Token.DivideAssign] = '/';
COMPOUND_OPERATORS[Token.ModuloAssign] = '%';

/** An assignment, `x += e`, `x++`, `t[k] <<< e` or a call: also the step of a C-style `for`. */
export function parseSimpleStatement(parser: Parser): SimpleStatement {
  const { lexer } = parser;
  refusePrefix(parser);
  const first = parseSuffixes(parser);
  const { type, start: operatorStart } = lexer;
  if (type === Token.Assign || type === Token.Comma) return parseAssignment(parser, first);
  const operator = COMPOUND_OPERATORS[type];
  if (operator !== undefined) {
    const target = toTarget(parser, first);
    lexer.next();
    const value = parseExpression(parser);
    const { start } = first;
    return { type: 'CompoundAssign', target, operator, operatorStart, value, increment: false, start, end: value.end };
  }
  if (type === Token.Increment) return parseIncrement(parser, first, '+');
  if (type === Token.Minus && lexer.text.charCodeAt(lexer.end) === MINUS) return parseIncrement(parser, first, '-');
  if (type === Token.Aggregate) {
    const target = toTarget(parser, first);
    if (target.type !== 'Index') {
      throw parser.error(
        target,
        "'<<<' needs an element of an aggregation table",
        `write ${target.name}[key] <<< value`,
      );
    }
    lexer.next();
    const value = parseExpression(parser);
    return { type: 'Aggregate', target, operatorStart, value, start: first.start, end: value.end };
  }
  if (first.type === 'Call' || first.type === 'MethodCall') {
    return { type: 'CallStatement', call: first, start: first.start, end: first.end };
  }
  throw notAStatement(parser, first);
}

/** `++x` and `--x` as in C, and `--` as the comment of Lua. */
function refusePrefix(parser: Parser): void {
  const { type, start, end, text } = parser.lexer;
  if (type === Token.Increment) {
    throw parser.error(parser.here(), "'++' stands after its variable", 'write x++ or x += 1');
  }
  if (type === Token.Minus && text.charCodeAt(end) === MINUS) {
    const hint = "a comment begins with '#'; to decrement write x-- or x -= 1";
    throw parser.error({ start, end: end + 1 }, "'--' begins no statement", hint);
  }
  if (type === Token.Minus) throw parser.expected('a statement');
}

/** `a, b = e, e` */
function parseAssignment(parser: Parser, first: Expression): AssignStatement {
  const { lexer } = parser;
  const targets = [toTarget(parser, first)];
  while (parser.accept(Token.Comma)) targets.push(toTarget(parser, parseSuffixes(parser)));
  if (COMPOUND_OPERATORS[lexer.type] !== undefined && targets.length > 1) {
    throw parser.error(parser.here(), `${parser.describe()} takes a single target`);
  }
  parser.expect(Token.Assign, "'='");
  const values = parseExpressionList(parser);
  for (const target of targets) if (target.type === 'Name') parser.assign(target.name);
  return { type: 'Assign', targets, values, start: first.start, end: values[values.length - 1]!.end };
}

/** `x++` and `x--`. */
function parseIncrement(parser: Parser, first: Expression, operator: '+' | '-'): CompoundAssignStatement {
  const { lexer } = parser;
  const target = toTarget(parser, first);
  const operatorStart = lexer.start;
  const end = operatorStart + 2;
  lexer.continueAt(end);
  return {
    type: 'CompoundAssign',
    target,
    operator,
    operatorStart,
    value: { type: 'Integer', value: 1n, start: operatorStart, end },
    increment: true,
    start: first.start,
    end,
  };
}

/** Checks that an expression may be assigned to; a variable `arg0` is known for one by now. */
function toTarget(parser: Parser, expression: Expression): AssignmentTarget {
  const { start, end } = expression;
  switch (expression.type) {
    case 'Name':
    case 'Index':
      return expression;
    case 'EventArgument':
      if (expression.number === 0) {
        parser.assign('arg0');
        return { type: 'Name', name: 'arg0', start, end };
      }
      break;
    case 'Call':
    case 'MethodCall':
      throw parser.error(
        expression,
        'the result of a call cannot be assigned to',
        parser.at(Token.Assign) ? "equality is written '=='" : undefined,
      );
    case 'Parenthesized':
      throw parser.error(expression, 'an expression in parentheses cannot be assigned to');
    default:
      break;
  }
  const text = parser.source.text.slice(start, end);
  throw parser.error(expression, `'${text}' belongs to the event, it cannot be assigned to`);
}

/** Words of other languages that people put before a declaration, and what ends a block there. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['let', 'a local variable is declared with local or var'],
  ['const', 'a local variable is declared with local or var'],
  ['int', 'a local variable is declared with local or var'],
  ['long', 'a local variable is declared with local or var'],
  ['auto', 'a local variable is declared with local or var'],
  ['char', 'a local variable is declared with local or var'],
  ['def', 'a function is written function name(a, b) { ... }'],
  ['fn', 'a function is written function name(a, b) { ... }'],
  ['func', 'a function is written function name(a, b) { ... }'],
  ['elif', 'write elseif or else if'],
  ['elsif', 'write elseif or else if'],
  ['then', 'blocks stand in braces: { ... }'],
  ['do', 'blocks stand in braces: { ... }'],
  ['end', 'blocks stand in braces: { ... }'],
  ['foreach', 'write for (k, v in pairs(t)) { ... }'],
  ['printf', 'arguments stand in parentheses'],
  ['print', 'arguments stand in parentheses'],
]);

function notAStatement(parser: Parser, expression: Expression): Error {
  const { lexer } = parser;
  const text = parser.source.text.slice(expression.start, expression.end);
  const name = expression.type === 'Name' ? expression.name : '';
  const foreign = FOREIGN.get(name);
  if (lexer.type === Token.Equal) {
    return parser.error(parser.here(), 'a comparison is not a statement', "an assignment is written '='");
  }
  if (name === 'continue') {
    return parser.error(expression, "'continue' stands outside a loop");
  }
  if ((name === 'tick' || name === 'profile') && lexer.type === Token.Minus) {
    return parser.error(
      { start: expression.start, end: lexer.end },
      `an interval must follow '${name}-' directly`,
      `for instance ${name}-${name === 'tick' ? '1s' : '97Hz'} { ... }`,
    );
  }
  let hint = foreign;
  if (hint === undefined && (expression.type === 'Name' || expression.type === 'Index')) {
    const beginsCall =
      lexer.startsLine &&
      (lexer.type === Token.LeftParen || lexer.type === Token.String || lexer.type === Token.LeftBrace);
    hint = beginsCall
      ? `the ${lexer.type === Token.String ? 'string' : parser.describe()} at the start of the next line does not continue it`
      : text.length <= 40 && !text.includes('\n')
        ? `to call it write ${text}(), to set it ${text} = value`
        : undefined;
  }
  return parser.error(expression, 'an expression alone is not a statement', hint);
}
