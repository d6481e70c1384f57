// Writes docs/bytecode.md from the instruction set in src/bytecode/isa.ts, with an example that the compiler and the
// disassembler make. `node scripts/generate-docs.js --check` only says whether the file is current.

import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { importTypeScript, writeIfChanged } from './generate.js';

const PATH = 'docs/bytecode.md';

const EXAMPLE = `s = {}
trace syscalls:sys_enter_* {
    if (arg1 != 1) { s[argname] += 1 }
}
trace_end { histogram(s) }
`;

const KINDS = {
  none: 'unused, 0',
  register: '`R`',
  rk: '`RK`',
  upvalue: '`U`, not 0',
  table: '`R`, with M `U`',
  constant: '`K`',
  prototype: 'child function',
  jump: 'signed distance',
  number: 'number',
};

function instructionTable(opcodes) {
  const rows = opcodes.map((opcode, number) => {
    const { name, a, b = 'none', c = 'none', bx, mode, effect } = opcode;
    const operands =
      bx === undefined
        ? [KINDS[a], KINDS[b], KINDS[c]]
        : [KINDS[a], `${bx === 'jump' ? 'sBx' : 'Bx'}: ${KINDS[bx]}`, ''];
    return [number, `\`${name}\``, ...operands, effect, mode ?? ''];
  });
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(['#', 'opcode', 'A', 'B', 'C', 'effect', 'M = 1']),
    line(['---:', '---', '---', '---', '---', '---', '---']),
    ...rows.map(line),
  ].join('\n');
}

/** The whole text of docs/bytecode.md. */
export async function bytecodeDocument() {
  const { OPCODES, LIMITS, RK_CONSTANT, SETLIST_BATCH } = await importTypeScript('src/bytecode/isa.ts');
  const { compile, disassemble } = await importTypeScript('src/bytecode/index.ts');
  const { parseChunk } = await importTypeScript('src/language/index.ts');
  const source = { name: 'example.kp', text: EXAMPLE };
  const { module } = compile(parseChunk(source), source);
  return `# The bytecode

Made by \`node scripts/generate-docs.js\` from \`src/bytecode/isa.ts\`, the table that compiler, verifier, disassembler and
interpreter follow. A script is compiled to a module; \`ktap --dump-bytecode\` prints it, \`ktap --compile FILE.kpc\` keeps it.

A module is a list of functions (prototypes): the main chunk, the functions of the script, the handlers of its trace blocks,
trace_end blocks and timers. A function has its code, its constants, the sources of its upvalues, its child functions, for
each word the place in the source that an error there marks, and for each local its register and its range of words.

## Words

A word has 32 bits, written from the low end: opcode 5 bits, mode M 1 bit, A 8 bits, C 9 bits, B 9 bits. Some
instructions join the last two to Bx, 18 bits, unsigned, or sBx, signed.

\`\`\`
 31         23 22        14 13       6  5   4       0
 [    B 9    ] [   C 9    ] [  A 8   ] [M] [opcode 5]
 [       Bx 18 / sBx 18   ] [  A 8   ] [M] [opcode 5]
\`\`\`

- \`R[x]\` is register x of the frame, \`K[x]\` constant x, \`U[x]\` upvalue x. \`U[0]\` is the table of globals, in every function;
  it is used only as the table of an instruction with M, and nothing can set it.
- \`RK(x)\` is \`R[x]\` below ${RK_CONSTANT}, else \`K[x - ${RK_CONSTANT}]\`. A constant that this cannot reach is loaded into a register first.
- Jumps count from the next word.
- The top: \`CALL\` with C = 0 and \`VARARG\` with B = 0 leave as many values as there are and set the top; the next word, \`CALL\`,
  \`RETURN\` or \`SETLIST\` with B = 0, takes the values up to it.

Limits of one function: ${LIMITS.locals} locals, ${LIMITS.registers} registers, ${LIMITS.upvalues} upvalues, ${LIMITS.constants} constants, jumps of ${LIMITS.jump} words. A script that
passes one is refused with the place.

## The ${OPCODES.length} instructions

${instructionTable(OPCODES)}

Notes

- \`EQ\`, \`LT\`, \`LE\`, \`TEST\` and \`TFOR\` are followed by a \`JMP\` that nothing else jumps to: the two words are one instruction.
  \`a > b\` is \`b < a\`. What is jumped on is the result or its opposite (A), never another comparison: \`not (a < b)\` is not
  \`b <= a\`, since comparisons with nil are false.
- \`EVENT\` with C = 2 counts from 1: B = 1 is the first field, which is \`arg1\`, and \`arg0\` with \`--dialect 0.5\`.
- \`SETLIST\` stores at most ${SETLIST_BATCH} values at a time, in registers behind the table's. Where the number of the batch passes 511,
  C is 0 and the next word is that number.
- \`FORPREP\` and \`FORLOOP\` are pairs; the number of rounds is known before the first, so a loop ends at the largest integer too.
- A call's function, arguments and results lie at the top of the frame; a call may change all registers from A on.
- \`TFOR\` calls the iterator in the three registers from \`R[A+3]\` on, so the frame has at least these.
- Trace blocks, trace_end blocks and timers are calls of the globals \`(trace)\`, \`(trace_end)\`, \`(tick)\` and \`(profile)\`, whose names
  no script can write, with the text of the definition or interval (not for trace_end) and the handler. The place of the call
  is the definition in the source.
- A kernel symbol is a constant by name; it becomes a number when the module is loaded.

## What the verifier promises

Every module is verified before it runs, whether the compiler made it or a file brought it. The head of
\`src/bytecode/verifier.ts\` lists what the interpreter may then rely on without checking: operands that exist, ranges of
registers inside the frame, control that stays in the code and enters no instruction in its middle, open values that are used
at once, numeric loops that are entered only by their \`FORPREP\`. It does not promise types: those are checked when the code runs.

## The file

A \`.kpc\` file begins with \`1b 4b 50 43 0d 0a 00 ff\`, the version of the format and a checksum against accidental damage; the
head of \`src/bytecode/binary-module.ts\` draws the rest. The same script gives the same bytes on every machine, and the file holds
the script's text, so errors at run time show the same lines.

## An example

\`\`\`
${EXAMPLE.trimEnd()}
\`\`\`

is compiled to

\`\`\`
${disassemble(module).trimEnd()}
\`\`\`
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.chdir(new URL('..', import.meta.url).pathname);
  const text = await bytecodeDocument();
  if (!process.argv.includes('--check')) {
    writeIfChanged(PATH, text);
  } else if (!existsSync(PATH) || readFileSync(PATH, 'utf8') !== text) {
    console.error(`${PATH} is not current: run node scripts/generate-docs.js`);
    process.exit(1);
  }
}
