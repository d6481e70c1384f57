// Functions of disk drivers that print fmts of `libata` and `scsi` call: they spell out status bytes and commands. Names and
// order are those of drivers/ata/libata-trace.c and drivers/scsi/scsi_trace.c; bits from ATA (ACS) and SCSI (SPC, SBC).

import type { Compiler } from './compiler.js';
import { converted, type Expression, textOf } from './expression.js';
import { type Node, PrintFormatError } from './parser.js';
import type { RecordReader } from './reader.js';

type Helper = (compiler: Compiler, args: readonly Node[]) => Expression;

type Bits = readonly (readonly [mask: number, name: string])[];

/** The names of set bits in braces; `number` puts the value before them, and then says nothing more of a zero. */
function bitNames(bits: Bits, number: boolean): Helper {
  return (compiler, [, node]) => {
    const value = converted(compiler.compile(node!), 4, false);
    return textOf((r) => {
      const set = Number(value(r));
      if (number && set === 0) return '0';
      const names = bits.filter(([mask]) => (set & mask) !== 0).map(([, name]) => `${name} `);
      return `${number ? set.toString(16) : ''}{ ${names.join('')}}`;
    });
  };
}

const bit = (...names: readonly (readonly [position: number, name: string])[]): Bits =>
  names.map(([position, name]) => [2 ** position, name]);

const ATA_STATUS = bit(
  [7, 'BUSY'],
  [6, 'DRDY'],
  [5, 'DF'],
  [4, 'DSC'],
  [3, 'DRQ'],
  [2, 'CORR'],
  [1, 'SENSE'],
  [0, 'ERR'],
);
const BMDMA_STATUS = bit([0, 'ACTIVE'], [1, 'ERR'], [2, 'INTR']);
const ERROR_MASK = bit(
  ...['DEV', 'HSM', 'TIMEOUT', 'MEDIA', 'ATA_BUS', 'HOST_BUS', 'SYSTEM', 'INVALID', 'OTHER', 'NODEV_HINT', 'NCQ'].map(
    (name, position) => [position, name] as const,
  ),
);
/** ata_queued_cmd.flags: ATA_QCFLAG_… of include/linux/libata.h */
const QC_FLAGS = bit(
  [0, 'ACTIVE'],
  [1, 'DMAMAP'],
  [3, 'IO'],
  [4, 'RESULT_TF'],
  [5, 'CLEAR_EXCL'],
  [6, 'QUIET'],
  [7, 'RETRY'],
  [16, 'FAILED'],
  [17, 'SENSE_VALID'],
  [18, 'EH_SCHEDULED'],
);
/** ata_taskfile.flags: ATA_TFLAG_… */
const TASK_FILE_FLAGS = bit([0, 'LBA48'], [1, 'ISADDR'], [2, 'DEV'], [3, 'WRITE'], [4, 'LBA'], [5, 'FUA'], [6, 'POLL']);

/** ata_eh_info.action: ATA_EH_…; either kind of reset is RESET. */
const EH_ACTION: Bits = [
  [1, 'REVALIDATE'],
  [6, 'RESET'],
  [8, 'ENABLE_LINK'],
  [32, 'PARK'],
];

/** Commands that carry another in their feature register (hob_nsect for FPDMA_SEND and FPDMA_RECV). */
const SUBCOMMANDS: Readonly<
  Record<number, { readonly from: 'feature' | 'count'; readonly names: Readonly<Record<number, string>> }>
> = {
  101: { from: 'count', names: { 1: ' READ_LOG_DMA_EXT', 2: ' ZAC_MGMT_IN' } },
  100: { from: 'count', names: { 0: ' DATASET_MANAGEMENT', 2: ' WRITE_LOG_DMA_EXT' } },
  99: { from: 'feature', names: { 0: ' ABORT_QUEUE', 5: ' SET_FEATURES', 6: ' ZERO_EXT', 7: ' ZAC_MGMT_OUT' } },
  74: { from: 'feature', names: { 0: ' REPORT_ZONES' } },
  159: { from: 'feature', names: { 1: ' CLOSE_ZONE', 2: ' FINISH_ZONE', 3: ' OPEN_ZONE', 4: ' RESET_WRITE_POINTER' } },
};

const ataSubcommand: Helper = (compiler, [, ...nodes]) => {
  const [command, feature, count] = nodes.map((node) => converted(compiler.compile(node), 1, false));
  return textOf((r) => {
    const known = SUBCOMMANDS[Number(command!(r))];
    if (known === undefined) return '';
    return known.names[known.from === 'count' ? Number(count!(r)) & 0x5f : Number(feature!(r))] ?? '';
  });
};

/** A SCSI command descriptor block: `lba=0 txlen=8 protect=0` and the like, `-` for what has no text. */
const scsiCommand: Helper = (compiler, [, node, lengthNode]) => {
  const array = compiler.compile(node!).bytes;
  if (array === undefined) throw new PrintFormatError('expected an array');
  const length = converted(compiler.compile(lengthNode!), 4, true);
  return textOf((r: RecordReader) => {
    const start = array.at(r);
    // A text may look past the end of a short block, as the kernel does.
    const block = Buffer.alloc(32);
    block.set(r.memory.subarray(start, start + Math.min(Math.max(Number(length(r)), 0), 32)));
    return commandText(block);
  });
};

const MAINTENANCE_IN: Readonly<Record<number, string>> = {
  5: 'REPORT_IDENTIFYING_INFORMATION',
  10: 'REPORT_TARGET_PORT_GROUPS',
  11: 'REPORT_ALIASES',
  12: 'REPORT_SUPPORTED_OPERATION_CODES',
  13: 'REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS',
  14: 'REPORT_PRIORITY',
  15: 'REPORT_TIMESTAMP',
  16: 'MANAGEMENT_PROTOCOL_IN',
};
const MAINTENANCE_OUT: Readonly<Record<number, string>> = {
  6: 'SET_IDENTIFYING_INFORMATION',
  10: 'SET_TARGET_PORT_GROUPS',
  11: 'CHANGE_ALIASES',
  14: 'SET_PRIORITY',
  15: 'SET_TIMESTAMP',
  16: 'MANAGEMENT_PROTOCOL_OUT',
};
const ZONE_OUT: Readonly<Record<number, string>> = {
  1: 'CLOSE_ZONE',
  2: 'FINISH_ZONE',
  3: 'OPEN_ZONE',
  4: 'RESET_WRITE_POINTER',
};
const LONG_COMMANDS: Readonly<Record<number, string>> = { 9: 'READ', 10: 'VERIFY', 11: 'WRITE', 13: 'WRITE_SAME' };

function commandText(block: Buffer): string {
  const action = block[1]! & 31;
  const unmap = (byte: number) => ` unmap=${(block[byte]! >> 3) & 1}`;
  const transfer = (lba: bigint | number, blocks: number) => `lba=${lba} txlen=${blocks} protect=${block[1]! >> 5}`;
  const answered = (name: string | undefined) =>
    name === undefined ? 'UNKNOWN' : `${name} alloc_len=${block.readUInt32BE(6)}`;
  switch (block[0]) {
    case 0x08:
    case 0x0a:
      return `lba=${block.readUIntBE(1, 3) & 0x1fffff} txlen=${block[4]}`;
    case 0x28:
    case 0x2a:
    case 0x2f:
      return transfer(block.readUInt32BE(2), block.readUInt16BE(7));
    case 0x41:
      return transfer(block.readUInt32BE(2), block.readUInt16BE(7)) + unmap(1);
    case 0xa8:
    case 0xaa:
    case 0xaf:
      return transfer(block.readUInt32BE(2), block.readUInt32BE(6));
    case 0x88:
    case 0x8a:
    case 0x8f:
      return transfer(block.readBigUInt64BE(2), block.readUInt32BE(10));
    case 0x93:
      return transfer(block.readBigUInt64BE(2), block.readUInt32BE(10)) + unmap(1);
    case 0x42:
      // Unsigned, as the kernel counts.
      return `regions=${Math.floor(((block.readUInt16BE(7) - 8) >>> 0) / 16)}`;
    case 0x9e: {
      const name = { 16: 'READ_CAPACITY_16', 18: 'GET_LBA_STATUS' }[action];
      if (name === undefined) return 'UNKNOWN';
      return `${name} lba=${block.readBigUInt64BE(2)} alloc_len=${block.readUInt32BE(10)}`;
    }
    case 0x7f: {
      const service = block.readUInt16BE(8);
      const name = LONG_COMMANDS[service];
      if (name === undefined) return '-';
      const head = `${name}_32 lba=${block.readBigUInt64BE(12)} txlen=${block.readUInt32BE(28)}`;
      return `${head} protect=${block[10]! >> 5} ei_lbrt=${block.readUInt32BE(20)}${service === 13 ? unmap(10) : ''}`;
    }
    case 0xa3:
      return answered(MAINTENANCE_IN[action]);
    case 0xa4:
      return answered(MAINTENANCE_OUT[action]);
    case 0x95:
      if (action !== 0) return 'UNKNOWN';
      return `REPORT_ZONES zone=${block.readBigUInt64BE(2)} alloc_len=${block.readUInt32BE(10)} options=${block[14]! & 63} partial=${block[14]! >> 7}`;
    case 0x94: {
      const name = ZONE_OUT[action];
      return name === undefined ? 'UNKNOWN' : `${name} zone=${block.readBigUInt64BE(2)} all=${block[14]! & 1}`;
    }
    default:
      return '-';
  }
}

export const DEVICE_HELPERS: readonly (readonly [string, Helper])[] = [
  ['libata_trace_parse_status', bitNames(ATA_STATUS, false)],
  ['libata_trace_parse_host_stat', bitNames(BMDMA_STATUS, false)],
  ['libata_trace_parse_eh_action', bitNames(EH_ACTION, true)],
  ['libata_trace_parse_eh_err_mask', bitNames(ERROR_MASK, true)],
  ['libata_trace_parse_qc_flags', bitNames(QC_FLAGS, true)],
  ['libata_trace_parse_tf_flags', bitNames(TASK_FILE_FLAGS, true)],
  ['libata_trace_parse_subcmd', ataSubcommand],
  ['scsi_trace_parse_cdb', scsiCommand],
];
