// Types of C with their sizes, as 64-bit Linux lays them out (the psABIs of x86-64 and arm64 agree in all that is here).

export interface IntegerType {
  readonly kind: 'integer';
  readonly name: string;
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** `char` of either sign: pointers to it and arrays of it are strings. */
  readonly isChar?: boolean;
  readonly isBool?: boolean;
}

export interface FloatType {
  readonly kind: 'float';
  readonly name: string;
  readonly size: 4 | 8;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly to: CType;
}

export interface ArrayType {
  readonly kind: 'array';
  readonly of: CType;
  /** undefined: `[]`, or `[?]` before its number is known. */
  readonly length: number | undefined;
}

export interface Field {
  /** Empty for an unnamed struct or union, whose fields count as those of the one around it. */
  readonly name: string;
  readonly type: CType;
  /** Bytes from the start. */
  readonly offset: number;
}

/** A struct or union; its fields are filled in when its body is read, so that it can point to itself. */
export interface RecordType {
  readonly kind: 'struct' | 'union';
  readonly tag: string;
  fields: readonly Field[] | undefined;
  size: number;
  align: number;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly result: CType;
  readonly parameters: readonly CType[];
  readonly varargs: boolean;
}

export interface VoidType {
  readonly kind: 'void';
}

export type CType = IntegerType | FloatType | PointerType | ArrayType | RecordType | FunctionType | VoidType;

/** Size in bytes; undefined for what has none: void, functions, structs without a body, arrays without a length. */
export function sizeOf(type: CType): number | undefined {
  switch (type.kind) {
    case 'integer':
    case 'float':
      return type.size;
    case 'pointer':
      return 8;
    case 'array': {
      const element = sizeOf(type.of);
      return element === undefined || type.length === undefined ? undefined : element * type.length;
    }
    case 'struct':
    case 'union':
      return type.fields === undefined ? undefined : type.size;
    default:
      return undefined;
  }
}

/** Alignment in bytes, of types that have a size or are arrays without a length. */
export function alignOf(type: CType): number {
  switch (type.kind) {
    case 'integer':
    case 'float':
      return type.size;
    case 'pointer':
      return 8;
    case 'array':
      return alignOf(type.of);
    case 'struct':
    case 'union':
      return type.align;
    default:
      return 1;
  }
}

const roundUp = (offset: number, align: number): number => Math.ceil(offset / align) * align;

/** Gives a struct or union its fields, in order, and the size that follows from them. */
export function layOut(type: RecordType, members: readonly { name: string; type: CType }[], packed: boolean): void {
  const fields: Field[] = [];
  let end = 0;
  let size = 0;
  let align = 1;
  for (const member of members) {
    const memberAlign = packed ? 1 : alignOf(member.type);
    const offset = type.kind === 'union' ? 0 : roundUp(end, memberAlign);
    fields.push({ ...member, offset });
    end = offset + (sizeOf(member.type) ?? 0);
    size = Math.max(size, end);
    align = Math.max(align, memberAlign);
  }
  type.fields = fields;
  type.align = align;
  type.size = roundUp(size, align);
}

/** Fields by name with those of unnamed structs and unions inside, offsets from the outermost. */
export function namedFields(type: RecordType, base = 0): Field[] {
  return (type.fields ?? []).flatMap((field) =>
    field.name === '' && (field.type.kind === 'struct' || field.type.kind === 'union')
      ? namedFields(field.type, base + field.offset)
      : [{ ...field, offset: base + field.offset }],
  );
}

/** A type as C writes it, for messages. */
export function typeText(type: CType): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'integer':
    case 'float':
      return type.name;
    case 'pointer':
      return type.to.kind === 'function'
        ? `${typeText(type.to.result)} (*)(…)`
        : `${typeText(type.to)}${type.to.kind === 'pointer' ? '*' : ' *'}`;
    case 'array':
      return `${typeText(type.of)}[${type.length ?? ''}]`;
    case 'function':
      return `${typeText(type.result)} (…)`;
    default:
      return type.tag === '' ? `unnamed ${type.kind}` : `${type.kind} ${type.tag}`;
  }
}

const integer = (name: string, size: IntegerType['size'], signed: boolean): IntegerType => ({
  kind: 'integer',
  name,
  size,
  signed,
});

export const VOID: VoidType = { kind: 'void' };
export const CHAR: IntegerType = { ...integer('char', 1, true), isChar: true };
export const INT = integer('int', 4, true);
export const LONG_LONG = integer('long long', 8, true);
export const SIZE = integer('unsigned long', 8, false);

/** Types by the words of their specifier, sorted: `long unsigned`. */
export const BASIC_TYPES: ReadonlyMap<string, CType> = new Map<string, CType>([
  ['void', VOID],
  ['char', CHAR],
  ['char signed', { ...integer('signed char', 1, true), isChar: true }],
  ['char unsigned', { ...integer('unsigned char', 1, false), isChar: true }],
  ...(
    [
      ['short', 2],
      ['int short', 2],
      ['int', 4],
      ['', 4],
      ['long', 8],
      ['int long', 8],
      ['long long', 8],
      ['int long long', 8],
    ] as const
  ).flatMap(([words, size]): [string, CType][] => {
    const sorted = (extra: string): string => `${words} ${extra}`.trim().split(' ').filter(Boolean).sort().join(' ');
    const name = words.replace(/^int /, '') || 'int';
    return [
      ...(words === '' ? [] : ([[words, integer(name, size, true)]] as [string, CType][])),
      [sorted('signed'), integer(name, size, true)],
      [sorted('unsigned'), integer(`unsigned ${name}`, size, false)],
    ];
  }),
  ['_Bool', { ...integer('bool', 1, false), isBool: true }],
  ['float', { kind: 'float', name: 'float', size: 4 }],
  ['double', { kind: 'float', name: 'double', size: 8 }],
]);

/** Names that headers of Linux define, so that declarations can be pasted as manual pages show them. */
export const COMMON_TYPEDEFS: readonly (readonly [string, string])[] = [
  ['bool', '_Bool'],
  ['int8_t', 'char signed'],
  ['uint8_t', 'char unsigned'],
  ['int16_t', 'short'],
  ['uint16_t', 'short unsigned'],
  ['int32_t', 'int'],
  ['uint32_t', 'int unsigned'],
  ['int64_t', 'long'],
  ['uint64_t', 'long unsigned'],
  ['size_t', 'long unsigned'],
  ['ssize_t', 'long'],
  ['ptrdiff_t', 'long'],
  ['intptr_t', 'long'],
  ['uintptr_t', 'long unsigned'],
  ['off_t', 'long'],
  ['time_t', 'long'],
  ['clock_t', 'long'],
  ['clockid_t', 'int'],
  ['pid_t', 'int'],
  ['uid_t', 'int unsigned'],
  ['gid_t', 'int unsigned'],
  ['mode_t', 'int unsigned'],
  ['dev_t', 'long unsigned'],
  ['ino_t', 'long unsigned'],
  ['socklen_t', 'int unsigned'],
  ['s8', 'char signed'],
  ['u8', 'char unsigned'],
  ['s16', 'short'],
  ['u16', 'short unsigned'],
  ['s32', 'int'],
  ['u32', 'int unsigned'],
  ['s64', 'long'],
  ['u64', 'long unsigned'],
];
