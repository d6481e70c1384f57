// The fetch arguments of a definition, as they go to the kernel: words with one blank between them, since the kernel's
// complaints count columns in a line that it has put together from words; and the way back from such a column.

import type { Span } from '../language/diagnostics.js';
import type { PlacedDefinition } from './providers/provider.js';

export class FetchArguments {
  /** For the kernel. */
  readonly text: string;
  private readonly words: readonly { readonly word: string; readonly index: number }[];
  private readonly fromScript: boolean;

  /** `fromScript`: the text is that of the definition, not one that the tool has made. */
  constructor(args: string, fromScript: boolean) {
    this.words = Array.from(args.matchAll(/\S+/g), ({ 0: word, index }) => ({ word, index }));
    this.text = this.words.map(({ word }) => word).join(' ');
    this.fromScript = fromScript;
  }

  /** The place in the script of a column of `text`: from there to the end of the word. */
  placeOf(column: number, { definition, span }: PlacedDefinition): Span {
    const start = span.start + definition.offset;
    if (!this.fromScript || definition.argsOffset === undefined) return { start, end: start + definition.text.length };
    const argsStart = span.start + definition.argsOffset;
    let from = 0;
    for (const { word, index } of this.words) {
      const at = column - from;
      if (at <= word.length) {
        // A column behind the last byte of a word: the whole word.
        const first = at >= 0 && at < word.length ? at : 0;
        return { start: argsStart + index + first, end: argsStart + index + word.length };
      }
      from += word.length + 1;
    }
    return { start: argsStart, end: argsStart + definition.args.length };
  }
}
