import { errno } from '../../../ffi/libc.js';
import { MSG_DONTWAIT } from '../../constants/index.js';
import { codeOf, EAGAIN, EINTR } from '../../core/errno.js';
import { IothError, type IothErrorDetails, systemError } from '../../core/errors.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';

/** After a call that failed: WAIT where it was not ready and may wait; else throws its error. */
export function waitOrThrow(
  syscall: string,
  details?: Omit<IothErrorDetails, 'syscall'>,
  flags: number = 0,
): typeof WAIT {
  const error = errno();
  if (error === EAGAIN && flags & MSG_DONTWAIT) {
    throw callError(error, syscall, { ...details, hint: 'with MSG_DONTWAIT it does not wait' });
  }
  if (error === EAGAIN || error === EINTR) return WAIT;
  throw callError(error, syscall, details);
}

/** The error of a socket call, with a hint where one is known. */
export function callError(error: number, syscall: string, details: Omit<IothErrorDetails, 'syscall'> = {}): Error {
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
  'the stack has no route to this group: setsockopt(IPPROTO_IP, IP_MULTICAST_IF, ifname), of IPv6 IPPROTO_IPV6 and ' +
  'IPV6_MULTICAST_IF, names the interface';

function isMulticast(address: string): boolean {
  return /^(?:ff[\da-f]{2}:|2(?:2[4-9]|3\d)\.)/i.test(address);
}

/** Whether it is a link-local address (RFC 4291, 2.5.6 and 2.7) that names no link. */
function lacksZone(address: string): boolean {
  return /^(?:fe[89ab][\da-f]|ff[\da-f][12]):/i.test(address) && !address.includes('%');
}

/** Makes the error with which an operation's wait ends. */
export type WaitEnd = (operation: Pick<Operation<unknown>, 'syscall' | 'address' | 'port'>) => Error;

/** ECANCELED, because of what `hint` says. */
export function canceled(hint: string): WaitEnd {
  return ({ syscall, address, port }) => new IothError('ECANCELED', { syscall, address, port, hint });
}

const NO_SOURCE =
  'the stack has no address to reach it from (ipaddr_add adds one, an IPv6 one that is tentative is none yet), or no port left';

const HINTS: Partial<Record<string, string>> = {
  EADDRINUSE: 'another socket of the stack has this address: choose another port or set SO_REUSEADDR',
  EADDRNOTAVAIL: 'no interface of the stack has this address',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'nobody answers there: check that the peer is up and on the same network',
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
  'connect ECONNRESET': 'the peer reset the connection: picox says so where nothing listens',
  'listen EOPNOTSUPP': 'only stream sockets listen',
};
