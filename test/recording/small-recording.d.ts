import type { EventDefinition } from '../../src/language/event-definition.js';
import type { BufferMemory } from '../../src/recording/cpu-streams.js';
import { type RecordingSelection, type RecordingSource } from '../../src/recording/recording-source.js';
import { type RecordingMetadata } from '../../src/recording/trace-dat-writer.js';
import type { TestMemory } from '../events/sub-buffers.js';
/** Event 300, `test:number`: one field `value`. */
export declare const NUMBER_FORMAT =
  'name: number\nID: 300\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\tfield:unsigned int value;\toffset:8;\tsize:4;\tsigned:0;\n\nprint fmt: "value=%u", REC->value\n';
/** Event 301, `test:text`: a fixed and a dynamic text. */
export declare const TEXT_FORMAT =
  'name: text\nID: 301\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\tfield:char fixed[8];\toffset:8;\tsize:8;\tsigned:0;\n\tfield:__data_loc char[] loose;\toffset:16;\tsize:4;\tsigned:0;\n\nprint fmt: "fixed=%s loose=%s", REC->fixed, __get_str(loose)\n';
export declare const HEADER_PAGE: string;
export declare const METADATA: RecordingMetadata;
/** A record of test:text. */
export declare function textRecord(pid: number, fixed: string, loose: string): Uint8Array;
/** A folder for the files of one test file; removed at exit. */
export declare function temporaryFolder(): string;
/** Writes a recording with the given sub-buffers of each CPU; answers its bytes. */
export declare function writeRecording(
  path: string,
  cpus: readonly (readonly Uint8Array[])[],
  subBufferSize?: number,
  metadata?: RecordingMetadata,
): Uint8Array;
/** The definition of a tracepoint in a block whose whole text it is. */
export declare function tracepoint(text: string): {
  definition: EventDefinition;
  source: {
    name: string;
    text: string;
  };
};
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
export declare function attach(source: RecordingSource, ...texts: readonly string[]): void;
/** Hands out all records as a session does. */
export declare function run(source: RecordingSource, { memory }: BufferMemory): Handled[];
/** Opens, attaches, runs and closes. */
export declare function replay(
  path: string,
  memory: TestMemory,
  texts: readonly string[],
  selection?: RecordingSelection,
): {
  handled: Handled[];
  source: RecordingSource;
};
