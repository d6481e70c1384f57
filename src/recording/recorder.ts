// Records live events as trace.dat: gathers what the file says beside the records, and gives the raw sub-buffers on to the
// writer. A second buffer, `ktap-tasks`, tells of new tasks and renames while the recording ran, and begins with the tasks
// that were there before, so that names and thread groups are right at each moment when it is replayed.

import { readdirSync, readFileSync } from 'node:fs';
import { hostname, machine, release } from 'node:os';
import type { EventName } from '../events/event-catalogue.js';
import type { EventFormat } from '../events/format.js';
import { parseFormat } from '../events/format-parser.js';
import type { EventRecorder, FirstTask, RecordedTrace } from '../events/recorder.js';
import { PageJoiner } from './page-joiner.js';
import { TASK_BUFFER } from './recorded-tasks.js';
import { type FileForm, type RecordingMetadata, TraceDatWriter } from './trace-dat-writer.js';

export interface RecorderOptions extends FileForm {
  readonly path: string;
  /** Only the raw stream is wanted. */
  readonly only: boolean;
  /** Name of this program. */
  readonly recorder: string;
}

const CLONE_THREAD = 0x10000n;
/** A print fmt or a field that is shown as a kernel symbol. */
const SHOWS_SYMBOLS =
  /%p[sSfFB]|^name: (?:function|funcgraph_entry|kernel_stack|bprint|bputs)$|\bunsigned long __probe_/m;

export class TraceDatRecorder implements EventRecorder {
  readonly only: boolean;
  private readonly options: RecorderOptions;
  private trace: RecordedTrace | undefined;
  private writer: TraceDatWriter | undefined;
  private events: PageJoiner[] = [];
  private tasks: PageJoiner[] = [];
  private tasksBuffer = 0;

  constructor(options: RecorderOptions) {
    this.options = options;
    this.only = options.only;
  }

  begin(trace: RecordedTrace): void {
    const { path, version, compression } = this.options;
    const { instance, layout } = trace;
    const cpuCount = Math.max(...instance.cpus) + 1;
    const writer = new TraceDatWriter(path, cpuCount, instance.subBufferBytes, { version, compression });
    this.trace = trace;
    this.writer = writer;
    this.tasksBuffer = writer.addBuffer(TASK_BUFFER);
    const joiners = (buffer: number): PageJoiner[] =>
      Array.from(
        { length: cpuCount },
        (_, cpu) => new PageJoiner(layout, instance.subBufferBytes, (page) => writer.append(cpu, page, buffer)),
      );
    this.events = joiners(0);
    this.tasks = joiners(this.tasksBuffer);
    const format = trace.taskEvents.find(({ event }) => event === 'task_newtask');
    if (format !== undefined) this.appendFirstTasks(parseFormat(this.formatText(format), format.system), trace);
  }

  append(cpu: number, subBuffer: Uint8Array): void {
    this.events[cpu]!.append(subBuffer);
  }

  appendTasks(cpu: number, subBuffer: Uint8Array): void {
    this.tasks[cpu]!.append(subBuffer);
  }

  finish(): string {
    const { writer, trace } = this;
    if (writer === undefined || trace === undefined) return '';
    for (const joiner of [...this.events, ...this.tasks]) joiner.flush();
    const metadata = this.metadata(trace);
    const size = writer.finish(metadata);
    this.writer = undefined;
    let events = 0;
    for (const text of metadata.cpuStatistics ?? []) {
      for (const [, count] of text.matchAll(/^(?:entries|read events): (\d+)$/gm)) events += Number(count);
    }
    return `${events} events recorded in ${this.options.path} (${(size / 2 ** 20).toFixed(1)} MiB)`;
  }

  abandon(): void {
    this.writer?.abandon();
    this.writer = undefined;
  }

  /**
   * Writes a record of task_newtask for each task that was there when tracing began, all at that time and on CPU 0: its
   * creator stands for the thread group.
   */
  private appendFirstTasks(format: EventFormat, { firstTasks, layout, instance, start }: RecordedTrace): void {
    const length =
      Math.ceil(format.fields.reduce((most, field) => Math.max(most, field.offset + field.size), 0) / 4) * 4;
    const field = (name: string): number => format.fields.find((each) => each.name === name)!.offset;
    const places = { pid: field('pid'), comm: field('comm'), flags: field('clone_flags') };
    const record = ({ tid, comm, pid }: FirstTask): Uint8Array => {
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      view.setUint16(0, format.id, true);
      view.setInt32(4, pid, true);
      view.setInt32(places.pid, tid, true);
      view.setBigUint64(places.flags, pid === tid ? 0n : CLONE_THREAD, true);
      bytes.set(Buffer.from(comm.slice(0, 15), 'latin1'), places.comm);
      return bytes;
    };
    const page = new Uint8Array(instance.subBufferBytes);
    const view = new DataView(page.buffer);
    view.setBigUint64(layout.timeStampOffset, start, true);
    let end = layout.dataOffset;
    const flush = (): void => {
      view.setUint32(layout.commitOffset, end - layout.dataOffset, true);
      if (end > layout.dataOffset) this.appendTasks(0, page.subarray(0, page.length));
      end = layout.dataOffset;
    };
    for (const task of firstTasks()) {
      if (end + 4 + length > page.length) flush();
      // Type: length in words; no time passes.
      view.setUint32(end, length >>> 2, true);
      page.set(record(task), end + 4);
      end += 4 + length;
    }
    flush();
  }

  private formatText({ system, event }: EventName): string {
    return this.trace!.tracefs.read(`events/${system}/${event}/format`);
  }

  private metadata(trace: RecordedTrace): RecordingMetadata {
    const { tracefs, instance } = trace;
    const formats = new Map<string, string[]>([['ftrace', this.ftraceFormats()]]);
    const add = (system: string, text: string): void => {
      const known = formats.get(system);
      if (known === undefined) formats.set(system, [text]);
      else known.push(text);
    };
    for (const name of trace.events) add(name.system, this.formatText(name));
    for (const name of trace.taskEvents) add(TASK_BUFFER, this.formatText(name));
    const cmdlines = new Map(savedNames(tracefs.tryRead('saved_cmdlines')));
    for (const [tid, comm] of trace.taskNames()) cmdlines.set(tid, comm);
    const cpuStatistics = Array.from(
      { length: this.events.length },
      (_, cpu) => instance.folder.tryRead(`per_cpu/cpu${cpu}/stats`) ?? '',
    );
    const shown = [...formats].some(([system, texts]) => system !== 'ftrace' && SHOWS_SYMBOLS.test(texts.join('')));
    return {
      headerPage: tracefs.read('events/header_page'),
      headerEvent: tracefs.read('events/header_event'),
      formats,
      ...(shown ? { kallsyms: readFileSync('/proc/kallsyms') } : {}),
      printkFormats: tracefs.tryRead('printk_formats') ?? '',
      cmdlines,
      clock: 'mono',
      uname: `Linux ${hostname()} ${release()} ${machine()}`,
      wallClockOffset: trace.wallClockOffset,
      cpuStatistics,
      recorder: this.options.recorder,
      probes: trace.events.flatMap(({ system, event, title, name = event }) =>
        title === undefined ? [] : [{ system, event, title, name }],
      ),
    };
  }

  private ftraceFormats(): string[] {
    const { tracefs } = this.trace!;
    return readdirSync(`${tracefs.path}/events/ftrace`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => tracefs.read(`events/ftrace/${name}/format`));
  }
}

/** The lines of saved_cmdlines. */
function* savedNames(text: string | undefined): Iterable<readonly [number, string]> {
  for (const [, tid, comm] of (text ?? '').matchAll(/^(\d+) (.*)$/gm)) yield [Number(tid), comm!];
}
