// Scopes of locals, loops, labels and the jumps between them, for one function.
//
// A captured variable is closed when its scope ends: by the JMP that leaves the scope, or at the scope's end by a JMP
// to the next word. `goto` follows these rules: a label is visible in the whole block in which it stands, also in blocks
// inside that; no jump may enter the scope of a local, where a label at the end of a block counts as outside of the
// scopes of the block's locals.

import type {
  BreakStatement,
  ContinueStatement,
  GotoStatement,
  LabelStatement,
  Statement,
} from '../../language/ast.js';
import { errorAt, type Span } from '../../language/diagnostics.js';
import type { ActiveVariable, FunctionState, JumpList, Pc, Register } from './function-state.js';

interface Label {
  readonly pc: Pc;
  /** Variables in force there. */
  readonly actives: number;
}

interface Scope {
  /** Variables in force, and registers taken by them, when the scope was opened. */
  readonly actives: number;
  readonly registers: Register;
  readonly labels: Map<string, Label>;
}

export interface Loop {
  /** Number of the body's scope. */
  readonly scope: number;
  readonly breaks: JumpList;
  readonly continues: JumpList;
}

interface PendingGoto {
  readonly node: GotoStatement;
  readonly jump: Pc;
  /** Variables in force at the goto. */
  readonly variables: readonly ActiveVariable[];
  /** How many of them are in force in the innermost scope still open. */
  actives: number;
  /** Number of scopes still open around the goto: a label of a scope further inside is not visible to it. */
  depth: number;
}

export class ControlFlow {
  readonly #fs: FunctionState;
  readonly #scopes: Scope[] = [];
  readonly #loops: Loop[] = [];
  #pending: PendingGoto[] = [];

  constructor(fs: FunctionState) {
    this.#fs = fs;
  }

  // ---- scopes

  open(): void {
    const { actives, variableRegisters } = this.#fs;
    this.#scopes.push({ actives: actives.length, registers: variableRegisters, labels: new Map() });
  }

  /** Ends the innermost scope: closes its captured variables and gives its registers back. */
  close(span: Span): void {
    const level = this.closeLevel();
    if (level !== undefined) this.#fs.jump(span, level);
    const scope = this.#scopes.pop()!;
    this.#fs.deactivate(scope.actives);
    this.#fs.variableRegisters = scope.registers;
    this.#fs.freeRegister = scope.registers;
    // Depths never fall along the list, so those of the scope that ends are its last ones.
    for (let index = this.#pending.length - 1; index >= 0; index--) {
      const pending = this.#pending[index]!;
      if (pending.depth <= this.#scopes.length) break;
      pending.depth = this.#scopes.length;
      pending.actives = Math.min(pending.actives, scope.actives);
    }
  }

  /** First register of a captured variable of the innermost scope. */
  closeLevel(): Register | undefined {
    return this.#fs.closeLevel(this.#scopes.at(-1)!.actives);
  }

  /** Makes all registers taken so far belong to the scope, such as the hidden ones of a loop. */
  hideRegisters(): void {
    this.#fs.variableRegisters = this.#fs.freeRegister;
  }

  // ---- loops

  /** Opens a loop and the scope of its body. */
  openLoop(): Loop {
    const loop: Loop = { scope: this.#scopes.length, breaks: [], continues: [] };
    this.#loops.push(loop);
    this.open();
    return loop;
  }

  /** `continue` arrives here, at the end of the body with the body's own variables still in force. */
  continueHere(loop: Loop): void {
    this.#loops.pop();
    this.#fs.patchHere(loop.continues);
  }

  /** `break` arrives here. */
  endLoop(loop: Loop): void {
    this.#fs.patchHere(loop.breaks);
  }

  break(node: BreakStatement): void {
    this.#loops.at(-1)!.breaks.push(this.#fs.jump(node, this.#breakLevel()));
  }

  continue(node: ContinueStatement): void {
    this.#loops.at(-1)!.continues.push(this.#fs.jump(node, this.#continueLevel()));
  }

  #breakLevel(): Register | undefined {
    return this.#fs.closeLevel(this.#scopes[this.#loops.at(-1)!.scope]!.actives);
  }

  /** Variables of scopes inside the body are closed by the jump, the body's own at its end. */
  #continueLevel(): Register | undefined {
    const inner = this.#scopes[this.#loops.at(-1)!.scope + 1];
    return inner === undefined ? undefined : this.#fs.closeLevel(inner.actives);
  }

  /** Where a statement is nothing but a jump out: the list that its jump belongs to. */
  directJump(statement: Statement): JumpList | undefined {
    if (statement.type === 'Break' && this.#breakLevel() === undefined) return this.#loops.at(-1)!.breaks;
    if (statement.type === 'Continue' && this.#continueLevel() === undefined) return this.#loops.at(-1)!.continues;
    return undefined;
  }

  // ---- goto

  /** `isEnd`: nothing but labels follows in the block. */
  label(node: LabelStatement, isEnd: boolean): void {
    const { name } = node.label;
    if (this.#find(name) !== undefined) {
      throw errorAt(this.#fs.context.source, node.label, `label ${name} exists already`, 'choose another name');
    }
    const scope = this.#scopes.at(-1)!;
    const label: Label = { pc: this.#fs.pc, actives: isEnd ? scope.actives : this.#fs.actives.length };
    scope.labels.set(name, label);
    this.#pending = this.#pending.filter((pending) => {
      if (pending.node.label.name !== name || pending.depth < this.#scopes.length) return true;
      this.#resolve(pending, label);
      return false;
    });
  }

  goto(node: GotoStatement): void {
    const label = this.#find(node.label.name);
    if (label !== undefined) {
      this.#fs.patch([this.#fs.jump(node, this.#fs.closeLevel(label.actives))], label.pc);
      return;
    }
    const variables = [...this.#fs.actives];
    const depth = this.#scopes.length;
    this.#pending.push({ node, jump: this.#fs.jump(node), variables, actives: variables.length, depth });
  }

  #find(name: string): Label | undefined {
    for (let index = this.#scopes.length - 1; index >= 0; index--) {
      const label = this.#scopes[index]!.labels.get(name);
      if (label !== undefined) return label;
    }
    return undefined;
  }

  #resolve(pending: PendingGoto, label: Label): void {
    const { node } = pending;
    if (label.actives > pending.actives) {
      const { variable } = this.#fs.actives[pending.actives]!;
      throw errorAt(
        this.#fs.context.source,
        node,
        `goto ${node.label.name} jumps into the scope of local ${variable.name}`,
        `declare ${variable.name} before the goto, or put a block around it`,
      );
    }
    const closed = pending.variables.slice(label.actives).find(({ variable }) => variable.captured);
    if (closed !== undefined) this.#fs.closeAt(pending.jump, closed.register);
    this.#fs.patch([pending.jump], label.pc);
  }

  /** Called at the end of the function. */
  finish(): void {
    const lost = this.#pending[0];
    if (lost === undefined) return;
    throw errorAt(
      this.#fs.context.source,
      lost.node.label,
      `no label ${lost.node.label.name} is visible here`,
      'a label is visible in its own block and in the blocks inside it, not in other functions',
    );
  }
}
