// The parts of a trace.dat that tell what the records mean: header layout, event formats, kernel symbols, trace_printk
// formats, task names. Versions 6 and 7 hold the same parts; in 6 they follow one another, in 7 each is a section.
//
// Source: trace-cmd's Documentation/trace-cmd/trace-cmd.dat.v6.5.txt and .v7.5.txt.

import { parseHeaderPage, type SubBufferLayout } from '../../events/ring-buffer.js';
import { DamageError, type FileReader } from './file-reader.js';

/** An event's format file. Parsed when it is needed: a recording can carry thousands. */
export interface RecordedFormat {
  readonly system: string;
  readonly name: string;
  readonly id: number;
  readonly text: string;
}

/** Something of the file that is read when it is needed. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

export interface HeaderInfo {
  readonly layout: SubBufferLayout;
}

/**
 *     "header_page\0"  u64 size  text of events/header_page
 *     "header_event\0" u64 size  text of events/header_event
 */
export function readHeaderInfo(file: FileReader): HeaderInfo {
  expect(file, 'header_page\0');
  const page = file.text(file.u64('the size of header_page'), 'header_page');
  expect(file, 'header_event\0');
  file.skip(file.u64('the size of header_event'), 'header_event');
  const layout = parseHeaderPage(page);
  if (layout === undefined) throw new DamageError('header_page does not describe a ring buffer', false);
  return { layout };
}

function expect(file: FileReader, word: string): void {
  const name = word.slice(0, -1);
  const found = file.text(word.length, name);
  if (found !== word) throw new DamageError(`there is no ${name} where it should be`, false);
}

/** `u32 count`, then per event `u64 size` and its format file. They belong to the system `ftrace`. */
export function readFtraceFormats(file: FileReader, formats: RecordedFormat[]): void {
  readFormats(file, 'ftrace', formats);
}

/** `u32 count`, then per system its name with a NUL and its events as above. */
export function readEventFormats(file: FileReader, formats: RecordedFormat[]): void {
  let systems = file.u32('the number of event systems');
  for (; systems > 0; systems--) readFormats(file, file.cString('the name of an event system'), formats);
}

function readFormats(file: FileReader, system: string, formats: RecordedFormat[]): void {
  let count = file.u32(`the number of events of ${system}`);
  for (; count > 0; count--) {
    const text = file.text(file.u64(`the size of an event format of ${system}`), `an event format of ${system}`);
    const name = /^name: (.+)$/m.exec(text)?.[1]?.trim();
    const id = Number(/^ID: (\d+)\s*$/m.exec(text)?.[1]);
    // One that says neither cannot be asked for; the others are still good.
    if (name !== undefined && id <= 0xffff) formats.push({ system, name, id, text });
  }
}

/** `u32 size`, then the text of /proc/kallsyms. */
export function readKallsyms(file: FileReader): Extent {
  return file.skip(file.u32('the size of the kernel symbols'), 'the kernel symbols');
}

/** `u32 size`, then the text of printk_formats. */
export function readPrintkFormats(file: FileReader): string {
  return file.text(file.u32('the size of the trace_printk formats'), 'the trace_printk formats');
}

/** `u64 size`, then the text of saved_cmdlines: lines of a task's number and its name. */
export function readCmdlines(file: FileReader): Map<number, string> {
  const text = file.text(file.u64('the size of the task names'), 'the task names');
  const names = new Map<number, string>();
  for (const [, tid, name] of text.matchAll(/^(\d+) (.*)$/gm)) names.set(Number(tid), name!);
  return names;
}
