// Reads fields of the current event's record, by the descriptor that the host has made of its layout.

import {
  DF_IS_SIGNED,
  DF_KIND,
  DF_LENGTH,
  DF_NAME,
  DF_OFFSET,
  DF_SIZE,
  D_ARG_COUNT,
  D_FIELDS,
  D_NAMED_COUNT,
  E_MEMORY,
  E_NONE,
  FIELD_CHARS,
  FIELD_DATA_LOC,
  FIELD_HOST,
  FIELD_INTEGER,
  FIELD_REL_LOC,
  I_X,
  I_Y,
  NAMED_FIELD_BASE,
  S_EVENT,
  S_RECORD,
  S_RECORD_LENGTH,
  TAG_STRING,
} from './generated/constants';
import { hostField } from './host';
import { stringUpToNul } from './strings';
import { setInteger, setNil, setRef } from './values';

/** to = the field; `index` is how the host calls it. */
export function readField(to: u32, field: u32, index: i32): i32 {
  const record = load<u32>(S_RECORD);
  const length = load<u32>(S_RECORD_LENGTH);
  const kind = <i32>load<u16>(field, DF_KIND);
  let offset = load<u32>(field, DF_OFFSET);
  let size = load<u32>(field, DF_LENGTH);
  if (kind == FIELD_HOST) {
    hostField(index, to);
    return E_NONE;
  }
  if (<u64>offset + <u64>size > <u64>length) {
    setNil(to);
    return E_NONE;
  }
  const at = record + offset;
  switch (kind) {
    case FIELD_INTEGER:
      setInteger(to, readInteger(at, size, load<u16>(field, DF_IS_SIGNED) != 0));
      return E_NONE;
    case FIELD_CHARS:
      break;
    case FIELD_DATA_LOC:
    case FIELD_REL_LOC: {
      const location = load<u32>(at);
      const start = (location & 0xffff) + (kind == FIELD_REL_LOC ? offset + 4 : 0);
      size = location >>> 16;
      if (start + size > length) {
        setNil(to);
        return E_NONE;
      }
      offset = start;
      break;
    }
    default:
      setNil(to);
      return E_NONE;
  }
  const string = stringUpToNul(record + offset, size);
  if (string == 0) return E_MEMORY;
  setRef(to, TAG_STRING, string);
  return E_NONE;
}

function readInteger(at: u32, size: u32, isSigned: bool): i64 {
  switch (size) {
    case 1:
      return isSigned ? <i64>load<i8>(at) : <i64>load<u8>(at);
    case 2:
      return isSigned ? <i64>load<i16>(at) : <i64>load<u16>(at);
    case 4:
      return isSigned ? <i64>load<i32>(at) : <i64>load<u32>(at);
    default:
      return load<i64>(at);
  }
}

/** to = field number `number`, from 1. */
export function readArgument(to: u32, number: u32): i32 {
  const event = load<u32>(S_EVENT);
  if (number - 1 >= load<u32>(event, D_ARG_COUNT)) {
    setNil(to);
    return E_NONE;
  }
  return readField(to, event + D_FIELDS + (number - 1) * DF_SIZE, <i32>number - 1);
}

/** to = the field with this interned name; the instruction remembers where it was last. */
export function readNamed(to: u32, name: u32, instruction: u32): i32 {
  const event = load<u32>(S_EVENT);
  const first = event + D_FIELDS + load<u32>(event, D_ARG_COUNT) * DF_SIZE;
  let field = load<u32>(instruction, I_Y);
  if (load<u32>(instruction, I_X) != event) {
    const end = first + load<u32>(event, D_NAMED_COUNT) * DF_SIZE;
    field = first;
    while (field < end && load<u32>(field, DF_NAME) != name) field += DF_SIZE;
    if (field == end) field = 0;
    store<u32>(instruction, event, I_X);
    store<u32>(instruction, field, I_Y);
  }
  if (field == 0) {
    setNil(to);
    return E_NONE;
  }
  return readField(to, field, NAMED_FIELD_BASE + <i32>((field - first) / DF_SIZE));
}
