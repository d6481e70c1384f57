// Prints a syntax tree as a script, one statement a line. Parentheses are added where the strength of operators needs
// them, so any tree can be printed; a tree that the parser made prints as a script that gives the same tree again.

import type {
  BinaryOperator,
  Block,
  Chunk,
  Expression,
  FunctionExpression,
  Statement,
} from '../../src/language/ast.js';

/** The script of a tree; byte string. */
export function printChunk(chunk: Chunk): string {
  return chunk.body.statements.map((statement) => `${printStatement(statement, '')}\n`).join('');
}

const STRENGTH: Readonly<Record<BinaryOperator, number>> = {
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '==': 3,
  '!=': 3,
  '..': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
  '^': 8,
};
const UNARY = 7;
const OPERAND = 9;
/** What a suffix may follow: a name, a call and their like. */
const PREFIX = 10;

function strengthOf(expression: Expression): number {
  switch (expression.type) {
    case 'Logical':
      return expression.operator === 'or' ? 1 : 2;
    case 'Binary':
      return STRENGTH[expression.operator];
    case 'Unary':
      return UNARY;
    case 'Name':
    case 'Index':
    case 'Call':
    case 'MethodCall':
    case 'Parenthesized':
    case 'EventText':
    case 'EventName':
    case 'EventArgument':
    case 'EventField':
      return PREFIX;
    default:
      return OPERAND;
  }
}

/** An expression where only one at least `weakest` strong may stand without parentheses. */
function print(expression: Expression, indent: string, weakest = 0): string {
  const text = printBare(expression, indent);
  return strengthOf(expression) < weakest ? `(${text})` : text;
}

function printBare(expression: Expression, indent: string): string {
  switch (expression.type) {
    case 'Nil':
      return 'nil';
    case 'Boolean':
      return String(expression.value);
    case 'Integer':
      // A minus would be an operator of its own: a negative literal is one that wrapped.
      return expression.value < 0n ? `0x${BigInt.asUintN(64, expression.value).toString(16)}` : `${expression.value}`;
    case 'String':
      return quote(expression.value);
    case 'Vararg':
      return '...';
    case 'KernelSymbol':
      return `\`${expression.name}\``;
    case 'Name':
      return expression.name;
    case 'Index': {
      const object = print(expression.object, indent, PREFIX);
      if (expression.dot && expression.key.type === 'String') return `${object}.${expression.key.value}`;
      return `${object}[${print(expression.key, indent)}]`;
    }
    case 'Call':
      return `${print(expression.callee, indent, PREFIX)}${printArguments(expression.arguments, indent)}`;
    case 'MethodCall': {
      const object = print(expression.object, indent, PREFIX);
      return `${object}:${expression.name}${printArguments(expression.arguments, indent)}`;
    }
    case 'Function':
      return `function ${printFunction(expression, indent, false)}`;
    case 'Table': {
      const items = expression.items.map(({ key, value }) => {
        if (key === undefined) return print(value, indent);
        if (key.type === 'String' && isWord(key.value)) return `${key.value} = ${print(value, indent)}`;
        return `[${print(key, indent)}] = ${print(value, indent)}`;
      });
      return `{${items.join(', ')}}`;
    }
    case 'Logical':
    case 'Binary': {
      const strength = strengthOf(expression);
      const { operator } = expression;
      // `..` and `^` associate to the right; the right side of `^` may have a prefix operator, the left side none.
      const left = operator === '^' ? OPERAND : operator === '..' ? strength + 1 : strength;
      const right = operator === '^' ? UNARY : operator === '..' ? strength : strength + 1;
      return `${print(expression.left, indent, left)} ${operator} ${print(expression.right, indent, right)}`;
    }
    case 'Unary': {
      const operand = print(expression.operand, indent, UNARY);
      return expression.operator === 'not' ? `not ${operand}` : `-${operand}`;
    }
    case 'Parenthesized':
      return `(${print(expression.expression, indent)})`;
    case 'EventText':
      return 'argevent';
    case 'EventName':
      return 'argname';
    case 'EventArgument':
      return `arg${expression.number}`;
    case 'EventField':
      return `args.${expression.name}`;
  }
}

function isWord(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** A string literal of a byte string. */
export function quote(value: string): string {
  const escaped = value.replace(/[\x00-\x1f"\\\x7f]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
  });
  return `"${escaped}"`;
}

function printArguments(list: readonly Expression[], indent: string): string {
  return `(${printList(list, indent)})`;
}

function printList(list: readonly Expression[], indent: string): string {
  return list.map((each) => print(each, indent)).join(', ');
}

/** Parameters and body; of a method without its `self`. */
function printFunction(node: FunctionExpression, indent: string, isMethod: boolean): string {
  const names = node.parameters.slice(isMethod ? 1 : 0).map(({ name }) => name);
  if (node.hasVararg) names.push('...');
  return `(${names.join(', ')}) ${printBlock(node.body, indent)}`;
}

function printBlock(block: Block, indent: string): string {
  if (block.statements.length === 0) return '{}';
  const inner = `${indent}  `;
  const lines = block.statements.map((statement) => `${inner}${printStatement(statement, inner)}\n`);
  return `{\n${lines.join('')}${indent}}`;
}

/** A condition: in parentheses where a constructor's `{` would be taken for the body's. */
function printCondition(condition: Expression, indent: string): string {
  const text = print(condition, indent);
  return hasBareTable(condition) ? `(${text})` : text;
}

function hasBareTable(expression: Expression): boolean {
  switch (expression.type) {
    case 'Table':
      return true;
    case 'Binary':
    case 'Logical':
      return hasBareTable(expression.left) || hasBareTable(expression.right);
    case 'Unary':
      return hasBareTable(expression.operand);
    default:
      return false;
  }
}

function printStatement(statement: Statement, indent: string): string {
  switch (statement.type) {
    case 'Local': {
      const names = statement.names.map(({ name }) => name).join(', ');
      return statement.values.length === 0
        ? `local ${names}`
        : `local ${names} = ${printList(statement.values, indent)}`;
    }
    case 'LocalFunction':
      return `local function ${statement.name.name}${printFunction(statement.function, indent, false)}`;
    case 'FunctionStatement': {
      const isMethod = statement.function.name.includes(':');
      return `function ${statement.function.name}${printFunction(statement.function, indent, isMethod)}`;
    }
    case 'Assign':
      return `${printList(statement.targets, indent)} = ${printList(statement.values, indent)}`;
    case 'CompoundAssign': {
      const target = print(statement.target, indent);
      if (statement.increment) return `${target}${statement.operator}${statement.operator}`;
      return `${target} ${statement.operator}= ${print(statement.value, indent)}`;
    }
    case 'Aggregate':
      return `${print(statement.target, indent)} <<< ${print(statement.value, indent)}`;
    case 'CallStatement':
      return print(statement.call, indent);
    case 'Do':
      return printBlock(statement.body, indent);
    case 'If': {
      const clauses = statement.clauses.map(
        ({ condition, body }) => `if ${printCondition(condition, indent)} ${printBlock(body, indent)}`,
      );
      const otherwise = statement.otherwise === undefined ? '' : ` else ${printBlock(statement.otherwise, indent)}`;
      return `${clauses.join(' else')}${otherwise}`;
    }
    case 'While':
      return `while ${printCondition(statement.condition, indent)} ${printBlock(statement.body, indent)}`;
    case 'Repeat':
      return `repeat ${printBlock(statement.body, indent)} until ${print(statement.condition, indent)}`;
    case 'NumericFor': {
      const { variable, from, limit, step, body } = statement;
      const list = step === undefined ? [from, limit] : [from, limit, step];
      return `for (${variable.name} = ${printList(list, indent)}) ${printBlock(body, indent)}`;
    }
    case 'CFor': {
      const { variable, from, condition, step, body } = statement;
      const first = variable === undefined ? '' : `${variable.name} = ${print(from!, indent)}`;
      const second = condition === undefined ? '' : ` ${print(condition, indent)}`;
      const third = step === undefined ? '' : ` ${printStatement(step, indent)}`;
      return `for (${first};${second};${third}) ${printBlock(body, indent)}`;
    }
    case 'GenericFor': {
      const names = statement.names.map(({ name }) => name).join(', ');
      return `for (${names} in ${printList(statement.iterators, indent)}) ${printBlock(statement.body, indent)}`;
    }
    case 'Return':
      return statement.values.length === 0 ? 'return' : `return ${printList(statement.values, indent)}`;
    case 'Break':
      return 'break';
    case 'Continue':
      return 'continue';
    case 'Goto':
      return `goto ${statement.label.name}`;
    case 'Label':
      return `::${statement.label.name}::`;
    case 'Trace':
      return `trace ${statement.definition} ${printBlock(statement.body, indent)}`;
    case 'TraceEnd':
      return `trace_end ${printBlock(statement.body, indent)}`;
    case 'Timer':
      return `${statement.kind}-${statement.interval} ${printBlock(statement.body, indent)}`;
    case 'Cdef':
      return `cdef ${quote(statement.declarations.value)}`;
  }
}
