// Sizes and signs of the C types that format files name: the words of C itself and the kernel's typedefs. Used where a
// format file's own size and sign are those of a register and not of the argument (system calls), and for casts and
// sizeof in print fmt texts.

/** A scalar C type as the kernel's machine has it. */
export interface ScalarType {
  /** Bytes: 1, 2, 4 or 8. */
  readonly size: number;
  readonly signed: boolean;
  readonly pointer: boolean;
}

const scalar = (size: number, signed: boolean): ScalarType => ({ size, signed, pointer: false });

const S8 = scalar(1, true);
const U8 = scalar(1, false);
const S16 = scalar(2, true);
const U16 = scalar(2, false);
const S32 = scalar(4, true);
const U32 = scalar(4, false);
const S64 = scalar(8, true);
const U64 = scalar(8, false);
const POINTER: ScalarType = { size: 8, signed: false, pointer: true };

/** Typedefs whose size or sign their spelling does not tell. */
const TYPEDEFS = new Map<string, ScalarType>([
  ...['bool', '_Bool', 'cc_t', 'uchar', 'u_char', 'unchar'].map((name) => [name, U8] as const),
  ...['umode_t', 'ushort', 'u_short', 'sa_family_t', 'old_uid_t', 'old_gid_t'].map((name) => [name, U16] as const),
  ...['__kernel_sa_family_t', 'compat_mode_t'].map((name) => [name, U16] as const),
  ...['pid_t', 'key_t', 'mqd_t', 'timer_t', 'clockid_t', 'rwf_t', 'key_serial_t', 'errseq_t'].map(
    (name) => [name, S32] as const,
  ),
  ...['__kernel_pid_t', '__kernel_rwf_t', '__kernel_timer_t', '__kernel_clockid_t', 'old_time32_t'].map(
    (name) => [name, S32] as const,
  ),
  ...['wait_queue_entry_t', 'compat_int_t', 'compat_long_t', 'compat_pid_t', 'compat_ssize_t', 'compat_off_t'].map(
    (name) => [name, S32] as const,
  ),
  ...['uid_t', 'gid_t', 'qid_t', 'prid_t', 'dev_t', 'gfp_t', 'fmode_t', 'uint', 'u_int', 'tid_t', '__poll_t'].map(
    (name) => [name, U32] as const,
  ),
  ...['blk_opf_t', 'blk_mq_req_flags_t', 'vm_fault_t', 'isolate_mode_t', 'slab_flags_t', 'compat_size_t'].map(
    (name) => [name, U32] as const,
  ),
  ...['compat_ulong_t', 'compat_uint_t', 'compat_uptr_t', '__kernel_uid32_t', '__kernel_gid32_t', 'projid_t'].map(
    (name) => [name, U32] as const,
  ),
  ...['loff_t', 'off_t', 'ssize_t', 'time64_t', 'ktime_t', 'ptrdiff_t', 'intptr_t', 'time_t', 'clock_t'].map(
    (name) => [name, S64] as const,
  ),
  ...['__kernel_loff_t', '__kernel_off_t', '__kernel_time_t', '__kernel_old_time_t', '__kernel_ssize_t'].map(
    (name) => [name, S64] as const,
  ),
  ...['size_t', 'ino_t', 'sector_t', 'blkcnt_t', 'aio_context_t', 'dma_addr_t', 'phys_addr_t', 'ulong', 'u_long'].map(
    (name) => [name, U64] as const,
  ),
  ...['resource_size_t', 'vm_flags_t', 'pgoff_t', 'uintptr_t', 'gpa_t', 'gfn_t', 'hva_t', 'gva_t', 'hpa_t'].map(
    (name) => [name, U64] as const,
  ),
  ...['ext4_fsblk_t', 'async_cookie_t', '__kernel_ulong_t', '__kernel_size_t'].map((name) => [name, U64] as const),
  ...['cap_user_header_t', 'cap_user_data_t', 'fl_owner_t', 'initcall_t', 'va_list'].map(
    (name) => [name, POINTER] as const,
  ),
]);

/** The typedefs that carry their size in their name: u8, __s32, __le16, uint64_t, int32_t. */
const SIZED = /^(?:__)?(?:(u|s|le|be)|(uint|int))(8|16|32|64)(?:_t)?$/;

const BY_SIZE: ReadonlyMap<number, readonly [ScalarType, ScalarType]> = new Map([
  [1, [U8, S8]],
  [2, [U16, S16]],
  [4, [U32, S32]],
  [8, [U64, S64]],
]);

/** The scalar type of a size in bytes and a sign; undefined for other sizes. */
export function scalarOf(size: number, signed: boolean): ScalarType | undefined {
  return BY_SIZE.get(size)?.[signed ? 1 : 0];
}

/**
 * The scalar type that a C type text means (`const unsigned int`, `struct stat *`, `umode_t`), on a machine whose long
 * has `longSize` bytes; undefined for structs, unions and names that are not known.
 */
export function scalarType(text: string, longSize = 8): ScalarType | undefined {
  if (text.includes('*') || text.includes('(')) return longSize === 8 ? POINTER : { ...POINTER, size: longSize };
  let signed: boolean | undefined;
  let longs = 0;
  let base: string | undefined;
  for (const word of text.split(/\s+/)) {
    switch (word) {
      case '':
      case 'const':
      case 'volatile':
      case '__user':
      case '__force':
      case '__rcu':
      case '__bitwise':
      case 'static':
        break;
      case 'unsigned':
        signed = false;
        break;
      case 'signed':
        signed = true;
        break;
      case 'long':
        longs++;
        break;
      case 'struct':
      case 'union':
        return undefined;
      default:
        // `enum name`: enumerators are unsigned as the kernel's compilers lay them out, unless one is negative.
        if (base === 'enum') continue;
        base = word;
    }
  }
  if (longs === 1) return longSize === 8 ? (signed === false ? U64 : S64) : signed === false ? U32 : S32;
  if (longs === 2) return signed === false ? U64 : S64;
  switch (base) {
    case undefined:
      return signed === undefined ? undefined : signed ? S32 : U32;
    case 'int':
      return signed === false ? U32 : S32;
    case 'short':
      return signed === false ? U16 : S16;
    case 'char':
      return signed === false ? U8 : S8;
    case 'enum':
      return U32;
  }
  const sized = SIZED.exec(base!);
  if (sized !== null) return scalarOf(Number(sized[3]) / 8, sized[1] === 's' || sized[2] === 'int');
  const typedef = TYPEDEFS.get(base!);
  if (typedef === undefined || longSize === 8) return typedef;
  return NATIVE_WORDS.has(base!) || typedef.pointer ? { ...typedef, size: longSize } : typedef;
}

/** Typedefs that are as long as a machine word. */
const NATIVE_WORDS = new Set(
  'off_t ssize_t ptrdiff_t intptr_t time_t clock_t size_t ino_t aio_context_t ulong u_long pgoff_t uintptr_t'.split(
    ' ',
  ),
);
