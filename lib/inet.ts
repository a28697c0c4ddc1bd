import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { invalidType, invalidValue } from './validate.js';

const AF_INET = 2;
const AF_INET6 = 10;

/** inet_pton(3): the 4 or 16 bytes of an address in text. */
export function inet_pton(family: number, text: string): Buffer {
  if (typeof text !== 'string') throw invalidType('addr', 'a string', text);
  if (family === AF_INET) {
    if (!isIPv4(text)) throw invalidValue('addr', "an IPv4 address such as '10.0.0.1'", text);
    return Buffer.from(text.split('.').map(Number));
  }
  if (family !== AF_INET6) throw invalidValue('family', 'AF_INET (2) or AF_INET6 (10)', family);
  if (!isIPv6(text) || text.includes('%')) throw invalidValue('addr', "an IPv6 address such as 'fc00::1'", text);
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  const [head = '', tail] = (dotted ? text.slice(0, -dotted.length) + hexPair(dotted) : text).split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, i) => {
    bytes.writeUInt16BE(group, 2 * i);
  });
  return bytes;
}

/** inet_ntop(3): an address of 4 or 16 bytes as text. */
export function inet_ntop(family: number, bytes: Uint8Array): string {
  if (family === AF_INET && bytes.length === 4) return bytes.join('.');
  if (family !== AF_INET6 || bytes.length !== 16) {
    throw invalidValue('bytes', '4 bytes for AF_INET or 16 for AF_INET6', bytes);
  }
  const address = (Buffer.from(bytes).toString('hex').match(/.{4}/g) as string[]).join(':');
  return new SocketAddress({ family: 'ipv6', address }).address;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function hexPair(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
