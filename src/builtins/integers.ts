// Exact 64-bit integers in the host: a JavaScript number while it is safe, a bigint beyond. Script arithmetic itself is
// the engine's; this is what built-ins need to show and to compare integers.

import type { Integer } from '../engine/values.js';

/** A bigint of any size as an Integer: wrapped to 64 signed bits, a number where that is safe. */
export function toInteger(value: bigint): Integer {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value);
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
}

/** The 64 bits of an integer read as unsigned: how addresses and %u, %x, %o see a negative number. */
export function toUnsigned(value: Integer): Integer {
  return value >= 0 ? value : BigInt.asUintN(64, BigInt(value));
}

/** An address as unsigned bigint. */
export function toAddress(value: Integer): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

/** Sum without loss, whatever its size. */
export function exactSum(values: Iterable<Integer>): Integer {
  let sum = 0;
  let large = 0n;
  for (const value of values) {
    const next = typeof value === 'number' ? sum + value : Number.NaN;
    if (Number.isSafeInteger(next)) {
      sum = next;
    } else {
      large += BigInt(sum) + BigInt(value);
      sum = 0;
    }
  }
  if (large === 0n) return sum;
  const total = large + BigInt(sum);
  return total >= -9007199254740991n && total <= 9007199254740991n ? Number(total) : total;
}

/** `factor × value / total` rounded toward zero, exact; total must not be 0. `factor` is small. */
export function scaled(factor: number, value: Integer, total: Integer): number {
  if (typeof value === 'number' && typeof total === 'number') {
    const product = factor * value;
    if (Number.isSafeInteger(product)) return Math.trunc(product / total);
  }
  return Number((BigInt(factor) * BigInt(value)) / BigInt(total));
}

/** Quotient rounded toward zero as `/` of scripts has it; divisor must not be 0. */
export function quotient(dividend: Integer, divisor: Integer): Integer {
  if (typeof dividend === 'number' && typeof divisor === 'number') return Math.trunc(dividend / divisor) + 0;
  return toInteger(BigInt(dividend) / BigInt(divisor));
}
