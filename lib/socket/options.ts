import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { type Address, decodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import {
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
} from '../constants/inet.js';
import { SO_ACCEPTCONN, SO_BINDTODEVICE, SOL_SOCKET } from '../constants/socket.js';
import { intBytes, intOf } from '../core/byte-order.js';
import { codeOf } from '../core/errno.js';
import { checkBytes, checkInteger, INT_MAX } from '../core/validate.js';
import { callError } from './operations/errors.js';

/** Reads an option with getsockopt(2): returns an integer or, with `buflen`, the bytes from C. */
export function getsockopt(fd: number, level: number, optname: number, buflen?: number): number | Buffer {
  checkInteger('level', level, 0, INT_MAX);
  checkInteger('optname', optname, 0, INT_MAX);
  const bytes = Buffer.alloc(buflen === undefined ? 4 : checkInteger('buflen', buflen, 1, 65536));
  const length = new Uint32Array([bytes.length]);
  if (libioth().getsockopt(fd, level, optname, bytes, length) < 0) throw callError(errno(), 'getsockopt');
  if (buflen !== undefined) return bytes.subarray(0, length[0]);
  return intOf(bytes);
}

/** Sets an option with setsockopt(2): an integer, a boolean, or the bytes of the option's struct. */
export function setsockopt(
  fd: number,
  level: number,
  optname: number,
  value: number | boolean | NodeJS.ArrayBufferView,
): void {
  checkInteger('level', level, 0, INT_MAX);
  checkInteger('optname', optname, 0, INT_MAX);
  const isNumber = typeof value === 'number' || typeof value === 'boolean';
  const bytes = isNumber
    ? intBytes(checkInteger('value', Number(value), -INT_MAX - 1, INT_MAX))
    : checkBytes('value', value);
  if (libioth().setsockopt(fd, level, optname, bytes, bytes.byteLength) < 0) {
    const error = errno();
    const hint = codeOf(error) === 'ENODEV' ? noDeviceHint(level, optname) : undefined;
    throw callError(error, 'setsockopt', hint === undefined ? {} : { hint });
  }
}

/** Returns the hint for ENODEV of an option. */
function noDeviceHint(level: number, optname: number): string | undefined {
  if (level === SOL_SOCKET && optname === SO_BINDTODEVICE) return 'the stack has no such interface: see if_nameindex()';
  if (!JOINS.some(([joinLevel, join]) => joinLevel === level && join === optname)) return undefined;
  return 'no interface was found for the group: name one in the option (ifindex of ip_mreqn, ipv6_mreq or group_req), or add a route to the group (iproute_add)';
}

const JOINS = [
  [IPPROTO_IP, IP_ADD_MEMBERSHIP],
  [IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP],
  [IPPROTO_IP, MCAST_JOIN_GROUP],
  [IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP],
  [IPPROTO_IPV6, IPV6_JOIN_GROUP],
  [IPPROTO_IPV6, MCAST_JOIN_GROUP],
  [IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP],
] as const;

/** Reads an address with getsockname(2) or getpeername(2). */
export function readSocketName(fd: number, syscall: 'getsockname' | 'getpeername'): Address {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  if (libioth()[syscall](fd, bytes, length) < 0) throw callError(errno(), syscall);
  return decodeSockaddr(bytes, length[0] ?? 0);
}

/** Returns whether a socket listens: SO_ACCEPTCONN, or, if the stack lacks that option, whether it has no peer. */
export function acceptsConnections(fd: number): boolean {
  try {
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0;
  } catch {
    return !isConnected(fd);
  }
}

export function isConnected(fd: number): boolean {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  return libioth().getpeername(fd, bytes, length) === 0;
}
