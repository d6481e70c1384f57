// How values lie in linear memory. scripts/generate.js writes these numbers into assembly/generated/ as well, so that
// the interpreter, the host and translated code agree.
//
// A value has 16 bytes, 8-aligned:
//
//     +0  u32 tag
//     +4  u32 (unused, 0)
//     +8  64-bit payload: an integer, or in its low half the address of a heap object

/** Tags. Only nil and false are false: `tag > Tag.FALSE` is truth. */
export const Tag = {
  NIL: 0,
  FALSE: 1,
  TRUE: 2,
  INTEGER: 3,
  STRING: 4,
  TABLE: 5,
  /** Aggregation table: `ptable()`, `quantize()`, `lquantize()`. */
  AGGREGATION_TABLE: 6,
  /** Aggregation value: count, sum, min, max. */
  AGGREGATION: 7,
  /** A closure of a script function. */
  FUNCTION: 8,
  /** A built-in function. */
  BUILTIN: 9,
  /** A stack: an interned byte string of addresses under its own tag. */
  STACK: 10,
} as const;

export const VALUE_SIZE = 16;
export const PAYLOAD = 8;

/** Kinds of event fields in a descriptor (EventLayout of engine.ts). */
export const FieldKind = {
  /** Reads as nil. */
  NIL: 0,
  /** Integer of 1, 2, 4 or 8 bytes, little endian. */
  INTEGER: 1,
  /** char array of fixed size, ends at the first NUL. */
  CHARS: 2,
  /** __data_loc: u32 at offset, low half offset in the record, high half length. */
  DATA_LOC: 3,
  /** __rel_loc: as DATA_LOC, the offset counts from the end of the u32. */
  REL_LOC: 4,
  /** Asks the host (other byte order, bit fields, computed arguments). */
  HOST: 5,
} as const;

/** What `run` of the interpreter answers. */
export const RunStatus = {
  /** The call that was started has returned. */
  DONE: 0,
  /** The budget is spent at a safepoint; run again to go on. */
  BUDGET: 1,
  /** A script error; the message and the traceback are to be asked for. */
  ERROR: 2,
  /** exit() was called. */
  EXIT: 3,
} as const;
