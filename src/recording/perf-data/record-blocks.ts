// Linear memory for the records of a perf.data: blocks that are filled one after the other and used again when no record
// in them is needed any more. A record always lies whole in one block: what a block has of one that does not fit is copied
// to the start of the next.

import type { BufferMemory } from '../cpu-streams.js';

/** Bytes of a block. Records have at most 65,535. */
export const BLOCK_SIZE = 256 * 1024;

interface Block {
  readonly address: number;
  /** Position (of TimeOrder) behind its last record. */
  position: number;
}

export class RecordBlocks {
  private readonly target: BufferMemory;
  private readonly free: number[] = [];
  /** Full blocks, in the order in which they became full. */
  private full: Block[] = [];

  constructor(target: BufferMemory) {
    this.target = target;
  }

  /** Address of a block to fill. */
  take(): number {
    const address = this.free.pop() ?? this.target.allocateBuffer(BLOCK_SIZE);
    this.target.memory.refresh();
    return address;
  }

  /** A block is full; `position` is behind its last record. */
  release(address: number, position: number): void {
    this.full.push({ address, position });
  }

  /** Takes back the blocks whose records lie before `oldest`. */
  reclaim(oldest: number): void {
    this.full = this.full.filter(({ address, position }) => {
      if (position > oldest) return true;
      this.free.push(address);
      return false;
    });
  }

  /** Bytes in full blocks. */
  get used(): number {
    return this.full.length * BLOCK_SIZE;
  }
}

/** A sequence of records of any length as bytes come, cut into whole records. */
export class RecordStream {
  /** Set by `scan` at a record that cannot be: what follows is no records, and is not taken. */
  broken = false;
  private readonly blocks: RecordBlocks;
  private readonly target: BufferMemory;
  /**
   * Takes whole records from `start` to before `end` and answers where it stopped: at a record that is not whole, behind one
   * that bytes follow (`skip`), or behind one of odd size, which then is done with.
   */
  private readonly scan: (start: number, end: number) => number;
  private readonly position: () => number;
  /** The block that is filled: where it is, how much of it is filled, how much of that is scanned. */
  private address = 0;
  private filled = 0;
  private scanned = 0;
  /** Bytes still to come that are to be passed over. */
  private skipping = 0;

  constructor(
    blocks: RecordBlocks,
    target: BufferMemory,
    position: () => number,
    scan: (start: number, end: number) => number,
  ) {
    this.blocks = blocks;
    this.target = target;
    this.position = position;
    this.scan = scan;
  }

  /** Where the next bytes are to be put: a view of linear memory that holds until memory grows. */
  room(): Uint8Array {
    if (this.address === 0) this.address = this.blocks.take();
    else if (this.filled === BLOCK_SIZE) this.nextBlock();
    const { memory } = this.target;
    return memory.u8.subarray(this.address + this.filled, this.address + BLOCK_SIZE);
  }

  /** The first `bytes` of `room` have been filled. */
  commit(bytes: number): void {
    if (this.broken) return;
    this.filled += bytes;
    for (;;) {
      const passed = Math.min(this.skipping, this.filled - this.scanned);
      this.scanned += passed;
      this.skipping -= passed;
      if (this.skipping > 0) return;
      this.scanned = this.scan(this.address + this.scanned, this.address + this.filled) - this.address;
      const aligned = this.align();
      if (this.broken || (this.skipping === 0 && !aligned)) return;
    }
  }

  /** Behind a record of odd size, which nobody needs any more, moves the rest down, so that records lie on words. */
  private align(): boolean {
    const odd = this.scanned & 3;
    if (odd === 0) return false;
    const { address, scanned, filled } = this;
    this.target.memory.u8.copyWithin(address + scanned - odd, address + scanned, address + filled);
    this.scanned -= odd;
    this.filled -= odd;
    return true;
  }

  /** Copies bytes behind those that are there. */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const room = this.room();
      const part = bytes.subarray(done, done + room.length);
      room.set(part);
      this.commit(part.length);
      done += part.length;
    }
  }

  /** Called by `scan`, which then stops: the `bytes` behind the record that it stops at are no records. */
  skip(bytes: number): void {
    this.skipping = bytes;
  }

  /** Bytes that are to be passed over and have not come yet; an input that can leave them out may say so. */
  takeSkipped(): number {
    const bytes = this.skipping;
    this.skipping = 0;
    return bytes;
  }

  /** Bytes of a record that is not whole. */
  get left(): number {
    return this.filled - this.scanned;
  }

  private nextBlock(): void {
    const from = this.address + this.scanned;
    const left = this.filled - this.scanned;
    const next = this.blocks.take();
    this.target.memory.u8.copyWithin(next, from, from + left);
    this.blocks.release(this.address, this.position());
    this.address = next;
    this.filled = left;
    this.scanned = 0;
  }
}
