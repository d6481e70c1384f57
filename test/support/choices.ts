// The decisions of a generator, taken one after the other from a stream of numbers. A stream that is used up answers 0,
// and 0 always is the simplest choice: so a shorter or smaller stream gives a simpler thing, which is how fast-check
// shrinks what is made from an array of numbers.

export class Choices {
  private readonly next: () => number;

  /** `next` gives whole numbers from 0 on. */
  constructor(next: () => number) {
    this.next = next;
  }

  /** A number from 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** True in about `percent` of 100 cases; false when the stream is used up. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  /** One of the list; the first is the simplest. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** Decisions from a list of numbers. */
export function choicesFrom(numbers: readonly number[]): Choices {
  let index = 0;
  return new Choices(() => numbers[index++] ?? 0);
}

/** Endless decisions from a seed (xorshift of 32 bits). */
export function choicesFromSeed(seed: number): Choices {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return new Choices(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 8;
  });
}
