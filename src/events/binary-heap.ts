// A binary heap in an array, its least at the front: what the mergers by time keep the streams in that are not at hand.
// They exchange only the front, and nothing is ever added or taken away alone.

/** Whether `a` comes before `b`; a strict order. */
export type Before<T> = (a: T, b: T) => boolean;

/** Lets `item` find its place from the empty place `at` downwards. Hot. */
export function sink<T>(heap: T[], at: number, item: T, isBefore: Before<T>): void {
  const half = heap.length >>> 1;
  while (at < half) {
    let child = 2 * at + 1;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, item)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}

/** Orders an array of any order. */
export function makeHeap<T>(heap: T[], isBefore: Before<T>): void {
  for (let at = (heap.length >>> 1) - 1; at >= 0; at--) sink(heap, at, heap[at]!, isBefore);
}
