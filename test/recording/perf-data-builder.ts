// Makes small perf.data files for tests, of either byte order, as a file or as a stream: two events, the tracepoint
// test:number (format 300 of small-recording.ts) and cpu-clock with call chains.

import { AttrFlag, EventType, SampleType } from '../../src/events/perf/abi.js';
import { Feature, RecordType } from '../../src/recording/perf-data/abi.js';
import { HEADER_PAGE, NUMBER_FORMAT } from './small-recording.js';

/** Bytes that grow, in one byte order. */
export class Bytes {
  private bytes = Buffer.alloc(256);
  length = 0;
  readonly little: boolean;
  constructor(little: boolean) {
    this.little = little;
  }
  private room(size: number): number {
    while (this.length + size > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)]);
    this.length += size;
    return this.length - size;
  }
  u8(value: number): this {
    const at = this.room(1);
    this.bytes[at] = value;
    return this;
  }
  u16(value: number): this {
    const at = this.room(2);
    if (this.little) this.bytes.writeUInt16LE(value, at);
    else this.bytes.writeUInt16BE(value, at);
    return this;
  }
  u32(...values: number[]): this {
    for (const value of values) {
      const at = this.room(4);
      if (this.little) this.bytes.writeUInt32LE(value >>> 0, at);
      else this.bytes.writeUInt32BE(value >>> 0, at);
    }
    return this;
  }
  u64(...values: (number | bigint)[]): this {
    for (const value of values) {
      const at = this.room(8);
      const wide = BigInt.asUintN(64, BigInt(value));
      if (this.little) this.bytes.writeBigUInt64LE(wide, at);
      else this.bytes.writeBigUInt64BE(wide, at);
    }
    return this;
  }
  text(text: string): this {
    const at = this.room(text.length);
    this.bytes.write(text, at, 'latin1');
    return this;
  }
  append(bytes: Uint8Array): this {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }
  align(to: number): this {
    while (this.length % to !== 0) this.u8(0);
    return this;
  }
  finish(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }
}

/** When and where. */
export interface Moment {
  readonly pid: number;
  readonly tid?: number;
  readonly time: number | bigint;
  readonly cpu: number;
}

const NUMBER_ID = 71;
const CLOCK_ID = 72;
const WHERE =
  SampleType.IDENTIFIER | SampleType.IP | SampleType.TID | SampleType.TIME | SampleType.CPU | SampleType.PERIOD;
const KERNEL = -128;
const USER = -512;

export class PerfDataBuilder {
  readonly little: boolean;
  /** Records, one after the other. */
  readonly data: Bytes;

  constructor(little = true) {
    this.little = little;
    this.data = new Bytes(little);
  }

  private bytes(): Bytes {
    return new Bytes(this.little);
  }

  /** A record of any type; `body` is padded to a multiple of 8. */
  record(type: number, body: (bytes: Bytes) => unknown, misc = 0): this {
    const bytes = this.bytes();
    body(bytes);
    bytes.align(8);
    this.data
      .u32(type)
      .u16(misc)
      .u16(bytes.length + 8)
      .append(bytes.finish());
    return this;
  }

  /** A sample of test:number. */
  number({ pid, tid = pid, time, cpu }: Moment, value: number): this {
    return this.record(RecordType.SAMPLE, (bytes) => {
      bytes.u64(NUMBER_ID, 0x1234).u32(pid, tid).u64(time).u32(cpu, 0).u64(1);
      // u16 common_type, flags, preempt_count, i32 common_pid, u32 value
      bytes.u32(12).u16(300).u8(0).u8(0).u32(tid, value);
    });
  }

  /** A sample of cpu-clock. */
  clock({ pid, tid = pid, time, cpu }: Moment, kernel: readonly bigint[], user: readonly bigint[] = []): this {
    const chain: (number | bigint)[] = [];
    if (kernel.length > 0) chain.push(KERNEL, ...kernel);
    if (user.length > 0) chain.push(USER, ...user);
    return this.record(RecordType.SAMPLE, (bytes) => {
      bytes
        .u64(CLOCK_ID, kernel[0] ?? user[0] ?? 0)
        .u32(pid, tid)
        .u64(time)
        .u32(cpu, 0)
        .u64(1000);
      bytes.u64(chain.length, ...chain);
    });
  }

  private trailer(bytes: Bytes, { pid, tid = pid, time, cpu }: Moment, id = NUMBER_ID): void {
    bytes.align(8).u32(pid, tid).u64(time).u32(cpu, 0).u64(id);
  }

  comm(moment: Moment, name: string, exec = false): this {
    const { pid, tid = pid } = moment;
    return this.record(
      RecordType.COMM,
      (bytes) => {
        bytes.u32(pid, tid).text(`${name}\0`);
        this.trailer(bytes, moment);
      },
      exec ? 1 << 13 : 0,
    );
  }

  fork(moment: Moment, child: { readonly pid: number; readonly tid: number }): this {
    const { pid, tid = pid, time } = moment;
    return this.record(RecordType.FORK, (bytes) => {
      bytes.u32(child.pid, pid, child.tid, tid).u64(time);
      this.trailer(bytes, moment);
    });
  }

  lost(moment: Moment, events: number): this {
    return this.record(RecordType.LOST, (bytes) => {
      bytes.u64(NUMBER_ID, events);
      this.trailer(bytes, moment);
    });
  }

  lostSamples(moment: Moment, events: number): this {
    return this.record(RecordType.LOST_SAMPLES, (bytes) => {
      bytes.u64(events);
      this.trailer(bytes, moment);
    });
  }

  round(): this {
    return this.record(RecordType.FINISHED_ROUND, () => {});
  }

  /** An AUXTRACE record and the raw bytes behind it. */
  aux(content: Uint8Array): this {
    this.record(RecordType.AUXTRACE, (bytes) => bytes.u64(content.length, 0, 0).u32(0, 0, 0, 0));
    this.data.append(content);
    return this;
  }

  /**
   * The records so far, as `perf record -z` writes them: in COMPRESSED records of one Zstandard frame, here with blocks that
   * are not compressed, cut in the middle of blocks and records.
   */
  compressed(): PerfDataBuilder {
    const content = this.data.finish();
    const frame = new Bytes(true)
      .u32(0xfd2fb528)
      .u8(0)
      .u8(9 << 3);
    for (let at = 0; at < content.length; at += 100) {
      const block = content.subarray(at, at + 100);
      const header = block.length << 3;
      frame
        .u8(header & 255)
        .u8(header >> 8)
        .u8(0)
        .append(block);
    }
    const bytes = frame.finish();
    const out = new PerfDataBuilder(this.little);
    for (let at = 0; at < bytes.length; at += 301) {
      const part = bytes.subarray(at, at + 301);
      // These alone have sizes that are no multiple of 8.
      out.data
        .u32(RecordType.COMPRESSED)
        .u16(0)
        .u16(part.length + 8)
        .append(part);
    }
    return out;
  }

  private attribute(tracepoint: boolean): Buffer {
    const flags = AttrFlag.SAMPLE_ID_ALL;
    let bits = BigInt(flags);
    if (!this.little) {
      // Bit fields begin at the highest bit.
      bits = 0n;
      for (let bit = 0; bit < 32; bit++) if (((flags >>> bit) & 1) === 1) bits |= 1n << BigInt(63 - bit);
    }
    return this.bytes()
      .u32(tracepoint ? EventType.TRACEPOINT : EventType.SOFTWARE, 128)
      .u64(tracepoint ? 300 : 0, 1)
      .u64(WHERE | (tracepoint ? SampleType.RAW : SampleType.CALLCHAIN), 0, bits)
      .append(Buffer.alloc(80))
      .finish();
  }

  /** The head of a trace.dat, with the format of test:number. */
  private tracingData(): Buffer {
    const bytes = this.bytes()
      .append(Buffer.from([0x17, 0x08, 0x44]))
      .text('tracing0.6\0');
    bytes
      .u8(this.little ? 0 : 1)
      .u8(8)
      .u32(4096);
    bytes.text('header_page\0').u64(HEADER_PAGE.length).text(HEADER_PAGE);
    bytes.text('header_event\0').u64(0);
    bytes.u32(0, 1).text('test\0').u32(1).u64(NUMBER_FORMAT.length).text(NUMBER_FORMAT);
    return bytes.u32(0, 0).u64(0).finish();
  }

  private features(): [number, Buffer][] {
    const string = (bytes: Bytes, text: string): Bytes => bytes.u32(text.length + 1).text(`${text}\0`);
    const description = this.bytes().u32(2, 128);
    string(description.append(this.attribute(true)).u32(1), 'test:number').u64(NUMBER_ID);
    string(description.append(this.attribute(false)).u32(1), 'cpu-clock:u').u64(CLOCK_ID);
    return [
      [Feature.TRACING_DATA, this.tracingData()],
      [Feature.HOSTNAME, string(this.bytes(), 'there').finish()],
      [Feature.OSRELEASE, string(this.bytes(), '6.1.0-test').finish()],
      [Feature.ARCH, string(this.bytes(), this.little ? 'x86_64' : 's390x').finish()],
      [Feature.NRCPUS, this.bytes().u32(2, 2).finish()],
      [Feature.EVENT_DESC, description.finish()],
      [Feature.CLOCK_DATA, this.bytes().u32(1, 1).u64(1_000_000, 400).finish()],
    ];
  }

  /** The whole file. */
  file(): Buffer {
    const magic = this.little ? 'PERFILE2' : '2ELIFREP';
    const entries = [this.attribute(true), this.attribute(false)];
    const ids = 104;
    const attributes = ids + 16;
    const dataAt = attributes + 2 * 144;
    const features = this.features();
    let bits = 0n;
    for (const [number] of features) bits |= 1n << BigInt(number);
    const bytes = this.bytes().text(magic).u64(104, 144, attributes, 288, dataAt, this.data.length, 0, 0);
    bytes.u64(bits, 0, 0, 0).u64(NUMBER_ID, CLOCK_ID);
    for (const [index, entry] of entries.entries()) bytes.append(entry).u64(ids + index * 8, 8);
    bytes.append(this.data.finish());
    let place = bytes.length + features.length * 16;
    for (const [, content] of features) {
      bytes.u64(place, content.length);
      place += content.length;
    }
    for (const [, content] of features) bytes.append(content);
    return bytes.finish();
  }

  /** The same as perf writes it into a pipe. */
  stream(): Buffer {
    const out = new PerfDataBuilder(this.little);
    out.data.text(this.little ? 'PERFILE2' : '2ELIFREP').u64(16);
    out.record(RecordType.HEADER_ATTR, (bytes) => bytes.append(this.attribute(true)).u64(NUMBER_ID));
    out.record(RecordType.HEADER_ATTR, (bytes) => bytes.append(this.attribute(false)).u64(CLOCK_ID));
    for (const [number, content] of this.features()) {
      if (number !== Feature.TRACING_DATA) {
        out.record(RecordType.HEADER_FEATURE, (bytes) => bytes.u64(number).append(content));
        continue;
      }
      const padded = Math.ceil(content.length / 8) * 8;
      // perf's record has 12 bytes, so that all behind it lies on odd words.
      out.data.u32(RecordType.HEADER_TRACING_DATA).u16(0).u16(12).u32(padded).append(content);
      out.data.append(Buffer.alloc(padded - content.length));
    }
    return out.data.append(this.data.finish()).finish();
  }
}
