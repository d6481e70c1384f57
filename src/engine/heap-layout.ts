// Where things lie in linear memory and inside heap objects. scripts/generate.js writes these numbers into
// assembly/generated/ too, so that the interpreter, the host and translated code agree.
//
// Linear memory:
//
//     0x0000400  STATE     the machine's registers and the heap's bookkeeping (State below)
//     0x0000800  CODE      three internal instructions: call, halt, go on sorting
//     0x0000fa0  HOST      values that the host passes: a key, its value, a second pair
//     0x0001000            static data of the AssemblyScript module (none today)
//     0x0010000  FRAMES    call frames, 32 bytes each
//     0x00f0000  SCRATCH   64 KiB in which the host passes bytes of strings
//     0x0100000  STACK     the value stack, grows up
//     0x2d00000  SPANS     one u32 for each 4 KiB of the heap (spans.ts)
//     0x3100000  HEAP      to the end of memory
//
// Pages that nobody touches cost address space only.

export const Region = {
  STATE: 0x400,
  CODE: 0x800,
  TYPE_NAMES: 0x880,
  HOST_KEY: 0xfa0,
  HOST_VALUE: 0xfb0,
  HOST_TABLE: 0xfc0,
  FRAMES: 0x10000,
  FRAMES_END: 0xf0000,
  SCRATCH: 0xf0000,
  SCRATCH_SIZE: 0x10000,
  STACK: 0x100000,
  STACK_END: 0x2d00000,
  SPANS: 0x2d00000,
  HEAP: 0x3100000,
} as const;

/** Script calls that may be under way at once, beside the one that the host made. */
export const MAX_DEPTH = 10_000;

const STATE_FIELDS = [
  // ---- the machine
  /** Safepoints until the slow check; the allocator sets it to 0 when the collector shall run. */
  'TICKS',
  /** Budget left beyond TICKS. */
  'REMAINING',
  /** Top frame; true only outside `run` and during host calls. */
  'FP',
  /** End of the values that a call or VARARG with an open number of results left. */
  'TOP',
  /** Highest frame address that a call may use. */
  'FRAME_LIMIT',
  /** The stack is known to be nil from here on. */
  'STACK_SOFT',
  /** Open upvalues, highest stack address first. */
  'OPEN',
  /** Address of the highest open upvalue's stack slot; 0 if there is none. */
  'OPEN_SLOT',
  /** The globals table. */
  'GLOBALS',
  'ERROR',
  /** Where an instruction of rare.ts goes on. */
  'NEXT',
  'ERROR_A',
  'ERROR_B',
  'ERROR_C',
  'EXIT_CODE',
  // ---- the event
  'EVENT',
  'RECORD',
  'RECORD_LENGTH',
  // ---- heap
  /** Bytes handed out. */
  'USED',
  'PEAK',
  'THRESHOLD',
  'MAX_MEMORY',
  'GC_DUE',
  'GC_STRESS',
  /** With GC_STRESS: safepoints that the next collection is put off. */
  'STRESS_PAUSE',
  /** 1: the host allocates; the limit may be passed until the next safepoint. */
  'LENIENT',
  'EPOCH',
  'COLLECTIONS',
  'SWEEPING',
  'GRAY',
  'ITERATORS',
  'PROTOTYPES',
  'DESCRIPTORS',
  'PINS',
  'PIN_COUNT',
  'PIN_CAPACITY',
  'LARGE',
  'LARGE_CURSOR',
  'STRINGS',
  'STRING_MASK',
  'STRING_COUNT',
  'MEMORY_END',
  // ---- the instruction at which memory ran out, so that it is tried again only once
  'RETRIED',
] as const;

export type StateField = (typeof STATE_FIELDS)[number];

/** Absolute addresses, each of a u32. */
export const State = Object.fromEntries(
  STATE_FIELDS.map((name, index) => [name, Region.STATE + 4 * index]),
) as Readonly<Record<StateField, number>>;

/** First byte of every heap object. 0 marks a free cell. */
export const ObjectType = {
  FREE: 0,
  STRING: 1,
  STACK: 2,
  TABLE: 3,
  AGGREGATION_TABLE: 4,
  AGGREGATION: 5,
  CLOSURE: 6,
  UPVALUE: 7,
  BUILTIN: 8,
  /** Of pairs. */
  ITERATOR: 9,
  /** Of sort_pairs: a sorted copy, while it is being sorted and while it is walked. */
  SORTED: 10,
} as const;

// Every object begins with +0 u8 type, +1 u8 epoch of the last mark, +2 u16 flags. Offsets of the rest:

/** Strings and stacks. Bytes are followed by zeros up to a multiple of 8. */
export const StringObject = { LENGTH: 4, HASH: 8, NEXT: 12, BYTES: 16 } as const;

/**
 * Tables and aggregation tables. MASK = 0: packed, ENTRIES is an array of values for the keys 1..USED. Else ENTRIES is
 * an array of pairs (32 bytes: key, with the hash in its unused word, and value) in insertion order, a removed one has a
 * nil key; INDEX is an open-addressing table of MASK + 1 u32, each 0 or entry number + 1.
 */
export const TableObject = {
  COUNT: 4,
  ENTRIES: 8,
  CAPACITY: 12,
  USED: 16,
  INDEX: 20,
  MASK: 24,
  /** No entry before this one is live. */
  FIRST: 28,
  GRAY: 32,
  /** USED * 32, or 0 when packed: bound of cached entry offsets. */
  ENTRY_BYTES: 36,
  SIZE: 40,
  // aggregation tables only
  MODE: 40,
  BUCKETS: 44,
  LOW: 48,
  HIGH: 56,
  STEP: 64,
  AGGREGATION_SIZE: 72,
} as const;

/** What buckets an aggregation table keeps. */
export const BucketMode = { NONE: 0, POWERS: 1, LINEAR: 2 } as const;
/** Buckets of quantize(): -2^63 … -1, 0, 1 … 2^62; the one of zero is number 64. */
export const POWER_BUCKETS = 129;
export const MAX_LINEAR_BUCKETS = 10_000;

export const AggregationObject = {
  /** Address of an array of u64, or 0. */
  BUCKETS: 4,
  COUNT: 8,
  SUM: 16,
  MIN: 24,
  MAX: 32,
  /** Number of buckets and the aggregation table's mode, low, high and step. */
  BUCKET_COUNT: 40,
  MODE: 44,
  LOW: 48,
  HIGH: 56,
  STEP: 64,
  SIZE: 40,
  BUCKETED_SIZE: 72,
} as const;

export const ClosureObject = { UPVALUE_COUNT: 4, PROTOTYPE: 8, GRAY: 12, UPVALUES: 16 } as const;
/** VALUE is the address of the value: a stack slot while open, else CLOSED of the object itself. */
export const UpvalueObject = { VALUE: 4, NEXT: 8, CLOSED: 16, SIZE: 32 } as const;
export const BuiltinObject = { ID: 4, SIZE: 16 } as const;
export const IteratorObject = { TABLE: 4, POSITION: 8, NEXT: 12, GRAY: 16, SIZE: 32 } as const;
export const SortedObject = {
  COUNT: 4,
  /** Pairs, 32 bytes each, in the table's order. */
  PAIRS: 8,
  /** Two arrays of u32: the order so far, and the one being merged into. */
  SOURCE: 12,
  TARGET: 16,
  GRAY: 20,
  /** Next pair to hand out, once sorted. */
  POSITION: 24,
  WIDTH: 28,
  LOW: 32,
  MIDDLE: 36,
  HIGH: 40,
  LEFT: 44,
  RIGHT: 48,
  OUT: 52,
  /** 0 start, 1 merging, 2 sorted. */
  PHASE: 56,
  /** 1 when the comparator is a function. */
  CUSTOM: 60,
  SIZE: 64,
} as const;

/** A call frame. */
export const Frame = {
  /** The closure, or for sort_pairs its SORTED object; 0 in the lowest frame. */
  CALLEE: 0,
  /** Address of R[0]. */
  BASE: 4,
  /** Where it goes on; in the top frame the instruction under way. */
  PC: 8,
  /** Where its results go. */
  RESULTS: 12,
  /** How many of them are wanted; -1: all, TOP tells. */
  WANTED: 16,
  /** Bytes of extra arguments, right below BASE. */
  EXTRA: 20,
  /** BASE - SHIFT - 16 is where the called function stood. */
  SHIFT: 24,
  SIZE: 32,
} as const;

/** Of a loaded function; lies outside the collected heap and is never freed. */
export const PrototypeRecord = {
  CODE: 0,
  REGISTER_BYTES: 4,
  PARAMETER_BYTES: 8,
  IS_VARARG: 12,
  /** Calls and back edges so far; tier 1 looks at them. */
  CALLS: 16,
  BACK_EDGES: 20,
  UPVALUE_COUNT: 24,
  /** Pairs of u32: from a register (1) or an upvalue (0); byte offset of the register, or of the upvalue in the closure. */
  UPVALUES: 28,
  /** Array of records. */
  CHILDREN: 32,
  CONSTANTS: 36,
  CONSTANT_COUNT: 40,
  /** Number by which the host knows it. */
  ID: 44,
  NEXT: 48,
  SIZE: 64,
} as const;

/** An instruction in its decoded form (decoder.ts): 32 bytes for each word, at the same index. */
export const Instruction = { HANDLER: 0, A: 4, B: 8, C: 12, X: 16, Y: 20, Z: 24, WORD: 28, SIZE: 32 } as const;

/** EventLayout in memory; fields follow, first `args`, then `named`. */
export const Descriptor = { NAME: 0, ARG_COUNT: 4, NAMED_COUNT: 8, NEXT: 12, FIELDS: 16 } as const;
export const DescriptorField = { NAME: 0, KIND: 4, IS_SIGNED: 6, OFFSET: 8, LENGTH: 12, SIZE: 16 } as const;
/** How the host numbers fields of `named`. */
export const NAMED_FIELD_BASE = 1000;

/** Why an instruction stopped. Texts are made in errors.ts. */
export const ErrorCode = {
  NONE: 0,
  /** Not an error: a frame was pushed, go on there. */
  PUSHED: 1,
  /** Not an error: the budget is spent inside an instruction. */
  SPENT: 2,
  /** Not an error: exit() was called. */
  EXIT: 3,
  /** Not an error: go on at State.NEXT. */
  JUMP: -1,
  /** Not an error: a frame was left, go on in the one below. */
  RETURNED: -2,
  MEMORY: 4,
  /** A, B: tags of both operands. */
  ARITHMETIC: 5,
  COMPOUND_NIL: 6,
  DIVISION_BY_ZERO: 7,
  NEGATIVE_EXPONENT: 8,
  /** A: tag, B: register. */
  CONCAT: 9,
  COMPARE: 10,
  CALL: 11,
  INDEX: 12,
  NIL_KEY: 13,
  /** A: tag, B: 0 start, 1 limit, 2 step. */
  FOR_NUMBER: 14,
  FOR_STEP: 15,
  DEPTH: 16,
  STACK: 17,
  /** Storing into an aggregation table. */
  AGGREGATION_STORE: 18,
  AGGREGATION_INCREMENT: 19,
  AGGREGATION_SAMPLE: 20,
  AGGREGATION_TARGET: 21,
  /** EVENT outside a handler. A: C of the instruction. */
  NO_EVENT: 22,
  /** A: number of the built-in, B: argument from 1, C: tag. */
  ARGUMENT: 23,
  SORT_COMPARE: 24,
  /** lquantize: A: 0 step, 1 order, 2 too many. */
  LQUANTIZE: 25,
} as const;
