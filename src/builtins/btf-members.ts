// Offsets of struct members from BTF (Documentation/bpf/btf.rst), for built-ins that read structures of the kernel. Layout:
//
//     u16 magic 0xeb9f, u8 version, u8 flags, u32 hdr_len, u32 type_off, u32 type_len, u32 str_off, u32 str_len
//     types, numbered from 1: u32 name, u32 info (vlen in bits 0-15, kind in 24-28, flag in 31), u32 size or type, …
//     a member of a struct or union: u32 name, u32 type, u32 offset in bits (in bits 0-23 where the flag is set)

const STRUCT = 4;
const UNION = 5;

/** Bytes that follow the 12 of a type, as a fixed part and one per member, by kind. */
const EXTRA: Readonly<Record<number, readonly [fixed: number, member: number]>> = {
  1: [4, 0], // INT
  3: [12, 0], // ARRAY
  [STRUCT]: [0, 12],
  [UNION]: [0, 12],
  6: [0, 8], // ENUM
  13: [0, 8], // FUNC_PROTO
  14: [4, 0], // VAR
  15: [0, 12], // DATASEC
  17: [4, 0], // DECL_TAG
  19: [0, 12], // ENUM64
};

export class BtfMembers {
  readonly #bytes: Buffer;
  readonly #strings: number;
  /** Where each type lies, by its number. */
  readonly #types: number[] = [0];

  /** `bytes` is the content of /sys/kernel/btf/vmlinux. Anything else has no members. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const valid = bytes.length >= 24 && this.#bytes.readUInt16LE(0) === 0xeb9f;
    const word = (at: number): number => (valid ? this.#bytes.readUInt32LE(at) : 0);
    const start = word(4) + word(8);
    const end = Math.min(start + word(12), bytes.length);
    this.#strings = word(4) + word(16);
    for (let at = start; at + 12 <= end; ) {
      this.#types.push(at);
      const info = word(at + 4);
      const [fixed, member] = EXTRA[(info >>> 24) & 31] ?? [0, 0];
      at += 12 + fixed + member * (info & 0xffff);
    }
  }

  /** Bytes from the start of `struct NAME` to a member, also one of an unnamed struct inside; undefined: there is none. */
  offset(name: string, member: string): number | undefined {
    for (const at of this.#types) {
      if (at === 0 || this.#kind(at) !== STRUCT || !this.#isNamed(this.#bytes.readUInt32LE(at), name)) continue;
      const bits = this.#memberBits(at, member, 0);
      if (bits !== undefined) return bits >>> 3;
    }
    return undefined;
  }

  #kind(at: number): number {
    return (this.#bytes.readUInt32LE(at + 4) >>> 24) & 31;
  }

  #isNamed(offset: number, name: string): boolean {
    const at = this.#strings + offset;
    return this.#bytes[at + name.length] === 0 && this.#bytes.toString('latin1', at, at + name.length) === name;
  }

  #memberBits(at: number, wanted: string, depth: number): number | undefined {
    const info = this.#bytes.readUInt32LE(at + 4);
    const packed = info >>> 31 === 1;
    for (let index = 0; index < (info & 0xffff); index++) {
      const member = at + 12 + index * 12;
      const position = this.#bytes.readUInt32LE(member + 8);
      const bits = packed ? position & 0xffffff : position;
      const name = this.#bytes.readUInt32LE(member);
      if (name !== 0) {
        if (this.#isNamed(name, wanted)) return bits;
        continue;
      }
      const inner = this.#types[this.#bytes.readUInt32LE(member + 4)];
      if (inner === undefined || inner === 0 || depth > 8) continue;
      const kind = this.#kind(inner);
      const found = kind === STRUCT || kind === UNION ? this.#memberBits(inner, wanted, depth + 1) : undefined;
      if (found !== undefined) return bits + found;
    }
    return undefined;
  }
}
