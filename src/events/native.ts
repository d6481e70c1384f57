// The few C calls that Node has no function for, made through koffi. koffi is loaded at the first call, since loading it
// takes about as long as everything else in the start of a live trace. All calls run in the thread that calls them,
// except pollLater, which waits in Node's thread pool.

import { createRequire } from 'node:module';

export type Koffi = typeof import('koffi');
export type KoffiFunction = ReturnType<ReturnType<Koffi['load']>['func']>;

/** `struct pollfd` is int fd, short events, short revents. */
const POLLFD_SIZE = 8;
const POLLIN = 1;

export const Ptrace = {
  CONT: 7,
  DETACH: 17,
  SEIZE: 0x4206,
  O_TRACEEXEC: 1 << 4,
  O_EXITKILL: 1 << 20,
} as const;

/** What waitid says of a child. */
export interface ChildState {
  /** CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3, CLD_TRAPPED 4, CLD_STOPPED 5. */
  readonly code: number;
  /** Exit status, signal, or for a ptrace event `event << 8 | SIGTRAP`. */
  readonly status: number;
}

const P_PID = 1;
const WNOHANG = 1;
const WSTOPPED = 2;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const WALL = 0x40000000;
const EFD_NONBLOCK_CLOEXEC = 0o2004000;

/** A C call that failed. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly errno: number;
  constructor(call: string, errno: number, code: string) {
    super(`${call}: ${code}`);
    this.errno = errno;
  }
}

/** What the last C call of this thread says of why it failed (errno). */
export function lastFailure(koffi: Koffi, call: string): NativeError {
  const errno = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0];
  return new NativeError(call, errno, code ?? `error ${errno}`);
}

export class Native {
  private readonly koffi: Koffi;
  private readonly pollCall: KoffiFunction;
  private readonly ptraceCall: KoffiFunction;
  private readonly waitidCall: KoffiFunction;
  private readonly eventfdCall: KoffiFunction;
  private readonly mountCall: KoffiFunction;
  private readonly readCall: KoffiFunction;

  /** Throws where koffi has no library for this machine. */
  constructor() {
    this.koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const libc = this.koffi.load(null);
    this.pollCall = libc.func('int poll(void *fds, unsigned long count, int timeout)');
    this.ptraceCall = libc.func('long ptrace(long request, int pid, uintptr_t address, uintptr_t data)');
    this.waitidCall = libc.func('int waitid(int type, int id, void *info, int options)');
    this.eventfdCall = libc.func('int eventfd(unsigned int count, int flags)');
    this.readCall = libc.func('long read(int fd, void *buffer, unsigned long bytes)');
    this.mountCall = libc.func(
      'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
    );
  }

  /**
   * read(2) into the beginning of `buffer`: bytes read, or the negative error number. For files that are empty most of the
   * time: the exception that Node makes of EAGAIN takes a hundred times as long as the call.
   */
  read(fd: number, buffer: Uint8Array, bytes: number): number {
    const read = this.readCall(fd, buffer, bytes) as number;
    return read >= 0 ? read : -this.koffi.errno();
  }

  /** mount(2) without flags. Throws NativeError. */
  mount(type: string, target: string): void {
    if (this.mountCall(type, target, type, 0, null) !== 0) throw lastFailure(this.koffi, 'mount');
  }

  /** A file descriptor that poll can be woken with: write 8 bytes, the number 1, to it. */
  eventfd(): number {
    const fd = this.eventfdCall(0, EFD_NONBLOCK_CLOEXEC) as number;
    if (fd < 0) throw lastFailure(this.koffi, 'eventfd');
    return fd;
  }

  /**
   * Resolves when one of the files is readable or after `milliseconds`. Such a call must not be under way when the process
   * ends, since Node waits for it then: give it an eventfd among the files.
   */
  pollLater(fds: readonly number[], milliseconds: number): Promise<void> {
    const list = Buffer.alloc(fds.length * POLLFD_SIZE);
    for (const [index, fd] of fds.entries()) {
      list.writeInt32LE(fd, index * POLLFD_SIZE);
      list.writeInt16LE(POLLIN, index * POLLFD_SIZE + 4);
    }
    return new Promise((resolve) => {
      // The list is named in the callback so that it lives as long as the call.
      this.pollCall.async(list, fds.length, milliseconds, () => resolve(void list));
    });
  }

  /** ptrace(2), without the requests that read. Throws NativeError. */
  ptrace(request: number, pid: number, data = 0): void {
    if ((this.ptraceCall(request, pid, 0, data) as number) !== 0) throw lastFailure(this.koffi, 'ptrace');
  }

  /** Looks at the state change of a child without taking it; undefined where there is none. Throws NativeError. */
  peekChild(pid: number): ChildState | undefined {
    return this.wait(pid, WSTOPPED | WEXITED | WNOWAIT | WNOHANG | WALL);
  }

  /** Takes a stop of a child, never its end, which belongs to whoever waits for the child. */
  takeStop(pid: number): ChildState | undefined {
    return this.wait(pid, WSTOPPED | WNOHANG | WALL);
  }

  private wait(pid: number, options: number): ChildState | undefined {
    // siginfo_t of 64-bit machines: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status.
    const info = Buffer.alloc(128);
    if (this.waitidCall(P_PID, pid, info, options) !== 0) throw lastFailure(this.koffi, 'waitid');
    if (info.readInt32LE(16) === 0) return undefined;
    return { code: info.readInt32LE(8), status: info.readInt32LE(24) };
  }
}

let loaded: Native | undefined;

/** The calls, if something else has needed them already. */
export function nativeIfLoaded(): Native | undefined {
  return loaded;
}

/** The calls, loaded when first asked for; they keep no state of a session. */
export function native(): Native {
  loaded ??= new Native();
  return loaded;
}
