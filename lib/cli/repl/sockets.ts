import { readFileSync } from 'node:fs';
import { ipText } from '../../address/ip.js';
import { IS_LITTLE_ENDIAN } from '../../core/byte-order.js';
import { listedSockets } from '../../process/proc-file.js';
import type { Stack } from '../../stack/stack.js';
import { CommandError } from '../command.js';
import { table } from '../terminal.js';

/** The files of /proc/net that list sockets with IP addresses. */
const PROTOCOLS = ['tcp', 'tcp6', 'udp', 'udp6'] as const;

/** Lists the TCP and UDP sockets of a stack as ss(8) does. For the kernel stack, lists all sockets of the host. */
export function socketLines(stack: Stack): string {
  const directory = networkDirectory(stack);
  const rows = PROTOCOLS.flatMap((protocol) => socketsOf(protocol, readFileSync(`${directory}/${protocol}`, 'latin1')));
  if (rows.length === 0) return 'no TCP or UDP sockets';
  return table([['', 'state', 'local', 'peer'], ...rows]);
}

/** Returns the directory of /proc for the stack's network namespace. */
function networkDirectory(stack: Stack): string {
  if (stack.daemonPid !== undefined) return `/proc/${stack.daemonPid}/net`;
  if (stack.name === 'kernel') return '/proc/self/net';
  throw new CommandError(`cannot list the sockets of '${stack.name}': they are not sockets of the kernel`);
}

function socketsOf(protocol: string, text: string): string[][] {
  const isTcp = protocol.startsWith('tcp');
  return listedSockets(text).map(({ local, remote, state }) => {
    const shown = isTcp || state === 'ESTABLISHED' ? state : 'UNCONNECTED';
    return [protocol.replace('6', ''), shown, endpoint(local), endpoint(remote)];
  });
}

/** Formats '0100000A:1F90': 32-bit words of the address, each in the machine's byte order, and the port. */
function endpoint(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const bytes = Buffer.from(address, 'hex');
  if (IS_LITTLE_ENDIAN) bytes.swap32();
  const number = Number.parseInt(port, 16);
  const host = bytes.every((byte) => byte === 0) ? '*' : ipText(bytes);
  return `${host.includes(':') ? `[${host}]` : host}:${number === 0 ? '*' : number}`;
}
