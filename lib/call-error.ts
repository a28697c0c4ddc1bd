import { errno } from '../ffi/ioth.js';
import { MSG_DONTWAIT } from './constants.js';
import { codeOf, type IothErrorDetails, systemError } from './errors.js';
import { WAIT } from './waiter.js';

const EINTR = 4;
const EAGAIN = 11;

/** What to say of a failed call: WAIT where it only was not ready and may wait, else its error is thrown. */
export function notReady(syscall: string, details?: Omit<IothErrorDetails, 'syscall'>, flags: number = 0): typeof WAIT {
  const error = errno();
  if (error === EAGAIN && flags & MSG_DONTWAIT) {
    throw callError(error, syscall, { ...details, hint: 'with MSG_DONTWAIT it does not wait' });
  }
  if (error === EAGAIN || error === EINTR) return WAIT;
  throw callError(error, syscall, details);
}

/** The error of a socket call, with what to do about it where that is known. */
export function callError(error: number, syscall: string, details: Omit<IothErrorDetails, 'syscall'> = {}): Error {
  return systemError(error, syscall, { hint: HINTS[codeOf(error)], ...details });
}

const HINTS: Partial<Record<string, string>> = {
  EADDRINUSE: 'another socket of the stack has this address: choose another port or set SO_REUSEADDR',
  EADDRNOTAVAIL: 'no interface of the stack has this address',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'nobody answers there: check that the peer is up and on the same network',
  ENETDOWN: 'the interface is down: linksetupdown(ifindex, true)',
  ENETUNREACH: 'the stack has no route to it: add an address (ipaddr_add) or a route (iproute_add)',
  ENOTCONN: 'connect(addr) first',
  EDESTADDRREQ: 'connect(addr) first, or use sendto(data, addr)',
  EMSGSIZE: 'the message is longer than one datagram can be',
};
