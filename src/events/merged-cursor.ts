// Two cursors as one, in order of time: the records of an instance's buffers and the samples of perf. Each stays at its
// next record until that one's turn comes, so a record that has been handed out is valid until the next one is asked for.

import type { RecordCursor } from './source.js';

/** A cursor that tells how far it has got when it has nothing ready. */
export interface StreamCursor extends RecordCursor {
  /** Nothing before this time will be handed out any more, once `next` has answered false. */
  readonly horizon: number;
}

export class MergedCursor implements RecordCursor {
  private readonly first: StreamCursor;
  private readonly second: StreamCursor;
  /** The cursor is at a record that has not been handed out yet. */
  private firstReady = false;
  private secondReady = false;
  private current: StreamCursor;
  /** Nothing more is to come: a cursor without a record has ended. */
  final = false;

  constructor(first: StreamCursor, second: StreamCursor) {
    this.first = first;
    this.second = second;
    this.current = first;
  }

  /** The record at hand is one of the second cursor's. */
  get atSecond(): boolean {
    return this.current === this.second;
  }

  get address(): number {
    return this.current.address;
  }
  get length(): number {
    return this.current.length;
  }
  get cpu(): number {
    return this.current.cpu;
  }
  get id(): number {
    return this.current.id;
  }
  get time(): number {
    return this.current.time;
  }

  /** Nothing before this time will be handed out any more, once `next` has answered false. */
  get horizon(): number {
    return Math.min(this.first.horizon, this.second.horizon);
  }

  next(): boolean {
    const { first, second } = this;
    if (!this.firstReady) this.firstReady = first.next();
    if (!this.secondReady) this.secondReady = second.next();
    const firstTime = this.timeOf(first, this.firstReady);
    const secondTime = this.timeOf(second, this.secondReady);
    if (this.firstReady && firstTime <= secondTime) {
      this.firstReady = false;
      this.current = first;
      return true;
    }
    if (this.secondReady && secondTime <= firstTime) {
      this.secondReady = false;
      this.current = second;
      return true;
    }
    return false;
  }

  private timeOf(cursor: StreamCursor, ready: boolean): number {
    if (ready) return cursor.time;
    return this.final ? Number.POSITIVE_INFINITY : cursor.horizon;
  }
}
