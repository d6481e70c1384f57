// Expressions. Binary operators are parsed by their strength in a loop, so a chain of them costs no native stack here;
// what is in brackets, and prefix operators and `^`, recurse.

import type {
  BinaryExpression,
  BinaryOperator,
  Expression,
  LogicalExpression,
  StringExpression,
  TableItem,
} from '../ast.js';
import { PRECEDENCE, Token } from '../tokens.js';
import { parseFunctionBody } from './functions.js';
import type { Parser } from './state.js';
import { parseSuffixes } from './suffixes.js';

const SMALLEST = -0x8000000000000000n;

/** An expression. Inside brackets use parseBracketed. */
export function parseExpression(parser: Parser): Expression {
  parser.enter();
  const expression = parseBinary(parser, 1);
  parser.nesting--;
  return expression;
}

/** An expression in brackets, where a `{` never opens a body. */
export function parseBracketed(parser: Parser): Expression {
  const outer = parser.braceOpensBody;
  parser.braceOpensBody = false;
  const expression = parseExpression(parser);
  parser.braceOpensBody = outer;
  return expression;
}

/** `e, e, …` */
export function parseExpressionList(parser: Parser): Expression[] {
  const first = parseExpression(parser);
  if (!parser.at(Token.Comma)) return [first];
  const mark = parser.markList();
  parser.addToList(first);
  while (parser.accept(Token.Comma)) parser.addToList(parseExpression(parser));
  return parser.endList(mark);
}

/** Operators that are at least `weakest` strong, from left to right. */
function parseBinary(parser: Parser, weakest: number): Expression {
  const { lexer } = parser;
  const outerChain = parser.chain;
  parser.chain = 0;
  let left = parseUnary(parser);
  for (;;) {
    const operator = lexer.type;
    const strength = PRECEDENCE[operator]!;
    if (strength < weakest || strength === 0) break;
    if (operator === Token.Concat) {
      left = parseConcatenation(parser, left, strength);
      continue;
    }
    const operatorStart = lexer.start;
    lexer.next();
    const right = parseBinary(parser, strength + 1);
    left = makeBinary(operator, operatorStart, left, right);
    parser.lengthen(1, left.start);
  }
  if (parser.chain < outerChain) parser.chain = outerChain;
  return left;
}

/** `..` associates to the right: the operands are collected, then joined from the end. */
function parseConcatenation(parser: Parser, first: Expression, strength: number): Expression {
  const { lexer } = parser;
  const operands = [first];
  const starts: number[] = [];
  while (lexer.type === Token.Concat) {
    starts.push(lexer.start);
    lexer.next();
    operands.push(parseBinary(parser, strength + 1));
  }
  parser.lengthen(starts.length, first.start);
  let right = operands[starts.length]!;
  for (let index = starts.length - 1; index >= 0; index--) {
    right = makeBinary(Token.Concat, starts[index]!, operands[index]!, right);
  }
  return right;
}

function makeBinary(
  token: Token,
  operatorStart: number,
  left: Expression,
  right: Expression,
): BinaryExpression | LogicalExpression {
  const { start } = left;
  const { end } = right;
  if (token === Token.And || token === Token.Or) {
    return { type: 'Logical', operator: token === Token.And ? 'and' : 'or', left, right, start, end };
  }
  return { type: 'Binary', operator: OPERATORS[token]!, operatorStart, left, right, start, end };
}

const OPERATORS: (BinaryOperator | undefined)[] = [];
OPERATORS[Token.Less] = '<';
OPERATORS[Token.LessEqual] = '<=';
OPERATORS[Token.Greater] = '>';
OPERATORS[Token.GreaterEqual] = '>=';
OPERATORS[Token.Equal] = '==';
OPERATORS[Token.NotEqual] = '!=';
OPERATORS[Token.Concat] = '..';
OPERATORS[Token.Plus] = '+';
OPERATORS[Token.Minus] = '-';
OPERATORS[Token.Star] = '*';
OPERATORS[Token.Slash] = '/';
OPERATORS[Token.Percent] = '%';

/** `- e`, `not e`, `! e`: weaker than `^`, so `-2^2` is -(2^2). */
function parseUnary(parser: Parser): Expression {
  const { lexer } = parser;
  const { type, start } = lexer;
  if (type !== Token.Minus && type !== Token.Not) return parsePower(parser);
  parser.enter();
  lexer.next();
  const isSmallest = type === Token.Minus && lexer.type === Token.Integer && lexer.saturated;
  const operand = parseUnary(parser);
  parser.nesting--;
  const { end } = operand;
  if (isSmallest && operand.type === 'Integer') return { type: 'Integer', value: SMALLEST, start, end };
  return { type: 'Unary', operator: type === Token.Minus ? '-' : 'not', operand, start, end };
}

/** `a ^ b`; the right side may have a prefix operator, and associates to the right by way of it. */
function parsePower(parser: Parser): Expression {
  const { lexer } = parser;
  const left = parseOperand(parser);
  if (lexer.type !== Token.Caret) return left;
  const operatorStart = lexer.start;
  lexer.next();
  parser.enter();
  const right = parseUnary(parser);
  parser.nesting--;
  return { type: 'Binary', operator: '^', operatorStart, left, right, start: left.start, end: right.end };
}

/** A value, or a name with what is done to it. */
function parseOperand(parser: Parser): Expression {
  const { lexer } = parser;
  const { start, end } = lexer;
  switch (lexer.type) {
    case Token.Integer: {
      const value = lexer.integer;
      lexer.next();
      return { type: 'Integer', value, start, end };
    }
    case Token.String:
      return parseString(parser);
    case Token.Nil:
      lexer.next();
      return { type: 'Nil', start, end };
    case Token.True:
      lexer.next();
      return { type: 'Boolean', value: true, start, end };
    case Token.False:
      lexer.next();
      return { type: 'Boolean', value: false, start, end };
    case Token.Ellipsis:
      if (!parser.hasVararg) {
        throw parser.error(
          parser.here(),
          parser.isHandlerBody
            ? `'...' has no meaning in a ${parser.handler} block`
            : "'...' stands outside a function that takes it",
          parser.isHandlerBody
            ? 'keep the values in a variable outside the block'
            : 'name it among the parameters: function (...) { ... }',
        );
      }
      lexer.next();
      return { type: 'Vararg', start, end };
    case Token.KernelSymbol: {
      const name = lexer.value;
      lexer.next();
      return { type: 'KernelSymbol', name, start, end };
    }
    case Token.Function:
      lexer.next();
      return parseFunctionBody(parser, '', start);
    case Token.LeftBrace:
      if (parser.braceOpensBody)
        throw parser.error(parser.here(), 'expected an expression before the body', TABLE_HINT);
      return parseTable(parser);
    default:
      return parseSuffixes(parser);
  }
}

const TABLE_HINT = 'a table constructor in a condition stands in parentheses';

/** The string under way. */
export function parseString(parser: Parser): StringExpression {
  const { lexer } = parser;
  const node: StringExpression = { type: 'String', value: lexer.value, start: lexer.start, end: lexer.end };
  lexer.next();
  return node;
}

/** `{a, b, [k] = v, name = v}`, items parted by `,` or `;`. */
export function parseTable(parser: Parser): Expression {
  const { lexer } = parser;
  const open = lexer.start;
  const outerBrace = parser.braceOpensBody;
  parser.braceOpensBody = false;
  lexer.next();
  const mark = parser.markList();
  while (lexer.type !== Token.RightBrace && lexer.type !== Token.End) {
    parser.addToList(parseTableItem(parser));
    if (!parser.accept(Token.Comma) && !parser.accept(Token.Semicolon)) break;
  }
  parser.braceOpensBody = outerBrace;
  parser.expectClosing(Token.RightBrace, open, "',' or '}'");
  const items = parser.endList<TableItem>(mark);
  return { type: 'Table', items, start: open, end: lexer.previousEnd };
}

function parseTableItem(parser: Parser): TableItem {
  const { lexer } = parser;
  const { start, end } = lexer;
  let key: Expression;
  if (lexer.type === Token.LeftBracket) {
    lexer.next();
    key = parseExpression(parser);
    parser.expectClosing(Token.RightBracket, start);
    parser.expect(Token.Assign, "'=' after a key");
  } else if (lexer.isWord() && lexer.isBeforeAssign()) {
    key = { type: 'String', value: lexer.value, start, end };
    lexer.next();
    lexer.next();
  } else {
    const value = parseExpression(parser);
    return { value, start, end: value.end };
  }
  const value = parseExpression(parser);
  return { key, value, start, end: value.end };
}
