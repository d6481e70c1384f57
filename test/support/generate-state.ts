// What a generated program has so far: variables in scope, functions that may be called, how often the place under way
// runs. Names tell the type: n3 is a number, s1 a string, b2 a boolean, t1 a table of numbers.

import type { Choices } from './choices.js';

export type Type = 'number' | 'string' | 'boolean' | 'table';
export const TYPES: readonly Type[] = ['number', 'string', 'boolean', 'table'];

export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** Counters of loops are not written to, so that loops end. */
  readonly writable: boolean;
}

export interface Callable {
  /** How a call begins: `f1`, `o1:m2`. */
  readonly name: string;
  readonly parameters: readonly Type[];
  readonly returns: readonly Type[];
  readonly hasVararg: boolean;
  /** Statements that a call runs, about. */
  readonly cost: number;
}

export interface GeneratorOptions {
  /** Trace blocks, timers, words of events and cdef too: for programs that are parsed and not run. */
  readonly tracing?: boolean;
  /** Statements at the top level, at most (default 12). */
  readonly statements?: number;
}

/** Statements that a program may run, about. */
const MAXIMUM_COST = 3_000;

export class GeneratorState {
  readonly choices: Choices;
  readonly options: GeneratorOptions;
  readonly variables: Variable[] = [];
  readonly callables: Callable[] = [];
  /** Aggregation tables. */
  readonly aggregations: string[] = [];
  /** How often the place under way runs in a call of its function, and what the function has cost so far. */
  rounds = 1;
  cost = 0;
  /** Above 0 no script function may be called and no table be written to, because a table is being walked. */
  frozen = 0;
  /** Kinds of the loops round the place under way in its function: whether `continue` may stand there. */
  readonly loops: boolean[] = [];
  /** What the function under way returns; undefined in the main chunk. */
  returns: readonly Type[] | undefined;
  hasVararg = true;
  /** Inside the block of an event, timer or trace_end. */
  inHandler = false;
  /** Of 1000 expressions so many are of a wrong type: most programs have no errors, some have many. */
  readonly wildness: number;
  private readonly counters = new Map<string, number>();

  constructor(choices: Choices, options: GeneratorOptions) {
    this.choices = choices;
    this.options = options;
    this.wildness = choices.pick([0, 0, 0, 5, 30]);
  }

  /** A name that is not in use: the letter and a number. */
  fresh(letter: string): string {
    const number = (this.counters.get(letter) ?? 0) + 1;
    this.counters.set(letter, number);
    return `${letter}${number}`;
  }

  freshVariable(type: Type, writable = true): Variable {
    return { name: this.fresh(type[0]!), type, writable };
  }

  variablesOf(type: Type, writable = false): Variable[] {
    return this.variables.filter((variable) => variable.type === type && (variable.writable || !writable));
  }

  /** Whether something that costs so much may stand here. */
  affords(cost: number): boolean {
    return this.cost + this.rounds * cost <= MAXIMUM_COST;
  }

  spend(cost: number): void {
    this.cost += this.rounds * cost;
  }

  /** Makes text in a scope of its own. */
  inScope<T>(make: () => T): T {
    const variables = this.variables.length;
    const callables = this.callables.length;
    const aggregations = this.aggregations.length;
    const result = make();
    this.variables.length = variables;
    this.callables.length = callables;
    this.aggregations.length = aggregations;
    return result;
  }

  /** Makes the text of a loop's body that runs so often. */
  inLoop<T>(rounds: number, allowsContinue: boolean, make: () => T): T {
    const outer = this.rounds;
    this.rounds *= rounds;
    this.loops.push(allowsContinue);
    const result = this.inScope(make);
    this.loops.pop();
    this.rounds = outer;
    return result;
  }

  /** Makes the text of a function's body; answers it and what a call costs. */
  inFunction<T>(returns: readonly Type[] | undefined, hasVararg: boolean, make: () => T): { result: T; cost: number } {
    const { rounds, cost, returns: outerReturns, hasVararg: outerVararg, frozen } = this;
    const loops = this.loops.splice(0);
    this.rounds = 1;
    this.cost = 0;
    this.frozen = 0;
    this.returns = returns;
    this.hasVararg = hasVararg;
    const result = this.inScope(make);
    const own = this.cost + 1;
    this.rounds = rounds;
    this.cost = cost;
    this.frozen = frozen;
    this.returns = outerReturns;
    this.hasVararg = outerVararg;
    this.loops.push(...loops);
    return { result, cost: own };
  }
}
