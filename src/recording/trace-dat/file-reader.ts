// Bounded reading of a recording's metadata: numbers and strings one after the other, through one window of the file. Each
// read says what it was for, so that a file that ends early or whose sizes lie gives an error that names the place.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type KtapError, plainError } from '../../language/diagnostics.js';

const WINDOW = 65536;

/** What is wrong with a recording: it ends too early, or what it says cannot be. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
  /** The file's end was reached, which a recording that was broken off shows. */
  readonly truncated: boolean;
  constructor(message: string, truncated: boolean) {
    super(message);
    this.truncated = truncated;
  }
}

/** Bytes that can be read at any place: a file, or a part of one that was decompressed. */
interface Store {
  readonly size: number;
  /** Reads up to `length` bytes at `position` to `target` from `offset` on; 0 at the end. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  close(): void;
}

export class FileReader {
  /** The path as messages show it: a byte string. */
  readonly path: string;
  readonly size: number;
  /** Where the next read begins; may be set. */
  position = 0;
  littleEndian = true;
  private readonly store: Store;
  private readonly window: Uint8Array;
  private readonly view: DataView;
  private windowStart = 0;
  private windowLength = 0;
  private closed = false;

  private constructor(path: string, store: Store, littleEndian: boolean) {
    this.path = path;
    this.store = store;
    this.size = store.size;
    this.littleEndian = littleEndian;
    this.window = new Uint8Array(Math.min(WINDOW, Math.max(8, store.size)));
    this.view = new DataView(this.window.buffer);
  }

  /** Opens a regular file; throws KtapError. */
  static open(path: string): FileReader {
    const shown = byteString(path);
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      throw openError(shown, error as NodeJS.ErrnoException);
    }
    return FileReader.ofDescriptor(descriptor, shown);
  }

  /** Takes over an open regular file; `name` is what messages call it, a byte string. Throws KtapError. */
  static ofDescriptor(descriptor: number, name: string): FileReader {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) {
      closeSync(descriptor);
      const hint =
        'a recording is read in several places at once: give a regular file, or - and the recording by a pipe';
      throw plainError(`cannot replay ${name}: it is ${stat.isDirectory() ? 'a folder' : 'not a regular file'}`, hint);
    }
    return new FileReader(name, new OpenFile(descriptor, stat.size), true);
  }

  /** Reads bytes that are in memory; `name` is what messages call them. */
  static overBytes(bytes: Uint8Array, name: string, littleEndian: boolean): FileReader {
    return new FileReader(name, new Bytes(bytes), littleEndian);
  }

  /** Reads a part of this file that was decompressed. */
  over(bytes: Uint8Array): FileReader {
    return new FileReader(this.path, new Bytes(bytes), this.littleEndian);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.store.close();
  }

  get left(): number {
    return this.size - this.position;
  }

  /** Reads up to `length` bytes at a place of the file into `target`; fewer where the file ends. */
  readInto(target: Uint8Array, position: number, length: number): number {
    let done = 0;
    try {
      while (done < length) {
        const got = this.store.read(target, done, length - done, position + done);
        if (got === 0) break;
        done += got;
      }
    } catch (error) {
      throw plainError(`cannot read ${this.path}: ${byteString((error as Error).message)}`);
    }
    return done;
  }

  u8(what: string): number {
    return this.view.getUint8(this.take(1, what));
  }

  u16(what: string): number {
    return this.view.getUint16(this.take(2, what), this.littleEndian);
  }

  u32(what: string): number {
    return this.view.getUint32(this.take(4, what), this.littleEndian);
  }

  bigU64(what: string): bigint {
    return this.view.getBigUint64(this.take(8, what), this.littleEndian);
  }

  /** A size or an offset. One that no file can have is damage. */
  u64(what: string): number {
    const value = Number(this.bigU64(what));
    if (!Number.isSafeInteger(value)) throw new DamageError(`${what} cannot be ${value}`, false);
    return value;
  }

  /** Bytes as a byte string. */
  text(length: number, what: string): string {
    if (length > this.left) throw this.tooShort(what);
    if (length <= this.window.length) {
      const at = this.take(length, what);
      return Buffer.from(this.window.buffer, at, length).toString('latin1');
    }
    return Buffer.from(this.bytes(length, what)).toString('latin1');
  }

  /** A copy of the next bytes. */
  bytes(length: number, what: string): Uint8Array {
    if (length > this.left) throw this.tooShort(what);
    const bytes = this.bytesAt({ offset: this.position, size: length });
    if (bytes.length < length) throw this.tooShort(what);
    this.position += length;
    return bytes;
  }

  /** Bytes at a place that was passed before; none where the file is closed. */
  bytesAt({ offset, size }: { readonly offset: number; readonly size: number }): Uint8Array {
    if (this.closed) return new Uint8Array(0);
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, this.readInto(bytes, offset, size));
  }

  /** A string up to its NUL, which is passed. */
  cString(what: string, longest = 4096): string {
    let text = '';
    for (;;) {
      const byte = this.u8(what);
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
      if (text.length > longest) throw new DamageError(`${what} does not end`, false);
    }
  }

  /** Passes bytes that are not needed now; answers where they are. */
  skip(length: number, what: string): { offset: number; size: number } {
    if (length > this.left) throw this.tooShort(what);
    const offset = this.position;
    this.position += length;
    return { offset, size: length };
  }

  /** Brings `length` bytes into the window and passes them; answers their place in it. */
  private take(length: number, what: string): number {
    const { position } = this;
    if (position < this.windowStart || position + length > this.windowStart + this.windowLength) {
      this.windowStart = position;
      this.windowLength = position >= this.size ? 0 : this.readInto(this.window, position, this.window.length);
      if (length > this.windowLength) throw this.tooShort(what);
    }
    this.position += length;
    return position - this.windowStart;
  }

  private tooShort(what: string): DamageError {
    return new DamageError(`the file ends within ${what}`, true);
  }
}

class OpenFile implements Store {
  readonly size: number;
  private readonly descriptor: number;
  constructor(descriptor: number, size: number) {
    this.descriptor = descriptor;
    this.size = size;
  }
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return readSync(this.descriptor, target, offset, length, position);
  }
  close(): void {
    closeSync(this.descriptor);
  }
}

class Bytes implements Store {
  private readonly content: Uint8Array;
  constructor(content: Uint8Array) {
    this.content = content;
  }
  get size(): number {
    return this.content.length;
  }
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const part = this.content.subarray(position, position + length);
    target.set(part, offset);
    return part.length;
  }
  close(): void {}
}

function openError(path: string, error: NodeJS.ErrnoException): KtapError {
  const reasons: Readonly<Record<string, string>> = { ENOENT: 'no such file', EACCES: 'permission denied' };
  return plainError(`cannot read ${path}: ${reasons[error.code ?? ''] ?? byteString(error.message)}`);
}

/** UTF-16 text as a byte string. */
function byteString(text: string): string {
  return Buffer.from(text).toString('latin1');
}
