// Which events of a recording the trace blocks mean. A recording carries the formats of whole systems, so an event can be
// known of which there is no record.

import { compileFilter, type FilterContext, type FilterText } from '../events/filter.js';
import type { EventFormat } from '../events/format.js';
import { FormatError, parseFormat } from '../events/format-parser.js';
import { globMatcher, isGlob } from '../events/glob.js';
import { nearestNames } from '../events/nearest-names.js';
import { definitionError, type PlacedDefinition } from '../events/providers/provider.js';
import type { BoundEvent, RecordPredicate, TraceRequest } from '../events/source.js';
import { errorAt, KtapError } from '../language/diagnostics.js';
import { KIND_NAMES } from '../language/event-definition.js';
import { recordedProbe } from './recorded-probes.js';
import type { RecordedFormat } from './trace-dat/sections.js';
import type { ProbeNames } from './trace-dat-writer.js';

/** An event that blocks want, while the blocks are gone through. */
interface Wanted {
  readonly format: EventFormat;
  readonly blocks: number[];
  readonly filters: (RecordPredicate | undefined)[];
}

export class RecordedEvents {
  private readonly recorded: readonly RecordedFormat[];
  private readonly parsed = new Map<RecordedFormat, EventFormat>();
  /** Formats that cannot be understood, and why. */
  readonly broken = new Map<string, string>();

  /** What scripts call the probes of ktap's own recordings. */
  private readonly probes: readonly ProbeNames[];

  constructor(recorded: readonly RecordedFormat[], probes: readonly ProbeNames[] = []) {
    this.recorded = recorded;
    this.probes = probes;
  }

  /** The format of an event by its two names; undefined where the recording does not have it or it is broken. */
  format(system: string, name: string): EventFormat | undefined {
    const found = this.recorded.find((each) => each.system === system && each.name === name);
    return found === undefined ? undefined : this.parse(found);
  }

  /** The format of an event by its id. */
  formatOf(id: number): EventFormat | undefined {
    const found = this.recorded.find((each) => each.id === id);
    return found === undefined ? undefined : this.parse(found);
  }

  /** `system:event` of all. */
  names(): string[] {
    return this.recorded.map(({ system, name }) => `${system}:${name}`);
  }

  /** Finds the events of all blocks, by id. Throws KtapError at the first definition that means nothing. */
  bind(requests: readonly TraceRequest[], context: FilterContext): Map<number, BoundEvent> {
    const wanted = new Map<number, Wanted>();
    for (const request of requests) {
      for (const definition of request.definitions) {
        const placed: PlacedDefinition = { definition, source: request.source, span: request.span };
        this.add(wanted, request.block, this.find(placed), filterOf(placed), context);
      }
      for (const id of request.ids ?? []) {
        const format = this.formatOf(id);
        if (format === undefined) {
          throw errorAt(request.source, request.span, `the recording has no event with the id ${id}`);
        }
        const { filter, source, span } = request;
        const text = filter === undefined ? undefined : { text: filter, source, span, exact: false };
        this.add(wanted, request.block, [format], text, context);
      }
    }
    const bound = new Map<number, BoundEvent>();
    for (const [id, { format, blocks, filters }] of wanted) {
      const filtered = filters.some((filter) => filter !== undefined);
      const name = this.probes.find((probe) => isOf(probe, format))?.name ?? format.name;
      bound.set(id, { format, blocks, name, ...(filtered ? { filters } : {}) });
    }
    return bound;
  }

  /** A filter that fits some events of a glob leaves the others out; one that fits none is an error. */
  private add(
    wanted: Map<number, Wanted>,
    block: number,
    formats: readonly EventFormat[],
    filter: FilterText | undefined,
    context: FilterContext,
  ): void {
    let refused: KtapError | undefined;
    let fitting = 0;
    for (const format of formats) {
      let predicate: RecordPredicate | undefined;
      try {
        if (filter !== undefined) predicate = compileFilter(filter, format, context);
      } catch (error) {
        if (!(error instanceof KtapError)) throw error;
        refused ??= error;
        continue;
      }
      fitting++;
      let found = wanted.get(format.id);
      if (found === undefined) {
        found = { format, blocks: [], filters: [] };
        wanted.set(format.id, found);
      }
      // Two definitions of a block can mean the same event; they have the same filter.
      if (found.blocks.at(-1) === block) continue;
      found.blocks.push(block);
      found.filters.push(predicate);
    }
    if (fitting === 0 && refused !== undefined) throw refused;
  }

  private find(placed: PlacedDefinition): EventFormat[] {
    const { kind, text, filter } = placed.definition;
    if (kind === 'function' && (filter ?? '') === '') {
      const format = this.format('ftrace', 'function');
      if (format !== undefined) return [format];
    }
    if (kind !== 'tracepoint') return this.findProbes(placed);
    const { system = '*', event = '*' } = placed.definition;
    const systemMatches = globMatcher(system);
    const eventMatches = globMatcher(event);
    // The tracers' own records are meant only when they are named.
    const ftraceToo = !isGlob(system);
    const found = this.recorded.filter(
      (each) => systemMatches(each.system) && eventMatches(each.name) && (ftraceToo || each.system !== 'ftrace'),
    );
    const formats = found.flatMap((each) => this.parse(each) ?? []);
    if (formats.length > 0) return formats;
    if (found.length > 0) {
      throw definitionError(
        placed,
        `the format of ${text} in the recording is damaged: ${[...this.broken.values()][0]}`,
      );
    }
    const what = isGlob(system) || isGlob(event) ? 'no event of the recording matches' : 'the recording has no event';
    throw definitionError(placed, `${what} ${text}`, this.suggestion(`${system}:${event}`));
  }

  /** Probes that were recorded. */
  private findProbes(placed: PlacedDefinition): EventFormat[] {
    const { definition } = placed;
    const own = this.probes.filter(({ title }) => title === definition.text);
    const ownFormats = own.flatMap((probe) => this.format(probe.system, probe.event) ?? []);
    if (ownFormats.length > 0) return ownFormats;
    const matches = recordedProbe(definition);
    const found = this.recorded.filter(({ system, name }) => matches?.(system, name) === true);
    const formats = found.flatMap((each) => this.parse(each) ?? []);
    if (formats.length === 0) {
      const hint = 'a recording holds only the events that were recorded; name them as system:event';
      throw definitionError(
        placed,
        `${KIND_NAMES[definition.kind]} cannot be traced in a recording`,
        `${hint}; ${this.suggestion(definition.symbol ?? definition.text)}`,
      );
    }
    if (definition.args !== '') {
      const names = formats[0]!.fields.filter(({ common }) => !common).map(({ name }) => name);
      const hint = `leave the arguments away; its fields are ${names.join(', ')}`;
      throw definitionError(placed, 'a recorded probe has the arguments that it was recorded with', hint);
    }
    return formats;
  }

  private suggestion(wanted: string): string {
    const titles = this.probes.map(({ title }) => title);
    const own = this.recorded.filter(
      (each) => each.system !== 'ftrace' && !this.probes.some((probe) => isOf(probe, each)),
    );
    if (own.length === 0 && titles.length > 0) return `the recording has ${titles.join(', ')}`;
    if (own.length === 0) return 'the recording has no events but those of the tracers, ftrace:…';
    const nearest = nearestNames(
      wanted,
      own.map(({ system, name }) => `${system}:${name}`),
      3,
    );
    const counts = new Map<string, number>();
    for (const { system } of own) counts.set(system, (counts.get(system) ?? 0) + 1);
    const systems = [...titles, ...[...counts].map(([system, count]) => `${system}:* (${count})`)];
    return `the nearest names: ${nearest.join(', ')}; the recording knows ${systems.join(', ')}`;
  }

  private parse(recorded: RecordedFormat): EventFormat | undefined {
    let format = this.parsed.get(recorded);
    if (format !== undefined) return format;
    const name = `${recorded.system}:${recorded.name}`;
    if (this.broken.has(name)) return undefined;
    try {
      format = parseFormat(recorded.text, recorded.system);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.broken.set(name, error.message);
      return undefined;
    }
    this.parsed.set(recorded, format);
    return format;
  }
}

function isOf(probe: ProbeNames, { system, name }: { readonly system: string; readonly name: string }): boolean {
  return probe.system === system && probe.event === name;
}

/** The filter of a definition with its place, without surrounding white space. */
function filterOf({ definition, source, span }: PlacedDefinition): FilterText | undefined {
  const { filter, filterOffset } = definition;
  const text = filter?.trim() ?? '';
  if (text === '') return undefined;
  if (filterOffset === undefined) return { text, source, span, exact: false };
  const start = span.start + filterOffset + filter!.indexOf(text);
  return { text, source, span: { start, end: start + text.length }, exact: true };
}
