// The language: a script's text to its tree, and the shape of all errors about a script.

export type * from './ast.js';
export * from './diagnostics.js';
export { type EventDefinition, parseEventDefinitions, parseInterval } from './event-definition.js';
export { parseChunk } from './parser/chunk.js';
