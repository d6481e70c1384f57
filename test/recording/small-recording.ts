// Makes small recordings for tests: two made-up events, written by the project's own writer, and runs them to their end.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventSource } from '../../src/events/source.js';
import type { EventDefinition } from '../../src/language/event-definition.js';
import type { BufferMemory } from '../../src/recording/cpu-streams.js';
import { openRecording, type RecordingSelection, type RecordingSource } from '../../src/recording/recording-source.js';
import { type FileForm, type RecordingMetadata, TraceDatWriter } from '../../src/recording/trace-dat-writer.js';
import type { TestMemory } from '../events/sub-buffers.js';

const COMMON =
  '\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n' +
  '\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n' +
  '\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n' +
  '\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n';

/** Event 300, `test:number`: one field `value`. */
export const NUMBER_FORMAT = `name: number\nID: 300\nformat:\n${COMMON}\tfield:unsigned int value;\toffset:8;\tsize:4;\tsigned:0;\n\nprint fmt: "value=%u", REC->value\n`;
/** Event 301, `test:text`: a fixed and a dynamic text. */
export const TEXT_FORMAT = `name: text\nID: 301\nformat:\n${COMMON}\tfield:char fixed[8];\toffset:8;\tsize:8;\tsigned:0;\n\tfield:__data_loc char[] loose;\toffset:16;\tsize:4;\tsigned:0;\n\nprint fmt: "fixed=%s loose=%s", REC->fixed, __get_str(loose)\n`;

export const HEADER_PAGE =
  '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n' +
  '\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n';

export const METADATA: RecordingMetadata = {
  headerPage: HEADER_PAGE,
  headerEvent: '# compressed entry header\n',
  formats: new Map([
    ['ftrace', []],
    ['test', [NUMBER_FORMAT, TEXT_FORMAT]],
  ]),
  cmdlines: new Map([
    [1, 'init'],
    [20, 'a name'],
  ]),
  clock: 'mono',
  uname: 'Linux host 6.1.0-test x86_64',
};

/** A record of test:text. */
export function textRecord(pid: number, fixed: string, loose: string): Uint8Array {
  const bytes = new Uint8Array(20 + loose.length + 1);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 301, true);
  view.setInt32(4, pid, true);
  bytes.set(Buffer.from(fixed, 'latin1').subarray(0, 8), 8);
  view.setUint32(16, 20 | ((loose.length + 1) << 16), true);
  bytes.set(Buffer.from(loose, 'latin1'), 20);
  return bytes;
}

/** A folder for the files of one test file; removed at exit. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ktap-recording-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a recording with the given sub-buffers of each CPU; answers its bytes. */
export function writeRecording(
  path: string,
  cpus: readonly (readonly Uint8Array[])[],
  subBufferSize = 1024,
  metadata: RecordingMetadata = METADATA,
  form?: FileForm,
): Uint8Array {
  const writer = new TraceDatWriter(path, cpus.length, subBufferSize, form);
  for (const [cpu, pages] of cpus.entries()) for (const page of pages) writer.append(cpu, page);
  writer.finish(metadata);
  return new Uint8Array(readFileSync(path));
}

/** The definition of a tracepoint in a block whose whole text it is. */
export function tracepoint(text: string): { definition: EventDefinition; source: { name: string; text: string } } {
  const [, name = '', filter] = /^(\S+)(?:\s*\/(.*)\/)?$/s.exec(text)!;
  const [system = '', event = ''] = name.split(':');
  const definition: EventDefinition = {
    kind: 'tracepoint',
    text: name,
    offset: 0,
    system,
    event,
    args: '',
    ...(filter === undefined ? {} : { filter, filterOffset: text.indexOf('/') + 1 }),
  };
  return { definition, source: { name: '-e', text } };
}

export interface Handled {
  readonly block: number;
  readonly event: string;
  readonly cpu: number;
  readonly time: number;
  readonly tid: number;
  readonly comm: string;
  readonly pid: number;
  readonly text: string;
}

/** Attaches a block for each definition text. */
export function attach(source: EventSource, ...texts: readonly string[]): void {
  source.attach(
    texts.map((text, block) => {
      const { definition, source } = tracepoint(text);
      return { block, definitions: [definition], source, span: { start: 0, end: text.length } };
    }),
  );
}

/** Hands out all records as a session does. */
export function run(source: EventSource, { memory }: BufferMemory): Handled[] {
  const handled: Handled[] = [];
  source.start();
  while (!source.ended) {
    const cursor = source.poll(false);
    while (cursor.next()) {
      const event = source.eventOf(cursor.id);
      for (const [index, block] of (event?.blocks ?? []).entries()) {
        const filter = event!.filters?.[index];
        if (filter !== undefined && !filter(cursor.address, cursor.length)) continue;
        const tid = memory.i32[(cursor.address + 4) >>> 2]!;
        handled.push({
          block,
          event: event!.name,
          cpu: cursor.cpu,
          time: cursor.time,
          tid,
          comm: source.commOf(tid, cursor.time),
          pid: source.pidOf(tid, cursor.time),
          text: source.textOf(event!, cursor.address, cursor.length),
        });
      }
    }
  }
  return handled;
}

/** Opens, attaches, runs and closes. */
export function replay(
  path: string,
  memory: TestMemory,
  texts: readonly string[],
  selection: RecordingSelection = {},
): { handled: Handled[]; source: RecordingSource } {
  const source = openRecording(path, memory, selection);
  try {
    attach(source, ...texts);
    return { handled: run(source, memory), source };
  } finally {
    source.close();
  }
}
