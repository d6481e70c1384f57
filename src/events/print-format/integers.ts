// C's integer arithmetic on the mixed representation that values of print fmt expressions have: a JavaScript number while
// it is a safe integer, a bigint outside. Values of up to 32 bits are always numbers, so the common case never meets a
// bigint.

import type { ScalarType } from '../c-types.js';

/** An integer of C: a number where it is safe (|n| < 2^53), else a bigint. */
export type Integer = number | bigint;

const TWO_32 = 4294967296;
const SAFE_HIGH = 0x200000;

/** The 64-bit unsigned integer of two halves. */
export function fromHalves(high: number, low: number): Integer {
  return high < SAFE_HIGH ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** The 64-bit signed integer of a signed upper and an unsigned lower half. */
export function fromSignedHalves(high: number, low: number): Integer {
  return high < SAFE_HIGH && high >= -SAFE_HIGH ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** A bigint as a number where that is exact. */
export function shrink(value: bigint): Integer {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** The value that a C object of `size` bytes has after the assignment of `value`. */
export function convert(value: Integer, size: number, signed: boolean): Integer {
  if (size === 8) {
    if (typeof value === 'number') {
      if (value >= 0 || signed) return value;
      return BigInt.asUintN(64, BigInt(value));
    }
    return shrink(signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
  }
  // The bitwise operators of JavaScript take a number modulo 2^32.
  const low = typeof value === 'number' ? value : Number(BigInt.asIntN(32, value));
  if (size === 4) return signed ? low | 0 : low >>> 0;
  if (size === 2) return signed ? (low << 16) >> 16 : low & 0xffff;
  return signed ? (low << 24) >> 24 : low & 0xff;
}

/** Integer promotion: what a value narrower than int becomes in an expression. */
export function promote(type: ScalarType): ScalarType {
  return type.size < 4 ? INT : type;
}

export const INT: ScalarType = { size: 4, signed: true, pointer: false };
export const UNSIGNED_INT: ScalarType = { size: 4, signed: false, pointer: false };
export const LONG: ScalarType = { size: 8, signed: true, pointer: false };
export const UNSIGNED_LONG: ScalarType = { size: 8, signed: false, pointer: false };

/** The type that both operands of an arithmetic operator are converted to. */
export function commonType(left: ScalarType, right: ScalarType): ScalarType {
  const a = promote(left);
  const b = promote(right);
  if (a.pointer) return a;
  if (b.pointer) return b;
  if (a.size !== b.size) return a.size > b.size ? a : b;
  return a.signed ? b : a;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';
export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';

/** An arithmetic operator on operands that are of `type` already. A division by zero gives 0, for the kernel would never print it. */
export function arithmetic(operator: BinaryOperator, type: ScalarType): (a: Integer, b: Integer) => Integer {
  if (type.size === 4) {
    const narrow = NARROW[operator];
    return type.signed
      ? (a, b) => narrow(a as number, b as number) | 0
      : operator === '/' || operator === '%' || operator === '>>'
        ? NARROW_UNSIGNED[operator]
        : (a, b) => narrow(a as number, b as number) >>> 0;
  }
  const signed = type.signed;
  const wide = WIDE[operator];
  const fast = FAST[operator];
  return (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = fast(a, b);
      if (result !== undefined && (signed || result >= 0)) return result;
    }
    const result = wide(BigInt(a), BigInt(b));
    return shrink(signed ? BigInt.asIntN(64, result) : BigInt.asUintN(64, result));
  };
}

const NARROW: Record<BinaryOperator, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': Math.imul,
  '/': (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  '%': (a, b) => (b === 0 ? 0 : a % b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
};

const NARROW_UNSIGNED: Record<'/' | '%' | '>>', (a: Integer, b: Integer) => number> = {
  '/': (a, b) => (b === 0 ? 0 : Math.trunc((a as number) / (b as number))),
  '%': (a, b) => (b === 0 ? 0 : (a as number) % (b as number)),
  '>>': (a, b) => (a as number) >>> (b as number),
};

const WIDE: Record<BinaryOperator, (a: bigint, b: bigint) => bigint> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0n ? 0n : a / b),
  '%': (a, b) => (b === 0n ? 0n : a % b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << (b & 63n),
  '>>': (a, b) => a >> (b & 63n),
};

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** For the bitwise operators: both operands are below 2^31, so that 32-bit operators are exact. */
function small(a: number, b: number): boolean {
  return (a | 0) === a && (b | 0) === b && a >= 0 && b >= 0;
}

/** The operators on safe numbers; undefined where the result needs a bigint. */
const FAST: Record<BinaryOperator, (a: number, b: number) => number | undefined> = {
  '+': (a, b) => safe(a + b),
  '-': (a, b) => safe(a - b),
  '*': (a, b) => safe(a * b),
  '/': (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  '%': (a, b) => (b === 0 ? 0 : a % b),
  '&': (a, b) => {
    if (small(a, b)) return a & b;
    if (a < 0 || b < 0) return undefined;
    return (Math.floor(a / TWO_32) & Math.floor(b / TWO_32)) * TWO_32 + ((a & b) >>> 0);
  },
  '|': (a, b) => {
    if (small(a, b)) return a | b;
    if (a < 0 || b < 0) return undefined;
    return (Math.floor(a / TWO_32) | Math.floor(b / TWO_32)) * TWO_32 + ((a | b) >>> 0);
  },
  '^': (a, b) => (small(a, b) ? a ^ b : undefined),
  '<<': (a, b) => (a >= 0 && b < 53 ? safe(a * 2 ** b) : undefined),
  '>>': (a, b) => (b < 53 ? Math.floor(a / 2 ** b) : undefined),
};

export const COMPARE: Record<Comparison, (a: Integer, b: Integer) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  // Both are of one type, so an equal value has an equal representation.
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};
