// Texts of events against the running kernel: the same records as its trace file prints them and as ktap does.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompiledEventText, compileEventTextWithReason } from '../../src/events/event-text.js';
import type { EventFormat } from '../../src/events/format.js';
import { liveTextEnvironment } from '../../src/events/kernel-facts.js';
import { run, testUnless, whyNoTracing } from '../support.js';
import { allFormats, type Capture, capture, TRACEFS } from './live-records.js';
import { aLittle, disks, everything } from './workload.js';

const test = suite('texts of live events');
const reason = whyNoTracing();

/** Events by name that were compared, with the number of records. */
const compared = new Map<string, number>();

/** Compares all records; answers the first difference of each event. */
function differences(captured: Capture, formats: ReadonlyMap<number, EventFormat>): string[] {
  const environment = liveTextEnvironment(TRACEFS);
  const texts = new Map<number, CompiledEventText>();
  const different = new Map<string, string>();
  for (const record of captured.records) {
    const format = formats.get(record.id);
    // Somebody else's probe, made since.
    if (format === undefined) continue;
    let compiled = texts.get(record.id);
    if (compiled === undefined) {
      compiled = compileEventTextWithReason(format, environment);
      texts.set(record.id, compiled);
      if (compiled.fallback !== undefined) console.log(`not compared: ${format.name}: ${compiled.fallback}`);
    }
    if (compiled.fallback !== undefined) continue;
    const name = `${format.system}:${format.name}`;
    let expected = record.kernelText;
    let text = compiled.text(captured.memory.u8, record.address, record.length);
    // An age is counted up to the moment of printing.
    if (/\bjiffies\b/.test(format.printFormat)) {
      expected = expected.replace(/age=\d+/, 'age');
      text = text.replace(/age=\d+/, 'age');
    }
    compared.set(name, (compared.get(name) ?? 0) + 1);
    if (text !== expected && !different.has(name))
      different.set(name, `${name}\n  kernel: ${expected}\n  ktap:   ${text}`);
  }
  return [...different.values()];
}

testUnless(reason, test, 'at least 150 different events, byte for byte', async () => {
  const formats = allFormats();
  // In rounds, so that what happens all the time does not push the rest out of the buffers.
  const present = (systems: string) =>
    systems
      .split(' ')
      .filter((system) => existsSync(`${TRACEFS}/events/${system}`))
      .map((system) => `${system}:*`);
  const busy = present('kmem rcu lock irq_vectors maple_tree');
  assert.equal(differences(await capture(['*:*'], busy, everything), formats), []);
  if (process.env.KTAP_TEST_DISKS !== undefined)
    assert.equal(
      differences(
        await capture(present('libata scsi block ext4 jbd2 module initcall nullb writeback power'), [], disks),
        allFormats(),
      ),
      [],
    );
  assert.equal(differences(await capture(busy, [], aLittle), formats), []);
  const records = [...compared.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${compared.size} different events, ${records} records compared:`);
  const names = [...compared].map(([name, count]) => `${name} ${count}`).sort();
  for (let at = 0; at < names.length; at += 4) console.log(`  ${names.slice(at, at + 4).join(', ')}`);
  assert.ok(compared.size >= 150, `${compared.size} different events`);
});

testUnless(reason, test, 'records of trace_marker and of stacks', async () => {
  const before = compared.size;
  let instance = '';
  const trigger = () => `${instance}/events/sched/sched_process_exec/trigger`;
  const captured = await capture(
    ['sched:sched_process_exec'],
    [],
    async () => {
      for (const text of ['a line\n', 'no newline', 'two\nlines\n', '%d is no directive\n'])
        writeFileSync(`${instance}/trace_marker`, text);
      writeFileSync(`${instance}/trace_marker_raw`, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]));
      await run('true', []);
      writeFileSync(trigger(), '!stacktrace\n');
    },
    {
      prepare(made) {
        instance = made;
        writeFileSync(trigger(), 'stacktrace\n');
      },
    },
  );
  assert.equal(differences(captured, allFormats()), []);
  assert.ok(compared.size >= before + 3);
});

testUnless(
  reason ?? (existsSync(`${TRACEFS}/uprobe_events`) ? undefined : 'this kernel has no uprobes'),
  test,
  'probes: places, types of arguments, strings that cannot be read',
  async () => {
    // Any place that every program passes: the entry point of the shell.
    const entry = entryPoint('/bin/sh');
    const group = `ktaptext${process.pid}`;
    // A type since Linux 6.2.
    const char = readFileSync(`${TRACEFS}/README`, 'latin1').includes(' char,') ? 'c=\\65:char ' : '';
    const definitions = [
      `p:${group}/entry /bin/sh:${entry} sp=%sp:x64 s=%sp:s32 u=%sp:u8 ${char}bits=%sp:b4@2/32 bytes=+0(%sp):x8[3] comm=$comm:string bad=+0(\\8):ustring`,
      `p:${group}/bare /bin/sh:${entry}`,
    ];
    const made: string[] = [];
    try {
      for (const definition of definitions) {
        appendFileSync(`${TRACEFS}/uprobe_events`, `${definition}\n`);
        made.push(definition);
      }
      const captured = await capture([`${group}:*`], [], async () => {
        await run('sh', ['-c', 'true']);
      });
      assert.ok(captured.records.length >= 2);
      assert.equal(differences(captured, allFormats()), []);
      assert.match(captured.records.map((record) => record.kernelText).join('\n'), /bad=\(fault\)/);
    } finally {
      for (const definition of made) {
        appendFileSync(`${TRACEFS}/uprobe_events`, `-:${definition.slice(2, definition.indexOf(' '))}\n`);
      }
    }
  },
);

testUnless(
  reason ?? (existsSync(`${TRACEFS}/kprobe_events`) ? undefined : 'this kernel has no kprobes'),
  test,
  'probes of kernel functions, event probes, and the function tracer',
  async () => {
    const group = `ktaptext${process.pid}`;
    const definitions = [
      `p:${group}/enter do_nanosleep mode=%si:x32 rate=$arg1:x64 comm=$comm:string place=@jiffies:u64 at=%ip:symbol`,
      `p:${group}/inside do_nanosleep+0`,
      `r:${group}/leave do_nanosleep ret=$retval:s32`,
      `p:${group}/open do_sys_openat2 dfd=$arg1:s32 name=+0($arg2):ustring`,
      `e:${group}/switched sched.sched_switch pid=$next_pid:s32 comm=$next_comm:string`,
    ];
    const made: string[] = [];
    try {
      for (const definition of definitions) {
        // Registers have other names on other processors; event probes are newer than some kernels.
        try {
          appendFileSync(
            `${TRACEFS}/dynamic_events`,
            `${definition.replace(/mode=%si:x32|at=%ip:symbol/g, process.arch === 'x64' ? '$&' : '')}\n`,
          );
          made.push(definition);
        } catch (error) {
          console.log(`not defined: ${definition}: ${error}`);
        }
      }
      assert.ok(made.length >= 4);
      const captured = await capture(
        [`${group}:*`],
        [],
        async () => {
          await run('sh', ['-c', 'sleep 0.01; cat /etc/hostname']);
        },
        {
          prepare(instance) {
            try {
              writeFileSync(`${instance}/set_ftrace_filter`, 'do_nanosleep\nvfs_open\n');
              // It stays until the instance goes: another one would empty the buffers.
              writeFileSync(`${instance}/current_tracer`, 'function');
            } catch {
              console.log('not compared: ftrace:function, which this kernel does not allow here');
            }
          },
        },
      );
      const before = compared.size;
      assert.equal(differences(captured, allFormats()), []);
      console.log(`${compared.size - before} events of probes and of the function tracer`);
      assert.ok(compared.size >= before + made.length);
    } finally {
      for (const definition of made)
        appendFileSync(`${TRACEFS}/dynamic_events`, `-:${definition.slice(2, definition.indexOf(' '))}\n`);
    }
  },
);

/** File offset of an ELF file's entry point, in hexadecimal. */
function entryPoint(path: string): string {
  const elf = readFileSync(path);
  const entry = elf.readBigUInt64LE(24);
  const headers = Number(elf.readBigUInt64LE(32));
  for (let i = 0; i < elf.readUInt16LE(56); i++) {
    const at = headers + i * elf.readUInt16LE(54);
    const start = elf.readBigUInt64LE(at + 16);
    if (elf.readUInt32LE(at) === 1 && entry >= start && entry < start + elf.readBigUInt64LE(at + 32))
      return `0x${(entry - start + elf.readBigUInt64LE(at + 8)).toString(16)}`;
  }
  throw new Error(`${path} has no entry point`);
}

/** What only a hypervisor's or a firmware's driver can spell: such events print their fields by name. */
const UNKNOWN = new Set([
  // spmi:spmi_cmd and emulation:instruction_emulation of arm64: print fmts that are wrong C.
  'unknown name ret',
  'unexpected %',
  ...[
    'cper_severity_str',
    'xen_hypercall_name',
    'pte_val',
    'pmd_val',
    'pud_val',
    'pgd_val',
    'p4d_val',
    'nullb_trace_disk_name',
  ].map((name) => `unknown function ${name}`),
]);

testUnless(reason, test, 'every other event: its print fmt formats a synthetic record', () => {
  const environment = liveTextEnvironment(TRACEFS);
  const memory = new Uint8Array(65_536);
  // Lengths and offsets of dynamic arrays stay inside the memory whatever they are; strings end.
  for (let at = 0; at < memory.length; at++) memory[at] = (at * 7) & 3;
  let count = 0;
  const fallbacks: string[] = [];
  for (const format of allFormats().values()) {
    const { text, fallback } = compileEventTextWithReason(format, environment);
    if (fallback !== undefined && !UNKNOWN.has(fallback))
      fallbacks.push(`${format.system}:${format.name}: ${fallback}`);
    for (const fill of [0, 1]) {
      const line = text(fill === 0 ? new Uint8Array(4096) : memory, fill * 4096, 512);
      assert.not.match(line, /undefined|NaN|\[object/, format.name);
      assert.not.match(line, /damaged record/, format.name);
    }
    count++;
  }
  console.log(`${count} events formatted`);
  assert.equal(fallbacks, []);
  assert.ok(count > 1000);
});

test.run();
