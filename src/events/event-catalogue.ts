// Which events the kernel has, and which id belongs to which. Nothing is read before it is needed: 360 format files take
// 20 ms to read, so that of an event is read when its first record is seen.

import type { EventFormat } from './format.js';
import { parseFormat } from './format-parser.js';
import { globMatcher, isGlob } from './glob.js';
import type { TracefsFolder } from './tracefs.js';

/** An event's two names. */
export interface EventName {
  readonly system: string;
  readonly event: string;
}

export class EventCatalogue {
  private readonly tracefs: TracefsFolder;
  private allNames: readonly string[] | undefined;
  private dynamicNames: ReadonlySet<string> | undefined;
  private readonly formats = new Map<string, EventFormat>();
  private readonly ids = new Map<string, number>();

  constructor(tracefs: TracefsFolder) {
    this.tracefs = tracefs;
  }

  /** `system:event` of all events that can be enabled, in the kernel's order. */
  names(): readonly string[] {
    this.allNames ??= this.tracefs
      .read('available_events')
      .split('\n')
      .filter((line) => line !== '');
    return this.allNames;
  }

  /** Events that were made by somebody through kprobe_events and the like. */
  dynamic(): ReadonlySet<string> {
    if (this.dynamicNames === undefined) {
      // `p:group/event place args`, `r8:group/event …`, `e:group/event …`, and synthetic events: `s:synthetic/name …`.
      const text = this.tracefs.tryRead('dynamic_events') ?? '';
      const names = [...text.matchAll(/^\w+:(\S+)\/(\S+)/gm)].map(([, system, event]) => `${system}:${event}`);
      this.dynamicNames = new Set(names);
    }
    return this.dynamicNames;
  }

  /** Events of a definition's two globs. A system of `*` leaves out other tools' dynamic events. */
  match(system: string, event: string): EventName[] {
    if (!isGlob(system) && !isGlob(event)) {
      return this.has(system, event) ? [{ system, event }] : [];
    }
    const systemMatches = globMatcher(system);
    const eventMatches = globMatcher(event);
    const leftOut = system === '*' ? this.dynamic() : undefined;
    const found: EventName[] = [];
    // The kernel lists the events of a system one after the other, mostly.
    let current = '';
    let wanted = false;
    for (const name of this.names()) {
      const colon = name.indexOf(':');
      if (colon !== current.length || !name.startsWith(current)) {
        current = name.slice(0, colon);
        wanted = systemMatches(current);
      }
      if (!wanted) continue;
      const eventName = name.slice(colon + 1);
      if (eventMatches(eventName) && leftOut?.has(name) !== true) found.push({ system: current, event: eventName });
    }
    return found;
  }

  /** Whether the event exists and can be enabled. */
  has(system: string, event: string): boolean {
    if (!isPlainName(system) || !isPlainName(event)) return false;
    return this.tracefs.has(`events/${system}/${event}/enable`) && this.tracefs.has(`events/${system}/${event}/id`);
  }

  /** Id of an event (common_type of its records). Throws Node's errors. */
  idOf({ system, event }: EventName): number {
    const name = `${system}:${event}`;
    let id = this.ids.get(name);
    if (id === undefined) {
      id = Number(this.tracefs.read(`events/${system}/${event}/id`));
      this.ids.set(name, id);
    }
    return id;
  }

  /** Format of an event, parsed once. Throws Node's errors and FormatError. */
  formatOf({ system, event }: EventName): EventFormat {
    const name = `${system}:${event}`;
    let format = this.formats.get(name);
    if (format === undefined) {
      format = parseFormat(this.tracefs.read(`events/${system}/${event}/format`), system);
      this.formats.set(name, format);
      this.ids.set(name, format.id);
    }
    return format;
  }

  /**
   * The event among `candidates` (by `system:event`) that has an id. The kernel numbers its events in the order in which it
   * lists them, so one known id tells where the wanted one stands; that is checked, and where it does not hold all are read.
   */
  eventWithId(id: number, candidates: ReadonlyMap<string, EventName>): EventName | undefined {
    const known = candidates.entries().next().value;
    if (known === undefined) return undefined;
    const position = this.names().indexOf(known[0]);
    if (position >= 0) {
      const guess = this.names()[position + id - this.idOf(known[1])];
      const event = guess === undefined ? undefined : candidates.get(guess);
      if (event !== undefined && this.idOf(event) === id) return event;
    }
    for (const event of candidates.values()) if (this.idOf(event) === id) return event;
    return undefined;
  }
}

export function splitName(name: string): EventName {
  const colon = name.indexOf(':');
  return { system: name.slice(0, colon), event: name.slice(colon + 1) };
}

/** A folder's name and no way out of it. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
