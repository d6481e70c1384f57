// Events with many places (dynamic-events.ts) carry a hidden first argument that tells which place a record is of. Here it
// is taken out of the format again: scripts see arguments, fields and text as those of a probe on one place alone.

import type { EventFormat } from './format.js';

/** Name of the argument in the kernel's definition. */
export const PLACE_FIELD = 'ktap_place';

/** A format without the hidden argument, and where in a record that lies: an unsigned number of 32 bits. */
export interface PlacedFormat {
  readonly format: EventFormat;
  readonly placeOffset: number;
}

/** Takes the hidden argument out; undefined where the format has none. */
export function withoutPlaceField(format: EventFormat): PlacedFormat | undefined {
  const field = format.fields.find(({ name }) => name === PLACE_FIELD);
  if (field === undefined) return undefined;
  return {
    format: {
      ...format,
      fields: format.fields.filter((each) => each !== field),
      // "(%lx) ktap_place=%u size=%Ld", REC->__probe_ip, REC->ktap_place, REC->size
      printFormat: format.printFormat.replace(` ${PLACE_FIELD}=%u`, '').replace(`, REC->${PLACE_FIELD}`, ''),
    },
    placeOffset: field.offset,
  };
}
