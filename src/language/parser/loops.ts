// while, repeat and the three forms of for.

import type {
  Block,
  CForStatement,
  DoStatement,
  Expression,
  GenericForStatement,
  Identifier,
  NumericForStatement,
  RepeatStatement,
  Statement,
  WhileStatement,
} from '../ast.js';
import { Token } from '../tokens.js';
import { parseExpression, parseExpressionList } from './expressions.js';
import type { Parser } from './state.js';
import { parseBody, parseCondition, parseStatements } from './statements.js';
import { parseSimpleStatement } from './targets.js';

export function parseWhile(parser: Parser): WhileStatement {
  const { lexer } = parser;
  const { start } = lexer;
  lexer.next();
  const condition = parseCondition(parser);
  parser.loops++;
  const body = parseBody(parser, "'while'");
  parser.loops--;
  return { type: 'While', condition, body, start, end: lexer.previousEnd };
}

/** `repeat {…} until e` and `repeat … until e`: the locals of the body are in scope in `e`. */
export function parseRepeat(parser: Parser): RepeatStatement {
  const { lexer } = parser;
  const { start } = lexer;
  const outerShadowed = parser.shadowed;
  parser.enter();
  parser.loops++;
  lexer.next();
  const bodyStart = lexer.start;
  let statements: Statement[];
  let bodyEnd: number;
  if (lexer.type === Token.LeftBrace) {
    lexer.next();
    statements = parseStatements(parser);
    if (parser.at(Token.Until)) throw parser.error(parser.here(), "'until' without '}' of the body", 'close it first');
    parser.expectClosing(Token.RightBrace, bodyStart);
    bodyEnd = lexer.previousEnd;
    while (parser.accept(Token.Semicolon));
    if (!parser.at(Token.Until)) {
      // The braces were not the body but its first statement.
      parser.shadowed = outerShadowed;
      const body = { type: 'Block', statements, start: bodyStart, end: bodyEnd } as const;
      const first: DoStatement = { type: 'Do', body, start: bodyStart, end: bodyEnd };
      statements = [first, ...parseStatements(parser)];
      bodyEnd = lexer.previousEnd;
    }
  } else {
    statements = parseStatements(parser);
    bodyEnd = Math.max(lexer.previousEnd, bodyStart);
  }
  parser.loops--;
  if (lexer.type === Token.End) {
    throw parser.error(
      { start, end: start + 'repeat'.length },
      "'repeat' without 'until'",
      'a loop is written repeat { ... } until condition',
    );
  }
  parser.expect(Token.Until, "'until'");
  const condition = parseExpression(parser);
  parser.nesting--;
  parser.shadowed = outerShadowed;
  const body = { type: 'Block', statements, start: bodyStart, end: bodyEnd } as const;
  return { type: 'Repeat', body, condition, start, end: condition.end };
}

/** The three forms: `i = a, b, step`, `i = a; cond; step` (in parentheses only) and `k, v in e`. */
export function parseFor(parser: Parser): NumericForStatement | CForStatement | GenericForStatement {
  const { lexer } = parser;
  const { start } = lexer;
  const outerShadowed = parser.shadowed;
  const outerBrace = parser.braceOpensBody;
  lexer.next();
  const open = lexer.type === Token.LeftParen ? lexer.start : -1;
  if (open >= 0) lexer.next();
  parser.braceOpensBody = open < 0;
  const head = parseHead(parser, start, open);
  if (open >= 0) parser.expectClosing(Token.RightParen, open);
  parser.braceOpensBody = outerBrace;
  if (head.type === 'GenericFor') for (const name of head.names) parser.declare(name.name);
  else if (head.variable !== undefined) parser.declare(head.variable.name);
  parser.loops++;
  const body = parseBody(parser, "'for'");
  parser.loops--;
  parser.shadowed = outerShadowed;
  head.body = body;
  head.end = lexer.previousEnd;
  return head;
}

/** A statement whose body and end are still to come. */
type Unfinished<T> = { -readonly [K in keyof T]: T[K] };
type Head = Unfinished<NumericForStatement> | Unfinished<CForStatement> | Unfinished<GenericForStatement>;

/** Stands for a body until it is parsed. */
const NO_BODY: Block = { type: 'Block', statements: [], start: 0, end: 0 };

/**
 * What stands between the parentheses of the `for` at `start`; `open` is the place of the `(`, or -1 without
 * parentheses.
 */
function parseHead(parser: Parser, start: number, open: number): Head {
  const { lexer } = parser;
  if (open >= 0 && lexer.type === Token.Semicolon) return parseCHead(parser, start);
  if (lexer.type === Token.Local) {
    throw parser.error(parser.here(), `'${lexer.value}' is not written here`, 'the variable of a for is always local');
  }
  const variable = parser.expectName(open < 0 ? "'for'" : "'('");
  if (lexer.type === Token.Comma || lexer.type === Token.In) return parseGenericHead(parser, start, variable);
  if (lexer.type !== Token.Assign) {
    const hint = `write for (${variable.name} = 1, 10) or for (${variable.name} in pairs(t))`;
    throw parser.expected(`'=' or 'in' after '${variable.name}'`, hint);
  }
  lexer.next();
  const from = parseExpression(parser);
  if (parser.at(Token.Semicolon)) {
    if (open < 0) {
      throw parser.error(parser.here(), "a 'for' with ';' needs parentheses", 'write for (i = 0; i < n; i++) { ... }');
    }
    return parseCHead(parser, start, variable, from);
  }
  parser.expect(Token.Comma, "',' and the limit");
  const limit = parseExpression(parser);
  if (lexer.type === Token.Assign) {
    throw parser.error(parser.here(), "unexpected '='", "a 'for' has one variable; declare others before it");
  }
  const step = parser.accept(Token.Comma) ? parseExpression(parser) : undefined;
  return { type: 'NumericFor', variable, from, limit, step, body: NO_BODY, start, end: start };
}

/** `k, v in e, e, e` after the first name. */
function parseGenericHead(parser: Parser, start: number, first: Identifier): Head {
  const names = [first];
  while (parser.accept(Token.Comma)) names.push(parser.expectName("','"));
  if (parser.lexer.type === Token.Assign) {
    throw parser.error(parser.here(), "unexpected '='", "a 'for' has one variable; declare others before it");
  }
  parser.expect(Token.In, "'in'");
  const iterators = parseExpressionList(parser);
  return { type: 'GenericFor', names, iterators, body: NO_BODY, start, end: start };
}

/** `; cond; step`, where the token under way is the first `;`. */
function parseCHead(parser: Parser, start: number, variable?: Identifier, from?: Expression): Head {
  const { lexer } = parser;
  lexer.next();
  if (variable !== undefined) parser.declare(variable.name);
  const condition = lexer.type === Token.Semicolon ? undefined : parseExpression(parser);
  parser.expect(Token.Semicolon, "';' after the condition");
  const step = lexer.type === Token.RightParen ? undefined : parseSimpleStatement(parser);
  return { type: 'CFor', variable, from, condition, step, body: NO_BODY, start, end: start };
}
