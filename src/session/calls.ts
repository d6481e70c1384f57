// Drives one call at a time through the engine in slices, so that the host regains control every few milliseconds.

import type { Engine } from '../engine/engine.js';
import { RunStatus } from '../engine/layout.js';

/** A slice should take about this long: well below the 50 ms within which the host must be back. */
const SLICE_MILLISECONDS = 10;
const SMALLEST_BUDGET = 64;
const LARGEST_BUDGET = 4_000_000;

export class CallDriver {
  readonly #engine: Engine;
  /** Safepoints of one slice; follows how long slices take. */
  #budget = 2_000;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs the call under way for one slice. A RunStatus; BUDGET means that it is not at its end. */
  slice(): number {
    return this.#engine.run(this.#budget);
  }

  /** Runs slices until the call is over or `deadline` (of performance.now) has passed. */
  runUntil(deadline: number): number {
    let before = performance.now();
    for (;;) {
      const status = this.#engine.run(this.#budget);
      if (status !== RunStatus.BUDGET) return status;
      const now = performance.now();
      this.#adapt(now - before);
      if (now >= deadline) return status;
      before = now;
    }
  }

  #adapt(milliseconds: number): void {
    if (milliseconds < SLICE_MILLISECONDS / 2) this.#budget = Math.min(this.#budget * 2, LARGEST_BUDGET);
    else if (milliseconds > SLICE_MILLISECONDS * 2) this.#budget = Math.max(this.#budget >> 2, SMALLEST_BUDGET);
  }
}
