// What texts of events need to know of the machine that made them and that is not in the record: symbols, strings of the
// kernel, numbers of enumerators. A live source gets it from the running kernel, a recording from what it carries.

/** A kernel symbol and the place of an address in it. */
export interface SymbolPlace {
  readonly name: string;
  /** Bytes from the symbol to the address. */
  readonly offset: number;
  /** Bytes to the next symbol. */
  readonly size: number;
  readonly module: string | undefined;
}

export interface TextEnvironment {
  /** Release of the kernel that made the records, as uname prints it; undefined: the newest that is known. */
  readonly kernelVersion?: string | undefined;
  /** Bytes of a long; 8 if it is not given. */
  readonly longSize?: number | undefined;
  /** Timer ticks a second (CONFIG_HZ). */
  readonly ticksPerSecond?: number | undefined;
  /** The symbol that an address of kernel text or data is in. */
  placeAt?(address: bigint): SymbolPlace | undefined;
  /** A constant string of the kernel (`printk_formats` of tracefs), a byte string. */
  kernelString?(address: bigint): string | undefined;
  /** Value of an enumerator that the print fmt left as a name (BTF). */
  enumerator?(name: string): number | bigint | undefined;
  /** Value of a kernel variable that a print fmt names (`vmemmap_base`). */
  variable?(name: string): bigint | undefined;
  /** The tick counter now; some print fmts tell how old something is when it is printed. */
  jiffies?(): number;
  /** `system.event` that an event probe is attached to, for its text. */
  probedEvent?(system: string, event: string): string | undefined;
}
