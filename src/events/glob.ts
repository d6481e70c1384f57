// The globs of event definitions and of kernel filters: `*`, `?` and `[a-z]`, as the kernel's glob_match (lib/glob.c)
// reads them. Matching is done directly rather than by a regular expression, which would be slow for `*a*a*a*b`.

/** One element of a compiled glob: a byte, a class of bytes, any one byte (`?`) or any run of bytes (`*`). */
type Element = number | Uint8Array | 'any' | 'run';

/** True where a text contains a character that a glob gives a meaning. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * Compiles a glob to a predicate over whole texts (byte strings). `[a-z]` and `[!a-z]` are classes, a `\` makes the next
 * character plain, and a `[` without its `]` is a plain character, as in the kernel.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const elements = compile(glob);
  if (elements.every((element) => typeof element === 'number')) {
    const plain = String.fromCharCode(...(elements as number[]));
    return (text) => text === plain;
  }
  return (text) => matches(elements, text);
}

function compile(glob: string): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    if (char === '*') {
      if (elements.at(-1) !== 'run') elements.push('run');
    } else if (char === '?') {
      elements.push('any');
    } else if (char === '[') {
      const end = endOfClass(glob, at);
      if (end < 0) {
        elements.push(0x5b);
      } else {
        elements.push(classOf(glob.slice(at + 1, end)));
        at = end;
      }
    } else {
      if (char === '\\' && at + 1 < glob.length) at++;
      elements.push(glob.charCodeAt(at));
    }
  }
  return elements;
}

/** Place of the `]` that ends the class opened at `start`, or -1. A `]` that comes first is a member. */
function endOfClass(glob: string, start: number): number {
  const first = glob[start + 1] === '!' ? start + 2 : start + 1;
  return glob.indexOf(']', first + 1);
}

function classOf(text: string): Uint8Array {
  const members = new Uint8Array(256);
  const negated = text[0] === '!';
  for (let at = negated ? 1 : 0; at < text.length; at++) {
    const low = text.charCodeAt(at) & 255;
    let high = low;
    if (text[at + 1] === '-' && at + 2 < text.length) {
      high = text.charCodeAt(at + 2) & 255;
      at += 2;
    }
    for (let byte = low; byte <= high; byte++) members[byte] = 1;
  }
  return negated ? members.map((member) => 1 - member) : members;
}

/** The usual walk with one point to go back to: a later `*` makes the earlier ones final, so the time is at most |glob| × |text|. */
function matches(elements: readonly Element[], text: string): boolean {
  let at = 0;
  let element = 0;
  let runElement = -1;
  let runText = 0;
  while (at < text.length) {
    const wanted = elements[element];
    if (wanted === 'run') {
      runElement = ++element;
      runText = at;
    } else if (wanted !== undefined && matchesOne(wanted, text.charCodeAt(at))) {
      element++;
      at++;
    } else if (runElement >= 0) {
      element = runElement;
      at = ++runText;
    } else {
      return false;
    }
  }
  while (elements[element] === 'run') element++;
  return element === elements.length;
}

function matchesOne(element: Element, byte: number): boolean {
  if (typeof element === 'number') return element === byte;
  return element === 'any' || (element instanceof Uint8Array && element[byte & 255] === 1);
}
