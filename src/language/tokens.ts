// The kinds of tokens, the reserved words, and the strengths of the binary operators.

export enum Token {
  End,
  Name,
  Integer,
  String,
  KernelSymbol,

  LeftParen,
  RightParen,
  LeftBrace,
  RightBrace,
  LeftBracket,
  RightBracket,
  Semicolon,
  Comma,
  Dot,
  Colon,
  DoubleColon,
  Ellipsis,

  Assign,
  AddAssign,
  SubtractAssign,
  MultiplyAssign,
  DivideAssign,
  ModuloAssign,
  Increment,
  Aggregate,

  Or,
  And,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  Concat,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  Caret,
  Not,

  Break,
  Cdef,
  Else,
  ElseIf,
  False,
  For,
  Function,
  Goto,
  If,
  In,
  Local,
  Nil,
  Repeat,
  Return,
  True,
  Until,
  While,
  Trace,
  TraceEnd,
  EventText,
  EventName,
  EventArgument,

  /** Number of kinds. */
  Count,
}

/** Reserved words. `and`, `or`, `not` are the same tokens as `&&`, `||`, `!`; `var` is `local`. */
export const RESERVED_WORDS: ReadonlyMap<string, Token> = new Map([
  ['and', Token.And],
  ['or', Token.Or],
  ['not', Token.Not],
  ['break', Token.Break],
  ['cdef', Token.Cdef],
  ['else', Token.Else],
  ['elseif', Token.ElseIf],
  ['false', Token.False],
  ['for', Token.For],
  ['function', Token.Function],
  ['goto', Token.Goto],
  ['if', Token.If],
  ['in', Token.In],
  ['local', Token.Local],
  ['var', Token.Local],
  ['nil', Token.Nil],
  ['repeat', Token.Repeat],
  ['return', Token.Return],
  ['true', Token.True],
  ['until', Token.Until],
  ['while', Token.While],
  ['trace', Token.Trace],
  ['trace_end', Token.TraceEnd],
  ['argevent', Token.EventText],
  ['argstr', Token.EventText],
  ['argname', Token.EventName],
  ['probename', Token.EventName],
  ...Array.from({ length: 9 }, (_, index): [string, Token] => [`arg${index + 1}`, Token.EventArgument]),
]);

/** Strength of the binary operators that associate by loops (`^` is not among them); 0: not such an operator. */
export const PRECEDENCE = new Uint8Array(Token.Count);
PRECEDENCE[Token.Or] = 1;
PRECEDENCE[Token.And] = 2;
for (let token: number = Token.Less; token <= Token.NotEqual; token++) PRECEDENCE[token] = 3;
PRECEDENCE[Token.Concat] = 4;
PRECEDENCE[Token.Plus] = 5;
PRECEDENCE[Token.Minus] = 5;
PRECEDENCE[Token.Star] = 6;
PRECEDENCE[Token.Slash] = 6;
PRECEDENCE[Token.Percent] = 6;
