// What stays behind in tracefs: nothing, however a tracer ends; and what is said where tracefs cannot be used.
//
// Run with the argument `tracer`, this file is a tracer itself, to be killed.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite as makeSuite } from 'uvu';
import * as assert from 'uvu/assert';
import { ownerIsDead, removeLeftovers } from '../../src/events/cleanup.js';
import { openLive } from '../../src/events/live-source.js';
import { findTracefs, parseErrorLog } from '../../src/events/tracefs.js';
import { KtapError, renderDiagnostic } from '../../src/language/diagnostics.js';
import { testUnless, whyNoTracing } from '../support.js';
import { blocks, instancesOf, makeMemory, TRACEFS } from './live-support.js';

const [, , role, way] = process.argv;
if (role === 'tracer') {
  tracer();
} else {
  tests();
}

/** Traces until it is killed, or ends in its own way. */
function tracer(): void {
  try {
    const source = openLive(makeMemory());
    source.attach(blocks('sched:sched_switch', 'syscalls:sys_enter_*'));
    source.start();
    void source.wait(100);
  } catch (error) {
    if (!(error instanceof KtapError)) throw error;
    console.log(error.diagnostics.map(renderDiagnostic).join('\n'));
    return;
  }
  console.log('tracing');
  if (way === 'exit') process.exit(5);
  if (way === 'throw') throw new Error('nobody catches this');
  setInterval(() => {}, 1000);
}

interface Tracer {
  readonly pid: number;
  readonly ended: Promise<{ status: number | null; output: string }>;
  kill(): void;
}

/** Starts a tracer; resolves when it traces or has ended. */
function startTracer(way: string, options: { uid?: number } = {}): Promise<Tracer> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'tracer', way], {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...options,
  });
  let output = '';
  const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, output }));
  });
  const tracer: Tracer = { pid: child.pid!, ended, kill: () => void child.kill('SIGKILL') };
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('tracing')) resolve(tracer);
    });
    void ended.then(() => resolve(tracer));
  });
}

function tests(): void {
  const suite = makeSuite('clean-up');
  const reason = whyNoTracing();
  const live = (name: string, body: () => Promise<void> | void): void => testUnless(reason, suite, name, body);

  live('what a killed tracer left is removed at the next start or by --clean, and only that', async () => {
    const mine = openLive(makeMemory());
    mine.attach(blocks('sched:sched_switch'));
    const living = instancesOf();
    const other = `${TRACEFS}/instances/not-ktap-${process.pid}`;
    mkdirSync(other);
    try {
      const first = await startTracer('wait');
      const second = await startTracer('wait');
      first.kill();
      await first.ended;
      const left = instancesOf(first.pid);
      assert.ok(left.length > 0);
      assert.equal(removeLeftovers().sort(), left.sort());
      assert.equal(instancesOf(first.pid), []);
      assert.ok(instancesOf(second.pid).length > 0);

      second.kill();
      await second.ended;
      const third = await startTracer('exit');
      await third.ended;
      assert.equal(instancesOf(second.pid), []);
      assert.equal(instancesOf(), living);
      assert.ok(existsSync(other));
    } finally {
      rmdirSync(other);
      mine.close();
    }
    assert.equal(instancesOf(), []);
  });

  live('a tracer that exits, or dies of an exception, leaves nothing', async () => {
    for (const [way, status] of [
      ['exit', 5],
      ['throw', 1],
    ] as const) {
      const ended = await startTracer(way);
      assert.is((await ended.ended).status, status);
      assert.equal(instancesOf(ended.pid), [], way);
    }
  });

  live('an error while attaching leaves nothing', () => {
    const source = openLive(makeMemory());
    assert.throws(() => source.attach(blocks('sched:sched_switch /nofield == 1/')));
    source.close();
    assert.equal(instancesOf(), []);
  });

  suite('an instance belongs to a process by pid and start time', () => {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    assert.is(ownerIsDead(`ktap-${process.pid}-${start}-0`), false);
    // The pid is used again: the process that has it now began at another time.
    assert.is(ownerIsDead(`ktap-${process.pid}-${Number(start) - 1}-0`), true);
    assert.is(ownerIsDead(`ktap-${2 ** 22 + 1}-${start}-0`), true);
    // Names that no tracer of ours gives.
    for (const name of [
      'ktap',
      'ktap-1',
      `ktap-${2 ** 22 + 1}`,
      `other-${2 ** 22 + 1}-1-0`,
      `ktap-${2 ** 22 + 1}-1-0-x`,
    ])
      assert.is(ownerIsDead(name), false, name);
  });

  live('without rights the error names the file and what to do', async () => {
    const refused = await startTracer('wait', { uid: 65_534 });
    const { output } = await refused.ended;
    assert.match(output, /error: live tracing is not possible: no permission for \/sys\/kernel\/\S*tracing\/instances/);
    assert.match(output, /hint: run it as root/);
  });

  suite('tracefs that is not mounted is mounted, or the error says how', () => {
    const folder = mkdtempSync(`${tmpdir()}/ktap-tracefs-`);
    try {
      const failing = (): void => {
        throw new Error('mount: EPERM');
      };
      const message = (options: Parameters<typeof findTracefs>[0]): string => {
        try {
          findTracefs(options);
        } catch (error) {
          return (error as KtapError).diagnostics.map(renderDiagnostic).join('\n');
        }
        throw new Error('no error');
      };
      assert.is(
        message({ mountTable: '', usualPlace: folder, mount: failing }),
        `ktap: error: tracefs is not mounted, and mounting it on ${folder} failed (mount: EPERM)\n` +
          `hint: as root: mount -t tracefs tracefs ${folder}`,
      );
      assert.match(
        message({ mountTable: '', usualPlace: '/no/such/place' }),
        /this kernel has no tracefs: there is no folder/,
      );

      const mounted: string[] = [];
      const mount = (target: string): void => {
        mounted.push(target);
        mkdirSync(`${target}/instances`);
      };
      assert.is(findTracefs({ mountTable: '', usualPlace: folder, mount }), folder);
      assert.equal(mounted, [folder]);
      // Mounted elsewhere, under a name with a space.
      const other = `${folder}/a b`;
      mkdirSync(`${other}/instances`, { recursive: true });
      const mountTable = `proc /proc proc rw 0 0\nnone ${other.replace(' ', '\\040')} tracefs rw 0 0\n`;
      assert.is(findTracefs({ mountTable, usualPlace: folder }), other);
      assert.match(
        message({ mountTable: `none ${folder}/x tracefs rw 0 0\n`, usualPlace: folder }),
        /live tracing is not possible: this kernel has no .*\/x\/instances/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  suite('the last complaint of error_log', () => {
    const log = [
      '[ 1073.893380] event filter parse error: error: Field not found',
      '  Command: fd>100 && foo == 3',
      '                         ^',
      "[ 1073.894356] event filter parse error: error: Too many '('",
      '  Command: fd>100 && (fd == 3',
      '                     ^',
      '',
    ].join('\n');
    assert.equal(parseErrorLog(log), { message: "Too many '('", command: 'fd>100 && (fd == 3', column: 10 });
    assert.equal(parseErrorLog(log.slice(0, log.indexOf('[ 1073.894'))), {
      message: 'Field not found',
      command: 'fd>100 && foo == 3',
      column: 14,
    });
    assert.is(parseErrorLog(''), undefined);
  });

  suite.after(() => {
    if (reason === undefined)
      assert.equal(
        readdirSync(`${TRACEFS}/instances`).filter((name) => ownerIsDead(name)),
        [],
      );
  });
  suite.run();
}
