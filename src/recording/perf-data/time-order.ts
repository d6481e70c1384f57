// Puts the records of a perf.data in order of time. Each CPU's records come in order, one CPU's after the other's; perf
// writes FINISHED_ROUND when it has gone through all CPUs once:
//
//     CPU 0: 1 4 7 | CPU 1: 2 3 9 | ROUND | CPU 0: 8 11 | CPU 1: 10 12 | ROUND
//                                 max = 9                           ready: all up to 9
//
// While CPU 1 was emptied, CPU 0 went on: after the first round a record of before 9 (8) can still come. After the second
// none can: what is not later than the latest record of the round before is ready. (tools/perf/util/session.c draws this
// at process_finished_round.)
//
// Records stay where they lie in memory. Of each only time, address and kind are kept, in typed arrays that are used as a
// ring; a record is a position, which counts up. Records that follow one another in time are a segment. Segments that
// follow one another in time lie on a pile, so that there are about as many piles as CPUs, and the next record is the
// least of the piles' first ones. The pile at hand and the least of the others are compared; the others are a heap.

import { makeHeap, sink } from '../../events/binary-heap.js';

/** The most piles: more are only made by damage, and then the order is not kept. */
const MANY_PILES = 1024;
const FIRST_CAPACITY = 1 << 14;

class Pile {
  /** Position of the first record that has not been handed out, and the end of its segment. */
  at = 0;
  end = 0;
  /** Time of the record at `at`; infinite where there is none. */
  time = Number.POSITIVE_INFINITY;
  /** Time of the last record. */
  last = Number.NEGATIVE_INFINITY;
  /** Starts and ends of further segments, in pairs, from `next` on. */
  segments: number[] = [];
  next = 0;
}

export class TimeOrder {
  /** Of the record that `next` went to. */
  address = 0;
  kind = 0;
  time = Number.NEGATIVE_INFINITY;
  /** Records that were older than one before them that had been handed out. */
  late = 0;
  /** What is not later than this is ready. */
  limit = Number.NEGATIVE_INFINITY;

  private times = new Float64Array(FIRST_CAPACITY);
  private addresses = new Uint32Array(FIRST_CAPACITY);
  private kinds = new Uint16Array(FIRST_CAPACITY);
  private mask = FIRST_CAPACITY - 1;
  /** Positions from `start` to `end` may still be needed. */
  private start = 0;
  private end = 0;

  private readonly piles: Pile[] = [];
  private current = new Pile();
  private readonly heap: Pile[] = [];
  /** Stands for an empty heap; later than all. */
  private readonly never = new Pile();
  private rival = this.never;
  private handedOut = false;
  /** The latest time that was handed out. */
  private reached = Number.NEGATIVE_INFINITY;

  // The segment that grows.
  private segmentStart = 0;
  private segmentLast = Number.POSITIVE_INFINITY;
  /** The latest time of all, and what it was at the last end of a round. */
  private latest = Number.NEGATIVE_INFINITY;
  private latestOfRound = Number.NEGATIVE_INFINITY;

  constructor() {
    // A small integer, so that positions stay such in all piles.
    this.never.at = 2 ** 30;
  }

  /** Position that the next record gets. */
  get position(): number {
    return this.end;
  }

  /** Hot. Between the first `add` and `seal`, `next` must not be called. */
  add(time: number, address: number, kind: number): void {
    const position = this.end;
    if (position - this.start > this.mask) this.grow();
    if (time < this.segmentLast) this.endSegment();
    this.segmentLast = time;
    this.end = position + 1;
    const slot = position & this.mask;
    this.times[slot] = time;
    this.addresses[slot] = address;
    this.kinds[slot] = kind;
    if (time > this.latest) this.latest = time;
  }

  /** To be called after records were added. */
  seal(): void {
    this.endSegment();
    const { heap, piles, current } = this;
    heap.length = 0;
    for (const pile of piles) if (pile !== current) heap.push(pile);
    makeHeap(heap, isBefore);
    this.rival = heap[0] ?? this.never;
  }

  /** A FINISHED_ROUND record. */
  finishRound(): void {
    this.limit = Math.max(this.limit, this.latestOfRound);
    this.latestOfRound = this.latest;
  }

  /** Nothing more comes: all is ready. */
  finish(): void {
    this.limit = Number.POSITIVE_INFINITY;
  }

  /** Too much waits: the earlier half of its time is made ready, although earlier records may still come. */
  force(): void {
    const first = Math.min(this.current.time, this.rival.time);
    if (first < Number.POSITIVE_INFINITY) this.limit = Math.max(this.limit, first + (this.latest - first) / 2);
  }

  /** Something is ready. */
  get ready(): boolean {
    if (this.handedOut) return true;
    const first = Math.min(this.current.time, this.rival.time);
    return first <= this.limit && first < Number.POSITIVE_INFINITY;
  }

  /** Nothing waits. */
  get empty(): boolean {
    return !this.handedOut && Math.min(this.current.time, this.rival.time) === Number.POSITIVE_INFINITY;
  }

  /** Nothing earlier will be handed out, but for late records. */
  get horizon(): number {
    return this.limit === Number.POSITIVE_INFINITY ? this.reached : Math.max(this.limit, this.reached);
  }

  /** Positions before this one are not needed any more. */
  get oldest(): number {
    let oldest = this.segmentStart;
    for (const { at, time } of this.piles) if (time < Number.POSITIVE_INFINITY && at < oldest) oldest = at;
    this.start = oldest;
    return oldest;
  }

  /** Goes to the next record that is ready. Hot. */
  next(): boolean {
    let pile = this.current;
    if (this.handedOut) {
      if (++pile.at === pile.end) this.nextSegment(pile);
      else pile.time = this.times[pile.at & this.mask]!;
    }
    const rival = this.rival;
    if (rival.time <= pile.time && isBefore(rival, pile) && rival !== this.never) pile = this.exchange();
    const { time } = pile;
    if (time > this.limit || time === Number.POSITIVE_INFINITY) {
      this.handedOut = false;
      return false;
    }
    this.handedOut = true;
    const slot = pile.at & this.mask;
    this.address = this.addresses[slot]!;
    this.kind = this.kinds[slot]!;
    this.time = time;
    if (time < this.reached) this.late++;
    else this.reached = time;
    return true;
  }

  /** Lays the segment that has grown on a pile. */
  private endSegment(): void {
    const { segmentStart, end } = this;
    if (segmentStart < end) {
      const pile = this.choosePile(this.times[segmentStart & this.mask]!);
      pile.last = this.segmentLast;
      pile.segments.push(segmentStart, end);
      if (pile.time === Number.POSITIVE_INFINITY) this.nextSegment(pile);
      this.segmentStart = end;
    }
    this.segmentLast = Number.POSITIVE_INFINITY;
  }

  /** The pile whose last record is the latest that is not after `time`; else an empty one. */
  private choosePile(time: number): Pile {
    let best: Pile | undefined;
    let empty: Pile | undefined;
    for (const pile of this.piles) {
      if (pile.last <= time && (best === undefined || pile.last > best.last)) best = pile;
      if (pile.time === Number.POSITIVE_INFINITY) empty = pile;
    }
    const chosen = best ?? empty;
    if (chosen !== undefined) return chosen;
    if (this.piles.length >= MANY_PILES) return this.piles[0]!;
    const pile = this.piles.length === 0 ? this.current : new Pile();
    this.piles.push(pile);
    return pile;
  }

  private nextSegment(pile: Pile): void {
    const { segments } = pile;
    if (pile.next === segments.length) {
      segments.length = 0;
      pile.next = 0;
      pile.time = Number.POSITIVE_INFINITY;
      return;
    }
    pile.at = segments[pile.next]!;
    pile.end = segments[pile.next + 1]!;
    pile.next += 2;
    if (pile.next >= 1024) {
      segments.splice(0, pile.next);
      pile.next = 0;
    }
    pile.time = this.times[pile.at & this.mask]!;
  }

  /** Puts the pile at hand into the heap and takes out its least. */
  private exchange(): Pile {
    const { heap } = this;
    const least = heap[0]!;
    sink(heap, 0, this.current, isBefore);
    this.current = least;
    this.rival = heap[0]!;
    return least;
  }

  private grow(): void {
    if (this.oldest > this.end - (this.mask + 1) / 2) return;
    const mask = this.mask * 2 + 1;
    const times = new Float64Array(mask + 1);
    const addresses = new Uint32Array(mask + 1);
    const kinds = new Uint16Array(mask + 1);
    for (let position = this.start; position < this.end; position++) {
      const from = position & this.mask;
      const to = position & mask;
      times[to] = this.times[from]!;
      addresses[to] = this.addresses[from]!;
      kinds[to] = this.kinds[from]!;
    }
    this.times = times;
    this.addresses = addresses;
    this.kinds = kinds;
    this.mask = mask;
  }
}

function isBefore(a: Pile, b: Pile): boolean {
  return a.time < b.time || (a.time === b.time && a.at < b.at);
}
