// The text of a trace block's head, `sys:event ARGS /FILTER/, …`, split into definitions. Says what the words are, not
// whether such an event exists: that is known to the providers of events/ when the block is attached.

/** One definition of a trace block. Offsets count from the start of the block's whole definition text. */
export interface EventDefinition {
  readonly kind: 'tracepoint' | 'kprobe' | 'uprobe' | 'sdt' | 'function';
  /** This definition's own text, without arguments and filter: `syscalls:sys_enter_*`. */
  readonly text: string;
  readonly offset: number;
  /** Tracepoints: globs of the system and the event. */
  readonly system?: string;
  readonly event?: string;
  /** uprobe, sdt: the file. */
  readonly path?: string;
  /** kprobe, uprobe: function name or glob; or absent with `address`. sdt: the marker's glob. */
  readonly symbol?: string;
  /** sdt: glob of the provider. */
  readonly provider?: string;
  /** uprobe by file offset. */
  readonly address?: bigint;
  /** `symbol+offset`. */
  readonly symbolOffset?: bigint;
  readonly isReturn?: boolean;
  /** Fetch arguments as written, trimmed; empty if there are none. */
  readonly args: string;
  /** The filter without its slashes; the one of the block, repeated in each of its definitions. */
  readonly filter?: string;
  readonly filterOffset?: number;
}
