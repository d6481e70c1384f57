// The forms into which the 32 opcodes are decoded when a module is loaded (decoder.ts): a form knows which operands are
// registers and which are constants, so that the interpreter need not look. Numbers go into assembly/generated/.
//
// Fields A, B, C are byte offsets of registers unless the comment says otherwise; "rk" is such an offset, or an address
// of a constant plus 1; "table" is an offset, or the offset of an upvalue in the closure plus 1.

export const HANDLERS = [
  'MOVE',
  'LOADINT', // A = X as i64
  'LOADK', // A = tag B, payload X as i64
  'LOADPRI1', // A = tag B
  'LOADPRI', // A … A + C = tag B, go on at X
  'GETUPVAL', // B: offset of the upvalue in the closure
  'SETUPVAL',
  'GETGLOBAL', // X: key (string), Y: offset of the entry where it was last found
  'GETFIELD', // X, Y likewise
  'GETTABLE_RR',
  'GETTABLE', // B table, C rk
  'SETGLOBAL', // C rk, X, Y
  'SETFIELD', // C rk, X, Y
  'SETTABLE_RR', // C rk
  'SETTABLE', // A table, B rk, C rk
  'INCGLOBAL', // C rk, X, Y
  'INCFIELD', // C rk, X, Y
  'INCTABLE_RR', // C rk
  'INCTABLE', // A table, B rk, C rk
  'AGGTABLE', // A table, B rk, C rk
  'NEWTABLE', // B, C numbers
  'SETLIST', // B bytes or -1, X first index, Y where to go on
  'SELF', // C rk
  // Arithmetic: Z is the opcode, + 256 in a compound assignment. _RI: X is the right side as i64, C its address + 1.
  'ADD_RR',
  'ADD_RI',
  'SUB_RR',
  'SUB_RI',
  'MUL_RR',
  'MUL_RI',
  'DIV_RI',
  'MOD_RR',
  'MOD_RI',
  'ARITHMETIC', // B rk, C rk
  'MINUS',
  'NOT',
  'CONCAT', // B, C offsets
  'JUMP', // X target
  'JUMP_BACK', // X target, Z address of the counter
  'JUMP_CLOSE', // A from where, X, Z
  // Comparisons go on at X if they hold, else at Y; a constant operand is the address of its value. `a <= b` of integers
  // is `not b < a`: LE becomes LT with operands and branches swapped, and Z = 1 for what is not both integers.
  'EQ_RR',
  'EQ_RK', // C address of a constant
  'EQ', // B rk, C rk
  'LT_RR',
  'LT_RI',
  'LT_IR',
  'LT',
  'TEST', // true: X, else Y
  'TESTSET', // truth of B is C: A = B, go on at X; else Y
  'CALL', // B bytes of arguments or -1, C results wanted or -1
  'TAILCALL', // B likewise, X: a RETURN of all from A
  'RETURN0',
  'RETURN1',
  'RETURN', // B bytes or -1
  'FORPREP', // X where to go without a round
  'FORLOOP', // X target, Z counter
  'TFOR', // C results, X where to go on when there was one, Y when not, B address of its TFOR_CHECK
  'TFOR_CHECK',
  'CLOSURE', // B record of the prototype
  'VARARG', // B number or -1
  'EVENT_TEXT',
  'EVENT_NAME',
  'EVENT_FIELD', // B number from 1
  'EVENT_NAMED', // B key; X descriptor, Y its field when last asked
  // internal
  'HALT',
  'SORT',
] as const;

export type HandlerName = (typeof HANDLERS)[number];

/** Numbers by name. */
export const Handler = Object.fromEntries(HANDLERS.map((name, number) => [name, number])) as Readonly<
  Record<HandlerName, number>
>;
