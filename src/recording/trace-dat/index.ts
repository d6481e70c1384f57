// Reads what a trace.dat says about itself: everything but the records, whose places it tells. Versions 6 and 7, of any byte
// order, as `trace-cmd record` writes them.
//
//     17 08 44 "tracing"  version\0  u8 big endian?  u8 bytes of a long  u32 page size
//     version 6: the parts of sections.ts, u32 CPUs, ["options  \0" options], "flyrecord\0", places, data
//     version 7: compression\0 its version\0  u64 offset of the options, which say where everything else is
//
// Source: trace-cmd's Documentation/trace-cmd/trace-cmd.dat.v6.5.txt and .v7.5.txt.

import { plainError } from '../../language/diagnostics.js';
import { checkSubBufferSize } from './buffers.js';
import { DamageError, type FileReader } from './file-reader.js';
import { TRACE_DAT_MAGIC } from './magic.js';
import type { TraceDat } from './trace-dat.js';
import { readVersion6 } from './version-6.js';
import { readVersion7 } from './version-7.js';

/**
 * Reads a trace.dat, which it takes over. Throws KtapError where it cannot be read, is none, or is damaged so that no record
 * can be used.
 */
export function openTraceDat(file: FileReader): TraceDat {
  try {
    return read(file);
  } catch (error) {
    file.close();
    if (!(error instanceof DamageError)) throw error;
    if (error.truncated) {
      const hint = 'a recorder that was killed leaves such a file beside its trace.dat.cpu0, …: try trace-cmd restore';
      throw plainError(`${file.path} is truncated: ${error.message}`, hint);
    }
    throw plainError(`${file.path} is corrupt: ${error.message}`);
  }
}

function read(file: FileReader): TraceDat {
  checkMagic(file);
  const word = file.cString('the version', 16);
  const version = Number(word);
  if (version !== 6 && version !== 7) {
    throw plainError(
      `${file.path} is a trace.dat of version ${word.replace(/[^ -~]/g, '?')}; ktap reads versions 6 and 7`,
    );
  }
  const bigEndian = file.u8('the byte order');
  if (bigEndian > 1) throw new DamageError(`its byte order cannot be ${bigEndian}`, false);
  file.littleEndian = bigEndian === 0;
  const longSize = file.u8('the size of a long');
  if (longSize !== 4 && longSize !== 8) throw new DamageError(`a long cannot have ${longSize} bytes`, false);
  const pageSize = checkSubBufferSize(file.u32('the page size'));
  return version === 6 ? readVersion6(file, pageSize) : readVersion7(file);
}

function checkMagic(file: FileReader): void {
  if (file.size === 0) throw plainError(`cannot read ${file.path}: the file is empty`);
  const start = file.text(Math.min(file.size, TRACE_DAT_MAGIC.length), 'the magic number');
  if (start === TRACE_DAT_MAGIC) return;
  if (TRACE_DAT_MAGIC.startsWith(start)) throw new DamageError('the file ends within its magic number', true);
  throw plainError(
    `${file.path} is not a recording that ktap can replay`,
    'ktap replays trace.dat files of trace-cmd record or ktap --record, and perf.data files of perf record',
  );
}
