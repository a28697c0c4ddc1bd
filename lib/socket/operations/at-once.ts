/**
 * Calls of the caller's bytes without flags or options, tried before an operation is made: most need not wait. Each returns
 * undefined if it has to wait, for the socket or for its turn, or if its arguments need the checks of `make`.
 */

import type { Address } from '../../address/sockaddr.js';
import { recallSockaddr } from '../../address/sockaddr-cache.js';
import { SOCK_STREAM } from '../../constants/socket.js';
import { type Direction, READABLE, WRITABLE } from '../../io/poll-handle.js';
import { WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import type { CallTarget } from './call.js';
import { receive, receiveFrom } from './receive.js';
import { send, sendTo } from './send.js';

export function recvIntoAtOnce({ descriptor, type }: CallTarget, buffer: unknown): Promise<number> | undefined {
  if (!isBytes(buffer) || !isInTurn(descriptor, READABLE)) return undefined;
  try {
    const count = receive(descriptor, type === SOCK_STREAM, buffer, buffer.byteLength, 0);
    return count === WAIT ? drained(descriptor) : Promise.resolve(count);
  } catch (error) {
    return Promise.reject(error);
  }
}

export function recvFromIntoAtOnce(
  { descriptor, peers }: CallTarget,
  buffer: unknown,
): Promise<[number, Address]> | undefined {
  if (!isBytes(buffer) || !isInTurn(descriptor, READABLE)) return undefined;
  try {
    const count = receiveFrom(descriptor, buffer, buffer.byteLength, 0);
    return count === WAIT ? drained(descriptor) : Promise.resolve([count, peers.last()]);
  } catch (error) {
    return Promise.reject(error);
  }
}

export function sendAtOnce({ descriptor }: CallTarget, data: unknown): Promise<number> | undefined {
  if (!isBytes(data) || !isInTurn(descriptor, WRITABLE)) return undefined;
  try {
    const count = send(descriptor, data, 0);
    return count === WAIT ? undefined : Promise.resolve(count);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Sends to an address that was used before; any other is encoded, and its name resolved, on the way of an operation. */
export function sendToAtOnce(
  { descriptor, family }: CallTarget,
  data: unknown,
  addr: unknown,
): Promise<number> | undefined {
  if (!isBytes(data) || !isInTurn(descriptor, WRITABLE)) return undefined;
  try {
    const to = recallSockaddr(family, addr);
    const count = to ? sendTo(descriptor, data, 0, to) : WAIT;
    return count === WAIT ? undefined : Promise.resolve(count);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Returns whether the call is before all others of its direction, and need not let other work run first. */
function isInTurn({ closed, readiness }: Descriptor, direction: Direction): boolean {
  return !closed && readiness.mayTry(direction);
}

/** The operation that follows need not ask C again. */
function drained({ readiness }: Descriptor): undefined {
  readiness.markDrained();
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength > 0;
}
