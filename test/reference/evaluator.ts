// The reference evaluator: walks the syntax tree, slow and straightforward, straight from the text of the language's
// specification. It is the oracle of the language tests and knows nothing of bytecode.
//
// It checks nothing that the parser and the compiler check (jumps, scopes): the script has passed them. It uses the
// stack of JavaScript for the script's calls: run it where that allows 10,000 of them (worker.ts).

import type {
  AssignmentTarget,
  BinaryExpression,
  Block,
  CallExpression,
  Expression,
  FunctionExpression,
  MethodCallExpression,
  Statement,
  TableExpression,
} from '../../src/language/ast.js';
import { binary, compound, index, join, negate, store } from './operators.js';
import { type Cell, Scope } from './scope.js';
import {
  Aggregation,
  AggregationTable,
  BuiltinFunction,
  Closure,
  ReferenceScriptError,
  someType,
  someValue,
  Table,
  truth,
  Unsupported,
  type Value,
} from './values.js';

/** Calls of script functions under way at the most. */
export const MAX_DEPTH = 10_000;

/** How a statement ended, where it did not simply end. */
type Completion =
  | { readonly type: 'break' }
  | { readonly type: 'continue' }
  | { readonly type: 'goto'; readonly label: string }
  | { readonly type: 'return'; readonly values: Value[] }
  | { readonly type: 'tail'; readonly callee: Value; readonly args: Value[]; readonly offset: number };

/** What a block did: how it ended, and its innermost scope then (a repeat's test sees it). */
interface BlockEnd {
  readonly completion: Completion | undefined;
  readonly scope: Scope;
}

/** Where an assignment stores. */
type Place =
  | { readonly cell: Cell }
  | { readonly global: string }
  | { readonly object: Value; readonly key: Value; readonly offset: number };

export interface EvaluatorOptions {
  /** Statements and expressions before the evaluator gives up. */
  readonly maxSteps: number;
}

export class Evaluator {
  readonly globals = new Table();
  readonly endBlocks: Value[] = [];
  /** A trace_end block runs: no block may be registered. */
  inHandler = false;
  private depth = 0;
  private steps = 0;

  constructor(private readonly options: EvaluatorOptions) {}

  /** Calls a function value; `offset` is where an error of the call itself is reported. */
  call(callee: Value, args: Value[], offset: number): Value[] {
    if (callee instanceof BuiltinFunction) return this.builtin(callee, args, offset);
    if (this.depth === MAX_DEPTH) throw new ReferenceScriptError('recursion deeper than 10,000 calls', offset);
    this.depth++;
    try {
      for (;;) {
        if (callee instanceof BuiltinFunction) return this.builtin(callee, args, offset);
        if (!(callee instanceof Closure)) throw new ReferenceScriptError(`cannot call ${someValue(callee)}`, offset);
        const completion = this.enter(callee.code, callee.scope, args);
        if (completion?.type === 'return') return completion.values;
        if (completion?.type !== 'tail') return [];
        ({ callee, args, offset } = completion);
      }
    } finally {
      this.depth--;
    }
  }

  private builtin(callee: BuiltinFunction, args: Value[], offset: number): Value[] {
    return this.at(offset, () => callee.call(args));
  }

  private enter(code: FunctionExpression, outer: Scope, args: Value[]): Completion | undefined {
    let scope = Scope.ofFunction(outer, code.hasVararg ? args.slice(code.parameters.length) : []);
    for (const [i, parameter] of code.parameters.entries()) scope = scope.declare(parameter.name, args[i]);
    return this.block(code.body, scope).completion;
  }

  /** Runs the main chunk. */
  main(body: Block, args: Value[]): void {
    const { completion } = this.block(body, Scope.ofFunction(undefined, args));
    if (completion?.type === 'tail') this.call(completion.callee, completion.args, completion.offset);
  }

  private step(): void {
    if (++this.steps > this.options.maxSteps) throw new Unsupported('too many steps');
  }

  /** Adds the position to an error of an operator or a built-in. */
  private at<T>(offset: number, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof ReferenceScriptError && error.offset === undefined) error.offset = offset;
      throw error;
    }
  }

  // ---- statements

  private block(block: Block, scope: Scope): BlockEnd {
    const { statements } = block;
    const atLabel = new Map<string, Scope>();
    let at = 0;
    while (at < statements.length) {
      const statement = statements[at]!;
      if (statement.type === 'Label') atLabel.set(statement.label.name, scope);
      const result = this.statement(statement, scope);
      at++;
      if (result instanceof Scope) scope = result;
      else if (result?.type === 'goto') {
        const { label } = result;
        const target = statements.findIndex((each) => each.type === 'Label' && each.label.name === label);
        if (target < 0) return { completion: result, scope };
        at = target;
        // Backwards, the locals declared after the label are gone; forwards none were passed.
        scope = atLabel.get(label) ?? scope;
      } else if (result !== undefined) return { completion: result, scope };
    }
    return { completion: undefined, scope };
  }

  /** A loop body's end: whether the loop goes on, or what it ends with. */
  private leavesLoop(completion: Completion | undefined): completion is Exclude<Completion, { type: 'continue' }> {
    return completion !== undefined && completion.type !== 'continue';
  }

  /** Runs a statement; a declaration gives the scope behind it. */
  private statement(statement: Statement, scope: Scope): Completion | Scope | undefined {
    this.step();
    switch (statement.type) {
      case 'Local': {
        const values = this.list(statement.values, scope);
        let inner = scope;
        for (const [i, name] of statement.names.entries()) inner = inner.declare(name.name, values[i]);
        return inner;
      }
      case 'LocalFunction': {
        const inner = scope.declare(statement.name.name, undefined);
        inner.find(statement.name.name)!.value = new Closure(statement.function, inner);
        return inner;
      }
      case 'FunctionStatement': {
        const place = this.place(statement.target, scope);
        this.assign(place, new Closure(statement.function, scope));
        return undefined;
      }
      case 'Assign': {
        const places = statement.targets.map((target) => this.place(target, scope));
        const values = this.list(statement.values, scope);
        for (const [i, place] of places.entries()) this.assign(place, values[i]);
        return undefined;
      }
      case 'CompoundAssign': {
        const place = this.place(statement.target, scope);
        const value = this.one(statement.value, scope);
        if ('object' in place && place.object instanceof AggregationTable) {
          throw new ReferenceScriptError('cannot change an aggregation table by an assignment', place.offset);
        }
        // The specification leaves open which of two errors comes first. The engine adds to an entry in one step.
        const inOneStep =
          statement.operator === '+' || (statement.operator === '-' && statement.value.type === 'Integer');
        if ('object' in place && inOneStep && place.key === undefined && place.object instanceof Table) {
          throw new ReferenceScriptError('a table key is nil', place.offset);
        }
        const old = 'object' in place ? this.at(place.offset, () => index(place.object, place.key)) : this.read(place);
        const result = this.at(statement.operatorStart, () => compound(statement.operator, old, value));
        this.assign(place, result);
        return undefined;
      }
      case 'Aggregate': {
        const object = this.one(statement.target.object, scope);
        const key = this.one(statement.target.key, scope);
        const value = this.one(statement.value, scope);
        this.at(statement.operatorStart, () => aggregate(object, key, value));
        return undefined;
      }
      case 'CallStatement':
        this.several(statement.call, scope);
        return undefined;
      case 'Do':
        return this.block(statement.body, scope).completion;
      case 'If':
        for (const clause of statement.clauses) {
          if (truth(this.one(clause.condition, scope))) return this.block(clause.body, scope).completion;
        }
        return statement.otherwise === undefined ? undefined : this.block(statement.otherwise, scope).completion;
      case 'While':
        while (truth(this.one(statement.condition, scope))) {
          this.step();
          const { completion } = this.block(statement.body, scope);
          if (completion?.type === 'break') break;
          if (this.leavesLoop(completion)) return completion;
        }
        return undefined;
      case 'Repeat':
        for (;;) {
          this.step();
          const end = this.block(statement.body, scope);
          if (end.completion?.type === 'break') return undefined;
          if (this.leavesLoop(end.completion)) return end.completion;
          if (truth(this.one(statement.condition, end.scope))) return undefined;
        }
      case 'NumericFor':
        return this.numericFor(statement, scope);
      case 'CFor':
        return this.cFor(statement, scope);
      case 'GenericFor':
        return this.genericFor(statement, scope);
      case 'Return': {
        const [only] = statement.values;
        if (statement.values.length === 1 && (only!.type === 'Call' || only!.type === 'MethodCall')) {
          const [callee, args] = this.calleeAndArguments(only as CallExpression | MethodCallExpression, scope);
          return { type: 'tail', callee, args, offset: only!.start };
        }
        return { type: 'return', values: this.list(statement.values, scope) };
      }
      case 'Break':
        return { type: 'break' };
      case 'Continue':
        return { type: 'continue' };
      case 'Goto':
        return { type: 'goto', label: statement.label.name };
      case 'Label':
        return undefined;
      case 'TraceEnd':
        if (this.inHandler) throw new ReferenceScriptError('trace_end in a handler', statement.start);
        this.endBlocks.push(
          new Closure(
            {
              type: 'Function',
              name: 'trace_end',
              parameters: [],
              hasVararg: false,
              body: statement.body,
              start: statement.start,
              end: statement.end,
            },
            scope,
          ),
        );
        return undefined;
      default:
        throw new Unsupported(`a ${statement.type} statement`);
    }
  }

  private numericFor(statement: Extract<Statement, { type: 'NumericFor' }>, scope: Scope): Completion | undefined {
    const from = this.one(statement.from, scope);
    const limit = this.one(statement.limit, scope);
    const step = statement.step === undefined ? 1n : this.one(statement.step, scope);
    const parts: [string, Value, Expression | undefined][] = [
      ['start', from, statement.from],
      ['limit', limit, statement.limit],
      ['step', step, statement.step],
    ];
    for (const [what, value, node] of parts) {
      if (typeof value !== 'bigint')
        throw new ReferenceScriptError(`the ${what} of a for loop is ${someType(value)}, not a number`, node!.start);
    }
    if (step === 0n) throw new ReferenceScriptError('the step of a for loop is 0', statement.step!.start);
    const up = (step as bigint) > 0n;
    // Bigints do not wrap, so the loop ends at the ends of the range by itself.
    for (let i = from as bigint; up ? i <= (limit as bigint) : i >= (limit as bigint); i += step as bigint) {
      this.step();
      const { completion } = this.block(statement.body, scope.declare(statement.variable.name, i));
      if (completion?.type === 'break') return undefined;
      if (this.leavesLoop(completion)) return completion;
    }
    return undefined;
  }

  private cFor(statement: Extract<Statement, { type: 'CFor' }>, scope: Scope): Completion | undefined {
    let inner = scope;
    if (statement.variable !== undefined) {
      const value = statement.from === undefined ? undefined : this.one(statement.from, scope);
      inner = scope.declare(statement.variable.name, value);
    }
    while (statement.condition === undefined || truth(this.one(statement.condition, inner))) {
      this.step();
      const { completion } = this.block(statement.body, inner);
      if (completion?.type === 'break') return undefined;
      if (this.leavesLoop(completion)) return completion;
      if (statement.step !== undefined) this.statement(statement.step, inner);
    }
    return undefined;
  }

  private genericFor(statement: Extract<Statement, { type: 'GenericFor' }>, scope: Scope): Completion | undefined {
    const [iterator, state, first] = this.list(statement.iterators, scope);
    let control = first;
    for (;;) {
      this.step();
      const values = this.call(iterator, [state, control], statement.iterators[0]!.start);
      if (values[0] === undefined) return undefined;
      control = values[0];
      let inner = scope;
      for (const [i, name] of statement.names.entries()) inner = inner.declare(name.name, values[i]);
      const { completion } = this.block(statement.body, inner);
      if (completion?.type === 'break') return undefined;
      if (this.leavesLoop(completion)) return completion;
    }
  }

  private place(target: AssignmentTarget, scope: Scope): Place {
    if (target.type === 'Name') {
      const cell = scope.find(target.name);
      return cell === undefined ? { global: target.name } : { cell };
    }
    const object = this.one(target.object, scope);
    const key = this.one(target.key, scope);
    return { object, key, offset: target.start };
  }

  private read(place: Exclude<Place, { object: Value }>): Value {
    return 'cell' in place ? place.cell.value : this.globals.map.get(place.global);
  }

  private assign(place: Place, value: Value): void {
    if ('cell' in place) place.cell.value = value;
    else if ('global' in place) store(this.globals, place.global, value);
    else this.at(place.offset, () => store(place.object, place.key, value));
  }

  // ---- expressions

  /** A list of expressions: all but the last give one value, the last gives all of its own. */
  private list(expressions: readonly Expression[], scope: Scope): Value[] {
    const values: Value[] = [];
    for (const [i, expression] of expressions.entries()) {
      if (i === expressions.length - 1) values.push(...this.several(expression, scope));
      else values.push(this.one(expression, scope));
    }
    return values;
  }

  private calleeAndArguments(call: CallExpression | MethodCallExpression, scope: Scope): [Value, Value[]] {
    if (call.type === 'Call') {
      const callee = this.one(call.callee, scope);
      return [callee, this.list(call.arguments, scope)];
    }
    const object = this.one(call.object, scope);
    const callee = this.at(call.nameStart, () => index(object, call.name));
    return [callee, [object, ...this.list(call.arguments, scope)]];
  }

  private several(expression: Expression, scope: Scope): readonly Value[] {
    switch (expression.type) {
      case 'Call':
      case 'MethodCall': {
        this.step();
        const [callee, args] = this.calleeAndArguments(expression, scope);
        return this.call(callee, args, expression.start);
      }
      case 'Vararg':
        return scope.varargs;
      default:
        return [this.one(expression, scope)];
    }
  }

  private one(expression: Expression, scope: Scope): Value {
    this.step();
    switch (expression.type) {
      case 'Nil':
        return undefined;
      case 'Boolean':
      case 'Integer':
      case 'String':
        return expression.value;
      case 'Name': {
        const cell = scope.find(expression.name);
        return cell === undefined ? this.globals.map.get(expression.name) : cell.value;
      }
      case 'Index': {
        const object = this.one(expression.object, scope);
        const key = this.one(expression.key, scope);
        return this.at(expression.start, () => index(object, key));
      }
      case 'Call':
      case 'MethodCall':
      case 'Vararg':
        return this.several(expression, scope)[0];
      case 'Function':
        return new Closure(expression, scope);
      case 'Table':
        return this.table(expression, scope);
      case 'Binary': {
        if (expression.operator === '..') return this.joined(expression, scope);
        const left = this.one(expression.left, scope);
        const right = this.one(expression.right, scope);
        return this.at(expression.start, () => binary(expression.operator, left, right));
      }
      case 'Logical': {
        const left = this.one(expression.left, scope);
        return truth(left) === (expression.operator === 'and') ? this.one(expression.right, scope) : left;
      }
      case 'Unary': {
        const operand = this.one(expression.operand, scope);
        return expression.operator === 'not' ? !truth(operand) : this.at(expression.start, () => negate(operand));
      }
      case 'Parenthesized':
        return this.one(expression.expression, scope);
      case 'EventText':
      case 'EventName':
      case 'EventArgument':
      case 'EventField':
        throw new ReferenceScriptError('outside a handler', expression.start);
      case 'KernelSymbol':
        throw new Unsupported('a kernel symbol');
    }
  }

  /** A chain of `..`: all operands first, then they are joined. */
  private joined(expression: BinaryExpression, scope: Scope): Value {
    const values: Value[] = [];
    let rest: Expression = expression;
    for (; rest.type === 'Binary' && rest.operator === '..'; rest = rest.right) values.push(this.one(rest.left, scope));
    values.push(this.one(rest, scope));
    return this.at(expression.start, () => join(values));
  }

  private table(expression: TableExpression, scope: Scope): Table {
    const table = new Table();
    let position = 1n;
    for (const [i, item] of expression.items.entries()) {
      if (item.key !== undefined) {
        const key = this.one(item.key, scope);
        const value = this.one(item.value, scope);
        this.at(item.key.start, () => store(table, key, value));
      } else {
        const last = i === expression.items.length - 1;
        const values = last ? this.several(item.value, scope) : [this.one(item.value, scope)];
        for (const value of values) store(table, position++, value);
      }
    }
    return table;
  }
}

/** `object[key] <<< value` */
function aggregate(object: Value, key: Value, value: Value): void {
  if (!(object instanceof AggregationTable))
    throw new ReferenceScriptError(`<<< needs an aggregation table, not ${someType(object)}`);
  if (key === undefined) throw new ReferenceScriptError('a table key is nil');
  if (typeof value !== 'bigint') throw new ReferenceScriptError(`a sample must be a number, not ${someType(value)}`);
  let entry = object.map.get(key);
  if (entry === undefined) {
    entry = new Aggregation(object.buckets);
    object.map.set(key, entry);
  }
  entry.add(value);
}
