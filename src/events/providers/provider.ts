// The one interface behind which each kind of event is one file. A provider finds (or makes) the kernel events that a
// definition means; enabling, filters and reading are the same for all and not its business.

import type { KtapError, Source, Span } from '../../language/diagnostics.js';
import { errorAt } from '../../language/diagnostics.js';
import type { EventDefinition } from '../../language/event-definition.js';
import type { DynamicEvents } from '../dynamic-events.js';
import type { EventCatalogue } from '../event-catalogue.js';
import type { TracefsFolder } from '../tracefs.js';

/** What providers work with. */
export interface ProviderContext {
  /** The root of tracefs. */
  readonly tracefs: TracefsFolder;
  readonly catalogue: EventCatalogue;
  /** Where probes are made. */
  readonly dynamic: DynamicEvents;
  /** The process that is traced, if it is a single one: paths are those that it sees. */
  readonly pid?: number | undefined;
}

/** A definition with its place in the script. */
export interface PlacedDefinition {
  readonly definition: EventDefinition;
  readonly source: Source;
  /** Place of the whole definition text of the block; offsets of the definition count from its start. */
  readonly span: Span;
}

/** An event of the kernel that a definition means. */
export interface KernelEvent {
  readonly system: string;
  readonly event: string;
  /** `argname`, where it is not the event's name. */
  readonly name?: string;
  /** What messages call it, where `system:event` would tell nobody anything. */
  readonly title?: string;
  /** Made by DynamicEvents, which switches it on. */
  readonly probe?: boolean;
  /** argname of each place of a probe with many places, by the number that its records carry. */
  readonly places?: readonly string[];
  /** The function tracer of the instance: neither set_event nor a filter file knows it. */
  readonly tracer?: boolean;
}

export interface Provider {
  readonly kind: EventDefinition['kind'];
  /** The events of a definition, at least one. Throws KtapError at the definition's place. */
  find(placed: PlacedDefinition, context: ProviderContext): readonly KernelEvent[];
}

/** The error for a definition. */
export function definitionError(placed: PlacedDefinition, message: string, hint?: string): KtapError {
  const start = placed.span.start + placed.definition.offset;
  return errorAt(placed.source, { start, end: start + placed.definition.text.length }, message, hint);
}
