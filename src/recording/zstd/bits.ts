// Bits of a Zstandard block. Most streams are written forwards and read backwards: the last byte's highest set bit marks the
// end, below it stand the bits that come first (RFC 8878, section 4.1).

/** Reads a bit stream from its end to its start. */
export class BackwardBits {
  private bytes: Uint8Array = new Uint8Array(0);
  /** Bit of `bytes` that the stream begins at, and the one above those that have not been read. */
  private start = 0;
  private at = 0;

  /** Opens the stream that lies in bytes `from` to before `to`. Throws RangeError where it has no end mark. */
  open(bytes: Uint8Array, from: number, to: number): void {
    const last = to > from ? bytes[to - 1]! : 0;
    if (last === 0) throw new RangeError('a bit stream without an end');
    this.bytes = bytes;
    this.start = from * 8;
    this.at = to * 8 - 8 + (31 - Math.clz32(last));
  }

  /** Bits that have not been read; negative where more were read than there are. */
  get left(): number {
    return this.at - this.start;
  }

  /** The next bits, at most 31; zeros in front of the start. Hot. */
  read(count: number): number {
    if (count > 24) {
      const high = this.read(count - 16);
      return ((high << 16) | this.read(16)) >>> 0;
    }
    this.at -= count;
    return this.peekAt(count);
  }

  /** The next bits, at most 24, which stay. Hot. */
  peek(count: number): number {
    this.at -= count;
    const bits = this.peekAt(count);
    this.at += count;
    return bits;
  }

  skip(count: number): void {
    this.at -= count;
  }

  private peekAt(count: number): number {
    const { at, bytes, start } = this;
    if (at < start) return this.peekBeforeStart(count);
    const byte = at >>> 3;
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    return (word >>> (at & 7)) & ((1 << count) - 1);
  }

  private peekBeforeStart(count: number): number {
    const missing = this.start - this.at;
    if (missing >= count) return 0;
    this.at += missing;
    const bits = this.peekAt(count - missing);
    this.at -= missing;
    return bits << missing;
  }
}
