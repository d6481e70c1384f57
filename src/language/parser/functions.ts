// Functions: their parameters and body, and the statements that name one.

import type {
  AssignmentTarget,
  Block,
  FunctionExpression,
  FunctionStatement,
  Identifier,
  LocalFunctionStatement,
} from '../ast.js';
import { Token } from '../tokens.js';
import type { Parser } from './state.js';
import { parseBody } from './statements.js';

/** `(parameters) {…}`; `start` is where the function's text begins. A method has `self` already. */
export function parseFunctionBody(parser: Parser, name: string, start: number, self?: Identifier): FunctionExpression {
  const { lexer } = parser;
  const outerShadowed = parser.shadowed;
  const mark = parser.markList();
  if (self !== undefined) parser.addToList(self);
  const open = lexer.start;
  let hasVararg = false;
  if (name === '' && lexer.type === Token.Name) {
    throw parser.expected("'(' after 'function'", 'a function in an expression has no name');
  }
  parser.expect(Token.LeftParen, name === '' ? "'(' after 'function'" : `'(' with the parameters of '${name}'`);
  if (lexer.type !== Token.RightParen) {
    do {
      if (lexer.type === Token.Ellipsis) {
        lexer.next();
        hasVararg = true;
        break;
      }
      parser.addToList(parser.expectName(parser.markList() === mark ? "'('" : "','"));
    } while (parser.accept(Token.Comma));
  }
  const parameters = parser.endList<Identifier>(mark);
  parser.expectClosing(Token.RightParen, open, parameters.length === 0 || hasVararg ? undefined : "',' or ')'");
  for (const parameter of parameters) parser.declare(parameter.name);
  const body = parseFunctionBlock(parser, 'a function', hasVararg);
  parser.shadowed = outerShadowed;
  return { type: 'Function', name, parameters, hasVararg, body, start, end: lexer.previousEnd };
}

/**
 * A block that is a function of its own: loops outside it cannot be left from it. `handler` is its kind if it is the
 * block of an event or timer.
 */
export function parseFunctionBlock(parser: Parser, owner: string, hasVararg: boolean, handler?: string): Block {
  const { loops, braceOpensBody, hasVararg: outerVararg, isHandlerBody, handler: outerHandler } = parser;
  parser.loops = 0;
  parser.braceOpensBody = false;
  parser.hasVararg = hasVararg;
  parser.isHandlerBody = handler !== undefined;
  parser.handler = handler ?? parser.handler;
  const body = parseBody(parser, owner);
  parser.loops = loops;
  parser.braceOpensBody = braceOpensBody;
  parser.hasVararg = outerVararg;
  parser.isHandlerBody = isHandlerBody;
  parser.handler = outerHandler;
  return body;
}

/** `function a.b:m() {…}`; the token under way follows `function`. */
export function parseFunctionStatement(parser: Parser, start: number): FunctionStatement {
  const { lexer } = parser;
  if (lexer.type === Token.LeftParen) {
    throw parser.error(
      { start, end: lexer.end },
      'a function without a name is not a statement',
      'name it, or store it',
    );
  }
  const first = parser.expectName("'function'");
  let name = first.name;
  let target: AssignmentTarget = { type: 'Name', name, start: first.start, end: first.end };
  let self: Identifier | undefined;
  const outerChain = parser.chain;
  parser.chain = 0;
  while (self === undefined && (lexer.type === Token.Dot || lexer.type === Token.Colon)) {
    const separator = lexer.type === Token.Dot ? '.' : ':';
    lexer.next();
    if (!lexer.isWord()) throw parser.expected(`a name after '${separator}'`);
    name += separator + lexer.value;
    const key = { type: 'String', value: lexer.value, start: lexer.start, end: lexer.end } as const;
    target = { type: 'Index', object: target, key, dot: true, start: target.start, end: lexer.end };
    if (separator === ':') self = { name: 'self', start: lexer.start, end: lexer.end };
    lexer.next();
    parser.lengthen(1, target.start);
  }
  parser.chain = Math.max(parser.chain, outerChain);
  parser.assign(first.name);
  return {
    type: 'FunctionStatement',
    target,
    function: parseFunctionBody(parser, name, start, self),
    start,
    end: lexer.previousEnd,
  };
}

/** `local function f() {…}`; the token under way follows `function`. `f` is in scope in its own body. */
export function parseLocalFunction(parser: Parser, start: number, functionStart: number): LocalFunctionStatement {
  const name = parser.expectName("'function'");
  parser.declare(name.name);
  const value = parseFunctionBody(parser, name.name, functionStart);
  return { type: 'LocalFunction', name, function: value, start, end: value.end };
}
