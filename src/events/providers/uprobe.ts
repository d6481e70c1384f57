// Probes on functions of programs and libraries: `probe:/path:symbol`, `…%return`, `…+offset`, `…:0xOFFSET`, `…:glob*`
// (Documentation/trace/uprobetracer.rst). The kernel knows only files and offsets in them.

import { uprobePlace } from '../dynamic-events.js';
import { definitionError, type Provider } from './provider.js';

export const uprobeProvider: Provider = {
  kind: 'uprobe',
  find(placed, { dynamic }) {
    const { path = '', address, isReturn = false } = placed.definition;
    if (address === undefined) {
      throw definitionError(
        placed,
        'functions of files cannot be found by name yet',
        'give the place in the file, as `probe:/path:0xOFFSET`; `nm` or `readelf -s` tell it',
      );
    }
    const name = `${isReturn ? 'ret_' : ''}0x${address.toString(16)}`;
    return dynamic.make({
      kind: 'uprobe',
      type: isReturn ? 'r' : 'p',
      placed,
      places: [{ name, place: uprobePlace(path, address) }],
    });
  },
};
