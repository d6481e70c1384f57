// Makes ring-buffer sub-buffers for tests: writes entries as the kernel does, into a byte array.

import { LinearMemory } from '../../src/engine/memory.js';

/** Builds one sub-buffer of a 64-bit little-endian kernel (or with a commit word of 4 bytes, a 32-bit one). */
export class SubBufferBuilder {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly commitSize: number;
  private readonly base: bigint;
  /** Bytes of data so far. */
  size = 0;
  private now: bigint;

  constructor(timeStamp: bigint, bytes = 4096, commitSize = 8) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
    this.commitSize = commitSize;
    this.base = timeStamp;
    this.now = timeStamp;
    this.view.setBigUint64(0, timeStamp, true);
  }

  get headerSize(): number {
    return 8 + this.commitSize;
  }

  /** Appends a raw 32-bit word. */
  word(value: number): this {
    this.view.setUint32(this.headerSize + this.size, value >>> 0, true);
    this.size += 4;
    return this;
  }

  /** Appends a record of at least 8 bytes at a time; false (nothing is appended) where there is no room. */
  record(time: bigint, content: Uint8Array, options: { big?: boolean; absolute?: boolean } = {}): boolean {
    const length = Math.ceil(content.length / 4) * 4;
    const big = options.big === true || length > 112;
    let delta = time - this.now;
    const extend = options.absolute === true || delta >= 1n << 27n;
    const needed = (extend ? 8 : 0) + (big ? 8 : 4) + length;
    if (this.headerSize + this.size + needed > this.bytes.length) return false;
    if (options.absolute === true) {
      this.timeStamp(time);
      delta = 0n;
    } else if (extend) {
      this.timeExtend(delta);
      delta = 0n;
    }
    if (big) this.word((Number(delta) << 5) >>> 0).word(length + 4);
    else this.word(((Number(delta) << 5) | (length >> 2)) >>> 0);
    this.bytes.set(content, this.headerSize + this.size);
    this.size += length;
    this.now = time;
    return true;
  }

  timeExtend(delta: bigint): this {
    return this.word(Number(((delta & 0x7ffffffn) << 5n) | 30n)).word(Number(delta >> 27n));
  }

  timeStamp(time: bigint): this {
    return this.word(Number(((time & 0x7ffffffn) << 5n) | 31n)).word(Number((time >> 27n) & 0xffffffffn));
  }

  /** A discarded record of `length` bytes. */
  discarded(delta: number, length: number): this {
    this.word((delta << 5) | 29).word(length + 4);
    this.size += length;
    this.now += delta === 1 ? 0n : BigInt(delta);
    return this;
  }

  /** Completes the header. `missed`: that many events were lost before; 'unknown': some. */
  finish(missed?: number | 'unknown'): Uint8Array {
    let commit = BigInt(this.size);
    if (missed !== undefined) {
      // The kernel adds the int 1 << 31, which is negative, to a long.
      commit -= 1n << 31n;
      const at = this.headerSize + this.size;
      // As the kernel does, only where there is room for the number.
      if (missed !== 'unknown' && at + this.commitSize <= this.bytes.length) {
        commit += 1n << 30n;
        if (this.commitSize === 8) this.view.setBigUint64(at, BigInt(missed), true);
        else this.view.setUint32(at, missed, true);
      }
    }
    if (this.commitSize === 8) this.view.setBigInt64(8, commit, true);
    else this.view.setInt32(8, Number(BigInt.asIntN(32, commit)), true);
    return this.bytes;
  }

  get timeStampOfHeader(): bigint {
    return this.base;
  }
}

/** A record with the common fields and a 32-bit value after them. */
export function simpleRecord(id: number, pid: number, value: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id, true);
  view.setInt32(4, pid, true);
  view.setUint32(8, value, true);
  return bytes;
}

/** Linear memory with a bump allocator, for tests that need no engine. */
export class TestMemory {
  readonly memory = new LinearMemory(new WebAssembly.Memory({ initial: 16, maximum: 4096 }));
  private top = 4096;

  allocateBuffer(bytes: number): number {
    const address = this.top;
    this.top += Math.ceil(bytes / 4096) * 4096;
    const missing = this.top - this.memory.memory.buffer.byteLength;
    if (missing > 0) this.memory.memory.grow(Math.ceil(missing / 65536));
    this.memory.refresh();
    return address;
  }

  /** Gives everything back, for tests that go through thousands of cases. */
  reset(): void {
    this.top = 4096;
  }

  /** Copies bytes into fresh linear memory. */
  place(bytes: Uint8Array): number {
    const address = this.allocateBuffer(bytes.length);
    this.memory.u8.set(bytes, address);
    return address;
  }
}

/** Small seeded generator of numbers (xorshift32): tests that use chance say the same each time. */
export function seeded(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
