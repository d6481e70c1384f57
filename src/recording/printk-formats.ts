// The kernel's constant strings that records of trace_printk and of some tracepoints point to, as `printk_formats` of
// tracefs lists them (kernel/trace/trace_printk.c, t_show):
//
//     0xffffffff82a3f2b8 : "text with \n \t \\ \" escaped"

/** Byte strings by their address in the kernel. */
export function parsePrintkFormats(text: string): Map<bigint, string> {
  const strings = new Map<bigint, string>();
  for (const [, address, quoted] of text.matchAll(/^(0x[0-9a-f]+) : "(.*)"$/gim)) {
    strings.set(
      BigInt(address!),
      quoted!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char === 't' ? '\t' : char)),
    );
  }
  return strings;
}
