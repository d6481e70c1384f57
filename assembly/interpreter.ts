// The interpreter's loop. Instructions are in the decoded form that src/engine/decoder.ts makes (32 bytes each; the
// forms are listed in src/engine/handlers.ts). The machine's registers pc, base and fp live in locals of `run`; they are
// written to the frame before anything that can call the host, collect or fail, and read again after calls.
//
// Fast paths stand here; everything else is in rare.ts, operations.ts, calls.ts, sort.ts and events.ts.

import {
  CL_PROTOTYPE,
  E_EXIT,
  E_JUMP,
  E_MEMORY,
  E_NONE,
  E_PUSHED,
  E_RETURNED,
  E_SPENT,
  F_BASE,
  F_CALLEE,
  F_EXTRA,
  F_PC,
  F_RESULTS,
  F_SIZE,
  F_WANTED,
  H_ADD_RI,
  H_ADD_RR,
  H_AGGTABLE,
  H_ARITHMETIC,
  H_CALL,
  H_CONCAT,
  H_DIV_RI,
  H_EQ_RK,
  H_EQ_RR,
  H_FORLOOP,
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
  H_LOADINT,
  H_LOADK,
  H_LOADPRI1,
  H_LT_IR,
  H_LT_RI,
  H_LT_RR,
  H_MOD_RI,
  H_MOD_RR,
  H_MOVE,
  H_MUL_RI,
  H_MUL_RR,
  H_NOT,
  H_RETURN0,
  H_RETURN1,
  H_SETFIELD,
  H_SETGLOBAL,
  H_SETTABLE,
  H_SETTABLE_RR,
  H_SETUPVAL,
  H_SUB_RI,
  H_SUB_RR,
  H_TEST,
  H_TESTSET,
  H_TFOR,
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
  S_FP,
  S_FRAME_LIMIT,
  S_GC_DUE,
  S_GC_STRESS,
  S_GLOBALS,
  S_NEXT,
  S_OPEN_SLOT,
  S_REMAINING,
  S_STACK_SOFT,
  S_TICKS,
  S_TOP,
  TAG_BUILTIN,
  TAG_FALSE,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_NIL,
  TAG_STRING,
  TAG_TABLE,
  TAG_TRUE,
  TYPE_ITERATOR,
  T_ENTRIES,
  T_MASK,
  T_USED,
} from './generated/constants';
import { addSample } from './aggregation';
import { STACK_SLACK, advance, call, enter, finishResults } from './calls';
import { closeUpvalues } from './closures';
import { bothIntegers, hinted, reg, rk, tableOperand, upvalueSlot } from './operands';
import {
  arithmetic,
  concat,
  divide,
  equal,
  getIndex,
  incrementGlobal,
  incrementIndex,
  isTrue,
  remainder,
  setIndex,
} from './operations';
import { order, rare } from './rare';
import { countBackEdge, retry, safepoint, tick } from './safepoints';
import { findValue, removeKey, slotFor, slotForInteger } from './tables';
import { copyValue, integerOf, refOf, setInteger, setNil, tagOf, typeOf } from './values';

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
      case H_JUMP_CLOSE:
        closeUpvalues(reg(base, pc, I_A));
      // Goes on as JUMP_BACK, which does no harm where it leads forward.
      case H_JUMP_BACK: {
        countBackEdge(pc);
        pc = load<u32>(pc, I_X);
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
      case H_LT_RR: {
        const left = reg(base, pc, I_B);
        const right = reg(base, pc, I_C);
        if (bothIntegers(left, right)) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = order(pc, left, right);
        break;
      }
      case H_LT_RI: {
        const left = reg(base, pc, I_B);
        const right = load<u32>(pc, I_C);
        if (tagOf(left) == TAG_INTEGER) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = order(pc, left, right);
        break;
      }
      case H_LT_IR: {
        const left = load<u32>(pc, I_B);
        const right = reg(base, pc, I_C);
        if (tagOf(right) == TAG_INTEGER) {
          pc = integerOf(left) < integerOf(right) ? load<u32>(pc, I_X) : load<u32>(pc, I_Y);
          continue;
        }
        code = order(pc, left, right);
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
        code = rare(pc, base, fp);
        break;
      }
      case H_HALT: {
        // The host's frame is the only one left; the results lie at the stack's bottom.
        store<u32>(S_FP, fp);
        return RUN_DONE;
      }
      default:
        code = rare(pc, base, fp);
        break;
    }
    // An instruction that did not end in its fast path: by its code.
    if (code == E_NONE) {
      pc += I_SIZE;
      continue;
    }
    if (code == E_JUMP) {
      pc = load<u32>(S_NEXT);
      continue;
    }
    if (code == E_RETURNED) {
      fp = load<u32>(S_FP);
      base = load<u32>(fp, F_BASE);
      pc = load<u32>(fp, F_PC);
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
