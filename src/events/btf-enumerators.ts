// Finds the values of enumerators in BTF (Documentation/bpf/btf.rst), for print fmts that name them. Only this: a reader
// of BTF's types as a whole is another matter. Layout:
//
//     u16 magic 0xeb9f, u8 version, u8 flags, u32 hdr_len, u32 type_off, u32 type_len, u32 str_off, u32 str_len
//     types: u32 name, u32 info (vlen in the low 16 bits, kind in bits 24-28), u32 size or type, then what the kind needs
//     strings, each with its NUL
//
// The BTF of a module goes on where the kernel's ends: its strings are numbered from the length of the kernel's.

const ENUM = 6;
const ENUM64 = 19;

/** Bytes that follow the 12 of a type, as a fixed part and one per member, by kind. */
const EXTRA: ReadonlyMap<number, readonly [fixed: number, member: number]> = new Map([
  [1, [4, 0]], // INT
  [3, [12, 0]], // ARRAY
  [4, [0, 12]], // STRUCT
  [5, [0, 12]], // UNION
  [ENUM, [0, 8]],
  [13, [0, 8]], // FUNC_PROTO
  [14, [4, 0]], // VAR
  [15, [0, 12]], // DATASEC
  [17, [4, 0]], // DECL_TAG
  [ENUM64, [0, 12]],
]);

export class BtfEnumerators {
  private readonly view: DataView;
  private readonly bytes: Buffer;
  private readonly typeStart: number;
  private readonly typeEnd: number;
  private readonly stringStart: number;
  private readonly stringEnd: number;
  /** Offsets of all enumerations, found at the first question. */
  private enumerations: readonly number[] | undefined;

  /**
   * @param bytes content of a file of /sys/kernel/btf, or nothing
   * @param base what the BTF of a module goes on from
   */
  constructor(
    bytes: Uint8Array,
    private readonly base?: BtfEnumerators,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const valid = bytes.length >= 24 && this.view.getUint16(0, true) === 0xeb9f;
    const word = (at: number) => (valid ? this.view.getUint32(at, true) : 0);
    const header = word(4);
    this.typeStart = header + word(8);
    this.typeEnd = Math.min(this.typeStart + word(12), bytes.length);
    this.stringStart = header + word(16);
    this.stringEnd = Math.min(this.stringStart + word(20), bytes.length);
  }

  /** Value of the enumerator of that name; undefined where there is none. */
  value(name: string): number | bigint | undefined {
    const offset = this.stringOffset(name);
    if (offset === undefined) return undefined;
    this.enumerations ??= this.findEnumerations();
    const { view } = this;
    for (const at of this.enumerations) {
      const info = view.getUint32(at + 4, true);
      const wide = ((info >>> 24) & 31) === ENUM64;
      const step = wide ? 12 : 8;
      const count = info & 0xffff;
      for (let i = 0, member = at + 12; i < count; i++, member += step) {
        if (view.getUint32(member, true) !== offset) continue;
        const signed = info >>> 31 === 1;
        if (!wide) return signed ? view.getInt32(member + 4, true) : view.getUint32(member + 4, true);
        const value = (BigInt(view.getUint32(member + 8, true)) << 32n) | BigInt(view.getUint32(member + 4, true));
        return signed ? BigInt.asIntN(64, value) : value;
      }
    }
    return undefined;
  }

  /** A string lies in the table once. */
  private stringOffset(name: string): number | undefined {
    const strings = this.bytes.subarray(this.stringStart, this.stringEnd);
    const at = strings.indexOf(Buffer.from(`\0${name}\0`, 'latin1'));
    if (at >= 0) return at + 1 + (this.base === undefined ? 0 : this.base.stringEnd - this.base.stringStart);
    return this.base?.stringOffset(name);
  }

  private findEnumerations(): number[] {
    const found: number[] = [];
    const { view } = this;
    for (let at = this.typeStart; at + 12 <= this.typeEnd; ) {
      const info = view.getUint32(at + 4, true);
      const kind = (info >>> 24) & 31;
      if (kind === ENUM || kind === ENUM64) found.push(at);
      const [fixed, member] = EXTRA.get(kind) ?? [0, 0];
      at += 12 + fixed + member * (info & 0xffff);
    }
    return found;
  }
}
