// Reads memory of a process (/proc/PID/mem) and of the kernel (/proc/kcore) of this machine.

import { closeSync, openSync, readSync } from 'node:fs';

export interface MemoryReader {
  /** Up to `size` bytes at an address; fewer where the readable part ends, undefined where nothing can be read. */
  read(address: bigint, size: number): Buffer | undefined;
  close(): void;
}

/** Largest offset that a read of a file takes. */
const LARGEST_OFFSET = 0x7fff_ffff_ffff_ffffn;

function readAt(file: number, offset: bigint, size: number): Buffer | undefined {
  if (offset > LARGEST_OFFSET) return undefined;
  const bytes = Buffer.allocUnsafe(size);
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, size, offset));
  } catch {
    return undefined;
  }
}

/** Memory of a process, as proc_pid_mem(5) gives it; undefined where the process is gone or not ours to read. */
export function processMemory(pid: number): MemoryReader | undefined {
  let file: number;
  try {
    file = openSync(`/proc/${pid}/mem`, 'r');
  } catch {
    return undefined;
  }
  return { read: (address, size) => readAt(file, address, size), close: () => closeSync(file) };
}

interface Segment {
  readonly address: bigint;
  readonly size: bigint;
  readonly offset: bigint;
}

/**
 * The kernel's memory as an ELF core file (proc_kcore(5)); layout of its headers from elf(5), 64 bits:
 *
 *     Elf64_Ehdr  +32 e_phoff u64   +54 e_phentsize u16   +56 e_phnum u16
 *     Elf64_Phdr  +0 p_type u32 (1: PT_LOAD)   +8 p_offset u64   +16 p_vaddr u64   +32 p_filesz u64
 *
 * Answers what is missing where the file cannot be used. The file stays open until the reader is closed.
 */
export function openKernelMemory(path = '/proc/kcore'): MemoryReader | { readonly missing: string } {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { missing: `this kernel has no ${path} (CONFIG_PROC_KCORE)` };
    return { missing: `${path} cannot be opened (${code}): it takes root, and no kernel lockdown` };
  }
  const segments = readSegments(file);
  if (segments === undefined) {
    closeSync(file);
    return { missing: `${path} is no 64-bit little-endian ELF file that may be read` };
  }
  return {
    read(address, size) {
      const segment = segments.find((each) => address >= each.address && address < each.address + each.size);
      if (segment === undefined) return undefined;
      const left = segment.address + segment.size - address;
      return readAt(file, segment.offset + (address - segment.address), left < size ? Number(left) : size);
    },
    close: () => closeSync(file),
  };
}

function readSegments(file: number): Segment[] | undefined {
  const header = readAt(file, 0n, 64);
  // 0x7f E L F, class 2 (64 bits), data 1 (little endian)
  if (header === undefined || header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  if (header[4] !== 2 || header[5] !== 1) return undefined;
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = readAt(file, header.readBigUInt64LE(32), entrySize * count);
  if (table === undefined || entrySize < 56 || table.length < entrySize * count) return undefined;
  const segments: Segment[] = [];
  for (let at = 0; at < table.length; at += entrySize) {
    if (table.readUInt32LE(at) !== 1) continue;
    segments.push({
      offset: table.readBigUInt64LE(at + 8),
      address: table.readBigUInt64LE(at + 16),
      size: table.readBigUInt64LE(at + 32),
    });
  }
  return segments;
}

let kernelMemoryOfThisMachine: ReturnType<typeof openKernelMemory> | undefined;

/** The kernel memory of this machine, opened when first asked for and kept: it is the same for all sessions. */
export function kernelMemory(): ReturnType<typeof openKernelMemory> {
  kernelMemoryOfThisMachine ??= openKernelMemory();
  return kernelMemoryOfThisMachine;
}
