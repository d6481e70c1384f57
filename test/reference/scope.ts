// Local variables of the reference evaluator: a chain of cells, the newest declaration first. A closure keeps the
// chain that it was made with; the same name declared again is a new cell in front of the old one.

import type { Value } from './values.js';

export interface Cell {
  value: Value;
}

export class Scope {
  private constructor(
    private readonly name: string,
    private readonly cell: Cell,
    private readonly outer: Scope | undefined,
    /** Extra arguments of the function around; the same for all its scopes. */
    readonly varargs: readonly Value[],
  ) {}

  /** The scope at the start of a function. */
  static ofFunction(outer: Scope | undefined, varargs: readonly Value[]): Scope {
    return new Scope('', { value: undefined }, outer, varargs);
  }

  declare(name: string, value: Value): Scope {
    return new Scope(name, { value }, this, this.varargs);
  }

  find(name: string): Cell | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      if (scope.name === name) return scope.cell;
    }
    return undefined;
  }
}
