// From trace blocks to enabled events: which kernel events the blocks mean, which blocks each event has, the kernel's
// filters, and switching all on with few writes.

import { errorAt, type Span } from '../language/diagnostics.js';
import { KIND_NAMES } from '../language/event-definition.js';
import type { EventCatalogue, EventName } from './event-catalogue.js';
import { splitName } from './event-catalogue.js';
import type { FilterText } from './filter.js';
import type { TracingInstance } from './instance.js';
import { PLACE_FIELD } from './probe-places.js';
import {
  definitionError,
  type KernelEvent,
  type PlacedDefinition,
  type Provider,
  type ProviderContext,
} from './providers/provider.js';
import type { TraceRequest } from './source.js';
import { explain, type KernelComplaint, parseErrorLog } from './tracefs.js';

/** A block's interest in an event. */
export interface EventUse {
  readonly block: number;
  readonly filter: FilterText | undefined;
}

/** A kernel event that blocks want. */
export interface AttachedEvent extends KernelEvent {
  readonly name: string;
  /** In program order, a block once. */
  readonly uses: EventUse[];
}

/** Finds the events of all blocks, by `system:event`. Throws KtapError at the first definition that means nothing. */
export function findEvents(
  requests: readonly TraceRequest[],
  providers: ReadonlyMap<string, Provider>,
  context: ProviderContext,
): Map<string, AttachedEvent> {
  const attached = new Map<string, AttachedEvent>();
  const attach = (event: KernelEvent, use: EventUse): void => {
    const key = `${event.system}:${event.event}`;
    let found = attached.get(key);
    if (found === undefined) {
      found = { ...event, name: event.name ?? event.event, uses: [] };
      attached.set(key, found);
    }
    if (found.uses.at(-1)?.block !== use.block) found.uses.push(use);
  };
  for (const request of requests) {
    const { block, source, span } = request;
    for (const definition of request.definitions) {
      const placed: PlacedDefinition = { definition, source, span };
      const provider = providers.get(definition.kind);
      if (provider === undefined) {
        const known = [...providers.keys()].map((kind) => KIND_NAMES[kind as keyof typeof KIND_NAMES]);
        throw definitionError(
          placed,
          `${KIND_NAMES[definition.kind]} cannot be traced yet`,
          `this version traces ${known.join(', ')}`,
        );
      }
      const use = { block, filter: placedFilter(placed) };
      for (const event of provider.find(placed, context)) attach(event, use);
    }
    for (const id of request.ids ?? []) {
      const event = eventById(id, context.catalogue);
      if (event === undefined) throw errorAt(source, span, `there is no event with the id ${id}`);
      const filter = request.filter === undefined ? undefined : { text: request.filter, source, span, exact: false };
      attach(event, { block, filter });
    }
  }
  return attached;
}

function placedFilter({ definition, source, span }: PlacedDefinition): FilterText | undefined {
  const { filter, filterOffset } = definition;
  if (filter === undefined || filter.trim() === '') return undefined;
  // Surrounding white space is left out, so that columns of the kernel's messages are columns of the script.
  const text = filter.trim();
  if (filterOffset === undefined) return { text, source, span, exact: false };
  const start = span.start + filterOffset + filter.indexOf(text);
  return { text, source, span: { start, end: start + text.length }, exact: true };
}

function eventById(id: number, catalogue: EventCatalogue): EventName | undefined {
  return catalogue.eventWithId(id, new Map(catalogue.names().map((name) => [name, splitName(name)])));
}

/** The different filters of an event's uses; undefined stands for a use without one. */
export function distinctFilters({ uses }: AttachedEvent): (string | undefined)[] {
  return [...new Set(uses.map(({ filter }) => filter?.text))];
}

/**
 * Gives the kernel the filters. Where an event has several, the kernel is given their union: the blocks' own are then to be
 * evaluated on each record. Throws KtapError at a filter that the kernel refuses.
 */
export function setFilters(instance: TracingInstance, events: Iterable<AttachedEvent>): void {
  for (const event of events) {
    const texts = distinctFilters(event);
    if (event.tracer === true) continue;
    if (texts.length === 1 && texts[0] === undefined) continue;
    // Each alone first, so that a refusal shows the right one.
    for (const text of texts) {
      const filter = event.uses.find((use) => use.filter?.text === text)?.filter;
      if (filter !== undefined) setFilter(instance, event, filter, filter.text);
    }
    if (texts.length === 1) continue;
    const { filter } = event.uses.find((use) => use.filter !== undefined)!;
    // `0` takes a filter away.
    setFilter(instance, event, filter!, unionOfFilters(event) ?? '0');
  }
}

/** The filter that lets through what any use of an event wants; undefined where one wants all. */
export function unionOfFilters(event: AttachedEvent): string | undefined {
  const texts = distinctFilters(event);
  if (texts.includes(undefined)) return undefined;
  return texts.length === 1 ? texts[0] : texts.map((text) => `(${text})`).join(' || ');
}

function setFilter(instance: TracingInstance, event: AttachedEvent, filter: FilterText, text: string): void {
  const file = `events/${event.system}/${event.event}/filter`;
  const title = event.title ?? `${event.system}:${event.event}`;
  try {
    // Newlines are white space, but would end the text for the kernel.
    instance.folder.write(file, text.replace(/[\n\r]/g, ' '));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const complaint = filterComplaint(instance, file);
    if (complaint === undefined) {
      if (code !== 'EINVAL') throw explain(error, `${instance.folder.path}/${file}`, 'the filter cannot be set');
      throw errorAt(filter.source, filter.span, `the kernel refuses this filter of ${title}`);
    }
    const span = filter.exact && text === filter.text ? placeInFilter(filter, complaint) : filter.span;
    throw errorAt(
      filter.source,
      span,
      `the kernel refuses this filter of ${title}: ${complaint.message}`,
      complaint.message === 'Field not found' ? fieldsHint(instance, event) : undefined,
    );
  }
}

/** The place in the script that the kernel's caret means. For an unknown field the kernel points behind its name. */
function placeInFilter({ text, span }: FilterText, { column, message }: KernelComplaint): Span {
  const before = message === 'Field not found' ? /([\w.]+)\s*$/.exec(text.slice(0, column)) : null;
  const at = before?.index ?? Math.min(column, text.length - 1);
  const word = before?.[1] ?? /^[\w.]+/.exec(text.slice(at))?.[0] ?? '';
  return { start: span.start + at, end: span.start + at + Math.max(1, word.length) };
}

/** What the kernel says about a refused filter: in error_log since 5.2, in the filter file itself in all kernels. */
function filterComplaint(instance: TracingInstance, file: string): KernelComplaint | undefined {
  // FILTER \n spaces ^ \n parse_error: MESSAGE
  const match = /^(.*)\n( *)\^\nparse_error: (.*)\n/.exec(instance.folder.tryRead(file) ?? '');
  if (match !== null) return { message: match[3]!, command: match[1]!, column: match[2]!.length };
  return parseErrorLog(instance.folder.tryRead('error_log') ?? '');
}

function fieldsHint(instance: TracingInstance, { system, event }: EventName): string | undefined {
  const format = instance.folder.tryRead(`events/${system}/${event}/format`) ?? '';
  const names = [...format.matchAll(/^\tfield:[^;]*?(\w+)(?:\[[^;]*)?;/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== PLACE_FIELD);
  return names.length === 0 ? undefined : `the fields are ${names.join(', ')}`;
}

/**
 * Enables events, but for probes and the function tracer, which have their own ways. A system all of whose events are wanted
 * takes one write, and so does the whole kernel.
 * `refused` is told of those that the kernel does not enable.
 */
export function enableEvents(
  instance: TracingInstance,
  catalogue: EventCatalogue,
  events: ReadonlyMap<string, AttachedEvent>,
  refused: (name: string, error: NodeJS.ErrnoException) => void,
): void {
  const named = new Map([...events].filter(([, { probe, tracer }]) => probe !== true && tracer !== true));
  instance.enable(enableWords(named, named.size > 1 ? catalogue.names() : []), refused);
}

/** The words for set_event: names, `system:*` where all of `all` in that system are wanted, or `*:*`. */
export function enableWords(wanted: ReadonlyMap<string, EventName>, all: readonly string[]): string[] {
  const unwanted = new Map<string, number>();
  let left = 0;
  for (const name of all) {
    const system = name.slice(0, name.indexOf(':'));
    const isWanted = wanted.has(name);
    if (!isWanted) left++;
    unwanted.set(system, (unwanted.get(system) ?? 0) + (isWanted ? 0 : 1));
  }
  if (all.length > 0 && left === 0) return ['*:*'];
  const words = new Set<string>();
  for (const [name, { system }] of wanted) words.add(unwanted.get(system) === 0 ? `${system}:*` : name);
  return [...words];
}
