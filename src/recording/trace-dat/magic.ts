// The first bytes of a trace.dat.

export const TRACE_DAT_MAGIC = '\x17\x08\x44tracing';
