// ffi.*: declares C functions and types, calls functions of this process, makes C objects. Only with --ffi, since such a
// call can do anything.

import type { Engine } from '../../engine/engine.js';
import { type FunctionRef, type Integer, ScriptError, type TableRef, type Value } from '../../engine/values.js';
import { type Builtin, type BuiltinContext, builtin } from '../declare.js';
import { CFunctions } from './c-call.js';
import { Declarations, parseDeclarations, parseType } from './c-parser.js';
import { type CType, type FunctionType, sizeOf, typeText } from './c-types.js';

/** What ffi needs to make values of C functions. */
export interface FfiHost {
  readonly engine: Engine;
  readonly context: BuiltinContext;
  /** A value that calls `call`, shown as `name`; `answers`: it has a result. */
  newFunction(name: string, answers: boolean, call: (args: readonly Value[]) => Value): FunctionRef;
}

/** The ffi of one run of a script. */
export class Ffi {
  readonly #host: FfiHost;
  readonly #declarations = new Declarations();
  /** What scripts call `C` and `ffi.C`: the declared functions. */
  readonly library: TableRef;
  #functions: CFunctions | undefined;

  constructor(host: FfiHost) {
    this.#host = host;
    this.library = host.engine.newTable();
    host.engine.pin(this.library.ref);
  }

  /** koffi is loaded when it is first needed: most scripts never do. */
  get functions(): CFunctions {
    this.#functions ??= new CFunctions(this.#host.engine, this.#host.context);
    return this.#functions;
  }

  declare(text: string): void {
    for (const name of parseDeclarations(text, this.#declarations)) {
      const type = this.#declarations.functions.get(name)! as FunctionType;
      this.library.set(
        name,
        this.#host.newFunction(`C.${name}`, type.result.kind !== 'void', (args) =>
          this.functions.call(name, type, args),
        ),
      );
    }
    for (const [name, value] of this.#declarations.constants) this.library.set(name, Number(value));
  }

  make(text: string, count: Integer | undefined): TableRef {
    if (count !== undefined && (count < 0 || count > 0x7fff_ffff))
      throw new ScriptError(`bad argument 2 of ffi.new: ${count} is no number of elements`);
    return this.functions.objects.make(this.#type(text, count === undefined ? undefined : Number(count)));
  }

  sizeof(value: string | TableRef): number {
    const type = typeof value === 'string' ? this.#type(value) : this.functions.objects.typeOf(value);
    if (type === undefined)
      throw new ScriptError(`bad argument 1 of ffi.sizeof: ${this.functions.objects.notAnObject(value as TableRef)}`);
    const size = sizeOf(type);
    if (size === undefined) throw new ScriptError(`ffi.sizeof: ${typeText(type)} has no size`);
    return size;
  }

  #type(text: string, count?: number): CType {
    return parseType(text, this.#declarations, count);
  }
}

/** The declarations of ffi.*; without `ffi` each call says that --ffi is missing. */
export function ffiBuiltins(ffi?: Ffi): Builtin[] {
  const allowed = (): Ffi => {
    if (ffi === undefined)
      throw new ScriptError(
        'C functions are not allowed',
        'they can do anything to this process: allow them with --ffi',
      );
    return ffi;
  };
  return [
    builtin({
      name: 'ffi.cdef',
      family: 'ffi',
      parameters: [{ name: 'declarations', type: 'string' }],
      returns: 'nothing',
      doc: 'Declares C functions, structs, unions, enums and typedefs, as a header does: `ffi.cdef[[ int getpid(void); ]]`, also written `cdef [[ … ]]`. The functions are called as `C.getpid()` or `ffi.C.getpid()`, enum constants are read there too. Integers wrap to the type of the parameter, strings are passed to `char *` and `void *`, nil is NULL, C objects are passed to pointers to their type; a result of `char *` comes back as a string, other pointers as addresses. `printk` writes to /dev/kmsg. Only with --ffi.',
      call: (_context, text: string) => allowed().declare(text),
    }),
    builtin({
      name: 'ffi.new',
      family: 'ffi',
      parameters: [
        { name: 'type', type: 'string' },
        { name: 'n', type: 'integer', optional: true },
      ],
      returns: 'table',
      doc: 'Makes a C object, all zero: `ffi.new("struct timespec")`, `ffi.new("int[10]")`, `ffi.new("char[?]", n)`. It is a table with its fields by name and its elements from 0; a single number or pointer is an array of one. What the script stores reaches the memory of the object when a C function is called, and what the function stores is in the table afterwards. A `char` array inside a struct is a string.',
      call: (_context, text: string, count?: Integer) => allowed().make(text, count),
    }),
    builtin({
      name: 'ffi.sizeof',
      family: 'ffi',
      parameters: [{ name: 'type_or_object', type: ['string', 'table'] }],
      returns: 'integer',
      doc: 'Size in bytes of a C type or of an object of `ffi.new`.',
      call: (_context, value: string | TableRef) => allowed().sizeof(value),
    }),
    builtin({
      name: 'ffi.string',
      family: 'ffi',
      parameters: [
        { name: 'object_or_address', type: ['table', 'integer'] },
        { name: 'n', type: 'integer', optional: true },
      ],
      returns: 'string or nil',
      doc: 'The bytes of a C object, or at an address of this process, up to the first NUL byte or `n` of them; nil where they cannot be read.',
      call: (_context, value: Value, n?: Integer) => {
        if (n !== undefined && (n < 0 || n > 1 << 24))
          throw new ScriptError(`bad argument 2 of ffi.string: ${n} is no number of bytes`);
        return allowed().functions.stringOf(value, n === undefined ? undefined : Number(n));
      },
    }),
    builtin({
      name: 'ffi.free',
      family: 'ffi',
      parameters: [{ name: 'object', type: 'table' }],
      returns: 'nothing',
      doc: 'Ends a C object: its memory is given back, its fields are gone, and using it again is an error. Objects that are not freed live as long as the script.',
      call: (_context, object: TableRef) => allowed().functions.objects.free(object),
    }),
  ];
}
