// Suggestions for an event that does not exist: the names most like it.

/** The `count` of `names` (each `system:event`) that are most like `wanted`. */
export function nearestNames(wanted: string, names: readonly string[], count: number): string[] {
  return names
    .map((name) => ({ name, distance: unlikeness(wanted, name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** How unlike two are; the event's name weighs most, since people forget the system. */
function unlikeness(wanted: string, name: string): number {
  const [wantedSystem = '', wantedEvent = ''] = split(wanted);
  const [system = '', event = ''] = split(name);
  const inside = event.includes(wantedEvent) || wantedEvent.includes(event) ? 0.5 : 1;
  return editDistance(wantedEvent, event) * inside + editDistance(wantedSystem, system) / 2;
}

function split(name: string): string[] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

/** Number of single-character changes from one text to the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
