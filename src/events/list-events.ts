// Lists events for -l and -lv: names, or names with the fields of each and their types.

import { EventCatalogue } from './event-catalogue.js';
import { isGlob } from './glob.js';
import { findTracefs, TracefsFolder } from './tracefs.js';

function matching(catalogue: EventCatalogue, glob: string): string[] {
  const colon = glob.indexOf(':');
  // A word without a colon is looked for in both parts.
  if (colon < 0) {
    const anywhere = isGlob(glob) ? glob : `*${glob}*`;
    const names = new Set<string>();
    for (const { system, event } of catalogue.match(anywhere, '*')) names.add(`${system}:${event}`);
    for (const { system, event } of catalogue.match('*', anywhere)) names.add(`${system}:${event}`);
    return [...names].sort();
  }
  return catalogue
    .match(glob.slice(0, colon) || '*', glob.slice(colon + 1) || '*')
    .map(({ system, event }) => `${system}:${event}`)
    .sort();
}

/**
 * `system:event` of the events that a glob matches, sorted; `*` for all. A glob without a colon is looked for in systems and
 * events, a plain word anywhere in them. Throws KtapError where tracefs is not there.
 */
export function listEvents(glob = '*', root = findTracefs()): string[] {
  return matching(new EventCatalogue(new TracefsFolder(root)), glob);
}

/**
 * Lines that describe the events that a glob matches: each name, then its fields with their types as `argN` counts them.
 * Throws KtapError where tracefs is not there.
 */
export function describeEvents(glob = '*', root = findTracefs()): string[] {
  const catalogue = new EventCatalogue(new TracefsFolder(root));
  const lines: string[] = [];
  for (const name of matching(catalogue, glob)) {
    const colon = name.indexOf(':');
    const format = catalogue.formatOf({ system: name.slice(0, colon), event: name.slice(colon + 1) });
    lines.push(name);
    const own = format.fields.filter((field) => !field.common);
    for (const [index, field] of own.entries()) {
      const array = field.arrayLength === undefined ? '' : `[${field.arrayLength}]`;
      lines.push(`    arg${index + 1}  ${field.type} ${field.name}${array}`);
    }
  }
  return lines;
}
