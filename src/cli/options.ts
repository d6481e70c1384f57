// The options of the command line, in one table from which parsing, messages and `-h` follow.

/** How an option takes its argument. */
type Argument = 'none' | 'required' | 'optional';

interface Option {
  /** All spellings, the one for messages first. */
  readonly names: readonly string[];
  readonly key: keyof Options;
  readonly argument: Argument;
  /** What the argument is called in the help. */
  readonly placeholder?: string;
  readonly doc: string;
  /** Left out of the help: accepted for scripts that pass it. */
  readonly hidden?: boolean;
}

/** What a command line asks for. Absent keys were not given. */
export interface Options {
  evaluate?: string;
  simple?: string;
  process?: number;
  cpu?: number;
  output?: string;
  quiet?: boolean;
  list?: string;
  listVerbose?: string;
  timeStamps?: boolean;
  verbose?: boolean;
  dumpBytecode?: boolean;
  compile?: string;
  replay?: string;
  record?: string;
  events?: string;
  fileVersion?: 6 | 7;
  compression?: 'none' | 'zlib';
  bufferSize?: number;
  stats?: boolean;
  noJit?: boolean;
  maxMemory?: number;
  traceSelf?: boolean;
  clean?: boolean;
  dialect?: string;
  noWarnings?: string;
  load?: string;
  ffi?: boolean;
  strict?: boolean;
  gcStress?: boolean;
  helpBuiltins?: string;
  version?: boolean;
  help?: boolean;
  /** The script's file; `-` is standard input. */
  file?: string;
  /** Arguments of the script. */
  arguments: string[];
  /** What follows `--`. */
  command?: string[];
}

const option = (
  names: string,
  key: keyof Options,
  doc: string,
  argument: Argument = 'none',
  placeholder?: string,
): Option => ({ names: names.split(' '), key, doc, argument, ...(placeholder === undefined ? {} : { placeholder }) });

const OPTIONS: readonly Option[] = [
  option('-e', 'evaluate', 'run this text instead of a file', 'required', 'SCRIPT'),
  option('-s', 'simple', 'print cpu, pid, execname and text of each of these events', 'required', 'EVENTDEF'),
  option('-p', 'process', 'trace this process, its threads and later children', 'required', 'PID'),
  option('-C', 'cpu', 'trace this CPU only', 'required', 'CPU'),
  option('-o', 'output', "write the script's output to a file", 'required', 'FILE'),
  option('-T', 'timeStamps', "a time stamp before each event's text"),
  option('-q', 'quiet', 'no messages but errors'),
  option('-v', 'verbose', 'say what is attached, and more'),
  option('-l -le', 'list', 'list events; a glob chooses (`sched:*`)', 'optional', 'GLOB'),
  option('-lv', 'listVerbose', 'list events with their fields and types', 'required', 'GLOB'),
  option(
    '--replay',
    'replay',
    'take the events from a trace.dat or perf.data; - is standard input',
    'required',
    'FILE',
  ),
  option('--record', 'record', 'keep the raw events in a file (trace.dat) while the script runs', 'required', 'FILE'),
  option('--events', 'events', 'record these events without a script', 'required', 'EVENTDEF'),
  option('--file-version', 'fileVersion', 'version of the recording: 6 (default) or 7', 'required', '6|7'),
  option('--compression', 'compression', 'of a recording of version 7: zlib (default) or none', 'required', 'NAME'),
  option('--buffer-size', 'bufferSize', "the kernel's buffer of each CPU (8M)", 'required', 'SIZE'),
  option('--dump-bytecode -b', 'dumpBytecode', 'print the compiled script and end'),
  option('--compile', 'compile', 'write the compiled script (.kpc) and end', 'required', 'OUT.kpc'),
  option('--dialect', 'dialect', '0.5: arg0 is the first argument of an event', 'required', '0.4|0.5'),
  option('--no-warnings', 'noWarnings', 'warnings not wanted, by name, or `all`', 'required', 'NAMES'),
  option('--load', 'load', 'add the built-ins of a module', 'required', 'FILE.mjs'),
  option('--ffi', 'ffi', 'let the script call C functions'),
  option('--max-memory', 'maxMemory', "limit of the script's memory (256M)", 'required', 'SIZE'),
  option('--no-jit', 'noJit', 'interpret everything'),
  option('--stats', 'stats', 'figures of the run on standard error at its end'),
  option('--strict', 'strict', 'exit status 3 when events were lost'),
  option('--trace-self', 'traceSelf', "trace ktap's own threads too"),
  option('--gc-stress', 'gcStress', 'collect garbage at every safepoint (for tests)'),
  option('--clean', 'clean', 'remove what killed tracers left in the kernel'),
  option('--help-builtins', 'helpBuiltins', 'what the built-in functions do', 'optional', 'NAME'),
  option('-V --version', 'version', 'print the version'),
  option('-h --help', 'help', 'print this'),
];

/** A wrong command line: one line, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const BY_NAME = new Map(OPTIONS.flatMap((each) => each.names.map((name) => [name, each] as const)));

/** Options that say what to do; only one of them can be given. */
const EXCLUSIVE: readonly (keyof Options)[] = [
  'evaluate',
  'simple',
  'events',
  'list',
  'listVerbose',
  'clean',
  'helpBuiltins',
];

/** Parses what follows `ktap`. Throws UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const options: Options = { arguments: [] };
  const given = new Map<keyof Options, string>();
  let index = 0;
  for (; index < args.length; index++) {
    const word = args[index]!;
    if (word === '--') break;
    if (word === '-' || !word.startsWith('-')) {
      if (given.has('evaluate') || given.has('simple') || given.has('events')) break;
      options.file = word;
      index++;
      break;
    }
    const { name, option, attached } = findOption(word);
    let value = attached;
    if (option.argument === 'none' && attached !== undefined) throw new UsageError(`${name} takes no argument`);
    if (option.argument === 'required' && value === undefined) {
      value = args[++index];
      if (value === undefined) throw new UsageError(`${name} needs ${option.placeholder}`);
    } else if (option.argument === 'optional' && value === undefined) {
      const next = args[index + 1];
      if (next !== undefined && !next.startsWith('-')) value = args[++index];
    }
    if (given.has(option.key)) throw new UsageError(`${name} is given twice`);
    given.set(option.key, name);
    setOption(options, name, option, value ?? '');
  }
  // The words behind the script are its own, up to `--`.
  for (; index < args.length && args[index] !== '--'; index++) options.arguments.push(args[index]!);
  if (index < args.length) {
    options.command = args.slice(index + 1);
    if (options.command.length === 0) throw new UsageError('-- needs a command behind it');
  }
  checkTogether(options, given);
  return options;
}

/** The option of a word; `--replay=FILE` and `-pPID` carry their argument. */
function findOption(word: string): { name: string; option: Option; attached: string | undefined } {
  const whole = BY_NAME.get(word);
  if (whole !== undefined) return { name: word, option: whole, attached: undefined };
  const equals = word.indexOf('=');
  if (word.startsWith('--') && equals > 0) {
    const name = word.slice(0, equals);
    const long = BY_NAME.get(name);
    if (long !== undefined) return { name, option: long, attached: word.slice(equals + 1) };
  }
  if (!word.startsWith('--')) {
    const name = word.slice(0, 2);
    const short = BY_NAME.get(name);
    if (short?.argument === 'required') return { name, option: short, attached: word.slice(2) };
  }
  throw new UsageError(`unknown option ${word} (ktap -h lists them)`);
}

function setOption(options: Options, name: string, option: Option, value: string): void {
  const target = options as unknown as Record<string, unknown>;
  switch (option.key) {
    case 'process':
    case 'cpu':
      if (!/^\d+$/.test(value)) throw new UsageError(`${name} needs a number, not "${value}"`);
      target[option.key] = Number(value);
      break;
    case 'maxMemory':
      target[option.key] = parseSize(name, value, 1024 ** 2, 3 * 1024 ** 3);
      break;
    case 'bufferSize':
      target[option.key] = parseSize(name, value, 64 * 1024, 64 * 1024 ** 3);
      break;
    case 'fileVersion':
      if (value !== '6' && value !== '7') throw new UsageError(`${name} is 6 or 7, not "${value}"`);
      target[option.key] = Number(value);
      break;
    case 'compression':
      if (value !== 'zlib' && value !== 'none') throw new UsageError(`${name} is zlib or none, not "${value}"`);
      target[option.key] = value;
      break;
    case 'dialect':
      if (value !== '0.4' && value !== '0.5') throw new UsageError(`${name} is 0.4 or 0.5, not "${value}"`);
      target[option.key] = value;
      break;
    default:
      target[option.key] = option.argument === 'none' ? true : value;
  }
}

/** A size in bytes: `64M`, `1G`, `4096`. */
function parseSize(name: string, text: string, least: number, most: number): number {
  const match = /^(\d+)([kKmMgG]?)$/.exec(text);
  if (match === null) throw new UsageError(`${name} needs a size such as 64M, not "${text}"`);
  const unit = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]!.toLowerCase()]!;
  const bytes = Number(match[1]) * unit;
  if (bytes < least || bytes > most) {
    throw new UsageError(`${name} must be between ${shortSize(least)} and ${shortSize(most)}, not ${text}`);
  }
  return bytes;
}

/** 65536 as `64K`. */
function shortSize(bytes: number): string {
  const power = Math.floor(Math.log2(bytes) / 10);
  return `${bytes / 1024 ** power}${['', 'K', 'M', 'G'][power]}`;
}

function checkTogether(options: Options, given: ReadonlyMap<keyof Options, string>): void {
  const exclusive = EXCLUSIVE.filter((key) => given.has(key)).map((key) => given.get(key)!);
  if (exclusive.length > 1) throw new UsageError(`${exclusive[0]} and ${exclusive[1]} cannot be given together`);
  const nothingToRun = ['list', 'listVerbose', 'clean', 'helpBuiltins', 'version', 'help'].some((key) =>
    given.has(key as keyof Options),
  );
  if (nothingToRun && options.file !== undefined) {
    throw new UsageError(`${[...given.values()].at(-1)} runs no script, so "${options.file}" has no place`);
  }
  const contradict = (a: keyof Options, b: keyof Options): void => {
    if (given.has(a) && given.has(b))
      throw new UsageError(`${given.get(a)} and ${given.get(b)} cannot be given together`);
  };
  contradict('dumpBytecode', 'compile');
  contradict('quiet', 'verbose');
  contradict('replay', 'traceSelf');
  if (options.replay === '-' && options.file === '-') {
    throw new UsageError('the script and the recording cannot both come from standard input');
  }
  contradict('replay', 'record');
  contradict('replay', 'bufferSize');
  for (const key of ['dumpBytecode', 'compile'] as const) contradict('record', key);
  const needs = (a: keyof Options, b: keyof Options, name: string): void => {
    if (given.has(a) && !given.has(b)) throw new UsageError(`${given.get(a)} needs ${name}`);
  };
  needs('events', 'record', '--record FILE');
  needs('fileVersion', 'record', '--record FILE');
  needs('compression', 'record', '--record FILE');
  if (options.compression === 'zlib' && options.fileVersion !== 7) {
    throw new UsageError('--compression zlib needs --file-version 7');
  }
  if (options.command !== undefined) {
    for (const key of ['process', 'replay', 'dumpBytecode', 'compile'] as const) {
      if (given.has(key)) throw new UsageError(`${given.get(key)} and -- command cannot be given together`);
    }
  }
  const hasScript =
    options.file !== undefined || ['evaluate', 'simple', 'events'].some((key) => given.has(key as keyof Options));
  if (!nothingToRun && !hasScript) {
    throw new UsageError('no script: give a file, -e SCRIPT, or - for standard input (ktap -h shows examples)');
  }
}

/** The text of `-h`. */
export function helpText(): string {
  const rows = OPTIONS.filter((each) => each.hidden !== true).map((each) => {
    const placeholder =
      each.placeholder === undefined
        ? ''
        : each.argument === 'optional'
          ? ` [${each.placeholder}]`
          : ` ${each.placeholder}`;
    return [`  ${each.names.join(', ')}${placeholder}`, each.doc] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return `ktap runs a script on events of the kernel.

usage: ktap [options] FILE [arguments] [-- command arguments]
       ktap [options] -e SCRIPT [arguments] [-- command arguments]
       ktap [options] --record FILE --events EVENTDEF [-- command arguments]

options:
${rows.map(([left, doc]) => `${left.padEnd(width)}${doc}`).join('\n')}

examples:
  ktap -l 'sched:*'
        list the scheduler's events
  ktap -e 'trace syscalls:sys_enter_openat { print(execname(), argevent) }'
        each file that is opened, and by whom
  ktap -e 's = {} trace syscalls:sys_enter_* { s[argname] += 1 } trace_end { histogram(s) }' -- ls -R /etc
        the system calls of a command, by name
  ktap -e 'trace sched:sched_switch { s[args.next_comm] += 1 } s = {} tick-1s { histogram(s) delete(s) }'
        who gets a CPU, each second
  ktap --record trace.dat --events 'sched:*,syscalls:sys_enter_*' -- make
        record the events of a command, for later questions
  ktap --replay trace.dat script.kp
        ask a recording, on any machine and without rights

exit status: 0, what exit() was given, 1 for an error, 2 for a wrong command line, 3 for losses with --strict, else the
status of the command (128 + signal).
`;
}
