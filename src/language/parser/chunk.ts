// The entry to the parser: a script's text to its tree.

import type { Chunk } from '../ast.js';
import type { Source } from '../diagnostics.js';
import { Token } from '../tokens.js';
import { Parser } from './state.js';
import { parseStatements } from './statements.js';

/**
 * Parses a script. Throws a KtapError at the first place that is no ktap. What needs scopes (labels, the limits of a
 * function, whether a local is used) is left to the compiler.
 */
export function parseChunk(source: Source): Chunk {
  const parser = new Parser(source, 0);
  const chunk = parse(parser);
  // `args.x` means a field of the event unless the script itself sets a variable `args`, which may stand further down.
  const ambiguous = parser.assigned & parser.used;
  return ambiguous === 0 ? chunk : parse(new Parser(source, parser.assigned));
}

function parse(parser: Parser): Chunk {
  const { lexer } = parser;
  const statements = parseStatements(parser);
  if (lexer.type === Token.RightBrace) throw parser.error(parser.here(), "'}' closes nothing", 'no block is open here');
  if (lexer.type === Token.Until) throw parser.error(parser.here(), "'until' without 'repeat'");
  const end = parser.source.text.length;
  return { type: 'Chunk', body: { type: 'Block', statements, start: 0, end }, start: 0, end };
}
