// An event's record layout and print fmt, as its `format` file in tracefs says (Documentation/trace/events.rst, section
// 2.3) and as recordings carry it.

/** One field of a record. */
export interface EventField {
  readonly name: string;
  /** The C declaration as written, without the name's array brackets: `char`, `unsigned long`, `__data_loc char[]`. */
  readonly type: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  /** Bytes; 4 for __data_loc and __rel_loc. */
  readonly size: number;
  readonly signed: boolean;
  /** One of the fields that every event has (common_type, common_flags, common_preempt_count, common_pid). */
  readonly common: boolean;
  /** Fixed array: number of elements; absent else. */
  readonly arrayLength?: number;
  /** Dynamic array: where the u32 counts from. */
  readonly dynamic?: 'data_loc' | 'rel_loc';
}

/** A parsed format file. */
export interface EventFormat {
  readonly system: string;
  readonly name: string;
  readonly id: number;
  /** Common fields first, in the order of the file. */
  readonly fields: readonly EventField[];
  /** The text after `print fmt: `. */
  readonly printFormat: string;
}
