// The interpreter's loop. Instructions are in the decoded form that src/engine/decoder.ts makes (32 bytes each; the
// forms are listed in src/engine/handlers.ts). The machine's registers pc, base and fp live in locals of `run`; they are
// written to the frame before anything that can call the host, collect or fail, and read again after calls.
//
// Fast paths stand here; everything else is in operations.ts, calls.ts, sort.ts and events.ts.

import {
  CL_PROTOTYPE,
  D_NAME,
  E_EXIT,
  E_INDEX,
  E_MEMORY,
  E_NONE,
  E_NO_EVENT,
  E_PUSHED,
  E_SPENT,
  E_STACK,
  F_BASE,
  F_CALLEE,
  F_EXTRA,
  F_PC,
  F_RESULTS,
  F_SHIFT,
  F_SIZE,
  F_WANTED,
  H_ADD_RI,
  H_ADD_RR,
  H_AGGTABLE,
  H_ARITHMETIC,
  H_CALL,
  H_CLOSURE,
  H_CONCAT,
  H_DIV_RI,
  H_EQ,
  H_EQ_RK,
  H_EQ_RR,
  H_EVENT_FIELD,
  H_EVENT_NAME,
  H_EVENT_NAMED,
  H_EVENT_TEXT,
  H_FORLOOP,
  H_FORPREP,
  H_GETFIELD,
  H_GETGLOBAL,
  H_GETTABLE,
  H_GETTABLE_RR,
  H_GETUPVAL,
  H_HALT,
  H_INCFIELD,
  H_INCGLOBAL,
  H_INCTABLE,
  H_INCTABLE_RR,
  H_JUMP,
  H_JUMP_BACK,
  H_JUMP_CLOSE,
  H_LE,
  H_LE_IR,
  H_LE_RI,
  H_LE_RR,
  H_LOADINT,
  H_LOADK,
  H_LOADPRI,
  H_LOADPRI1,
  H_LT,
  H_LT_IR,
  H_LT_RI,
  H_LT_RR,
  H_MINUS,
  H_MOD_RI,
  H_MOD_RR,
  H_MOVE,
  H_MUL_RI,
  H_MUL_RR,
  H_NEWTABLE,
  H_NOT,
  H_RETURN,
  H_RETURN0,
  H_RETURN1,
  H_SELF,
  H_SETFIELD,
  H_SETGLOBAL,
  H_SETLIST,
  H_SETTABLE,
  H_SETTABLE_RR,
  H_SETUPVAL,
  H_SORT,
  H_SUB_RI,
  H_SUB_RR,
  H_TAILCALL,
  H_TEST,
  H_TESTSET,
  H_TFOR,
  H_TFOR_CHECK,
  H_VARARG,
  I_A,
  I_B,
  I_C,
  I_SIZE,
  I_X,
  I_Y,
  I_Z,
  P_CALLS,
  P_IS_VARARG,
  P_PARAMETER_BYTES,
  P_REGISTER_BYTES,
  RUN_BUDGET,
  RUN_DONE,
  RUN_ERROR,
  RUN_EXIT,
  S_ERROR,
  S_EVENT,
  S_FP,
  S_FRAME_LIMIT,
  S_GC_DUE,
  S_GC_STRESS,
  S_GLOBALS,
  S_MAX_MEMORY,
  S_OPEN_SLOT,
  S_REMAINING,
  S_RETRIED,
  S_STACK_SOFT,
  S_TICKS,
  S_TOP,
  S_USED,
  TAG_BUILTIN,
  TAG_FALSE,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STRING,
  TAG_TABLE,
  TAG_TRUE,
  TYPE_ITERATOR,
  TYPE_TABLE,
  T_ENTRIES,
  T_ENTRY_BYTES,
  T_MASK,
  T_USED,
  UP_VALUE,
} from './generated/constants';
import { addSample } from './aggregation';
import { STACK_SLACK, advance, call, enter, finishResults, finishSort, hasStack } from './calls';
import { closeUpvalues, newClosure } from './closures';
import { collect } from './collector';
import { readArgument, readNamed } from './events';
import { hostCollecting, hostEventText } from './host';
import {
  arithmetic,
  compare,
  concat,
  divide,
  equal,
  fail,
  getIndex,
  incrementGlobal,
  incrementIndex,
  isTrue,
  negate,
  prepareLoop,
  remainder,
  setIndex,
} from './operations';
import { CALL_COMPARATOR, sortStep } from './sort';
import { findValue, newTable, removeKey, reserve, slotFor, slotForInteger } from './tables';
import { copyUp, copyValue, integerOf, refOf, setInteger, setNil, setRef, tagOf, typeOf } from './values';

/** Address of register field `field` of the instruction at pc. */
// @ts-ignore: decorator
@inline
function reg(base: u32, pc: u32, field: u32): u32 {
  return base + load<u32>(pc + field);
}

/** Address of an rk operand: a register's offset, or a constant's address + 1. */
// @ts-ignore: decorator
@inline
function rk(base: u32, operand: u32): u32 {
  return operand & 1 ? operand - 1 : base + operand;
}

/** Address of a table operand: a register's offset, or an upvalue's offset in the closure + 1. */
// @ts-ignore: decorator
@inline
function tableOperand(base: u32, fp: u32, operand: u32): u32 {
  return operand & 1 ? upvalueSlot(fp, operand - 1) : base + operand;
}

// @ts-ignore: decorator
@inline
function upvalueSlot(fp: u32, offset: u32): u32 {
  return load<u32>(load<u32>(load<u32>(fp) + offset), UP_VALUE);
}

// @ts-ignore: decorator
@inline
function bothIntegers(a: u32, b: u32): bool {
  return ((load<i32>(a) ^ TAG_INTEGER) | (load<i32>(b) ^ TAG_INTEGER)) == 0;
}

/** Value of a string key in a table by the entry where the instruction found it last, or 0. */
// @ts-ignore: decorator
@inline
function hinted(table: u32, pc: u32): u32 {
  const hint = load<u32>(pc, I_Y);
  if (hint < load<u32>(table, T_ENTRY_BYTES)) {
    const pair = load<u32>(table, T_ENTRIES) + hint;
    if (load<u32>(pair, 8) == load<u32>(pc, I_X) && load<i32>(pair) == TAG_STRING) return pair + 16;
  }
  return 0;
}

/** The same by lookup; remembers where. */
function lookUp(table: u32, pc: u32): u32 {
  const value = findValue(table, TAG_STRING, <i64>load<u32>(pc, I_X));
  if (value != 0) store<u32>(pc, value - 16 - load<u32>(table, T_ENTRIES), I_Y);
  return value;
}

/** As findValue, with the packed case in place. */
// @ts-ignore: decorator
@inline
function lookUpInteger(table: u32, key: i64): u32 {
  if (load<u32>(table, T_MASK) == 0) {
    const at = <u64>(key - 1);
    return at < <u64>load<u32>(table, T_USED) ? load<u32>(table, T_ENTRIES) + (<u32>at << 4) : 0;
  }
  return findValue(table, TAG_INTEGER, key);
}

/** Collects if that is due. E_NONE: go on; E_SPENT: back to the host; E_MEMORY. */
function safepoint(): i32 {
  store<u32>(S_RETRIED, 0);
  if (load<u32>(S_GC_DUE) | load<u32>(S_GC_STRESS)) {
    timedCollect();
    if (load<u32>(S_USED) > load<u32>(S_MAX_MEMORY)) return E_MEMORY;
  }
  const remaining = load<i32>(S_REMAINING);
  if (remaining <= 0) return E_SPENT;
  if (load<u32>(S_GC_STRESS)) {
    store<i32>(S_REMAINING, remaining - 1);
    store<i32>(S_TICKS, 0);
  } else {
    store<i32>(S_REMAINING, 0);
    store<i32>(S_TICKS, remaining);
  }
  return E_NONE;
}

export function timedCollect(): void {
  hostCollecting(1);
  collect();
  hostCollecting(0);
}

/** Memory ran out in the instruction at pc: collects, true to try it once more. */
function retry(pc: u32): bool {
  if (load<u32>(S_RETRIED) == pc) return false;
  timedCollect();
  store<u32>(S_RETRIED, pc);
  // The next safepoint forgets the attempt.
  store<i32>(S_REMAINING, load<i32>(S_REMAINING) + max(load<i32>(S_TICKS), 0));
  store<i32>(S_TICKS, 0);
  return true;
}

// @ts-ignore: decorator
@inline
function tick(): bool {
  const ticks = load<i32>(S_TICKS) - 1;
  store<i32>(S_TICKS, ticks);
  return ticks < 0;
}

// @ts-ignore: decorator
@inline
function countBackEdge(pc: u32): void {
  const counter = load<u32>(pc, I_Z);
  store<u32>(counter, load<u32>(counter) + 1);
}

/** R[A+1] …: the values of SETLIST; true when done. */
function setList(table: u32, from: u32, bytes: u32, index: u32): bool {
  for (let offset: u32 = 0; offset < bytes; offset += 16) {
    const value = from + offset;
    const key = <i64>index + <i64>(offset >>> 4);
    if (tagOf(value) == TAG_NIL) {
      if (!removeKey(table, TAG_INTEGER, key)) return false;
      continue;
    }
    const slot = slotFor(table, TAG_INTEGER, key);
    if (slot == 0) return false;
    copyValue(slot, value);
  }
  return true;
}

/** Runs until the call under way is done, fails, exits, or the budget of safepoints is spent. */
export function run(budget: i32): i32 {
  store<i32>(S_TICKS, budget);
  store<i32>(S_REMAINING, 0);
  if (load<u32>(S_GC_DUE) | load<u32>(S_GC_STRESS)) {
    store<i32>(S_REMAINING, budget);
    store<i32>(S_TICKS, 0);
  }
  let fp = load<u32>(S_FP);
  let base = load<u32>(fp, F_BASE);
  let pc = load<u32>(fp, F_PC);
  let code: i32 = E_NONE;
  for (;;) {
    switch (load<i32>(pc)) {
      case H_MOVE: {
        copyValue(reg(base, pc, I_A), reg(base, pc, I_B));
        pc += I_SIZE;
        continue;
      }
      case H_LOADINT: {
        setInteger(reg(base, pc, I_A), load<i64>(pc, I_X));
        pc += I_SIZE;
        continue;
      }
      case H_LOADK: {
        const to = reg(base, pc, I_A);
        store<i32>(to, load<i32>(pc, I_B));
        store<i64>(to, load<i64>(pc, I_X), 8);
        pc += I_SIZE;
        continue;
      }
      case H_LOADPRI1: {
        store<i32>(reg(base, pc, I_A), load<i32>(pc, I_B));
        pc += I_SIZE;
        continue;
      }
      case H_LOADPRI: {
        const tag = load<i32>(pc, I_B);
        const last = load<u32>(pc, I_C);
        const to = reg(base, pc, I_A);
        for (let offset: u32 = 0; offset <= last; offset += 16) store<i32>(to + offset, tag);
        pc = load<u32>(pc, I_X);
        continue;
      }
      case H_GETUPVAL: {
        copyValue(reg(base, pc, I_A), upvalueSlot(fp, load<u32>(pc, I_B)));
        pc += I_SIZE;
        continue;
      }
      case H_SETUPVAL: {
        copyValue(upvalueSlot(fp, load<u32>(pc, I_B)), reg(base, pc, I_A));
        pc += I_SIZE;
        continue;
      }
      case H_GETGLOBAL: {
        const table = load<u32>(S_GLOBALS);
        let value = hinted(table, pc);
        if (value == 0) {
          value = lookUp(table, pc);
          if (value == 0) {
            setNil(reg(base, pc, I_A));
            pc += I_SIZE;
            continue;
          }
        }
        copyValue(reg(base, pc, I_A), value);
        pc += I_SIZE;
        continue;
      }
      case H_GETFIELD: {
        const object = reg(base, pc, I_B);
        if (tagOf(object) == TAG_TABLE) {
          const table = refOf(object);
          let value = hinted(table, pc);
          if (value == 0) value = lookUp(table, pc);
          if (value == 0) setNil(reg(base, pc, I_A));
          else copyValue(reg(base, pc, I_A), value);
          pc += I_SIZE;
          continue;
        }
        code = getIndex(reg(base, pc, I_A), object, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_GETTABLE_RR: {
        const object = reg(base, pc, I_B);
        const key = reg(base, pc, I_C);
        if (tagOf(object) == TAG_TABLE && tagOf(key) == TAG_INTEGER) {
          const value = lookUpInteger(refOf(object), integerOf(key));
          if (value == 0) setNil(reg(base, pc, I_A));
          else copyValue(reg(base, pc, I_A), value);
          pc += I_SIZE;
          continue;
        }
        code = getIndex(reg(base, pc, I_A), object, key);
        break;
      }
      case H_GETTABLE: {
        code = getIndex(
          reg(base, pc, I_A),
          tableOperand(base, fp, load<u32>(pc, I_B)),
          rk(base, load<u32>(pc, I_C)),
        );
        break;
      }
      case H_SETGLOBAL: {
        const value = rk(base, load<u32>(pc, I_C));
        const table = load<u32>(S_GLOBALS);
        if (tagOf(value) != TAG_NIL) {
          let slot = hinted(table, pc);
          if (slot == 0) slot = lookUp(table, pc);
          if (slot == 0) slot = slotFor(table, TAG_STRING, <i64>load<u32>(pc, I_X));
          if (slot != 0) {
            copyValue(slot, value);
            pc += I_SIZE;
            continue;
          }
          code = E_MEMORY;
        } else {
          code = removeKey(table, TAG_STRING, <i64>load<u32>(pc, I_X)) ? E_NONE : E_MEMORY;
        }
        break;
      }
      case H_SETFIELD: {
        const object = reg(base, pc, I_A);
        const value = rk(base, load<u32>(pc, I_C));
        if (tagOf(object) == TAG_TABLE && tagOf(value) != TAG_NIL) {
          const table = refOf(object);
          let slot = hinted(table, pc);
          if (slot == 0) slot = lookUp(table, pc);
          if (slot != 0) {
            copyValue(slot, value);
            pc += I_SIZE;
            continue;
          }
        }
        code = setIndex(object, load<u32>(pc, I_B) - 1, value);
        break;
      }
      case H_SETTABLE_RR: {
        const object = reg(base, pc, I_A);
        const key = reg(base, pc, I_B);
        const value = rk(base, load<u32>(pc, I_C));
        if (tagOf(object) == TAG_TABLE && tagOf(key) == TAG_INTEGER && tagOf(value) != TAG_NIL) {
          const slot = slotForInteger(refOf(object), integerOf(key));
          if (slot != 0) {
            copyValue(slot, value);
            pc += I_SIZE;
            continue;
          }
          code = E_MEMORY;
          break;
        }
        code = setIndex(object, key, value);
        break;
      }
      case H_SETTABLE: {
        code = setIndex(
          tableOperand(base, fp, load<u32>(pc, I_A)),
          rk(base, load<u32>(pc, I_B)),
          rk(base, load<u32>(pc, I_C)),
        );
        break;
      }
      case H_INCGLOBAL: {
        const value = rk(base, load<u32>(pc, I_C));
        const table = load<u32>(S_GLOBALS);
        let slot = hinted(table, pc);
        if (slot == 0) slot = lookUp(table, pc);
        if (slot != 0 && bothIntegers(slot, value)) {
          store<i64>(slot, integerOf(slot) + integerOf(value), 8);
          pc += I_SIZE;
          continue;
        }
        code = incrementGlobal(load<u32>(pc, I_B) - 1, value);
        break;
      }
      case H_INCFIELD: {
        const object = reg(base, pc, I_A);
        const value = rk(base, load<u32>(pc, I_C));
        if (tagOf(object) == TAG_TABLE) {
          const table = refOf(object);
          let slot = hinted(table, pc);
          if (slot == 0) slot = lookUp(table, pc);
          if (slot != 0 && bothIntegers(slot, value)) {
            store<i64>(slot, integerOf(slot) + integerOf(value), 8);
            pc += I_SIZE;
            continue;
          }
        }
        code = incrementIndex(object, load<u32>(pc, I_B) - 1, value);
        break;
      }
      case H_INCTABLE_RR: {
        const object = reg(base, pc, I_A);
        const key = reg(base, pc, I_B);
        const value = rk(base, load<u32>(pc, I_C));
        if (tagOf(object) == TAG_TABLE) {
          const table = refOf(object);
          const slot =
            tagOf(key) == TAG_INTEGER
              ? lookUpInteger(table, integerOf(key))
              : findValue(table, tagOf(key), integerOf(key));
          if (slot != 0 && bothIntegers(slot, value)) {
            store<i64>(slot, integerOf(slot) + integerOf(value), 8);
            pc += I_SIZE;
            continue;
          }
        }
        code = incrementIndex(object, key, value);
        break;
      }
      case H_INCTABLE: {
        code = incrementIndex(
          tableOperand(base, fp, load<u32>(pc, I_A)),
          rk(base, load<u32>(pc, I_B)),
          rk(base, load<u32>(pc, I_C)),
        );
        break;
      }
      case H_AGGTABLE: {
        code = addSample(
          tableOperand(base, fp, load<u32>(pc, I_A)),
          rk(base, load<u32>(pc, I_B)),
          rk(base, load<u32>(pc, I_C)),
        );
        break;
      }
      case H_NEWTABLE: {
        const table = newTable(TYPE_TABLE);
        if (table == 0 || !reserve(table, load<u32>(pc, I_B), load<u32>(pc, I_C))) {
          code = E_MEMORY;
          break;
        }
        setRef(reg(base, pc, I_A), TAG_TABLE, table);
        pc += I_SIZE;
        continue;
      }
      case H_SETLIST: {
        const object = reg(base, pc, I_A);
        if (tagOf(object) != TAG_TABLE) {
          code = fail(E_INDEX, tagOf(object), TAG_INTEGER);
          break;
        }
        let bytes = load<i32>(pc, I_B);
        if (bytes < 0) bytes = load<u32>(S_TOP) - object - 16;
        if (!setList(refOf(object), object + 16, bytes, load<u32>(pc, I_X))) {
          code = E_MEMORY;
          break;
        }
        pc = load<u32>(pc, I_Y);
        continue;
      }
      case H_SELF: {
        const object = reg(base, pc, I_B);
        const to = reg(base, pc, I_A);
        // The object is copied last, so that a failure leaves all registers as they were.
        const tag = load<i32>(object);
        const payload = integerOf(object);
        code = getIndex(to, object, rk(base, load<u32>(pc, I_C)));
        if (code != E_NONE) break;
        store<i32>(to, tag, 16);
        store<i64>(to, payload, 24);
        pc += I_SIZE;
        continue;
      }
      case H_ADD_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          setInteger(reg(base, pc, I_A), integerOf(left) + integerOf(right));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, right);
        break;
      }
      case H_ADD_RI: {
        const left = reg(base, pc, I_B);
        if (tagOf(left) == TAG_INTEGER) {
          setInteger(reg(base, pc, I_A), integerOf(left) + load<i64>(pc, I_X));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_SUB_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          setInteger(reg(base, pc, I_A), integerOf(left) - integerOf(right));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, right);
        break;
      }
      case H_SUB_RI: {
        const left = reg(base, pc, I_B);
        if (tagOf(left) == TAG_INTEGER) {
          setInteger(reg(base, pc, I_A), integerOf(left) - load<i64>(pc, I_X));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_MUL_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          setInteger(reg(base, pc, I_A), integerOf(left) * integerOf(right));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, right);
        break;
      }
      case H_MUL_RI: {
        const left = reg(base, pc, I_B);
        if (tagOf(left) == TAG_INTEGER) {
          setInteger(reg(base, pc, I_A), integerOf(left) * load<i64>(pc, I_X));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_DIV_RI: {
        const left = reg(base, pc, I_B);
        const divisor = load<i64>(pc, I_X);
        if (tagOf(left) == TAG_INTEGER && divisor > 0) {
          setInteger(reg(base, pc, I_A), divide(integerOf(left), divisor));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_MOD_RI: {
        const left = reg(base, pc, I_B);
        const divisor = load<i64>(pc, I_X);
        if (tagOf(left) == TAG_INTEGER && divisor > 0) {
          setInteger(reg(base, pc, I_A), remainder(integerOf(left), divisor));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, load<u32>(pc, I_C) - 1);
        break;
      }
      case H_MOD_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right) && integerOf(right) > 0) {
          setInteger(reg(base, pc, I_A), remainder(integerOf(left), integerOf(right)));
          pc += I_SIZE;
          continue;
        }
        code = arithmetic(load<u32>(pc, I_Z), reg(base, pc, I_A), left, right);
        break;
      }
      case H_ARITHMETIC: {
        code = arithmetic(
          load<u32>(pc, I_Z),
          reg(base, pc, I_A),
          rk(base, load<u32>(pc, I_B)),
          rk(base, load<u32>(pc, I_C)),
        );
        break;
      }
      case H_MINUS: {
        code = negate(reg(base, pc, I_A), reg(base, pc, I_B));
        break;
      }
      case H_NOT: {
        store<i32>(reg(base, pc, I_A), isTrue(reg(base, pc, I_B)) ? TAG_FALSE : TAG_TRUE);
        pc += I_SIZE;
        continue;
      }
      case H_CONCAT: {
        code = concat(reg(base, pc, I_A), reg(base, pc, I_B), reg(base, pc, I_C));
        break;
      }
      case H_JUMP: {
        pc = load<u32>(pc, I_X);
        continue;
      }
      case H_JUMP_BACK: {
        countBackEdge(pc);
        pc = load<u32>(pc, I_X);
        if (!tick()) continue;
        code = E_SPENT;
        break;
      }
      case H_JUMP_CLOSE: {
        closeUpvalues(reg(base, pc, I_A));
        const target = load<u32>(pc, I_X);
        if (target > pc) {
          pc = target;
          continue;
        }
        countBackEdge(pc);
        pc = target;
        if (!tick()) continue;
        code = E_SPENT;
        break;
      }
      case H_EQ_RR: {
        pc = equal(reg(base, pc, I_B), reg(base, pc, I_C)) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
        continue;
      }
      case H_EQ_RK: {
        pc = equal(reg(base, pc, I_B), load<u32>(pc, I_C)) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
        continue;
      }
      case H_EQ: {
        pc = equal(rk(base, load<u32>(pc, I_B)), rk(base, load<u32>(pc, I_C)))
          ? load<u32>(pc, I_X)
          : load<u32>(pc, I_Y);
        continue;
      }
      case H_LT_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, false);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LT_RI: {
        const left = reg(base, pc, I_B);
        const right = load<u32>(pc, I_C);
        if (tagOf(left) == TAG_INTEGER) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, false);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LT_IR: {
        const left = load<u32>(pc, I_B);
        const right = reg(base, pc, I_C);
        if (tagOf(right) == TAG_INTEGER) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, false);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LT: {
        const answer = compare(rk(base, load<u32>(pc, I_B)), rk(base, load<u32>(pc, I_C)), false);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LE_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          pc = integerOf(left) <= integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, true);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LE_RI: {
        const left = reg(base, pc, I_B);
        const right = load<u32>(pc, I_C);
        if (tagOf(left) == TAG_INTEGER) {
          pc = integerOf(left) <= integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, true);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LE_IR: {
        const left = load<u32>(pc, I_B);
        const right = reg(base, pc, I_C);
        if (tagOf(right) == TAG_INTEGER) {
          pc = integerOf(left) <= integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        const answer = compare(left, right, true);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_LE: {
        const answer = compare(rk(base, load<u32>(pc, I_B)), rk(base, load<u32>(pc, I_C)), true);
        if (answer >= 0) {
          pc = answer ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = -answer;
        break;
      }
      case H_TEST: {
        pc = isTrue(reg(base, pc, I_B)) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
        continue;
      }
      case H_TESTSET: {
        const from = reg(base, pc, I_B);
        if (<u32>isTrue(from) == load<u32>(pc, I_C)) {
          copyValue(reg(base, pc, I_A), from);
          pc = load<u32>(pc, I_X);
        } else {
          pc = load<u32>(pc, I_Y);
        }
        continue;
      }
      case H_CALL: {
        const slot = reg(base, pc, I_A);
        let bytes = load<i32>(pc, I_B);
        if (bytes < 0) bytes = load<u32>(S_TOP) - slot - 16;
        if (tagOf(slot) == TAG_FUNCTION) {
          // The common case of enter() in place: no extra arguments to keep.
          const closure = refOf(slot);
          const prototype = load<u32>(closure, CL_PROTOTYPE);
          const frame = fp + F_SIZE;
          const first = slot + 16;
          if (
            !load<u32>(prototype, P_IS_VARARG) &&
            frame <= load<u32>(S_FRAME_LIMIT) &&
            first + load<u32>(prototype, P_REGISTER_BYTES) + STACK_SLACK <= load<u32>(S_STACK_SOFT)
          ) {
            const end = first + load<u32>(prototype, P_PARAMETER_BYTES);
            for (let at = first + bytes; at < end; at += 16) setNil(at);
            store<u32>(fp, pc + I_SIZE, F_PC);
            fp = frame;
            base = first;
            store<u32>(fp, closure, F_CALLEE);
            store<u32>(fp, base, F_BASE);
            store<u32>(fp, slot, F_RESULTS);
            store<i32>(fp, load<i32>(pc, I_C), F_WANTED);
            store<u64>(fp, 0, F_EXTRA);
            pc = load<u32>(prototype);
            store<u32>(prototype, load<u32>(prototype, P_CALLS) + 1, P_CALLS);
            if (!tick()) continue;
            code = E_SPENT;
            break;
          }
        }
        store<u32>(fp, pc, F_PC);
        store<u32>(S_FP, fp);
        code = call(slot, bytes, slot, load<i32>(pc, I_C), pc + I_SIZE);
        break;
      }
      case H_TAILCALL: {
        const slot = reg(base, pc, I_A);
        let bytes = load<i32>(pc, I_B);
        if (bytes < 0) bytes = load<u32>(S_TOP) - slot - 16;
        store<u32>(fp, pc, F_PC);
        store<u32>(S_FP, fp);
        if (tagOf(slot) == TAG_FUNCTION) {
          closeUpvalues(base);
          const to = base - load<u32>(fp, F_SHIFT) - 16;
          copyUp(to, slot, bytes + 16);
          code = enter(fp, to, bytes);
          if (code == E_NONE) code = E_PUSHED;
          break;
        }
        // A built-in's results are returned by the instruction at X.
        code = call(slot, bytes, slot, -1, load<u32>(pc, I_X));
        if (code != E_NONE) break;
        pc = load<u32>(pc, I_X);
        continue;
      }
      case H_RETURN0: {
        if (load<u32>(S_OPEN_SLOT) >= base) closeUpvalues(base);
        finishResults(load<u32>(fp, F_RESULTS), 0, load<i32>(fp, F_WANTED));
        fp -= F_SIZE;
        base = load<u32>(fp, F_BASE);
        pc = load<u32>(fp, F_PC);
        continue;
      }
      case H_RETURN1: {
        if (load<u32>(S_OPEN_SLOT) >= base) closeUpvalues(base);
        const results = load<u32>(fp, F_RESULTS);
        const wanted = load<i32>(fp, F_WANTED);
        copyValue(results, reg(base, pc, I_A));
        if (wanted != 1) finishResults(results, 1, wanted);
        fp -= F_SIZE;
        base = load<u32>(fp, F_BASE);
        pc = load<u32>(fp, F_PC);
        continue;
      }
      case H_RETURN: {
        const from = reg(base, pc, I_A);
        let bytes = load<i32>(pc, I_B);
        if (bytes < 0) bytes = load<u32>(S_TOP) - from;
        if (load<u32>(S_OPEN_SLOT) >= base) closeUpvalues(base);
        const results = load<u32>(fp, F_RESULTS);
        const wanted = load<i32>(fp, F_WANTED);
        if (wanted >= 0) bytes = min(bytes, wanted << 4);
        copyUp(results, from, bytes);
        finishResults(results, <u32>bytes >>> 4, wanted);
        fp -= F_SIZE;
        base = load<u32>(fp, F_BASE);
        pc = load<u32>(fp, F_PC);
        continue;
      }
      case H_FORPREP: {
        code = prepareLoop(reg(base, pc, I_A));
        if (code > 0) break;
        pc = code == E_NONE ? pc + I_SIZE : load<u32>(pc, I_X);
        code = E_NONE;
        continue;
      }
      case H_FORLOOP: {
        const at = reg(base, pc, I_A);
        const rounds = load<i64>(at, 24);
        if (rounds == 0) {
          pc += I_SIZE;
          continue;
        }
        setInteger(at + 16, rounds - 1);
        const index = integerOf(at) + load<i64>(at, 40);
        // The tags are stored again lest a crafted module forge an address.
        setInteger(at, index);
        setInteger(at + 48, index);
        countBackEdge(pc);
        pc = load<u32>(pc, I_X);
        if (!tick()) continue;
        code = E_SPENT;
        break;
      }
      case H_TFOR: {
        const at = reg(base, pc, I_A);
        const wanted = load<i32>(pc, I_C);
        if (tagOf(at) == TAG_BUILTIN && typeOf(refOf(at)) == TYPE_ITERATOR) {
          const key = at + 48;
          if (!advance(refOf(at), key, wanted > 1 ? at + 64 : 0)) {
            finishResults(key, 1, wanted);
            pc = load<u32>(pc, I_Y);
            continue;
          }
          if (wanted > 2) finishResults(key, 2, wanted);
          copyValue(at + 32, key);
          pc += I_SIZE;
          continue;
        }
        store<u32>(fp, pc, F_PC);
        store<u32>(S_FP, fp);
        const slot = base + load<u32>(load<u32>(load<u32>(fp), CL_PROTOTYPE), P_REGISTER_BYTES);
        copyUp(slot, at, 48);
        code = call(slot, 32, slot, max(wanted, 1), load<u32>(pc, I_B));
        if (code != E_NONE) break;
        pc = load<u32>(pc, I_B);
        continue;
      }
      case H_TFOR_CHECK: {
        const at = reg(base, pc, I_A);
        const slot = base + load<u32>(load<u32>(load<u32>(fp), CL_PROTOTYPE), P_REGISTER_BYTES);
        copyUp(at + 48, slot, <u32>load<i32>(pc, I_C) << 4);
        if (tagOf(slot) == TAG_NIL) {
          pc = load<u32>(pc, I_Y);
        } else {
          copyValue(at + 32, slot);
          pc = load<u32>(pc, I_X);
        }
        continue;
      }
      case H_CLOSURE: {
        const closure = newClosure(load<u32>(pc, I_B), load<u32>(fp), base);
        if (closure == 0) {
          code = E_MEMORY;
          break;
        }
        setRef(reg(base, pc, I_A), TAG_FUNCTION, closure);
        pc += I_SIZE;
        continue;
      }
      case H_VARARG: {
        const to = reg(base, pc, I_A);
        const extra = load<u32>(fp, F_EXTRA);
        const wanted = load<i32>(pc, I_B);
        const bytes = wanted < 0 ? extra : min(extra, <u32>wanted << 4);
        if (!hasStack(to + bytes)) {
          code = E_STACK;
          break;
        }
        copyUp(to, base - extra, bytes);
        finishResults(to, bytes >>> 4, wanted);
        pc += I_SIZE;
        continue;
      }
      case H_EVENT_TEXT:
      case H_EVENT_NAME:
      case H_EVENT_FIELD:
      case H_EVENT_NAMED: {
        const to = reg(base, pc, I_A);
        const kind = load<i32>(pc) - H_EVENT_TEXT;
        const event = load<u32>(S_EVENT);
        if (event == 0) {
          code = fail(E_NO_EVENT, kind, 0);
          break;
        }
        if (kind == 1) {
          setRef(to, TAG_STRING, load<u32>(event, D_NAME));
          pc += I_SIZE;
          continue;
        }
        store<u32>(fp, pc, F_PC);
        store<u32>(S_FP, fp);
        if (kind == 2) {
          code = readArgument(to, load<u32>(pc, I_B));
        } else if (kind == 3) {
          code = readNamed(to, refOf(rk(base, load<u32>(pc, I_B))), pc);
        } else {
          hostEventText(to);
        }
        break;
      }
      case H_HALT: {
        // The host's frame is the only one left; the results lie at the stack's bottom.
        store<u32>(S_FP, fp);
        return RUN_DONE;
      }
      case H_SORT: {
        store<u32>(fp, pc, F_PC);
        store<u32>(S_FP, fp);
        code = sortStep(load<u32>(fp), base);
        if (code == E_NONE) {
          finishSort();
          fp = load<u32>(S_FP);
          base = load<u32>(fp, F_BASE);
          pc = load<u32>(fp, F_PC);
          continue;
        }
        if (code != CALL_COMPARATOR) break;
        code = call(base + 48, 32, base + 48, 1, pc);
        if (code != E_NONE) break;
        continue;
      }
      default:
        unreachable();
    }
    // An instruction that did not end in its fast path: by its code.
    if (code == E_NONE) {
      pc += I_SIZE;
      continue;
    }
    if (code == E_PUSHED) {
      fp = load<u32>(S_FP);
      base = load<u32>(fp, F_BASE);
      pc = load<u32>(fp, F_PC);
      if (!tick()) continue;
      code = E_SPENT;
    }
    store<u32>(fp, pc, F_PC);
    store<u32>(S_FP, fp);
    if (code == E_SPENT) {
      // At a safepoint, with pc where it goes on.
      code = safepoint();
      if (code == E_NONE) continue;
      if (code == E_SPENT) return RUN_BUDGET;
    }
    if (code == E_EXIT) return RUN_EXIT;
    if (code == E_MEMORY && retry(pc)) continue;
    store<i32>(S_ERROR, code);
    return RUN_ERROR;
  }
}
