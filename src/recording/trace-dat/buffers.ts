// Where a trace.dat keeps each CPU's sub-buffers. Places that lie outside the file are cut to what is there.

import { DamageError, type FileReader } from './file-reader.js';
import type { Extent } from './sections.js';

/** The raw sub-buffers of one CPU in one buffer. */
export interface CpuData extends Extent {
  readonly cpu: number;
  /** Bytes that the file says it has and does not have. */
  readonly missing: number;
  /** Bytes of a sub-buffer. */
  readonly subBufferSize: number;
}

/** More CPUs than any kernel can have, to tell damage from big machines. */
const MANY_CPUS = 65_536;

/** Checks a number of CPUs. */
export function checkCpuCount(count: number): number {
  if (count > MANY_CPUS) throw new DamageError(`it cannot be from ${count} CPUs`, false);
  return count;
}

/** A sub-buffer has at least a header and some data, and is made of whole words. */
export function checkSubBufferSize(size: number): number {
  if (size < 256 || size > 2 ** 26 || size % 256 !== 0) {
    throw new DamageError(`its pages cannot have ${size} bytes`, false);
  }
  return size;
}

/** Version 6: per CPU `u64 offset, u64 size`. */
export function readCpuPlaces(file: FileReader, cpus: number, subBufferSize: number): CpuData[] {
  const data: CpuData[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    const offset = file.bigU64('the places of the data');
    const size = file.bigU64('the places of the data');
    data.push(cpuData(file, cpu, offset, size, subBufferSize));
  }
  return data;
}

/**
 * Version 7, the content of a BUFFER option:
 *
 *     u64 offset of the section, name\0, clock\0, u32 sub-buffer size, u32 number of CPUs, per CPU u32 cpu, u64 offset, u64 size
 *
 * The section's header has its flags: bit 0 of the u16 at +2 says that the data is compressed.
 */
export function readBufferOption(file: FileReader, place: Extent): { data: CpuData[]; compressed: boolean } {
  file.position = place.offset;
  const section = file.u64('the place of a buffer');
  file.cString('the name of a buffer');
  file.cString('the clock of a buffer');
  const subBufferSize = checkSubBufferSize(file.u32('the size of a page'));
  const cpus = checkCpuCount(file.u32('the number of CPUs'));
  const data: CpuData[] = [];
  for (let index = 0; index < cpus; index++) {
    const cpu = checkCpuCount(file.u32('the places of the data'));
    const offset = file.bigU64('the places of the data');
    const size = file.bigU64('the places of the data');
    data.push(cpuData(file, cpu, offset, size, subBufferSize));
  }
  file.position = section + 2;
  return { data, compressed: section + 4 <= file.size && (file.u16('the header of a buffer') & 1) !== 0 };
}

function cpuData(file: FileReader, cpu: number, offset: bigint, size: bigint, subBufferSize: number): CpuData {
  const fileSize = BigInt(file.size);
  const there = offset >= fileSize ? 0n : size < fileSize - offset ? size : fileSize - offset;
  return {
    cpu,
    offset: Number(there === 0n ? 0n : offset),
    size: Number(there),
    missing: Number(size - there),
    subBufferSize,
  };
}
