// Finds out, before any code is made, what every name of a script stands for: which declaration a name means, which
// locals closures capture or assign, which globals the script sets. The code generator needs to know this beforehand (a closure further down may assign a local that is being read here).
// Errors of structure that need no code (break outside a loop, a trace block inside a handler) are found here too.
//
// Expressions are walked with a stack of their own: a chain of a hundred thousand operators is no deep recursion.

import type {
  AssignmentTarget,
  Block,
  Chunk,
  ContinueStatement,
  EventArgumentExpression,
  Expression,
  FunctionExpression,
  Identifier,
  NameExpression,
  RepeatStatement,
  Statement,
  TimerStatement,
  TraceEndStatement,
  TraceStatement,
} from '../../language/ast.js';
import { errorAt, type Source, type Span } from '../../language/diagnostics.js';

/** What becomes a prototype: the main chunk, a function, a handler. */
export type FunctionNode = Chunk | FunctionExpression | TraceStatement | TraceEndStatement | TimerStatement;

/** A declared local, parameter or loop variable. */
export interface Variable {
  readonly name: string;
  readonly declaration: Identifier;
  readonly owner: FunctionNode;
  readonly kind: 'local' | 'function' | 'parameter' | 'loop';
  /** A function inside the owner uses it. */
  captured: boolean;
  /** A function inside the owner assigns it: any call may change it. */
  assignedInClosure: boolean;
  /** Its value is used somewhere. */
  read: boolean;
}

export interface Condition {
  readonly expression: Expression;
  readonly of: 'if' | 'while' | 'until' | 'for';
}

export interface Resolution {
  /** What a name means; absent: a global. */
  readonly variables: ReadonlyMap<NameExpression, Variable>;
  readonly declarations: ReadonlyMap<Identifier, Variable>;
  /** Globals that the script sets somewhere. */
  readonly assignedGlobals: ReadonlySet<string>;
  /** Names of BARE_NAMES that stand in an expression without `(`. */
  readonly bareNames: readonly NameExpression[];
  /** What the warnings look at. */
  readonly localStatements: readonly (readonly Variable[])[];
  readonly conditions: readonly Condition[];
  readonly blocks: readonly Block[];
  /** `argstr`, `probename`. */
  readonly newerNames: readonly Span[];
  readonly eventArguments: readonly EventArgumentExpression[];
}

/** Names of the 0.5 dialect that mean their call when they stand alone. */
export const BARE_NAMES: ReadonlySet<string> = new Set(['pid', 'tid', 'uid', 'cpu', 'execname']);

/** Blocks and functions inside one another. */
export const MAX_NESTED_BLOCKS = 200;

interface Loop {
  readonly continues: ContinueStatement[];
}

/** State of the function that is being walked. */
interface FunctionScope {
  readonly node: FunctionNode;
  readonly isVararg: boolean;
  readonly loops: Loop[];
}

export function resolve(chunk: Chunk, source: Source): Resolution {
  const resolver = new Resolver(source);
  resolver.chunk(chunk);
  return resolver;
}

class Resolver implements Resolution {
  readonly variables = new Map<NameExpression, Variable>();
  readonly declarations = new Map<Identifier, Variable>();
  readonly assignedGlobals = new Set<string>();
  readonly bareNames: NameExpression[] = [];
  readonly localStatements: Variable[][] = [];
  readonly conditions: Condition[] = [];
  readonly blocks: Block[] = [];
  readonly newerNames: Span[] = [];
  readonly eventArguments: EventArgumentExpression[] = [];

  /** Declarations in force by name, innermost last. */
  readonly #bindings = new Map<string, Variable[]>();
  /** Variables declared in each open scope. */
  readonly #scopes: Variable[][] = [];
  /** The function that is being walked. */
  #current!: FunctionScope;
  /** Kind of the handler around the place, where there is one. */
  #handler: string | undefined;
  /** Collects the variables that until tests use. */
  readonly #collectors: Set<Variable>[] = [];
  /** Expressions that wait to be walked. */
  readonly #pending: Expression[] = [];
  readonly #source: Source;
  #depth = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  chunk(chunk: Chunk): void {
    this.#function(chunk, [], true, chunk.body);
  }

  // ---- scopes

  #open(): void {
    this.#scopes.push([]);
  }

  #close(): void {
    for (const variable of this.#scopes.pop()!) this.#bindings.get(variable.name)!.pop();
  }

  #declare(declaration: Identifier, kind: Variable['kind']): Variable {
    const { name } = declaration;
    const owner = this.#current.node;
    const variable: Variable = {
      name,
      declaration,
      owner,
      kind,
      captured: false,
      assignedInClosure: false,
      read: false,
    };
    this.#scopes.at(-1)!.push(variable);
    const bindings = this.#bindings.get(name);
    if (bindings === undefined) this.#bindings.set(name, [variable]);
    else bindings.push(variable);
    this.declarations.set(declaration, variable);
    return variable;
  }

  /** Looks a name up and notes its meaning. */
  #find(node: NameExpression): Variable | undefined {
    const bindings = this.#bindings.get(node.name);
    if (bindings === undefined || bindings.length === 0) return undefined;
    const variable = bindings[bindings.length - 1]!;
    this.variables.set(node, variable);
    if (variable.owner !== this.#current.node) variable.captured = true;
    if (this.#collectors.length > 0) for (const collector of this.#collectors) collector.add(variable);
    return variable;
  }

  #read(node: NameExpression, isCallee: boolean): void {
    const variable = this.#find(node);
    if (variable !== undefined) variable.read = true;
    else if (!isCallee && BARE_NAMES.has(node.name)) this.bareNames.push(node);
  }

  #assign(target: AssignmentTarget): void {
    if (target.type === 'Index') {
      this.#expression(target);
      return;
    }
    const variable = this.#find(target);
    if (variable === undefined) this.assignedGlobals.add(target.name);
    else if (variable.owner !== this.#current.node) variable.assignedInClosure = true;
  }

  // ---- functions

  #function(node: FunctionNode, parameters: readonly Identifier[], isVararg: boolean, body: Block): void {
    const outer = this.#current;
    this.#current = { node, isVararg, loops: [] };
    this.#open();
    for (const parameter of parameters) this.#declare(parameter, 'parameter');
    this.#statements(body);
    this.#close();
    this.#current = outer;
  }

  #handlerBody(node: TraceStatement | TraceEndStatement | TimerStatement, kind: string): void {
    if (this.#handler !== undefined) {
      throw errorAt(
        this.#source,
        { start: node.start, end: node.start + kind.length },
        `${kind} block inside a ${this.#handler} block`,
        'register probes and timers from the main program or from functions that it calls',
      );
    }
    this.#handler = kind;
    this.#function(node, [], false, node.body);
    this.#handler = undefined;
  }

  // ---- statements

  #block(block: Block): void {
    this.#open();
    this.#statements(block);
    this.#close();
  }

  #statements(block: Block): void {
    if (++this.#depth > MAX_NESTED_BLOCKS) {
      throw errorAt(
        this.#source,
        { start: block.start, end: block.start + 1 },
        `blocks and functions are nested too deeply (limit ${MAX_NESTED_BLOCKS})`,
      );
    }
    this.blocks.push(block);
    // Loops over an index: for…of makes an object a round in code that is not hot enough to be optimised.
    const { statements } = block;
    for (let index = 0; index < statements.length; index++) this.#statement(statements[index]!);
    this.#depth--;
  }

  #condition(expression: Expression, of: Condition['of']): void {
    this.conditions.push({ expression, of });
    this.#expression(expression);
  }

  #loopBody(body: () => void): Loop {
    const loop: Loop = { continues: [] };
    this.#current.loops.push(loop);
    body();
    this.#current.loops.pop();
    return loop;
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case 'Local': {
        for (const value of statement.values) this.#expression(value);
        this.localStatements.push(statement.names.map((name) => this.#declare(name, 'local')));
        break;
      }
      case 'LocalFunction':
        this.localStatements.push([this.#declare(statement.name, 'function')]);
        this.#expression(statement.function);
        break;
      case 'FunctionStatement':
        this.#assign(statement.target);
        this.#expression(statement.function);
        break;
      case 'Assign':
        for (const target of statement.targets) this.#assign(target);
        for (const value of statement.values) this.#expression(value);
        break;
      case 'CompoundAssign':
        this.#assign(statement.target);
        this.#expression(statement.value);
        break;
      case 'Aggregate':
        this.#expression(statement.target);
        this.#expression(statement.value);
        break;
      case 'CallStatement':
        this.#expression(statement.call);
        break;
      case 'Do':
        this.#block(statement.body);
        break;
      case 'If':
        for (const clause of statement.clauses) {
          this.#condition(clause.condition, 'if');
          this.#block(clause.body);
        }
        if (statement.otherwise !== undefined) this.#block(statement.otherwise);
        break;
      case 'While':
        this.#condition(statement.condition, 'while');
        this.#loopBody(() => this.#block(statement.body));
        break;
      case 'Repeat':
        this.#repeat(statement);
        break;
      case 'NumericFor':
        this.#expression(statement.from);
        this.#expression(statement.limit);
        if (statement.step !== undefined) this.#expression(statement.step);
        this.#open();
        this.#declare(statement.variable, 'loop');
        this.#loopBody(() => this.#statements(statement.body));
        this.#close();
        break;
      case 'CFor':
        if (statement.from !== undefined) this.#expression(statement.from);
        this.#open();
        if (statement.variable !== undefined) this.#declare(statement.variable, 'loop');
        if (statement.condition !== undefined) this.#condition(statement.condition, 'for');
        this.#loopBody(() => this.#block(statement.body));
        if (statement.step !== undefined) this.#statement(statement.step);
        this.#close();
        break;
      case 'GenericFor':
        for (const iterator of statement.iterators) this.#expression(iterator);
        this.#open();
        for (const name of statement.names) this.#declare(name, 'loop');
        this.#loopBody(() => this.#statements(statement.body));
        this.#close();
        break;
      case 'Return':
        for (const value of statement.values) this.#expression(value);
        break;
      case 'Break':
        if (this.#current.loops.length === 0) throw errorAt(this.#source, statement, 'break outside a loop');
        break;
      case 'Continue': {
        const loop = this.#current.loops.at(-1);
        if (loop === undefined) throw errorAt(this.#source, statement, 'continue outside a loop');
        loop.continues.push(statement);
        break;
      }
      case 'Goto':
      case 'Label':
        break;
      case 'Trace':
        this.#handlerBody(statement, 'trace');
        break;
      case 'TraceEnd':
        this.#handlerBody(statement, 'trace_end');
        break;
      case 'Timer':
        this.#handlerBody(statement, statement.kind);
        break;
      case 'Cdef':
        break;
      default:
        statement satisfies never;
    }
  }

  #repeat(statement: RepeatStatement): void {
    this.#open();
    const loop = this.#loopBody(() => this.#statements(statement.body));
    const used = new Set<Variable>();
    this.#collectors.push(used);
    this.#condition(statement.condition, 'until');
    this.#collectors.pop();
    const skippable = this.#scopes.at(-1)!.filter((variable) => used.has(variable));
    for (const each of loop.continues) {
      const skipped = skippable.find((variable) => variable.declaration.start > each.start);
      if (skipped !== undefined) {
        throw errorAt(
          this.#source,
          each,
          `continue jumps over local ${skipped.name}, which the until test uses`,
          `declare ${skipped.name} before the continue`,
        );
      }
    }
    this.#close();
  }

  // ---- expressions

  #expression(root: Expression): void {
    const pending = this.#pending;
    const bottom = pending.length;
    let node: Expression | undefined = root;
    do {
      switch (node.type) {
        case 'Name':
          this.#read(node, false);
          break;
        case 'Index':
          pending.push(node.object, node.key);
          break;
        case 'Call':
          if (node.callee.type === 'Name') this.#read(node.callee, true);
          else pending.push(node.callee);
          for (const argument of node.arguments) pending.push(argument);
          break;
        case 'MethodCall':
          pending.push(node.object);
          for (const argument of node.arguments) pending.push(argument);
          break;
        case 'Function':
          this.#function(node, node.parameters, node.hasVararg, node.body);
          break;
        case 'Table':
          for (const item of node.items) {
            if (item.key !== undefined) pending.push(item.key);
            pending.push(item.value);
          }
          break;
        case 'Binary':
        case 'Logical':
          pending.push(node.left, node.right);
          break;
        case 'Unary':
          pending.push(node.operand);
          break;
        case 'Parenthesized':
          pending.push(node.expression);
          break;
        case 'Vararg':
          if (!this.#current.isVararg) {
            throw errorAt(this.#source, node, '`...` outside a function with `...` among its parameters');
          }
          break;
        case 'EventText':
        case 'EventName':
          this.newerNames.push(...this.#newerName(node));
          break;
        case 'EventArgument':
          this.eventArguments.push(node);
          break;
        default:
          break;
      }
      node = pending.length > bottom ? pending.pop() : undefined;
    } while (node !== undefined);
  }

  #newerName(node: Span): Span[] {
    const text = this.#source.text.slice(node.start, node.end);
    return text === 'argstr' || text === 'probename' ? [node] : [];
  }
}
