// The command line: what it accepts, what it refuses and how it says so.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ktap } from '../support.js';

const refused: readonly (readonly [readonly string[], string])[] = [
  [[], 'ktap: no script: give a file, -e SCRIPT, or - for standard input (ktap -h shows examples)\n'],
  [['--wat'], 'ktap: unknown option --wat (ktap -h lists them)\n'],
  [['-x'], 'ktap: unknown option -x (ktap -h lists them)\n'],
  [['-e'], 'ktap: -e needs SCRIPT\n'],
  [['-p', 'one', '-e', ''], 'ktap: -p needs a number, not "one"\n'],
  [['-q', '-v', '-e', 'print(1)'], 'ktap: -q and -v cannot be given together\n'],
  [['-e', 'print(1)', '-e', 'print(2)'], 'ktap: -e is given twice\n'],
  [['-e', 'print(1)', '-s', 'sched:*'], 'ktap: -e and -s cannot be given together\n'],
  [['-b', '--compile', 'x.kpc', '-e', 'print(1)'], 'ktap: -b and --compile cannot be given together\n'],
  [['-e', 'print(1)', '-p', '1', '--', 'true'], 'ktap: -p and -- command cannot be given together\n'],
  [['-e', 'print(1)', '--'], 'ktap: -- needs a command behind it\n'],
  [['--max-memory', 'much', '-e', ''], 'ktap: --max-memory needs a size such as 64M, not "much"\n'],
  [['--dialect', '0.6', '-e', ''], 'ktap: --dialect is 0.4 or 0.5, not "0.6"\n'],
  [['--replay', '-', '-'], 'ktap: the script and the recording cannot both come from standard input\n'],
  [['--events', 'sched:*'], 'ktap: --events needs --record FILE\n'],
  [['--record', 'x', '--replay', 'y', '-e', ''], 'ktap: --replay and --record cannot be given together\n'],
  [['--record', 'x'], 'ktap: no script: give a file, -e SCRIPT, or - for standard input (ktap -h shows examples)\n'],
  [['--record', 'x', '--file-version', '5', '-e', ''], 'ktap: --file-version is 6 or 7, not "5"\n'],
  [['--record', 'x', '--compression', 'zlib', '-e', ''], 'ktap: --compression zlib needs --file-version 7\n'],
  [['--buffer-size', '1K', '-e', ''], 'ktap: --buffer-size must be between 64K and 64G, not 1K\n'],
  [['--clean', 'x.kp'], 'ktap: --clean runs no script, so "x.kp" has no place\n'],
];

for (const [args, message] of refused) {
  test(`ktap ${args.join(' ')}: one line, status 2`, async () => {
    const { status, stdout, stderr } = await ktap(args);
    assert.is(stdout, '');
    assert.is(stderr, message);
    assert.is(status, 2);
  });
}

test('-e runs a text, with arguments behind it', async () => {
  const { status, stdout } = await ktap(['-e', 'print(arg[0], arg[1], arg[2], type(arg[2]))', 'a', '0x10']);
  assert.is(stdout, '-e\ta\t16\tnumber\n');
  assert.is(status, 0);
});

test('- reads the script from standard input', async () => {
  const { stdout } = await ktap(['-', 'x'], { input: 'print("in", arg[1])\n' });
  assert.is(stdout, 'in\tx\n');
});

test('options behind the script belong to the script', async () => {
  const { stdout } = await ktap(['-', '-q', '--wat'], { input: 'print(arg[1], arg[2])' });
  assert.is(stdout, '-q\t--wat\n');
});

test('-V prints the version, -h the options and examples', async () => {
  assert.match((await ktap(['-V'])).stdout, /^ktap \d+\.\d+\.\d+\n$/);
  const help = (await ktap(['-h'])).stdout;
  assert.match(help, '--replay FILE');
  assert.match(help, 'examples:');
});

test('exit(n) is the exit status', async () => {
  assert.is((await ktap(['-e', 'exit(7)'])).status, 7);
  assert.is((await ktap(['-e', 'exit(263)'])).status, 7);
  assert.is((await ktap(['-e', 'trace_end { print("end") } exit()'])).stdout, 'end\n');
});

test('--dump-bytecode prints the functions and runs nothing', async () => {
  const { status, stdout } = await ktap(['--dump-bytecode', '-e', 'function f(a) { return a + 1 } print(f(1))']);
  assert.is(status, 0);
  assert.match(stdout, 'ADD');
  assert.match(stdout, 'CLOSURE');
  assert.not.match(stdout, /^2$/m);
});

test('--help-builtins explains one, or lists all', async () => {
  assert.match((await ktap(['--help-builtins', 'strfind'])).stdout, 'strfind(s, sub');
  assert.match((await ktap(['--help-builtins'])).stdout, 'histogram');
});

test('--stats goes to standard error', async () => {
  const { stdout, stderr } = await ktap(['--stats', '-e', 'print(1)']);
  assert.is(stdout, '1\n');
  assert.match(stderr, 'heap');
});

test.run();
