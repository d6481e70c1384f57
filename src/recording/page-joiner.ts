// Joins sub-buffers that are partly filled, as a reader gets them that does not wait until they are full: else a recording of
// few events would be mostly empty. Between the entries of two sub-buffers stands the second one's time stamp, as an entry of
// its own (type 31). Full ones, and those before which events were lost, go through as they are.
//
// Source of the layout: events/ring-buffer.ts.

import type { SubBufferLayout } from '../events/ring-buffer.js';

const PADDING = 29;
const TIME_STAMP = 31;
const DATA_SIZE_MASK = 0x3fffffff;
const MISSED_EVENTS = 0x80000000;
const ENTRY = 8;
/** Above this part of its size a sub-buffer counts as full. */
const FULL = 0.75;

export class PageJoiner {
  private readonly layout: SubBufferLayout;
  private readonly size: number;
  private readonly emit: (page: Uint8Array) => void;
  private readonly page: Uint8Array;
  private readonly view: DataView;
  /** Where the entries of `page` end; 0: it is empty. */
  private end = 0;

  /** `emit` gets sub-buffers of `size` bytes, valid during the call. */
  constructor(layout: SubBufferLayout, size: number, emit: (page: Uint8Array) => void) {
    this.layout = layout;
    this.size = size;
    this.emit = emit;
    this.page = new Uint8Array(size);
    this.view = new DataView(this.page.buffer);
  }

  /** Takes a sub-buffer; of those of one CPU in their order. */
  append(page: Uint8Array): void {
    const { layout, size } = this;
    const view = new DataView(page.buffer, page.byteOffset, page.length);
    const commit = view.getUint32(layout.commitOffset, true);
    const lost = (commit & MISSED_EVENTS) !== 0;
    const data = commit & DATA_SIZE_MASK;
    if (data === 0 && !lost) return;
    const end = lost || data > size * FULL ? 0 : this.entriesEnd(view, layout.dataOffset + data);
    if (end === 0) {
      this.flush();
      this.emit(page);
      return;
    }
    const entries = page.subarray(layout.dataOffset, end);
    if (this.end + ENTRY + entries.length > size) this.flush();
    if (this.end === 0) {
      this.page.set(page.subarray(0, end));
      this.end = end;
    } else {
      const stamp = view.getBigUint64(layout.timeStampOffset, true);
      this.view.setUint32(this.end, Number((stamp & 0x7ffffffn) << 5n) | TIME_STAMP, true);
      this.view.setUint32(this.end + 4, Number((stamp >> 27n) & 0xffffffffn), true);
      this.page.set(entries, this.end + ENTRY);
      this.end += ENTRY + entries.length;
    }
  }

  /** Emits what is left. */
  flush(): void {
    if (this.end === 0) return;
    const { commitOffset, commitSize, dataOffset } = this.layout;
    this.view.setUint32(commitOffset, this.end - dataOffset, true);
    if (commitSize === 8) this.view.setUint32(commitOffset + 4, 0, true);
    this.page.fill(0, this.end);
    this.end = 0;
    this.emit(this.page);
  }

  /** Where the entries end, which can be before the data does; 0 where they make no sense. */
  private entriesEnd(view: DataView, dataEnd: number): number {
    if (dataEnd > view.byteLength) return 0;
    let at = this.layout.dataOffset;
    while (at < dataEnd) {
      const word = view.getUint32(at, true);
      const type = word & 31;
      if (type === PADDING && word >>> 5 === 0) return at;
      let length = 4 + (type << 2);
      if (type === 0 || type >= PADDING) {
        if (at + 8 > dataEnd) return 0;
        length = type > PADDING ? 8 : 4 + Math.ceil(view.getUint32(at + 4, true) / 4) * 4;
      }
      at += length;
    }
    return at === dataEnd ? at : 0;
  }
}
