// The reference evaluator in a thread of its own, since it needs a large stack (a script may nest 10,000 calls) and can
// work beside the engine. A test file that uses it is the thread's program too: it calls `serveReference` there.

import { parentPort, Worker } from 'node:worker_threads';
import { parseChunk } from '../../src/language/index.js';
import { type ReferenceOutcome, runReference } from '../reference/index.js';

interface Request {
  readonly id: number;
  readonly text: string;
  readonly args: readonly string[];
  readonly maxSteps: number | undefined;
}

interface Response {
  readonly id: number;
  readonly outcome: ReferenceOutcome | string;
}

const STACK_MEGABYTES = 400;

export class ReferenceWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (outcome: ReferenceOutcome | string) => void>();
  #next = 0;

  /** `program` is the import.meta.url of the test file. */
  constructor(program: string) {
    this.#worker = new Worker(new URL(program), { resourceLimits: { stackSizeMb: STACK_MEGABYTES } });
    this.#worker.on('message', ({ id, outcome }: Response) => {
      this.#waiting.get(id)?.(outcome);
      this.#waiting.delete(id);
    });
    this.#worker.on('error', (error) => {
      throw error;
    });
    this.#worker.unref();
  }

  /** The outcome of a script (a byte string that parses), or a text that says why the reference cannot tell. */
  evaluate(text: string, args: readonly string[] = [], maxSteps?: number): Promise<ReferenceOutcome | string> {
    const id = this.#next++;
    this.#worker.ref();
    return new Promise<ReferenceOutcome | string>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ id, text, args, maxSteps } satisfies Request);
    }).finally(() => {
      if (this.#waiting.size === 0) this.#worker.unref();
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Answers requests; for the thread's side. */
export function serveReference(): void {
  parentPort!.on('message', ({ id, text, args, maxSteps }: Request) => {
    const chunk = parseChunk({ name: 'script', text });
    const outcome = runReference(chunk, args, maxSteps === undefined ? {} : { maxSteps });
    parentPort!.postMessage({ id, outcome } satisfies Response);
  });
}
