// What others use of the engine.

export type {
  CurrentEvent,
  Engine,
  EngineHost,
  EngineOptions,
  EventDescriptor,
  EventLayout,
  FieldLayout,
  HeapStatistics,
} from './engine.js';
export { createInterpreter } from './interpreter.js';
