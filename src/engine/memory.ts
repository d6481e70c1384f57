// Views of the linear memory that the interpreter, the event reader and translated code share.

/** Typed arrays over one WebAssembly memory. They detach when the memory grows: call `refresh` after anything that can allocate. */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  u64!: BigUint64Array;
  i64!: BigInt64Array;
  /** The same bytes as a Buffer: quick ways from and to byte strings. */
  bytes!: Buffer;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.refresh();
  }

  /** Makes the views anew if the memory has grown; cheap if it has not. */
  refresh(): void {
    // A detached view has length 0, which is quicker to see than whether `memory.buffer` is another one.
    if (this.u8 !== undefined && this.u8.length !== 0) return;
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.bytes = Buffer.from(buffer);
  }
}
