// Writes assembly/generated/constants.ts: the numbers that the interpreter shares with the host (opcodes, tags, field
// kinds, run statuses, native built-ins), from their one source in src/.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildSync } from 'esbuild';

/** Evaluates a TypeScript module of the project that needs nothing at run time but its own imports. */
export async function importTypeScript(path) {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}

export function writeIfChanged(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(path, text);
}

export async function generateAssemblyConstants() {
  const { OPCODES, RK_CONSTANT, SETLIST_BATCH } = await importTypeScript('src/bytecode/isa.ts');
  const { Tag, FieldKind, RunStatus, VALUE_SIZE, PAYLOAD } = await importTypeScript('src/engine/layout.ts');
  const { NATIVE_BUILTINS, FIRST_HOST_BUILTIN } = await importTypeScript('src/engine/native-builtins.ts');
  const lines = ['// Made by scripts/generate.js from src/; not to be edited.', ''];
  const constant = (name, value) => lines.push(`export const ${name}: i32 = ${value};`);
  for (const [number, opcode] of OPCODES.entries()) constant(`OP_${opcode.name}`, number);
  for (const [name, value] of Object.entries(Tag)) constant(`TAG_${name}`, value);
  for (const [name, value] of Object.entries(FieldKind)) constant(`FIELD_${name}`, value);
  for (const [name, value] of Object.entries(RunStatus)) constant(`RUN_${name}`, value);
  for (const [number, name] of NATIVE_BUILTINS.entries()) constant(`NATIVE_${name.toUpperCase()}`, number);
  constant('FIRST_HOST_BUILTIN', FIRST_HOST_BUILTIN);
  constant('RK_CONSTANT', RK_CONSTANT);
  constant('SETLIST_BATCH', SETLIST_BATCH);
  constant('VALUE_SIZE', VALUE_SIZE);
  constant('PAYLOAD', PAYLOAD);
  const layout = await importTypeScript('src/engine/heap-layout.ts');
  const { HANDLERS } = await importTypeScript('src/engine/handlers.ts');
  const group = (prefix, values) => {
    for (const [name, value] of Object.entries(values)) constant(`${prefix}_${name}`, value);
  };
  for (const [name, value] of Object.entries(layout.Region)) lines.push(`export const AT_${name}: u32 = ${value};`);
  group('S', layout.State);
  group('TYPE', layout.ObjectType);
  group('STR', layout.StringObject);
  group('T', layout.TableObject);
  group('AGG', layout.AggregationObject);
  group('CL', layout.ClosureObject);
  group('UP', layout.UpvalueObject);
  group('BI', layout.BuiltinObject);
  group('IT', layout.IteratorObject);
  group('SO', layout.SortedObject);
  group('F', layout.Frame);
  group('P', layout.PrototypeRecord);
  group('I', layout.Instruction);
  group('D', layout.Descriptor);
  group('DF', layout.DescriptorField);
  group('E', layout.ErrorCode);
  group('BUCKETS', layout.BucketMode);
  for (const name of ['MAX_DEPTH', 'POWER_BUCKETS', 'MAX_LINEAR_BUCKETS', 'NAMED_FIELD_BASE'])
    constant(name, layout[name]);
  for (const [number, name] of HANDLERS.entries()) constant(`H_${name}`, number);
  writeIfChanged('assembly/generated/constants.ts', `${lines.join('\n')}\n`);
}
