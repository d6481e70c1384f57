// Compiles the expressions of a print fmt into closures, with C's types and conversions. Functions and macros that print
// fmts call are in helpers.ts, statement expressions in blocks.ts, what printf makes of the values in text.ts.

import { scalarOf, scalarType } from '../c-types.js';
import type { EventField, EventFormat } from '../format.js';
import type { TextEnvironment } from '../text-environment.js';
import { compileBlock } from './blocks.js';
import { type Bytes, constantOf, converted, type Expression, POINTER, textOf } from './expression.js';
import { HELPERS } from './helpers.js';
import {
  arithmetic,
  type BinaryOperator,
  COMPARE,
  type Comparison,
  commonType,
  convert,
  INT,
  LONG,
  promote,
  shrink,
  UNSIGNED_INT,
  UNSIGNED_LONG,
} from './integers.js';
import { type Node, PrintFormatError } from './parser.js';
import { fieldReader, integerAt, type RecordReader } from './reader.js';

/** A name that neither the record nor the environment knows. */
export class UnknownNameError extends PrintFormatError {
  constructor(name: string) {
    super(`unknown name ${name}`);
  }
}

/** Sizes of kernel structs that print fmts do pointer arithmetic on or take the size of. */
const STRUCT_SIZES: Readonly<Record<string, number>> = {
  page: 64,
  in6_addr: 16,
  in_addr: 4,
  sockaddr_in6: 28,
  sockaddr_in: 16,
};

export class Compiler {
  readonly longSize: number;
  private readonly fields: ReadonlyMap<string, EventField>;

  constructor(
    readonly format: EventFormat,
    readonly environment: TextEnvironment,
    private readonly locals: ReadonlyMap<string, Expression> = new Map(),
  ) {
    this.longSize = environment.longSize ?? 8;
    this.fields = new Map(format.fields.map((field) => [field.name, field]));
  }

  /** A compiler that knows the locals of a statement expression as well. */
  withLocals(locals: ReadonlyMap<string, Expression>): Compiler {
    return new Compiler(this.format, this.environment, locals);
  }

  compile(node: Node): Expression {
    switch (node.kind) {
      case 'number':
        return literal(node.value, node.unsigned, node.long);
      case 'string': {
        const value = node.value;
        return textOf(() => value);
      }
      case 'name':
        return this.name(node.name);
      case 'field':
        return this.field(node.name);
      case 'unary':
        return this.unary(node.operator, node.operand);
      case 'binary':
        return this.binary(node.operator, this.compile(node.left), this.compile(node.right));
      case 'conditional':
        return this.conditional(node);
      case 'cast':
        return this.cast(node.type, this.compile(node.operand));
      case 'sizeof':
        return constantOf(
          node.type === undefined ? this.sizeOfExpression(node.operand!) : this.sizeOfType(node.type),
          UNSIGNED_LONG,
        );
      case 'call': {
        const helper = HELPERS.get(node.name);
        if (helper === undefined) throw new PrintFormatError(`unknown function ${node.name}`);
        return helper(this, node.args);
      }
      case 'index':
        return this.index(this.compile(node.operand), this.compile(node.index));
      case 'member': {
        const member = this.compile(node.operand).members?.get(node.name);
        if (member === undefined) throw new UnknownNameError(node.name);
        return member;
      }
      case 'block':
        return compileBlock(this, node.statements);
      case 'list':
        throw new PrintFormatError('a list in braces stands where a value is expected');
    }
  }

  /** The dynamic or fixed array that a helper's argument names (`__get_str(name)`: the bare name, not REC->name). */
  array(node: Node | undefined): Bytes {
    const name = node?.kind === 'name' || node?.kind === 'field' ? node.name : undefined;
    const field = name === undefined ? undefined : this.fields.get(name);
    if (field === undefined) throw new PrintFormatError(`no array ${name ?? 'of that kind'}`);
    const bytes = this.bytesOf(field);
    if (bytes === undefined) throw new PrintFormatError(`${name} is no array`);
    return bytes;
  }

  private bytesOf(field: EventField): Bytes | undefined {
    const { offset, size } = field;
    if (field.dynamic !== undefined) {
      const element = scalarType(field.type.replace(/^__(?:data|rel)_loc /, '').replace(/\[.*$/, ''), this.longSize);
      const from = field.dynamic === 'rel_loc' ? offset + 4 : 0;
      return {
        at: (r) => r.base + from + r.view.getUint16(r.base + offset, true),
        size: (r) => r.view.getUint16(r.base + offset + 2, true),
        element: element ?? scalarOf(1, false)!,
      };
    }
    const scalar = scalarType(field.type, this.longSize);
    if (field.arrayLength === undefined && (size === 1 || size === 2 || size === 4 || size === 8)) return undefined;
    const length = field.arrayLength ?? size;
    const element = (length > 0 && size > 0 ? scalarOf(size / length, field.signed) : undefined) ?? scalar;
    return {
      at: (r) => r.base + offset,
      size: size > 0 ? () => size : (r) => r.length - offset,
      element: element ?? scalarOf(1, false)!,
    };
  }

  private field(name: string): Expression {
    const field = this.fields.get(name);
    if (field === undefined) throw new UnknownNameError(`REC->${name}`);
    const bytes = this.bytesOf(field);
    if (bytes !== undefined) return this.arrayExpression(bytes);
    const pointer = field.type.includes('*');
    const type = { size: field.size, signed: field.signed && !pointer, pointer };
    const { offset, size } = field;
    return {
      type,
      value: fieldReader(offset, size, type.signed),
      place: { at: (r) => r.base + offset, size: () => size, element: type },
      ...(pointer ? { step: this.pointeeSize(field.type) } : {}),
    };
  }

  /** An array as a value: a pointer to its first element, and text where it is printed with %s. */
  arrayExpression(bytes: Bytes): Expression {
    const { at, size } = bytes;
    return { type: POINTER, value: () => 1, bytes, text: (r) => r.text(at(r), size(r)), step: bytes.element.size };
  }

  private name(name: string): Expression {
    const local = this.locals.get(name);
    if (local !== undefined) return local;
    switch (name) {
      case 'NULL':
        return constantOf(0, POINTER);
      case 'true':
        return constantOf(1, INT);
      case 'false':
        return constantOf(0, INT);
      case 'HZ':
        return constantOf(this.environment.ticksPerSecond ?? 250, INT);
    }
    if (name === 'jiffies' && this.environment.jiffies !== undefined) {
      const now = this.environment.jiffies.bind(this.environment);
      return { type: UNSIGNED_LONG, value: now };
    }
    const enumerator = this.environment.enumerator?.(name);
    if (enumerator !== undefined) {
      const value = typeof enumerator === 'number' ? enumerator : shrink(enumerator);
      const type = convert(value, 4, true) === value ? INT : convert(value, 4, false) === value ? UNSIGNED_INT : LONG;
      return constantOf(value, type);
    }
    const variable = this.environment.variable?.(name);
    if (variable !== undefined) return constantOf(shrink(variable), UNSIGNED_LONG);
    throw new UnknownNameError(name);
  }

  private unary(operator: string, operandNode: Node): Expression {
    const operand = this.compile(operandNode);
    if (operator === '&') {
      const bytes = operand.place ?? operand.bytes;
      if (bytes === undefined) throw new PrintFormatError('the address of a value');
      return this.arrayExpression(bytes);
    }
    if (operator === '*') return this.index(operand, constantOf(0, INT));
    if (operator === '!') {
      const truth = this.truth(operand);
      if (operand.constant !== undefined) return constantOf(operand.constant === 0 ? 1 : 0, INT);
      return { type: INT, value: (r) => (truth(r) ? 0 : 1) };
    }
    if (operator === '+') return operand;
    if (operator === '~') return this.binary('^', operand, constantOf(-1, promote(operand.type)));
    return this.binary('-', constantOf(0, INT), operand);
  }

  binary(operator: string, left: Expression, right: Expression): Expression {
    if (operator === '&&' || operator === '||') {
      const a = this.truth(left);
      const b = this.truth(right);
      return { type: INT, value: operator === '&&' ? (r) => (a(r) && b(r) ? 1 : 0) : (r) => (a(r) || b(r) ? 1 : 0) };
    }
    if (operator in COMPARE) {
      const compare = COMPARE[operator as Comparison];
      const type = commonType(left.type, right.type);
      const a = converted(left, type.size, type.signed);
      const b = converted(right, type.size, type.signed);
      return this.folded(left, right, { type: INT, value: (r) => (compare(a(r), b(r)) ? 1 : 0) });
    }
    if (left.bytes !== undefined && (operator === '+' || operator === '-')) return this.moved(left, operator, right);
    const shift = operator === '<<' || operator === '>>';
    const type = shift ? promote(left.type) : commonType(left.type, right.type);
    const compute = arithmetic(operator as BinaryOperator, type);
    const a = converted(left, type.size, type.signed);
    const b = shift ? converted(right, 4, true) : converted(this.scaled(left, right), type.size, type.signed);
    return {
      ...this.folded(left, right, { type, value: (r) => compute(a(r), b(r)) }),
      ...(left.step === undefined ? {} : { step: left.step }),
    };
  }

  /** Pointer arithmetic counts in objects. */
  private scaled(left: Expression, right: Expression): Expression {
    if (left.step === undefined || left.step === 1 || right.type.pointer) return right;
    return this.binary('*', right, constantOf(left.step, LONG));
  }

  private moved(array: Expression, operator: '+' | '-', by: Expression): Expression {
    const { at, size, element } = array.bytes!;
    const step = array.step ?? 1;
    const sign = operator === '+' ? step : -step;
    const distance = (r: RecordReader) => Number(by.value(r)) * sign;
    return this.arrayExpression({ at: (r) => at(r) + distance(r), size: (r) => size(r) - distance(r), element });
  }

  /** Evaluates at once what does not depend on the record. */
  private folded(left: Expression, right: Expression, result: Expression): Expression {
    if (left.constant === undefined || right.constant === undefined) return result;
    return constantOf(result.value(undefined as never), result.type);
  }

  private conditional(node: Extract<Node, { kind: 'conditional' }>): Expression {
    const test = this.compile(node.test);
    const yes = node.yes === undefined ? test : this.compile(node.yes);
    const no = this.compile(node.no);
    if (test.constant !== undefined) return test.constant !== 0 ? yes : no;
    const truth = this.truth(test);
    if (yes.text !== undefined || no.text !== undefined) {
      const a = this.text(yes);
      const b = this.text(no);
      return { ...textOf((r) => (truth(r) ? a(r) : b(r))), value: (r) => (truth(r) ? yes.value(r) : no.value(r)) };
    }
    const type = commonType(yes.type, no.type);
    const a = converted(yes, type.size, type.signed);
    const b = converted(no, type.size, type.signed);
    const step = yes.step ?? no.step;
    return { type, value: (r) => (truth(r) ? a(r) : b(r)), ...(step === undefined ? {} : { step }) };
  }

  private cast(typeText: string, operand: Expression): Expression {
    const type = scalarType(typeText, this.longSize);
    if (type === undefined) {
      // An unknown typedef of a number, or void: the value stays as it is.
      return operand;
    }
    if (type.pointer) {
      const step = this.pointeeSize(typeText);
      if (operand.bytes === undefined) return { ...operand, type, step, value: converted(operand, type.size, false) };
      const element = scalarType(typeText.replace('*', ''), this.longSize) ?? operand.bytes.element;
      return { ...operand, bytes: { ...operand.bytes, element }, step };
    }
    const value = converted(operand, type.size, type.signed);
    const cast: Expression = {
      type,
      value: /\b_?bool\b/i.test(typeText) ? (r) => (operand.value(r) === 0 ? 0 : 1) : value,
      // Strings stay strings under `(unsigned long)`: only %s looks at that.
      ...(operand.text === undefined ? {} : { text: operand.text }),
    };
    return operand.constant === undefined ? cast : constantOf(cast.value(undefined as never), type);
  }

  private pointeeSize(pointerType: string): number {
    const pointee = pointerType.replace(/\*\s*(?:const)?\s*$/, '').trim();
    if (pointee.includes('*')) return this.longSize;
    const struct = /\b(?:struct|union) (\w+)$/.exec(pointee);
    if (struct !== null) return STRUCT_SIZES[struct[1]!] ?? 1;
    return scalarType(pointee, this.longSize)?.size ?? 1;
  }

  private sizeOfType(type: string): number {
    const scalar = scalarType(type, this.longSize);
    if (scalar !== undefined) return scalar.size;
    const size = STRUCT_SIZES[/(\w+)$/.exec(type)?.[1] ?? ''];
    if (size === undefined) throw new PrintFormatError(`unknown size of ${type}`);
    return size;
  }

  private sizeOfExpression(node: Node): number {
    const expression = this.compile(node);
    const size = expression.bytes?.size;
    return size === undefined ? expression.type.size : size({ base: 0, length: 0 } as never);
  }

  private index(operand: Expression, index: Expression): Expression {
    if (operand.strings !== undefined) {
      const strings = operand.strings;
      return textOf((r) => strings[Number(index.value(r))] ?? '');
    }
    if (operand.bytes === undefined) {
      if (operand.text === undefined) throw new PrintFormatError('an index of a value');
      const text = operand.text;
      return { type: scalarOf(1, true)!, value: (r) => text(r).charCodeAt(Number(index.value(r))) || 0 };
    }
    const { at, element } = operand.bytes;
    const { size, signed } = element;
    const place = index.constant === undefined ? undefined : Number(index.constant) * size;
    const where =
      place === undefined
        ? (r: RecordReader) => at(r) + Number(index.value(r)) * size
        : (r: RecordReader) => at(r) + place;
    return {
      type: element,
      value: (r) => integerAt(r, where(r), size, signed),
      place: { at: where, size: () => size, element },
    };
  }

  /** Whether an expression is not zero. */
  truth(expression: Expression): (reader: RecordReader) => boolean {
    const value = expression.value;
    return (r) => value(r) !== 0;
  }

  /** An expression as %s prints it. */
  text(expression: Expression): (reader: RecordReader) => string {
    if (expression.text !== undefined) return expression.text;
    const { value } = expression;
    const lookup = this.environment.kernelString?.bind(this.environment);
    return (r) => {
      const address = value(r);
      // The kernel says so for every address in the first page.
      if (address >= 0 && address < 4096) return '(null)';
      return lookup?.(BigInt.asUintN(64, BigInt(address))) ?? `(0x${address.toString(16)})`;
    };
  }

  /** The value of an expression as the unsigned 64-bit number that flags and symbols are compared as. */
  word(node: Node): Expression {
    const expression = this.compile(node);
    const value = converted(expression, this.longSize, false);
    return expression.constant === undefined
      ? { type: UNSIGNED_LONG, value }
      : constantOf(expression.constant, UNSIGNED_LONG);
  }
}

/** A literal has the first of int, unsigned int, long, unsigned long that holds it (a decimal one skips unsigned int; no print fmt depends on that). */
function literal(value: bigint, unsigned: boolean, long: boolean): Expression {
  const small = !long && value <= 0xffffffffn;
  const type = small
    ? unsigned || value > 0x7fffffffn
      ? UNSIGNED_INT
      : INT
    : unsigned || value > 0x7fffffffffffffffn
      ? UNSIGNED_LONG
      : LONG;
  return constantOf(shrink(value), type);
}
