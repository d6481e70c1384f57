// A built-in of one's own, for scripts run with `ktap --load hostname.mjs`:
//
//     ktap --load samples/extending/hostname.mjs -e 'print(hostname(), hash("sys_read", 64))'
//
// The default export is one declaration or a list of them. A program that embeds the library passes the same
// declarations as `builtins` to startTrace.

import { hostname } from 'node:os';

/** @type {import('ktap').Builtin[]} */
export default [
  {
    name: 'hostname',
    family: 'own',
    parameters: [],
    returns: 'string',
    doc: 'Name of this machine.',
    // Strings of scripts are bytes: each char of a JavaScript string that goes in or out is one byte.
    call: () => Buffer.from(hostname(), 'utf8').toString('latin1'),
  },
  {
    name: 'hash',
    family: 'own',
    parameters: [
      { name: 'text', type: 'string' },
      { name: 'buckets', type: 'integer', optional: true },
    ],
    returns: 'integer',
    doc: 'A number from 0 up to `buckets` (1024 if left out) that is the same for the same text.',
    // The arguments fit the declaration when the function is called. An integer beyond 2^53 comes as a bigint.
    call: (_context, text, buckets = 1024) => {
      let hash = 0;
      for (const char of text) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
      return Number(BigInt(hash) % BigInt(buckets));
    },
  },
];
