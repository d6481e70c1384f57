// The events of a perf.data as scripts see them. A tracepoint is the tracepoint: its samples carry its record. Any other
// event (cpu-clock, cycles, page-faults) is an event of the system `perf`, with a format made up here whose fields lie in
// the sample itself. So that a sample can stand for a record, its header, which nobody needs any more, is overwritten with
// the common fields when it is handed out; both have 8 bytes.

import { EventType } from '../../events/perf/abi.js';
import type { RecordedFormat } from '../trace-dat/sections.js';
import { type RecordedAttribute, type SampleLayout, sampleLayout } from './attributes.js';
import type { Description } from './description.js';

/** The system of events that are no tracepoints. */
export const SAMPLE_SYSTEM = 'perf';

export interface PerfEvent {
  /** Id of its records (common_type), no other event of the file has it. */
  readonly id: number;
  readonly layout: SampleLayout;
  /** Its samples carry a record (RAW); else the sample is the record. */
  readonly carriesRecord: boolean;
}

/** Ids up to here are looked up in an array. */
const DENSE_IDS = 1 << 20;

export class EventTable {
  /** In the order of the file's attributes. */
  readonly events: readonly PerfEvent[];
  /** Ids of the events whose samples measure time: of cpu-clock, task-clock or, where there is neither, cycles. */
  readonly clocks: readonly number[];
  /** What scripts can name. */
  readonly formats: readonly RecordedFormat[];
  /** Offset of the id in a sample; -1 where samples have none. */
  readonly idOffset: number;
  /** The ends of other records are not all alike; their last part is the id. */
  readonly trailersDiffer: boolean;
  private readonly dense: Int32Array;
  private readonly sparse = new Map<bigint, number>();

  constructor(description: Description) {
    const { attributes } = description;
    const described = new Map(description.formats.map((format) => [format.id, format]));
    const formats = new Map<number, RecordedFormat>();
    let nextId = 1;
    this.events = attributes.map((attribute) => {
      const layout = sampleLayout(attribute);
      const tracepoint = attribute.type === EventType.TRACEPOINT;
      // The kernel's number of a tracepoint is the id of its format.
      let format = tracepoint ? described.get(Number(attribute.config)) : undefined;
      if (format === undefined) {
        while (described.has(nextId)) nextId++;
        format = sampleFormat(nextId++, attribute, layout);
      }
      formats.set(format.id, format);
      return { id: format.id, layout, carriesRecord: layout.raw && tracepoint };
    });
    this.formats = [...formats.values()];
    const idsOf = (type: number, configs: readonly bigint[]): number[] =>
      this.events
        .filter((_, index) => {
          const attribute = attributes[index]!;
          return attribute.type === type && configs.includes(attribute.config & 0xffffffffn);
        })
        .map(({ id }) => id);
    const clocks = idsOf(EventType.SOFTWARE, [0n, 1n]);
    this.clocks = clocks.length > 0 ? clocks : idsOf(EventType.HARDWARE, [0n]);

    const { layout } = this.events[0]!;
    this.idOffset = layout.identifier >= 0 ? layout.identifier : layout.id;
    const { trailer } = layout;
    this.trailersDiffer =
      trailer?.id === -8 && this.events.some((event) => event.layout.trailer?.size !== trailer.size);
    const ids = attributes.flatMap((attribute) => attribute.ids);
    const largest = ids.reduce((most, id) => (id > most && id < DENSE_IDS ? id : most), 0n);
    this.dense = new Int32Array(Number(largest) + 1).fill(-1);
    for (const [index, attribute] of attributes.entries()) {
      for (const id of attribute.ids) {
        if (id < DENSE_IDS) this.dense[Number(id)] = index;
        else this.sparse.set(id, index);
      }
    }
  }

  /** Index of the event that an id belongs to, given as its two halves; -1: none. */
  indexOf(low: number, high: number): number {
    if (high === 0 && low < this.dense.length) return this.dense[low]!;
    return this.sparse.get((BigInt(high) << 32n) | BigInt(low)) ?? -1;
  }
}

/** The name of an event without perf's modifiers, as far as the name of an event can have it: `cycles:u` is `cycles`. */
function plainName(name: string): string {
  const inPmu = /^[^/]*\/(.*)\/[^/]*$/.exec(name);
  const words =
    inPmu === null ? name.replace(/:[^:]*$/, '') : (/(?:^|,)name=([^,]+)/.exec(inPmu[1]!)?.[1] ?? inPmu[1]!);
  const plain = words.replace(/[^A-Za-z0-9_.-]+/g, '_').replace(/^_|_$/g, '');
  return plain === '' ? 'event' : plain;
}

/** A format for an event whose samples carry no record, or whose record nobody described. */
function sampleFormat(id: number, attribute: RecordedAttribute, layout: SampleLayout): RecordedFormat {
  const { name } = attribute;
  const tracepoint = attribute.type === EventType.TRACEPOINT;
  const colon = tracepoint ? name.indexOf(':') : -1;
  const system = colon < 0 ? SAMPLE_SYSTEM : plainName(name.slice(0, colon));
  const fields = [
    'field:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;',
    'field:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;',
    'field:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;',
    'field:int common_pid;\toffset:4;\tsize:4;\tsigned:1;',
  ];
  const words: string[] = [];
  const values: string[] = [];
  const field = (type: string, of: string, offset: number, format: string): void => {
    if (offset < 0 || tracepoint) return;
    fields.push(`field:${type} ${of};\toffset:${offset};\tsize:8;\tsigned:0;`);
    words.push(`${of}=${format}`);
    values.push(`(${type === 'u64' ? 'unsigned long long' : 'void *'})REC->${of}`);
  };
  field('unsigned long', 'ip', layout.ip, '%pS');
  field('u64', 'period', layout.period, '%llu');
  field('unsigned long', 'addr', layout.addr, '%px');
  const print = [`"${words.join(' ')}"`, ...values].join(', ');
  const own = plainName(colon < 0 ? name : name.slice(colon + 1));
  const text = `name: ${own}\nID: ${id}\nformat:\n\t${fields.join('\n\t')}\n\nprint fmt: ${print}\n`;
  return { system, name: own, id, text };
}
