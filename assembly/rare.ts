// Instructions that are rare, or long anyway. They stand outside `run` because the time that V8 takes to optimise `run`
// grows with its size, and until then a script runs several times slower: with all of them inside it was 33 ms.

import {
  CL_PROTOTYPE,
  D_NAME,
  E_INDEX,
  E_JUMP,
  E_MEMORY,
  E_NONE,
  E_NO_EVENT,
  E_PUSHED,
  E_RETURNED,
  E_SPENT,
  E_STACK,
  F_EXTRA,
  F_PC,
  F_RESULTS,
  F_SHIFT,
  F_SIZE,
  F_WANTED,
  H_CLOSURE,
  H_EQ,
  H_EVENT_FIELD,
  H_EVENT_NAME,
  H_EVENT_NAMED,
  H_EVENT_TEXT,
  H_FORPREP,
  H_LOADPRI,
  H_LT,
  H_MINUS,
  H_NEWTABLE,
  H_RETURN,
  H_SELF,
  H_SETLIST,
  H_SORT,
  H_TAILCALL,
  H_TFOR,
  H_TFOR_CHECK,
  H_VARARG,
  I_A,
  I_B,
  I_C,
  I_X,
  I_Y,
  I_Z,
  P_REGISTER_BYTES,
  S_EVENT,
  S_FP,
  S_NEXT,
  S_OPEN_SLOT,
  S_TOP,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STRING,
  TAG_TABLE,
  TYPE_TABLE,
} from './generated/constants';
import { call, enter, finishResults, finishSort, hasStack } from './calls';
import { closeUpvalues, newClosure } from './closures';
import { readArgument, readNamed } from './events';
import { hostEventText } from './host';
import { reg, rk } from './operands';
import { compare, equal, fail, getIndex, negate, prepareLoop } from './operations';
import { CALL_COMPARATOR, sortStep } from './sort';
import { newTable, removeKey, reserve, slotFor } from './tables';
import { copyUp, copyValue, integerOf, refOf, setRef, tagOf } from './values';

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

/** The instruction goes on at `target`. */
function jump(target: u32): i32 {
  store<u32>(S_NEXT, target);
  return E_JUMP;
}

/** A comparison whose operands are not both integers. With Z it is `right <= left`, and branches when that fails. */
export function order(pc: u32, left: u32, right: u32): i32 {
  const isSwapped = load<u32>(pc, I_Z) != 0;
  const answer = isSwapped ? compare(right, left, true) : compare(left, right, false);
  if (answer < 0) return -answer;
  return jump((answer != 0) != isSwapped ? load<u32>(pc, I_X) : load<u32>(pc, I_Y));
}

/** Runs the instruction at pc; an error code, or E_JUMP, E_PUSHED, E_RETURNED, E_SPENT. */
export function rare(pc: u32, base: u32, fp: u32): i32 {
  switch (load<i32>(pc)) {
    case H_LOADPRI: {
      const tag = load<i32>(pc, I_B);
      const last = load<u32>(pc, I_C);
      const to = reg(base, pc, I_A);
      for (let offset: u32 = 0; offset <= last; offset += 16) store<i32>(to + offset, tag);
      return jump(load<u32>(pc, I_X));
    }
    case H_NEWTABLE: {
      const table = newTable(TYPE_TABLE);
      if (table == 0 || !reserve(table, load<u32>(pc, I_B), load<u32>(pc, I_C))) return E_MEMORY;
      setRef(reg(base, pc, I_A), TAG_TABLE, table);
      return E_NONE;
    }
    case H_SETLIST: {
      const object = reg(base, pc, I_A);
      if (tagOf(object) != TAG_TABLE) return fail(E_INDEX, tagOf(object), TAG_INTEGER);
      let bytes = load<i32>(pc, I_B);
      if (bytes < 0) bytes = load<u32>(S_TOP) - object - 16;
      if (!setList(refOf(object), object + 16, bytes, load<u32>(pc, I_X))) return E_MEMORY;
      return jump(load<u32>(pc, I_Y));
    }
    case H_SELF: {
      const object = reg(base, pc, I_B);
      const to = reg(base, pc, I_A);
      // The object is copied last, so that a failure leaves all registers as they were.
      const tag = load<i32>(object);
      const payload = integerOf(object);
      const code = getIndex(to, object, rk(base, load<u32>(pc, I_C)));
      if (code != E_NONE) return code;
      store<i32>(to, tag, 16);
      store<i64>(to, payload, 24);
      return E_NONE;
    }
    case H_MINUS: {
      return negate(reg(base, pc, I_A), reg(base, pc, I_B));
    }
    case H_EQ: {
      const holds = equal(rk(base, load<u32>(pc, I_B)), rk(base, load<u32>(pc, I_C)));
      return jump(holds ? load<u32>(pc, I_X) : load<u32>(pc, I_Y));
    }
    case H_LT:
      return order(pc, rk(base, load<u32>(pc, I_B)), rk(base, load<u32>(pc, I_C)));
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
        const code = enter(fp, to, bytes);
        return code == E_NONE ? E_PUSHED : code;
      }
      // A built-in's results are returned by the instruction at X.
      const code = call(slot, bytes, slot, -1, load<u32>(pc, I_X));
      return code != E_NONE ? code : jump(load<u32>(pc, I_X));
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
      store<u32>(S_FP, fp - F_SIZE);
      return E_RETURNED;
    }
    case H_FORPREP: {
      const code = prepareLoop(reg(base, pc, I_A));
      return code < 0 ? jump(load<u32>(pc, I_X)) : code;
    }
    case H_TFOR: {
      // Any iterator but that of pairs: called on a copy above the frame, TFOR_CHECK takes the results.
      store<u32>(fp, pc, F_PC);
      store<u32>(S_FP, fp);
      const slot = base + load<u32>(load<u32>(load<u32>(fp), CL_PROTOTYPE), P_REGISTER_BYTES);
      copyUp(slot, reg(base, pc, I_A), 48);
      const next = load<u32>(pc, I_B);
      const code = call(slot, 32, slot, max(load<i32>(pc, I_C), 1), next);
      return code != E_NONE ? code : jump(next);
    }
    case H_TFOR_CHECK: {
      const at = reg(base, pc, I_A);
      const slot = base + load<u32>(load<u32>(load<u32>(fp), CL_PROTOTYPE), P_REGISTER_BYTES);
      copyUp(at + 48, slot, <u32>load<i32>(pc, I_C) << 4);
      if (tagOf(slot) == TAG_NIL) return jump(load<u32>(pc, I_Y));
      copyValue(at + 32, slot);
      return jump(load<u32>(pc, I_X));
    }
    case H_CLOSURE: {
      const closure = newClosure(load<u32>(pc, I_B), load<u32>(fp), base);
      if (closure == 0) return E_MEMORY;
      setRef(reg(base, pc, I_A), TAG_FUNCTION, closure);
      return E_NONE;
    }
    case H_VARARG: {
      const to = reg(base, pc, I_A);
      const extra = load<u32>(fp, F_EXTRA);
      const wanted = load<i32>(pc, I_B);
      const bytes = wanted < 0 ? extra : min(extra, <u32>wanted << 4);
      if (!hasStack(to + bytes)) return E_STACK;
      copyUp(to, base - extra, bytes);
      finishResults(to, bytes >>> 4, wanted);
      return E_NONE;
    }
    case H_EVENT_TEXT:
    case H_EVENT_NAME:
    case H_EVENT_FIELD:
    case H_EVENT_NAMED: {
      const to = reg(base, pc, I_A);
      const kind = load<i32>(pc) - H_EVENT_TEXT;
      const event = load<u32>(S_EVENT);
      if (event == 0) return fail(E_NO_EVENT, kind, 0);
      if (kind == 1) {
        setRef(to, TAG_STRING, load<u32>(event, D_NAME));
        return E_NONE;
      }
      store<u32>(fp, pc, F_PC);
      store<u32>(S_FP, fp);
      if (kind == 2) return readArgument(to, load<u32>(pc, I_B));
      if (kind == 3) return readNamed(to, refOf(rk(base, load<u32>(pc, I_B))), pc);
      hostEventText(to);
      return E_NONE;
    }
    case H_SORT: {
      store<u32>(fp, pc, F_PC);
      store<u32>(S_FP, fp);
      let code = sortStep(load<u32>(fp), base);
      if (code == E_NONE) {
        finishSort();
        return E_RETURNED;
      }
      if (code != CALL_COMPARATOR) return code;
      code = call(base + 48, 32, base + 48, 1, pc);
      return code != E_NONE ? code : jump(pc);
    }
    default:
      return unreachable();
  }
}
