// Built-ins that live inside the interpreter, because they are hot or call back into scripts. Their numbers are written
// into assembly/generated/; what they take and give is declared, as for all others, in src/builtins.

export const NATIVE_BUILTINS = [
  'len',
  'pairs',
  'sort_pairs',
  'delete',
  'type',
  'table_new',
  'ptable',
  'quantize',
  'lquantize',
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'exit',
] as const;

export type NativeBuiltinName = (typeof NATIVE_BUILTINS)[number];

/** Numbers from here on are built-ins of the host. */
export const FIRST_HOST_BUILTIN = 64;

export const nativeBuiltinId = (name: NativeBuiltinName): number => NATIVE_BUILTINS.indexOf(name);
