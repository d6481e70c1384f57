// The tree that the parser makes and the compiler, the printer and the reference evaluator of the tests read.
// Nodes carry byte offsets of the source (`start`, `end`, end not included); strings are byte strings.

import type { EventDefinition } from './event-definition.js';

interface Node {
  readonly start: number;
  readonly end: number;
}

// ---- expressions

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '^' | '..' | '==' | '!=' | '<' | '<=' | '>' | '>=';
export type CompoundOperator = '+' | '-' | '*' | '/' | '%';

export interface NilExpression extends Node {
  readonly type: 'Nil';
}
export interface BooleanExpression extends Node {
  readonly type: 'Boolean';
  readonly value: boolean;
}
/** A literal, already wrapped or saturated to 64 bits, signed. `-9223372036854775808` is a Unary over 2^63 saturated: the parser folds it. */
export interface IntegerExpression extends Node {
  readonly type: 'Integer';
  readonly value: bigint;
}
export interface StringExpression extends Node {
  readonly type: 'String';
  readonly value: string;
}
/** `...` */
export interface VarargExpression extends Node {
  readonly type: 'Vararg';
}
/** `` `name` `` */
export interface KernelSymbolExpression extends Node {
  readonly type: 'KernelSymbol';
  readonly name: string;
}
export interface NameExpression extends Node {
  readonly type: 'Name';
  readonly name: string;
}
/** `object[key]`; `object.name` has a String key and `dot` set. */
export interface IndexExpression extends Node {
  readonly type: 'Index';
  readonly object: Expression;
  readonly key: Expression;
  readonly dot: boolean;
}
export interface CallExpression extends Node {
  readonly type: 'Call';
  readonly callee: Expression;
  readonly arguments: readonly Expression[];
}
/** `object:name(…)` */
export interface MethodCallExpression extends Node {
  readonly type: 'MethodCall';
  readonly object: Expression;
  readonly name: string;
  readonly nameStart: number;
  readonly arguments: readonly Expression[];
}
export interface FunctionExpression extends Node {
  readonly type: 'Function';
  /** For tracebacks: `f`, `a.b:m`; empty for an anonymous one. */
  readonly name: string;
  readonly parameters: readonly Identifier[];
  readonly hasVararg: boolean;
  readonly body: Block;
}
/** A positional item has no key. */
export interface TableItem extends Node {
  readonly key?: Expression;
  readonly value: Expression;
}
export interface TableExpression extends Node {
  readonly type: 'Table';
  readonly items: readonly TableItem[];
}
export interface BinaryExpression extends Node {
  readonly type: 'Binary';
  readonly operator: BinaryOperator;
  readonly operatorStart: number;
  readonly left: Expression;
  readonly right: Expression;
}
export interface LogicalExpression extends Node {
  readonly type: 'Logical';
  readonly operator: 'and' | 'or';
  readonly left: Expression;
  readonly right: Expression;
}
export interface UnaryExpression extends Node {
  readonly type: 'Unary';
  readonly operator: '-' | 'not';
  readonly operand: Expression;
}
/** Parentheses cut several results to one, so they stay in the tree. */
export interface ParenthesizedExpression extends Node {
  readonly type: 'Parenthesized';
  readonly expression: Expression;
}
/** `argevent` (`argstr`). */
export interface EventTextExpression extends Node {
  readonly type: 'EventText';
}
/** `argname` (`probename`). */
export interface EventNameExpression extends Node {
  readonly type: 'EventName';
}
/** `arg0` … `arg9`; the number as the script writes it, the compiler applies the dialect. */
export interface EventArgumentExpression extends Node {
  readonly type: 'EventArgument';
  readonly number: number;
}
/** `args.field`. */
export interface EventFieldExpression extends Node {
  readonly type: 'EventField';
  readonly name: string;
}

export type Expression =
  | NilExpression
  | BooleanExpression
  | IntegerExpression
  | StringExpression
  | VarargExpression
  | KernelSymbolExpression
  | NameExpression
  | IndexExpression
  | CallExpression
  | MethodCallExpression
  | FunctionExpression
  | TableExpression
  | BinaryExpression
  | LogicalExpression
  | UnaryExpression
  | ParenthesizedExpression
  | EventTextExpression
  | EventNameExpression
  | EventArgumentExpression
  | EventFieldExpression;

// ---- statements

/** A name where it is declared. */
export interface Identifier extends Node {
  readonly name: string;
}

export interface Block extends Node {
  readonly type: 'Block';
  readonly statements: readonly Statement[];
}
export interface LocalStatement extends Node {
  readonly type: 'Local';
  readonly names: readonly Identifier[];
  readonly values: readonly Expression[];
}
export interface LocalFunctionStatement extends Node {
  readonly type: 'LocalFunction';
  readonly name: Identifier;
  readonly function: FunctionExpression;
}
/** `function a.b.c:m() {…}`: for a method, `function.parameters` begins with `self`. */
export interface FunctionStatement extends Node {
  readonly type: 'FunctionStatement';
  readonly target: AssignmentTarget;
  readonly function: FunctionExpression;
}
export type AssignmentTarget = NameExpression | IndexExpression;
export interface AssignStatement extends Node {
  readonly type: 'Assign';
  readonly targets: readonly AssignmentTarget[];
  readonly values: readonly Expression[];
}
/** `target op= value`; `x++` is `+` with an Integer 1 and `increment` set, `x--` likewise with `-`. */
export interface CompoundAssignStatement extends Node {
  readonly type: 'CompoundAssign';
  readonly target: AssignmentTarget;
  readonly operator: CompoundOperator;
  readonly operatorStart: number;
  readonly value: Expression;
  readonly increment: boolean;
}
/** `target <<< value` */
export interface AggregateStatement extends Node {
  readonly type: 'Aggregate';
  readonly target: IndexExpression;
  readonly operatorStart: number;
  readonly value: Expression;
}
export interface CallStatement extends Node {
  readonly type: 'CallStatement';
  readonly call: CallExpression | MethodCallExpression;
}
/** `{…}` */
export interface DoStatement extends Node {
  readonly type: 'Do';
  readonly body: Block;
}
export interface IfStatement extends Node {
  readonly type: 'If';
  readonly clauses: readonly { readonly condition: Expression; readonly body: Block }[];
  readonly otherwise?: Block;
}
export interface WhileStatement extends Node {
  readonly type: 'While';
  readonly condition: Expression;
  readonly body: Block;
}
/** The locals of `body` are visible in `condition`. */
export interface RepeatStatement extends Node {
  readonly type: 'Repeat';
  readonly body: Block;
  readonly condition: Expression;
}
export interface NumericForStatement extends Node {
  readonly type: 'NumericFor';
  readonly variable: Identifier;
  readonly from: Expression;
  readonly limit: Expression;
  readonly step?: Expression;
  readonly body: Block;
}
/** `for (i = a; cond; step) {…}`: one local variable for all of it. */
export interface CForStatement extends Node {
  readonly type: 'CFor';
  readonly variable?: Identifier;
  readonly from?: Expression;
  readonly condition?: Expression;
  readonly step?: AssignStatement | CompoundAssignStatement | AggregateStatement | CallStatement;
  readonly body: Block;
}
export interface GenericForStatement extends Node {
  readonly type: 'GenericFor';
  readonly names: readonly Identifier[];
  readonly iterators: readonly Expression[];
  readonly body: Block;
}
export interface ReturnStatement extends Node {
  readonly type: 'Return';
  readonly values: readonly Expression[];
}
export interface BreakStatement extends Node {
  readonly type: 'Break';
}
export interface ContinueStatement extends Node {
  readonly type: 'Continue';
}
export interface GotoStatement extends Node {
  readonly type: 'Goto';
  readonly label: Identifier;
}
export interface LabelStatement extends Node {
  readonly type: 'Label';
  readonly label: Identifier;
}
/** `trace DEFINITION {…}`. `definition` is the source's text between `trace` and `{`, trimmed, at offset `definitionStart`. */
export interface TraceStatement extends Node {
  readonly type: 'Trace';
  readonly definition: string;
  readonly definitionStart: number;
  readonly definitions: readonly EventDefinition[];
  readonly body: Block;
}
export interface TraceEndStatement extends Node {
  readonly type: 'TraceEnd';
  readonly body: Block;
}
/** `tick-1s {…}`, `profile-97Hz {…}`. */
export interface TimerStatement extends Node {
  readonly type: 'Timer';
  readonly kind: 'tick' | 'profile';
  /** As written, e.g. `10ms`. */
  readonly interval: string;
  readonly nanoseconds: number;
  readonly body: Block;
}
/** `cdef [[…]]` (also `ffi.cdef[[…]]` is a plain call). */
export interface CdefStatement extends Node {
  readonly type: 'Cdef';
  readonly declarations: StringExpression;
}

export type Statement =
  | LocalStatement
  | LocalFunctionStatement
  | FunctionStatement
  | AssignStatement
  | CompoundAssignStatement
  | AggregateStatement
  | CallStatement
  | DoStatement
  | IfStatement
  | WhileStatement
  | RepeatStatement
  | NumericForStatement
  | CForStatement
  | GenericForStatement
  | ReturnStatement
  | BreakStatement
  | ContinueStatement
  | GotoStatement
  | LabelStatement
  | TraceStatement
  | TraceEndStatement
  | TimerStatement
  | CdefStatement;

/** A whole script; its body is the main chunk, a vararg function. */
export interface Chunk extends Node {
  readonly type: 'Chunk';
  readonly body: Block;
}
