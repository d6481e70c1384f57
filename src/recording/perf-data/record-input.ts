// Where the bytes of the records come from: the data of a file, or standard input as it comes.

import type { StandardInput } from '../standard-input.js';
import type { FileReader } from '../trace-dat/file-reader.js';
import type { RecordStream } from './record-blocks.js';

export interface RecordInput {
  /** Brings some bytes into the stream, if there are any now. */
  fill(stream: RecordStream): void;
  /** Nothing more comes. */
  readonly ended: boolean;
  /** Resolves when there may be something to bring, at the latest after so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
  wake(): void;
  close(): void;
}

/** The records of a file, from `offset` on. */
export class FileInput implements RecordInput {
  private readonly file: FileReader;
  private position: number;
  private readonly end: number;

  constructor(file: FileReader, offset: number, size: number) {
    this.file = file;
    this.position = offset;
    this.end = offset + size;
  }

  fill(stream: RecordStream): void {
    const room = stream.room();
    const wanted = Math.min(room.length, this.end - this.position);
    const got = this.file.readInto(room, this.position, wanted);
    // A file that became shorter meanwhile ends here.
    this.position = got < wanted ? this.end : this.position + got;
    stream.commit(got);
    this.position = Math.min(this.end, this.position + stream.takeSkipped());
  }

  get ended(): boolean {
    return this.position >= this.end;
  }

  /** Only lets other things happen in between, such as Ctrl-C. */
  wait(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  wake(): void {}

  close(): void {
    this.file.close();
  }
}

/** Records that come through a pipe. */
export class PipeInput implements RecordInput {
  private readonly input: StandardInput;

  constructor(input: StandardInput) {
    this.input = input;
  }

  fill(stream: RecordStream): void {
    const bytes = this.input.take();
    if (bytes !== undefined) stream.append(bytes);
  }

  get ended(): boolean {
    return this.input.ended;
  }

  wait(milliseconds: number): Promise<void> {
    return this.input.wait(milliseconds);
  }

  wake(): void {
    this.input.wake();
  }

  close(): void {
    this.input.close();
  }
}
