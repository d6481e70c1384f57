// Waiting for events: by poll on the buffers' files where koffi can call it, else by a timer. How long: short at first, then
// up to what a single event may take to be seen, and rest where nothing comes, since looking costs something too.

import { writeSync } from 'node:fs';
import { closeAll, type TracingInstance } from './instance.js';
import { type Native, native } from './native.js';

/** Longest wait for a buffer that is not half full, so that a single event is seen soon. Milliseconds. */
const LONGEST_WAIT = 100;
/** The first waits are shorter, so that the first events of a trace are handled at once. Doubles each time. */
const FIRST_WAIT = 5;
/**
 * Waits after which nothing was there until the source rests: then a single event wakes it, and it looks up by itself only
 * now and then, for the sake of the task history's small buffers. Ten looks a second take 0.5 to 1 % of a slow core.
 */
const EMPTY_WAITS = 5;
const LONGEST_REST = 500;
/** buffer_percent: how full a buffer wakes poll. At 0 a single event does, which under load would be every event. */
const WAKE_WHEN_HALF_FULL = '50';
const WAKE_AT_ONCE = '0';

/** What is waited for. */
export interface Awaited {
  /** Files that become readable; undefined: only a timer can be waited for. */
  readonly fds: readonly number[] | undefined;
  /** All that has been read so far: whether something came since the last wait. */
  readonly bytesRead: number;
  /** A single event in the instance's buffers is all that can come. */
  readonly mayRest: boolean;
}

export class EventWait {
  private instance: TracingInstance | undefined;
  private wakeFd = -1;
  private pollUnderWay = false;
  private closed = false;
  private patience = FIRST_WAIT / 2;
  /** The kernel has buffer_percent (since 5.0). */
  private canRest = false;
  private resting = false;
  private emptyWaits = 0;
  /** What `bytesRead` was at the last wait. */
  private bytesSeen = 0;
  private wakeUp: (() => void) | undefined;

  /** Sets up whose buffers wake a poll. */
  attach(instance: TracingInstance): void {
    this.instance = instance;
    this.canRest = instance.folder.tryWrite('buffer_percent', WAKE_WHEN_HALF_FULL);
  }

  /** Resolves when there may be something to read, at the latest after `milliseconds`, or when `wake` is called. */
  async wait(milliseconds: number, awaited: Awaited): Promise<void> {
    const timeout = Math.max(0, Math.min(Math.ceil(milliseconds), this.longestWait(awaited)));
    const calls = pollCalls();
    const { fds } = awaited;
    if (fds === undefined || calls === undefined || timeout === 0 || this.pollUnderWay) {
      await this.sleep(timeout);
      return;
    }
    if (this.wakeFd < 0) this.wakeFd = calls.eventfd();
    this.pollUnderWay = true;
    await calls.pollLater([this.wakeFd, ...fds], timeout);
    this.pollUnderWay = false;
    if (this.closed) this.closeWakeFd();
  }

  /** How long to wait now, in milliseconds; goes to rest and back. */
  private longestWait({ bytesRead, mayRest }: Awaited): number {
    this.emptyWaits = bytesRead === this.bytesSeen ? this.emptyWaits + 1 : 0;
    this.bytesSeen = bytesRead;
    const resting = this.emptyWaits > EMPTY_WAITS && this.canRest && mayRest;
    if (resting !== this.resting) {
      this.instance!.folder.tryWrite('buffer_percent', resting ? WAKE_AT_ONCE : WAKE_WHEN_HALF_FULL);
      this.resting = resting;
    }
    if (resting) return LONGEST_REST;
    this.patience = Math.min(LONGEST_WAIT, this.patience * 2);
    return this.patience;
  }

  /** Where poll cannot be used: a timer that `wake` ends. */
  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wakeUp = undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.wakeUp = done;
    });
  }

  wake(): void {
    this.wakeUp?.();
    // It stays readable: whoever wakes wants no further wait.
    if (this.wakeFd >= 0) writeSync(this.wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer));
  }

  /** To be called after `wake`: a poll in another thread may still be under way, and then ends with it. */
  close(): void {
    this.closed = true;
    if (!this.pollUnderWay) this.closeWakeFd();
  }

  private closeWakeFd(): void {
    if (this.wakeFd >= 0) closeAll([this.wakeFd]);
    this.wakeFd = -1;
  }
}

/** undefined where koffi has no library for this machine: full buffers are then seen only by the timer. */
function pollCalls(): Native | undefined {
  try {
    return native();
  } catch {
    return undefined;
  }
}
