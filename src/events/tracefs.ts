// The kernel's tracing file system (Documentation/trace/ftrace.rst): finds or mounts it, reads and writes its files, and
// says what is wrong in words that tell what to do. Texts are byte strings.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { KtapError, plainError } from '../language/diagnostics.js';
import { native } from './native.js';

/** Where tracefs belongs. */
const USUAL_PLACE = '/sys/kernel/tracing';

/** How finding tracefs looks at the machine; tests give other answers. */
export interface FindOptions {
  /** Text of the mount table; /proc/self/mounts. */
  readonly mountTable?: string;
  /** Mounts tracefs on a folder or throws. */
  readonly mount?: (target: string) => void;
  /** Where to mount it; /sys/kernel/tracing. */
  readonly usualPlace?: string;
}

/** Folder of tracefs, mounted if that is needed and allowed. Throws KtapError that names what is missing. */
export function findTracefs(options: FindOptions = {}): string {
  const usual = options.usualPlace ?? USUAL_PLACE;
  const root = mountedTracefs(options.mountTable ?? readFileSync('/proc/self/mounts', 'latin1'), usual);
  if (root !== undefined) {
    checkAccess(root);
    return root;
  }
  if (!existsSync(usual)) {
    throw plainError(
      `this kernel has no tracefs: there is no folder ${usual}`,
      'live tracing needs a kernel built with CONFIG_TRACING, and /sys mounted; --replay works without',
    );
  }
  try {
    (options.mount ?? ((target) => native().mount('tracefs', target)))(usual);
  } catch (error) {
    throw plainError(
      `tracefs is not mounted, and mounting it on ${usual} failed (${(error as Error).message})`,
      `as root: mount -t tracefs tracefs ${usual}`,
    );
  }
  checkAccess(usual);
  return usual;
}

/** Mount point of tracefs by the mount table, preferably `usual`. */
function mountedTracefs(mountTable: string, usual: string): string | undefined {
  const found: string[] = [];
  for (const line of mountTable.split('\n')) {
    const [, target, type] = line.split(' ');
    if (target === undefined) continue;
    const path = target.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
    if (type === 'tracefs') found.push(path);
    // debugfs mounts tracefs in its folder `tracing` when someone enters it.
    if (type === 'debugfs' && existsSync(`${path}/tracing/instances`)) found.push(`${path}/tracing`);
  }
  return found.includes(usual) ? usual : found[0];
}

function checkAccess(root: string): void {
  try {
    accessSync(`${root}/instances`, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw explain(error, `${root}/instances`, 'live tracing is not possible');
  }
}

/** True where the kernel's lockdown forbids tracing. */
function isLockedDown(): boolean {
  try {
    return readFileSync('/sys/kernel/security/lockdown', 'latin1').includes('[confidentiality]');
  } catch {
    return false;
  }
}

/** Turns a failed access to a file of tracefs into an error that says what to do. KtapErrors pass. */
export function explain(error: unknown, path: string, doing: string): KtapError {
  if (error instanceof KtapError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if ((code === 'EPERM' || code === 'EACCES') && isLockedDown()) {
    return plainError(
      `${doing}: the kernel is locked down (confidentiality), which forbids access to ${path}`,
      'start the kernel with lockdown=integrity or without lockdown, or use --replay',
    );
  }
  if (code === 'EPERM' || code === 'EACCES') {
    return plainError(
      `${doing}: no permission for ${path}`,
      process.getuid?.() === 0
        ? 'this root is confined, as in a container: it needs CAP_SYS_ADMIN and a writable tracefs'
        : 'run it as root (sudo ktap …); --replay works without',
    );
  }
  if (code === 'EROFS') return plainError(`${doing}: ${path} is on a read-only mount`, 'mount tracefs writable');
  if (code === 'ENOENT') return plainError(`${doing}: this kernel has no ${path}`);
  if (code === 'ENOMEM' || code === 'ENOSPC') {
    return plainError(`${doing}: the kernel has no memory for it (${path})`, 'make the buffers smaller');
  }
  return plainError(`${doing}: ${path}: ${message}`);
}

/** Bytes that a first read asks for; nearly all files of tracefs and /proc that are read here are shorter. */
const SMALL_FILE = 8192;

/**
 * Text of a file of tracefs or /proc, a byte string. Such files have no size that could be asked for: readFileSync would
 * allocate 64 KiB for each, and hundreds of them are read. Throws Node's errors.
 */
export function readText(path: string): string {
  const fd = openSync(path, 'r');
  try {
    let text = '';
    const bytes = Buffer.allocUnsafeSlow(SMALL_FILE);
    for (;;) {
      const read = readSync(fd, bytes, 0, SMALL_FILE, null);
      if (read === 0) return text;
      text += bytes.toString('latin1', 0, read);
    }
  } finally {
    closeSync(fd);
  }
}

/** Files below a folder of tracefs: its root or an instance. Methods throw Node's errors; `explain` makes them readable. */
export class TracefsFolder {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }

  /** Whole text of a file. */
  read(name: string): string {
    return readText(`${this.path}/${name}`);
  }

  /** Text of a file, or undefined where this kernel does not have it. */
  tryRead(name: string): string | undefined {
    try {
      return this.read(name);
    } catch {
      return undefined;
    }
  }

  has(name: string): boolean {
    return existsSync(`${this.path}/${name}`);
  }

  list(name: string): string[] {
    return readdirSync(`${this.path}/${name}`);
  }

  /** Writes in one piece. Truncates, which clears the files that are lists. */
  write(name: string, text: string): void {
    this.writeTo(name, constants.O_WRONLY | constants.O_TRUNC, text);
  }

  /** Adds to a file that is a list, in as many writes as the kernel wants (it takes a word at a time from some). */
  append(name: string, text: string): void {
    this.writeTo(name, constants.O_WRONLY | constants.O_APPEND, text);
  }

  /** Writes where the kernel has the file; false where it has not. */
  tryWrite(name: string, text: string): boolean {
    try {
      this.write(name, text);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  private writeTo(name: string, flags: number, text: string): void {
    const fd = openSync(`${this.path}/${name}`, flags);
    try {
      const bytes = Buffer.from(text, 'latin1');
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    } finally {
      closeSync(fd);
    }
  }
}

/** An entry of error_log. */
export interface KernelComplaint {
  /** Such as `Field not found`. */
  readonly message: string;
  readonly command: string;
  /** Byte of the command that the caret is under. */
  readonly column: number;
}

/**
 * The last entry of an error_log:
 *
 *     [ 1073.893380] event filter parse error: error: Field not found
 *       Command: fd>100 && foo == 3
 *                          ^
 */
export function parseErrorLog(text: string): KernelComplaint | undefined {
  const label = '\n  Command: ';
  const at = text.lastIndexOf(label);
  if (at < 0) return undefined;
  const head = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const rest = text.slice(at + label.length).trimEnd();
  const caretLine = rest.lastIndexOf('\n');
  const command = caretLine < 0 ? rest : rest.slice(0, caretLine);
  const column = caretLine < 0 ? 0 : rest.length - 1 - (caretLine + 1) - (label.length - 1);
  return {
    message: head.replace(/^\[[^\]]*\] /, '').replace(/^.*?error: (?=error: )?(error: )?/, ''),
    command,
    column,
  };
}
