// Statements, blocks and conditions. Loops, functions, trace blocks and what begins with an expression have files of
// their own.

import type {
  Block,
  BreakStatement,
  CdefStatement,
  ContinueStatement,
  DoStatement,
  Expression,
  GotoStatement,
  IfStatement,
  LabelStatement,
  LocalFunctionStatement,
  LocalStatement,
  ReturnStatement,
  Statement,
} from '../ast.js';
import { Token } from '../tokens.js';
import { parseExpression, parseExpressionList, parseString } from './expressions.js';
import { parseFunctionStatement, parseLocalFunction } from './functions.js';
import { parseFor, parseRepeat, parseWhile } from './loops.js';
import type { Parser } from './state.js';
import { parseSimpleStatement } from './targets.js';
import { parseTimer, parseTrace, parseTraceEnd } from './trace-blocks.js';

/** Statements up to a `}`, an `until` or the end of the script, none of which is taken. Opens no scope. */
export function parseStatements(parser: Parser): Statement[] {
  const { lexer } = parser;
  const mark = parser.markList();
  while (lexer.type !== Token.End && lexer.type !== Token.RightBrace && lexer.type !== Token.Until) {
    if (lexer.type === Token.Semicolon) {
      lexer.next();
      continue;
    }
    const statement = parseStatement(parser);
    parser.addToList(statement);
    if (statement.type === 'Return') {
      while (parser.accept(Token.Semicolon));
      if (!endsBlock(lexer.type)) {
        throw parser.error(
          parser.here(),
          "a statement after 'return' is never reached",
          'return stands last in its block',
        );
      }
    }
  }
  return parser.endList(mark);
}

function endsBlock(type: Token): boolean {
  return type === Token.End || type === Token.RightBrace || type === Token.Until;
}

/** `{…}` with a scope of its own; the token under way is the `{`. */
export function parseBlock(parser: Parser): Block {
  const { lexer } = parser;
  const open = lexer.start;
  const outerShadowed = parser.shadowed;
  const outerBrace = parser.braceOpensBody;
  parser.braceOpensBody = false;
  parser.enter();
  lexer.next();
  const statements = parseStatements(parser);
  parser.nesting--;
  parser.braceOpensBody = outerBrace;
  parser.shadowed = outerShadowed;
  if (lexer.type === Token.Until) throw parser.error(parser.here(), "'until' without 'repeat' in this block");
  parser.closedBlocks.push(open, lexer.start);
  parser.expectClosing(Token.RightBrace, open);
  return { type: 'Block', statements, start: open, end: lexer.previousEnd };
}

/** The body of a statement, which must be in braces; `owner` as in `the body of owner`. */
export function parseBody(parser: Parser, owner: string): Block {
  const { lexer } = parser;
  if (lexer.type === Token.LeftBrace) return parseBlock(parser);
  if (lexer.type === Token.Assign) throw parser.expected(`'{' with the body of ${owner}`);
  throw parser.error(
    parser.here(),
    `the body of ${owner} must stand in braces, found ${parser.describe()}`,
    parser.misuseHint() ?? 'write { ... } round it',
  );
}

/** The condition of `if` or `while`: outside brackets a `{` opens the body. */
export function parseCondition(parser: Parser): Expression {
  const outer = parser.braceOpensBody;
  parser.braceOpensBody = true;
  const condition = parseExpression(parser);
  parser.braceOpensBody = outer;
  return condition;
}

function parseStatement(parser: Parser): Statement {
  const { lexer } = parser;
  const { start, end } = lexer;
  switch (lexer.type) {
    case Token.Name:
      return parseNameStatement(parser);
    case Token.Local:
      return parseLocal(parser);
    case Token.If:
      return parseIf(parser);
    case Token.While:
      return parseWhile(parser);
    case Token.For:
      return parseFor(parser);
    case Token.Repeat:
      return parseRepeat(parser);
    case Token.Function:
      lexer.next();
      return parseFunctionStatement(parser, start);
    case Token.Return:
      return parseReturn(parser);
    case Token.Break:
      if (parser.loops === 0) throw parser.error(parser.here(), "'break' stands outside a loop");
      lexer.next();
      return { type: 'Break', start, end } satisfies BreakStatement;
    case Token.Goto: {
      lexer.next();
      const label = parser.expectName("'goto'");
      return { type: 'Goto', label, start, end: label.end } satisfies GotoStatement;
    }
    case Token.DoubleColon: {
      lexer.next();
      const label = parser.expectName("'::'");
      parser.expect(Token.DoubleColon, "'::' after the label");
      return { type: 'Label', label, start, end: lexer.previousEnd } satisfies LabelStatement;
    }
    case Token.LeftBrace: {
      const body = parseBlock(parser);
      return { type: 'Do', body, start, end: body.end } satisfies DoStatement;
    }
    case Token.Trace:
      return parseTrace(parser);
    case Token.TraceEnd:
      return parseTraceEnd(parser);
    case Token.Cdef:
      return parseCdef(parser);
    case Token.LeftParen:
    case Token.Increment:
    case Token.Minus:
    case Token.EventText:
    case Token.EventName:
    case Token.EventArgument:
      return parseSimpleStatement(parser);
    default:
      throw noStatement(parser);
  }
}

/** A statement that begins with a name, among them the words that are special only here. */
function parseNameStatement(parser: Parser): Statement {
  const { lexer } = parser;
  const { start, end, value } = lexer;
  if (value === 'continue' && parser.loops > 0 && standsAlone(parser)) {
    lexer.next();
    return { type: 'Continue', start, end } satisfies ContinueStatement;
  }
  if (value === 'tick' || value === 'profile') {
    const { text } = lexer;
    const next = text.charCodeAt(end + 1);
    if (text.charCodeAt(end) === 0x2d && next >= 0x30 && next <= 0x39) return parseTimer(parser, value);
  }
  return parseSimpleStatement(parser);
}

/** Whether nothing after the name makes it the beginning of an assignment or a call: `continue` alone. */
function standsAlone(parser: Parser): boolean {
  const { type, startsLine } = parser.lexer.lookAhead();
  switch (type) {
    case Token.LeftParen:
    case Token.LeftBrace:
    case Token.String:
      return startsLine;
    case Token.Dot:
    case Token.Colon:
    case Token.Comma:
    case Token.LeftBracket:
    case Token.Minus:
      return false;
    default:
      return type < Token.Assign || type > Token.Aggregate;
  }
}

/** The error for a token that begins no statement. */
function noStatement(parser: Parser): Error {
  const { lexer } = parser;
  const here = parser.here();
  switch (lexer.type) {
    case Token.Else:
    case Token.ElseIf:
      return parser.error(here, `'${lexer.value}' without 'if'`);
    case Token.Assign:
      return parser.error(here, "unexpected '='", 'a statement sets its targets once: a, b = 1, 2');
    case Token.RightParen:
    case Token.RightBracket:
      return parser.error(here, `${parser.describe()} closes nothing`);
    default:
      break;
  }
  return parser.error(here, `expected a statement, found ${parser.describe()}`, parser.misuseHint());
}

/** `local a, b = …` and `local function f() {…}` */
function parseLocal(parser: Parser): LocalStatement | LocalFunctionStatement {
  const { lexer } = parser;
  const { start, value: word } = lexer;
  lexer.next();
  const functionStart = lexer.start;
  if (parser.accept(Token.Function)) return parseLocalFunction(parser, start, functionStart);
  const names = [parser.expectName(`'${word}'`)];
  while (parser.accept(Token.Comma)) names.push(parser.expectName("','"));
  const values = parser.accept(Token.Assign) ? parseExpressionList(parser) : [];
  for (const name of names) parser.declare(name.name);
  return { type: 'Local', names, values, start, end: lexer.previousEnd };
}

/** `if e {…} elseif e {…} else {…}`; `else if` is `elseif`. */
function parseIf(parser: Parser): IfStatement {
  const { lexer } = parser;
  const { start } = lexer;
  const clauses: { condition: Expression; body: Block }[] = [];
  let otherwise: Block | undefined;
  let owner = "'if'";
  lexer.next();
  for (;;) {
    const condition = parseCondition(parser);
    clauses.push({ condition, body: parseBody(parser, owner) });
    owner = "'elseif'";
    if (parser.accept(Token.ElseIf)) continue;
    if (!parser.accept(Token.Else)) break;
    if (parser.accept(Token.If)) continue;
    otherwise = parseBody(parser, "'else'");
    break;
  }
  return { type: 'If', clauses, otherwise, start, end: lexer.previousEnd };
}

function parseReturn(parser: Parser): ReturnStatement {
  const { lexer } = parser;
  const { start } = lexer;
  lexer.next();
  const values = endsBlock(lexer.type) || lexer.type === Token.Semicolon ? [] : parseExpressionList(parser);
  return { type: 'Return', values, start, end: lexer.previousEnd };
}

/** `cdef [[…]]` */
function parseCdef(parser: Parser): CdefStatement {
  const { lexer } = parser;
  const { start } = lexer;
  lexer.next();
  if (lexer.type !== Token.String) {
    throw parser.expected("a string after 'cdef'", 'C declarations are written cdef [[ ... ]]');
  }
  const declarations = parseString(parser);
  return { type: 'Cdef', declarations, start, end: declarations.end };
}
