// Standard input as a sequence of bytes, for a recording that comes through a pipe. It is read only as fast as it is taken,
// so that a recorder that is faster than the handlers waits.

import { stdin } from 'node:process';

export class StandardInput {
  private chunks: Buffer[] = [];
  private done = false;
  private wakeUp: (() => void) | undefined;

  constructor() {
    stdin.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      stdin.pause();
      this.wake();
    });
    const end = (): void => {
      this.done = true;
      this.wake();
    };
    stdin.on('end', end);
    stdin.on('error', end);
    stdin.on('close', end);
  }

  /** What has come; nothing where nothing is there yet. */
  take(): Buffer | undefined {
    return this.chunks.shift();
  }

  /** Gives bytes back that were taken: they come first. */
  giveBack(bytes: Buffer): void {
    if (bytes.length > 0) this.chunks.unshift(bytes);
  }

  /** All has been taken and nothing more comes. */
  get ended(): boolean {
    return this.done && this.chunks.length === 0;
  }

  /** Resolves when there is something to take or the end has been reached, after `milliseconds`, or when woken. */
  async wait(milliseconds: number): Promise<void> {
    if (this.chunks.length > 0 || this.done) {
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    stdin.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = undefined;
  }

  wake(): void {
    this.wakeUp?.();
  }

  /** Waits for at least `bytes` and takes all that is there; fewer where the input ends. */
  async takeAtLeast(bytes: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    let length = 0;
    while (length < bytes && !this.ended) {
      const chunk = this.take();
      if (chunk === undefined) await this.wait(60_000);
      else {
        taken.push(chunk);
        length += chunk.length;
      }
    }
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken);
  }

  close(): void {
    stdin.destroy();
    this.done = true;
    this.chunks = [];
  }
}
