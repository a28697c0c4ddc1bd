import { errno } from '../../../ffi/libc.js';
import { MSG_DONTWAIT } from '../../constants/socket.js';
import { codeOf, EAGAIN, EINTR } from '../../core/errno.js';
import { IothError, type IothErrorDetails, systemError } from '../../core/errors.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';

/** Handles a failed call: returns WAIT if the socket was not ready and the call may wait, else throws the error. */
export function waitOrThrow(syscall: string, details?: IothErrorDetails, flags: number = 0): typeof WAIT {
  const error = errno();
  if (error === EAGAIN && flags & MSG_DONTWAIT) {
    throw callError(error, syscall, { ...details, hint: 'with MSG_DONTWAIT the call does not wait' });
  }
  if (error === EAGAIN || error === EINTR) return WAIT;
  throw callError(error, syscall, details);
}

/** Creates the error of a socket call, with a hint if one is known. */
export function callError(error: number, syscall: string, details: IothErrorDetails = {}): Error {
  return systemError(error, syscall, { hint: hintOf(codeOf(error), syscall, details.address), ...details });
}

function hintOf(code: string, syscall: string, address: string | undefined): string | undefined {
  if (code === 'EINVAL' && address !== undefined && lacksZone(address)) {
    return `this address needs its interface: '${address}%vde0', or the ifindex as scopeid`;
  }
  if (code === 'ENETUNREACH' && address !== undefined && isMulticast(address)) return NO_ROUTE_TO_GROUP;
  return HINTS[`${syscall} ${code}`] ?? HINTS[code];
}

const NO_ROUTE_TO_GROUP =
  'the stack has no route to this group: name the interface with setsockopt(IPPROTO_IP, IP_MULTICAST_IF, ifname), or for ' +
  'IPv6 with setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, ifname)';

function isMulticast(address: string): boolean {
  return /^(?:ff[\da-f]{2}:|2(?:2[4-9]|3\d)\.)/i.test(address);
}

/** Returns whether it is a link-local address (RFC 4291, 2.5.6 and 2.7) without a zone. */
function lacksZone(address: string): boolean {
  return /^(?:fe[89ab][\da-f]|ff[\da-f][12]):/i.test(address) && !address.includes('%');
}

/** Creates the error that rejects a pending operation. */
export type WaitEnd = (operation: Pick<Operation<unknown>, 'syscall' | 'address' | 'port'>) => Error;

/** Creates ECANCELED with the reason `hint`. */
export function canceled(hint: string): WaitEnd {
  return ({ syscall, address, port }) => new IothError('ECANCELED', { syscall, address, port, hint });
}

const NO_SOURCE =
  'the stack has no address to reach it from (add one with ipaddr_add; a tentative IPv6 address does not count), or no free port';

const HINTS: Partial<Record<string, string>> = {
  EADDRINUSE: 'another socket of the stack has this address: choose another port or set SO_REUSEADDR',
  EADDRNOTAVAIL: 'no interface of the stack has this address',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'the peer does not answer: check that it is up and on the same network',
  ENETDOWN: 'the interface is down: linksetupdown(ifindex, true)',
  ENETUNREACH:
    'the stack has no route to it: add an address (ipaddr_add) or a route (iproute_add), with the interface up (linksetupdown)',
  ENOTCONN: 'connect(addr) first',
  EDESTADDRREQ: 'connect(addr) first, or use sendto(data, addr)',
  EMSGSIZE: 'the message is longer than one datagram can be',
  'accept EINVAL': 'listen() first',
  'accept EOPNOTSUPP': 'only stream sockets accept connections',
  'bind EINVAL': 'the socket has an address already: bind it once, before connect and listen',
  'connect EADDRNOTAVAIL': NO_SOURCE,
  'sendto EADDRNOTAVAIL': NO_SOURCE,
  'sendmsg EADDRNOTAVAIL': NO_SOURCE,
  'connect ECONNRESET': 'the peer reset the connection; picox gives this error if nothing listens there',
  'listen EOPNOTSUPP': 'only stream sockets listen',
};
