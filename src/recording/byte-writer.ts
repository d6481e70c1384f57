// Little-endian numbers and byte strings, one after the other, in memory that grows.

export class ByteWriter {
  private buffer = Buffer.alloc(256);
  length = 0;

  u16(value: number): this {
    this.length = this.room(2).writeUInt16LE(value, this.length);
    return this;
  }

  u32(value: number): this {
    this.length = this.room(4).writeUInt32LE(value, this.length);
    return this;
  }

  u64(value: bigint | number): this {
    this.length = this.room(8).writeBigUInt64LE(BigInt(value), this.length);
    return this;
  }

  /** Writes over an earlier number. */
  setU64(at: number, value: number): void {
    this.buffer.writeBigUInt64LE(BigInt(value), at);
  }

  bytes(...values: number[]): this {
    return this.append(Uint8Array.from(values));
  }

  text(text: string): this {
    this.room(text.length).write(text, this.length, 'latin1');
    this.length += text.length;
    return this;
  }

  /** A text after its length. */
  sized64(text: string): this {
    return this.u64(text.length).text(text);
  }

  append(bytes: Uint8Array): this {
    this.room(bytes.length).set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** All that was written, filled up with zeros to `size`. */
  finish(size = this.length): Uint8Array {
    this.room(size - this.length);
    return this.buffer.subarray(0, size);
  }

  private room(bytes: number): Buffer {
    if (this.length + bytes > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(this.length + bytes, this.buffer.length * 2));
      this.buffer.copy(larger);
      this.buffer = larger;
    }
    return this.buffer;
  }
}
