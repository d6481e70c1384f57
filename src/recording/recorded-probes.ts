// Which events of a recording a probe or marker of a script means. Whoever recorded them made them with `perf probe`, whose
// names tell what they are probes of:
//
//     perf probe vfs_read                     probe:vfs_read              probe:vfs_read
//     perf probe 'vfs_read%return'            probe:vfs_read__return      probe:vfs_read%return
//     perf probe -x /lib/libc.so.6 malloc     probe_libc:malloc           probe:/lib/libc.so.6:malloc
//     perf probe sdt_libc:setjmp              sdt_libc:setjmp             sdt:/lib/libc.so.6:libc:setjmp
//
// A further probe of the same name ends in _1, _2 …
//
// Source: tools/perf/util/probe-event.c (convert_exec_to_group, get_new_event_name), tools/perf/util/probe-file.c.

import { globMatcher } from '../events/glob.js';
import type { EventDefinition } from '../language/event-definition.js';

/** Whether the names of an event are those that a probe of that definition has; undefined: the definition is of no such kind. */
export function recordedProbe(definition: EventDefinition): ((system: string, name: string) => boolean) | undefined {
  const { kind, path = '', provider = '*', symbol = '*', isReturn = false } = definition;
  const matches = globMatcher(symbol);
  const isProbe = (name: string): boolean => {
    const [, place, suffix] = /^(.*?)(__return)?(?:_\d+)?$/s.exec(name)!;
    if ((suffix !== undefined) !== isReturn) return false;
    // The number at the end can belong to the function's name.
    return matches(place!) || (!isReturn && matches(name));
  };
  switch (kind) {
    case 'kprobe':
      return (system, name) => system === 'probe' && isProbe(name);
    case 'uprobe': {
      // Up to the first character that no name can have.
      const group = `probe_${/^\w*/.exec(path.replace(/^.*\//s, ''))![0]}`;
      return (system, name) => system === group && isProbe(name);
    }
    case 'sdt': {
      const isGroup = globMatcher(`sdt_${provider}`);
      return (system, name) => isGroup(system) && matches(name);
    }
    default:
      return undefined;
  }
}
