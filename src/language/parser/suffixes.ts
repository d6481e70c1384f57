// Names and parentheses with what follows them: fields, indices, calls, method calls. These are the expressions that may
// begin a statement, and among them the ones that may be assigned to.

import type { Expression } from '../ast.js';
import { Token } from '../tokens.js';
import { parseBracketed, parseString, parseTable } from './expressions.js';
import { type Parser, SPECIAL_NAMES } from './state.js';

/** A name, a value of an event, or parentheses, with all suffixes. */
export function parseSuffixes(parser: Parser): Expression {
  const { lexer } = parser;
  const outerChain = parser.chain;
  parser.chain = 0;
  let expression = parsePrefix(parser);
  const { start } = expression;
  for (;;) {
    switch (lexer.type) {
      case Token.Dot: {
        lexer.next();
        const key = parseField(parser, "'.'");
        expression = { type: 'Index', object: expression, key, dot: true, start, end: key.end };
        break;
      }
      case Token.LeftBracket: {
        const open = lexer.start;
        lexer.next();
        const key = parseBracketed(parser);
        parser.expectClosing(Token.RightBracket, open);
        expression = { type: 'Index', object: expression, key, dot: false, start, end: lexer.previousEnd };
        break;
      }
      case Token.Colon: {
        lexer.next();
        const name = parseField(parser, "':'");
        if (!beginsArguments(parser)) throw parser.expected(`the arguments of the method '${name.value}'`);
        const list = parseArguments(parser);
        expression = {
          type: 'MethodCall',
          object: expression,
          name: name.value,
          nameStart: name.start,
          arguments: list,
          start,
          end: lexer.previousEnd,
        };
        break;
      }
      default: {
        if (!beginsArguments(parser)) {
          if (parser.chain < outerChain) parser.chain = outerChain;
          return expression;
        }
        const list = parseArguments(parser);
        expression = { type: 'Call', callee: expression, arguments: list, start, end: lexer.previousEnd };
      }
    }
    parser.lengthen(1, start);
  }
}

/** The word after a `.` or `:`, any word, as a string. */
function parseField(parser: Parser, after: string): { type: 'String'; value: string; start: number; end: number } {
  const { lexer } = parser;
  if (!lexer.isWord()) throw parser.expected(`a name after ${after}`);
  const { value, start, end } = lexer;
  lexer.next();
  return { type: 'String', value, start, end };
}

/** Whether the token under way begins the arguments of a call: not at the start of a line, nor where `{` opens a body. */
function beginsArguments(parser: Parser): boolean {
  const { type, startsLine } = parser.lexer;
  if (startsLine) return false;
  return type === Token.LeftParen || type === Token.String || (type === Token.LeftBrace && !parser.braceOpensBody);
}

/** `(a, b)`, `"s"` or `{…}` */
function parseArguments(parser: Parser): Expression[] {
  const { lexer } = parser;
  if (lexer.type === Token.String) return [parseString(parser)];
  if (lexer.type === Token.LeftBrace) return [parseTable(parser)];
  const open = lexer.start;
  lexer.next();
  const mark = parser.markList();
  if (lexer.type !== Token.RightParen && lexer.type !== Token.End) {
    do parser.addToList(parseBracketed(parser));
    while (parser.accept(Token.Comma) && !parser.at(Token.End));
  }
  parser.expectClosing(Token.RightParen, open, parser.markList() === mark ? undefined : "',' or ')'");
  return parser.endList(mark);
}

function parsePrefix(parser: Parser): Expression {
  const { lexer } = parser;
  const { type, start, end, value } = lexer;
  switch (type) {
    case Token.Name:
      lexer.next();
      if (value === 'args' || value === 'arg0') return parseSpecialName(parser, value, start, end);
      return { type: 'Name', name: value, start, end };
    case Token.LeftParen: {
      lexer.next();
      if (parser.at(Token.End)) parser.expectClosing(Token.RightParen, start);
      const expression = parseBracketed(parser);
      parser.expectClosing(Token.RightParen, start);
      return { type: 'Parenthesized', expression, start, end: lexer.previousEnd };
    }
    case Token.EventText:
      lexer.next();
      return { type: 'EventText', start, end };
    case Token.EventName:
      lexer.next();
      return { type: 'EventName', start, end };
    case Token.EventArgument:
      lexer.next();
      return { type: 'EventArgument', number: value.charCodeAt(3) - 0x30, start, end };
    case Token.Increment:
    case Token.Plus:
      throw parser.error(
        parser.here(),
        `expected an expression, found ${parser.describe()}`,
        type === Token.Plus ? "a number has no sign '+'" : 'x++ is a statement of its own, it has no value',
      );
    default:
      throw parser.expected('an expression', lexer.isWord() ? `'${value}' is a reserved word` : undefined);
  }
}

/** `args.field` and `arg0`, unless the script has a variable of that name. */
function parseSpecialName(parser: Parser, name: 'args' | 'arg0', start: number, end: number): Expression {
  const { lexer } = parser;
  const bit = SPECIAL_NAMES.get(name)!;
  if ((parser.shadowed & bit) !== 0) return { type: 'Name', name, start, end };
  if (name === 'arg0') {
    parser.used |= bit;
    return { type: 'EventArgument', number: 0, start, end };
  }
  if (lexer.type !== Token.Dot) return { type: 'Name', name, start, end };
  parser.used |= bit;
  lexer.next();
  const field = parseField(parser, "'.'");
  return { type: 'EventField', name: field.value, start, end: field.end };
}
