// Safepoints: function entry, tail call, backward jump. Here the collector may run and a budget ends.

import {
  E_MEMORY,
  E_NONE,
  E_SPENT,
  I_Z,
  S_GC_DUE,
  S_GC_STRESS,
  S_MAX_MEMORY,
  S_REMAINING,
  S_RETRIED,
  S_STRESS_PAUSE,
  S_TICKS,
  S_USED,
} from './generated/constants';
import { collect } from './collector';
import { hostCollecting } from './host';

/** Collects if that is due. E_NONE: go on; E_SPENT: back to the host; E_MEMORY. */
export function safepoint(): i32 {
  store<u32>(S_RETRIED, 0);
  if (load<u32>(S_GC_DUE) | load<u32>(S_GC_STRESS)) {
    timedCollect();
    store<u32>(S_STRESS_PAUSE, load<u32>(S_USED) >>> 18);
    if (load<u32>(S_USED) > load<u32>(S_MAX_MEMORY)) return E_MEMORY;
  }
  const remaining = load<i32>(S_REMAINING);
  if (remaining <= 0) return E_SPENT;
  if (load<u32>(S_GC_STRESS)) {
    // Each safepoint collects while little is alive; then fewer, so that a test does not take quadratic time.
    const pause = min(<i32>load<u32>(S_STRESS_PAUSE), remaining - 1);
    store<i32>(S_REMAINING, remaining - 1 - pause);
    store<i32>(S_TICKS, pause);
  } else {
    store<i32>(S_REMAINING, 0);
    store<i32>(S_TICKS, remaining);
  }
  return E_NONE;
}

export function timedCollect(): void {
  hostCollecting(1);
  collect();
  hostCollecting(0);
}

/** Memory ran out in the instruction at pc: collects, true to try it once more. */
export function retry(pc: u32): bool {
  if (load<u32>(S_RETRIED) == pc) return false;
  timedCollect();
  store<u32>(S_RETRIED, pc);
  // The next safepoint forgets the attempt.
  store<i32>(S_REMAINING, load<i32>(S_REMAINING) + max(load<i32>(S_TICKS), 0));
  store<i32>(S_TICKS, 0);
  return true;
}

// @ts-ignore: decorator
@inline
export function tick(): bool {
  const ticks = load<i32>(S_TICKS) - 1;
  store<i32>(S_TICKS, ticks);
  return ticks < 0;
}

// @ts-ignore: decorator
@inline
export function countBackEdge(pc: u32): void {
  const counter = load<u32>(pc, I_Z);
  store<u32>(counter, load<u32>(counter) + 1);
}
