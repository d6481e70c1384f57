// Writes a recording as a big-endian machine does (trace.dat version 6), with a kernel of 32 or 64 bits: independent of the
// project's own code for byte orders. Layout: src/recording/trace-dat/version-6.ts, src/events/ring-buffer.ts.

/** Numbers from the highest byte on, and texts. */
class BigEndianBytes {
  private readonly bytes: number[] = [];

  get length(): number {
    return this.bytes.length;
  }
  put(value: bigint | number, size: number): this {
    for (let byte = size - 1; byte >= 0; byte--) this.bytes.push(Number((BigInt(value) >> BigInt(8 * byte)) & 255n));
    return this;
  }
  text(text: string): this {
    this.bytes.push(...Buffer.from(text, 'latin1'));
    return this;
  }
  append(bytes: Uint8Array): this {
    this.bytes.push(...bytes);
    return this;
  }
  fill(to: number): this {
    while (this.bytes.length < to) this.bytes.push(0);
    return this;
  }
  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

const COMMON =
  '\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n' +
  '\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n' +
  '\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n' +
  '\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n';

/** Event 310: a field of each kind; of a kernel whose long has so many bytes. */
function kindsFormat(long: number): string {
  const word = 16 + long;
  return (
    `name: kinds\nID: 310\nformat:\n${COMMON}` +
    '\tfield:u64 wide;\toffset:8;\tsize:8;\tsigned:0;\n' +
    `\tfield:long word;\toffset:16;\tsize:${long};\tsigned:1;\n` +
    `\tfield:short half;\toffset:${word};\tsize:2;\tsigned:1;\n` +
    `\tfield:u8 byte;\toffset:${word + 2};\tsize:1;\tsigned:0;\n` +
    `\tfield:char name[5];\toffset:${word + 3};\tsize:5;\tsigned:0;\n` +
    `\tfield:u16 pair[2];\toffset:${word + 8};\tsize:4;\tsigned:0;\n` +
    `\tfield:__data_loc u32[] many;\toffset:${word + 12};\tsize:4;\tsigned:0;\n` +
    `\tfield:__data_loc char[] loose;\toffset:${word + 16};\tsize:4;\tsigned:0;\n\n` +
    'print fmt: "wide=%llu word=%ld half=%d byte=%u name=%s pair=%s many=%s loose=%s", REC->wide, REC->word, REC->half, ' +
    'REC->byte, REC->name, __print_array(REC->pair, 2, 2), __print_array(__get_dynamic_array(many), 2, 4), __get_str(loose)\n'
  );
}

/** A record of `kinds` with values that follow from `n`. */
function kindsRecord(n: number, long: number): Uint8Array {
  const start = 16 + long + 20;
  return new BigEndianBytes()
    .put(310, 2)
    .put(0, 2)
    .put(70 + n, 4)
    .put((1n << 40n) + BigInt(n), 8)
    .put(-5 - n, long)
    .put(-300 + n, 2)
    .put(200 + n, 1)
    .text('name\0')
    .put(0x102, 2)
    .put(0x304, 2)
    .put((8 << 16) | start, 4)
    .put((6 << 16) | (start + 8), 4)
    .put(0x1020304, 4)
    .put(0x5060708, 4)
    .text('loose\0')
    .fill(start + 16)
    .finish();
}

/** What the kernel shows for that record. */
export function kindsText(n: number): string {
  const values = `wide=${(1n << 40n) + BigInt(n)} word=${-5 - n} half=${-300 + n} byte=${200 + n} name=name`;
  return `kinds: ${values} pair={0x102,0x304} many={0x1020304,0x5060708} loose=loose`;
}

const headerPage = (long: number): string =>
  '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n' +
  `\tfield: local_t commit;\toffset:8;\tsize:${long};\tsigned:1;\n` +
  `\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n` +
  `\tfield: char data;\toffset:${8 + long};\tsize:${4096 - 8 - long};\tsigned:0;\n`;

/** A sub-buffer with the records n, n + 2, n + 4 at times 1000 + n …, every kind of entry among them. */
function page(n: number, long: number): Uint8Array {
  const entries = new BigEndianBytes();
  const entry = (type: number, delta: number): BigEndianBytes => entries.put((BigInt(type) << 27n) | BigInt(delta), 4);
  const first = kindsRecord(n, long);
  entry(first.length / 4, 0).append(first);
  // A discarded record, then one with its length in a word of its own.
  entry(29, 2).put(8, 4).put(0, 4);
  const second = kindsRecord(n + 2, long);
  entry(0, 0)
    .put(second.length + 4, 4)
    .append(second);
  // The time goes on by an entry of its own, then an absolute time.
  entry(30, 1).put(0, 4);
  entry(31, 1000 + n + 4).put(0, 4);
  const third = kindsRecord(n + 4, long);
  entry(third.length / 4, 0).append(third);
  const data = entries.finish();
  return new BigEndianBytes()
    .put(1000 + n, 8)
    .put(BigInt(data.length) - (1n << 31n) + (1n << 30n), long)
    .append(data)
    .put(3, long)
    .fill(4096)
    .finish();
}

/** A recording of two CPUs with records 0 to 5 in turn; 3 events were lost before each CPU's first. */
export function bigEndianRecording(long: 4 | 8): Uint8Array {
  const file = new BigEndianBytes().text('\x17\x08\x44tracing6\0').put(1, 1).put(long, 1).put(4096, 4);
  const sized = (text: string): void => void file.put(text.length, 8).text(text);
  file.text('header_page\0');
  sized(headerPage(long));
  file.text('header_event\0');
  sized('# compressed entry header\n');
  file.put(0, 4).put(1, 4).text('test\0').put(1, 4);
  sized(kindsFormat(long));
  file.put(0, 4).put(0, 4);
  sized('70 init\n');
  file.put(2, 4).text('options  \0').put(5, 2).put(26, 4).text('Linux host 6.1.0-test s390').put(0, 2);
  file.text('flyrecord\0').put(4096, 8).put(4096, 8).put(8192, 8).put(4096, 8);
  sized('[mono]');
  return file.fill(4096).append(page(0, long)).append(page(1, long)).finish();
}
