// Starts the command that is to be traced and holds it until the probes are live. A shell that waits for a line is started
// first, since Node cannot start a process that stands still. While it waits it is seized by ptrace, told to go on, and
// stops of its own in its exec, with the new program in place and none of its instructions run. So the shell is never seen
// in the events. Where ptrace is not permitted, the shell waits until the probes are live and is seen a little.
//
// libuv, too, waits for the children of this process and would take a ptrace stop for the child's end. Therefore stops are
// taken here, in the same turn of the event loop, and the child's end is left to libuv.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { Writable } from 'node:stream';
import { KtapError } from '../language/diagnostics.js';
import { type Native, native, Ptrace } from './native.js';

const SIGTRAP = 5;
const EXEC_STOP = (4 << 8) | SIGTRAP;
const CLD_TRAPPED = 4;
/** Longest time for the shell to reach its exec, in milliseconds. */
const EXEC_PATIENCE = 5000;

/** A command that cannot be run; the status is what a shell would end with. */
export class CommandError extends KtapError {
  readonly exitStatus: 126 | 127;
  constructor(message: string, exitStatus: 126 | 127) {
    super({ severity: 'error', message });
    this.exitStatus = exitStatus;
  }
}

/** Finds the file of a command as a shell would. Throws CommandError. */
export function findCommand(name: string, path = process.env.PATH ?? '/usr/bin:/bin'): string {
  if (name === '') throw new CommandError('the command is empty', 127);
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map((folder) => `${folder || '.'}/${name}`);
  let found: string | undefined;
  for (const candidate of candidates) {
    const stat = statSync(candidate, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isFile() && isExecutable(candidate)) return candidate;
    found ??= candidate;
  }
  if (found === undefined) throw new CommandError(`no such command: ${name}`, 127);
  const isFolder = statSync(found).isDirectory();
  throw new CommandError(`${found} ${isFolder ? 'is a folder' : 'is not executable'}`, 126);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class TracedCommand {
  readonly pid: number;
  /** Resolves when the command has ended. */
  readonly exited: Promise<Exit>;
  /** 'exec': stopped in its exec; 'shell': the shell still waits; 'running'; 'ended'. */
  state: 'exec' | 'shell' | 'running' | 'ended' = 'shell';
  private readonly child: ChildProcess;
  private readonly gate: Writable;

  /** Starts the command held. Throws CommandError. */
  constructor(command: readonly string[]) {
    const [name = '', ...args] = command;
    const file = findCommand(name);
    // The name goes to exec as it was given, so that the program sees its usual argument 0; the shell looks it up again.
    const argument0 = name.startsWith('-') ? file : name;
    this.child = spawn('/bin/sh', ['-c', 'read ktap_go <&3 || exit 126; exec "$@" 3<&-', 'sh', argument0, ...args], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    });
    if (this.child.pid === undefined) {
      this.child.on('error', () => {});
      throw new CommandError('the shell /bin/sh cannot be started', 126);
    }
    this.pid = this.child.pid;
    this.gate = this.child.stdio[3] as Writable;
    this.gate.on('error', () => {});
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (status, signal) => {
        this.state = 'ended';
        resolve({ status, signal });
      });
    });
  }

  /** Moves the hold from the shell into the command's exec, where that is permitted. */
  holdAtExec(): void {
    if (this.state !== 'shell') return;
    let calls: Native;
    try {
      calls = native();
      calls.ptrace(Ptrace.SEIZE, this.pid, Ptrace.O_TRACEEXEC | Ptrace.O_EXITKILL);
    } catch {
      return; // The shell goes on waiting.
    }
    this.openGate();
    if (this.waitForExec(calls)) this.state = 'exec';
    else if (this.state === 'shell') this.state = 'ended';
  }

  /** True once the command stands in its exec; false where it ended instead, which libuv will notice. */
  private waitForExec(calls: Native): boolean {
    const until = performance.now() + EXEC_PATIENCE;
    const clock = new Int32Array(new SharedArrayBuffer(4));
    while (performance.now() < until) {
      const state = calls.peekChild(this.pid);
      if (state === undefined) {
        Atomics.wait(clock, 0, 0, 0.2);
      } else if (state.code !== CLD_TRAPPED) {
        return false;
      } else {
        calls.takeStop(this.pid);
        if (state.status === EXEC_STOP) return true;
        // A signal on its way to the shell.
        calls.ptrace(Ptrace.CONT, this.pid, state.status & 0xff);
      }
    }
    this.child.kill('SIGKILL');
    return false;
  }

  private openGate(): void {
    this.gate.end('\n');
  }

  /** Lets the command run. */
  release(): void {
    if (this.state === 'exec') native().ptrace(Ptrace.DETACH, this.pid);
    else if (this.state === 'shell') this.openGate();
    else return;
    this.state = 'running';
  }

  /** Ends the command if it has not been released. */
  abandon(): void {
    if (this.state !== 'exec' && this.state !== 'shell') return;
    this.child.kill('SIGKILL');
    this.gate.destroy();
  }

  /** Sends a signal to the command, if it runs. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
