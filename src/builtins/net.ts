// net.*: addresses of sockets, as the net library of ktap 0.5 has them.

import type { Integer, Value } from '../engine/values.js';
import { type Builtin, type BuiltinContext, builtin } from './declare.js';
import { toAddress } from './integers.js';
import { unknown } from './unknown.js';

function socketAddress(context: BuiltinContext, name: string, socket: Integer, end: 'source' | 'destination'): Value {
  return context.facts?.socketAddress?.(toAddress(socket), end) ?? unknown(context, name);
}

const end = (name: string, which: 'source' | 'destination', words: string): Builtin =>
  builtin({
    name: `net.${name}`,
    family: 'net',
    parameters: [{ name: 'sock', type: 'integer' }],
    returns: 'integer or nil',
    doc: `${words} IPv4 address of a socket (\`struct sock *\`, an argument of the probe), for \`net.format_ip_addr\`. The address travels with the event where the kernel describes its types (BTF); else nil.`,
    call: (context, socket: Integer) => socketAddress(context, `net.${name}`, socket, which),
  });

export const NET_BUILTINS = [
  builtin({
    name: 'net.format_ip_addr',
    family: 'net',
    parameters: [{ name: 'n', type: 'integer' }],
    returns: 'string',
    doc: 'The text of an IPv4 address, such as `192.168.0.1`. The number is what the four bytes of the address, in the order of the network, are when read from memory as a little-endian integer, as `net.ip_sock_saddr` gives it: 192.168.0.1 is 0x0100a8c0.',
    call: (_context, address: Integer) => {
      const bits = Number(BigInt.asUintN(32, BigInt(address)));
      return `${bits & 255}.${(bits >>> 8) & 255}.${(bits >>> 16) & 255}.${bits >>> 24}`;
    },
  }),
  end('ip_sock_saddr', 'source', 'Local'),
  end('ip_sock_daddr', 'destination', 'Remote'),
];
