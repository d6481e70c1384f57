// The system calls of perf events, made through koffi: beside ../native.ts, loaded only when a script needs perf.

import { createRequire } from 'node:module';
import { arch } from 'node:os';
import { type Koffi, type KoffiFunction, lastFailure, NativeError } from '../native.js';
import { EventRequest, OPEN_CLOEXEC } from './abi.js';

/** Numbers of perf_event_open, for which libc has no function (arch/…/syscall tables of the kernel). */
const CALL_NUMBERS: Readonly<Record<string, number>> = { x64: 298, arm64: 241, riscv64: 241, loong64: 241 };
/** PROT_READ | PROT_WRITE */
const READ_WRITE = 3;
const MAP_SHARED = 1;

/** Memory shared with the kernel. */
export interface Mapping {
  readonly bytes: ArrayBuffer;
  unmap(): void;
}

export class PerfCalls {
  private readonly koffi: Koffi;
  private readonly syscall: KoffiFunction;
  private readonly mmapCall: KoffiFunction;
  private readonly munmapCall: KoffiFunction;
  private readonly pageSizeCall: KoffiFunction;
  private readonly readCall: KoffiFunction;
  private readonly ioctlNumber: KoffiFunction;
  private readonly ioctlBuffer: KoffiFunction;

  /** Throws where koffi has no library for this machine. */
  constructor() {
    this.koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const libc = this.koffi.load(null);
    this.syscall = libc.func('long syscall(long number, void *attr, int pid, int cpu, int group, unsigned long flags)');
    this.mmapCall = libc.func(
      'uintptr_t mmap(uintptr_t at, size_t length, int protection, int flags, int fd, long offset)',
    );
    this.munmapCall = libc.func('int munmap(uintptr_t at, size_t length)');
    this.pageSizeCall = libc.func('int getpagesize()');
    this.readCall = libc.func('long read(int fd, void *buffer, unsigned long bytes)');
    this.ioctlNumber = libc.func('ioctl', 'int', ['int', 'unsigned long', 'long']);
    this.ioctlBuffer = libc.func('ioctl', 'int', ['int', 'unsigned long', 'void *']);
  }

  /** perf_event_open(2). `pid` -1: all tasks; `cpu` -1: all CPUs. Answers a file descriptor. Throws NativeError. */
  open(attributes: Uint8Array, pid: number, cpu: number): number {
    const number = CALL_NUMBERS[arch()];
    if (number === undefined) throw new NativeError('perf_event_open', this.koffi.os.errno.ENOSYS!, 'ENOSYS');
    const fd = this.syscall(number, attributes, pid, cpu, -1, OPEN_CLOEXEC) as number;
    if (fd < 0) throw lastFailure(this.koffi, 'perf_event_open');
    return fd;
  }

  /** Maps an event's ring with its first page. `size` is a power of two. Throws NativeError. */
  map(fd: number, size: number): Mapping {
    const length = (this.pageSizeCall() as number) + size;
    const at = this.mmapCall(0, length, READ_WRITE, MAP_SHARED, fd, 0) as number | bigint;
    if (BigInt.asIntN(64, BigInt(at)) === -1n) throw lastFailure(this.koffi, 'mmap');
    return {
      bytes: this.koffi.view(BigInt(at), length) as ArrayBuffer,
      unmap: () => void this.munmapCall(at, length),
    };
  }

  /** Throws NativeError. */
  request(fd: number, request: number, argument = 0): void {
    if ((this.ioctlNumber(fd, request, argument) as number) !== 0) throw lastFailure(this.koffi, 'ioctl');
  }

  /** Samples of an event of ReadFormat.LOST that found no room in the ring. */
  lostOf(fd: number): number {
    const counts = Buffer.alloc(16);
    return (this.readCall(fd, counts, 16) as number) === 16 ? Number(counts.readBigUInt64LE(8)) : 0;
  }

  /** The number that samples carry of an event. Throws NativeError. */
  idOf(fd: number): bigint {
    const id = Buffer.alloc(8);
    if ((this.ioctlBuffer(fd, EventRequest.ID, id) as number) !== 0) throw lastFailure(this.koffi, 'ioctl');
    return id.readBigUInt64LE();
  }

  /** Sets the filter of a tracepoint event. Throws NativeError. */
  setFilter(fd: number, filter: string): void {
    const text = Buffer.from(`${filter}\0`, 'latin1');
    if ((this.ioctlBuffer(fd, EventRequest.SET_FILTER, text) as number) !== 0) throw lastFailure(this.koffi, 'ioctl');
  }
}
