// Where a trace.dat keeps each CPU's sub-buffers. Places that lie outside the file are cut to what is there.

import type { Decompress } from '../compression.js';
import { DamageError, type FileReader } from './file-reader.js';
import type { Extent } from './sections.js';

/** The sub-buffers of one CPU in one buffer, raw or compressed in chunks. */
export interface CpuData extends Extent {
  readonly cpu: number;
  /** Name of the instance; empty: the main buffer. */
  readonly buffer: string;
  /** Bytes that the file says it has and does not have. */
  readonly missing: number;
  /** Bytes of a sub-buffer. */
  readonly subBufferSize: number;
  /** Present where the data is compressed (cpu-data.ts has the layout). */
  readonly decompress?: Decompress;
}

/** A BUFFER option of version 7, as it is in the file. */
export interface BufferPlaces {
  /** Place of the section, whose header has its flags. */
  readonly section: number;
  readonly name: string;
  readonly subBufferSize: number;
  readonly cpus: readonly { readonly cpu: number; readonly offset: bigint; readonly size: bigint }[];
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
export function readCpuPlaces(file: FileReader, cpus: number, subBufferSize: number, buffer = ''): CpuData[] {
  const data: CpuData[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    const offset = file.bigU64('the places of the data');
    const size = file.bigU64('the places of the data');
    data.push(cpuData(file, { cpu, offset, size }, buffer, subBufferSize));
  }
  return data;
}

/**
 * Version 7, the content of a BUFFER option:
 *
 *     u64 offset of the section, name\0, clock\0, u32 sub-buffer size, u32 number of CPUs, per CPU u32 cpu, u64 offset, u64 size
 */
export function readBufferPlaces(file: FileReader): BufferPlaces {
  const section = file.u64('the place of a buffer');
  const name = file.cString('the name of a buffer');
  file.cString('the clock of a buffer');
  const subBufferSize = checkSubBufferSize(file.u32('the size of a page'));
  const count = checkCpuCount(file.u32('the number of CPUs'));
  const cpus: { cpu: number; offset: bigint; size: bigint }[] = [];
  for (let index = 0; index < count; index++) {
    const cpu = checkCpuCount(file.u32('the places of the data'));
    const offset = file.bigU64('the places of the data');
    cpus.push({ cpu, offset, size: file.bigU64('the places of the data') });
  }
  return { section, name, subBufferSize, cpus };
}

/** The data of a buffer of version 7. `decompress` is what the file is compressed with, which the section's flags say. */
export function cpuDataOf(file: FileReader, places: BufferPlaces, decompress: () => Decompress): CpuData[] {
  const { section, name, subBufferSize, cpus } = places;
  // u16 number, u16 flags: bit 0 says that the data is compressed.
  file.position = section + 2;
  const compressed = section + 4 <= file.size && (file.u16('the header of a buffer') & 1) !== 0;
  return cpus.map((place) => ({
    ...cpuData(file, place, name, subBufferSize),
    ...(compressed && place.size > 0n ? { decompress: decompress() } : {}),
  }));
}

function cpuData(
  file: FileReader,
  { cpu, offset, size }: BufferPlaces['cpus'][number],
  buffer: string,
  subBufferSize: number,
): CpuData {
  const fileSize = BigInt(file.size);
  const there = offset >= fileSize ? 0n : size < fileSize - offset ? size : fileSize - offset;
  return {
    cpu,
    buffer,
    offset: Number(there === 0n ? 0n : offset),
    size: Number(there),
    missing: Number(size - there),
    subBufferSize,
  };
}
