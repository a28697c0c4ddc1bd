import type { Socket } from 'node:net';
import type { Address } from '../../address/sockaddr.js';
import { IothError } from '../../core/errors.js';
import type { HandleMethod, NodeHandle } from '../internals.js';

/*
 * Node's handles on a stack whose sockets are not the kernel's. Each handle gets methods of its own, which work on a Socket.
 */

/** The negative errno of libuv for errors that it has no number for, as that of a stack that is closed or dead. */
export const UV_ENETDOWN = -100;
const UV_EINVAL = -22;

/** Returns the socket or server of a handle. */
export type OwnerOf = (handle: NodeHandle) => object | undefined;

/** Gives one handle methods of its own. The original ones stay in its prototype. */
export function overrideMethods(handle: NodeHandle, methods: Record<string, (...args: never[]) => unknown>): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(handle, name, { value, writable: true, configurable: true });
  }
}

/** Calls the original method of a handle, that of its prototype. */
export function callNative(handle: NodeHandle, method: string, ...args: unknown[]): number {
  const prototype: NodeHandle = Object.getPrototypeOf(handle);
  return Reflect.apply(prototype[method] as HandleMethod, handle, args);
}

/** Calls `call`. Returns 0, or the negative errno of its error. */
export function attempt(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return errnoOf(error);
  }
}

/** Returns the negative errno of an error. Invalid arguments are EINVAL, as in libuv. */
export function errnoOf(error: unknown): number {
  if (error instanceof TypeError || error instanceof RangeError) return UV_EINVAL;
  if (!(error instanceof IothError)) throw error;
  return error.errno ?? UV_ENETDOWN;
}

/** Returns whether libuv has no number for an error. EBADF is among them: the stack is closed. */
export function isBeyondErrno(error: unknown): boolean {
  return error instanceof IothError && (error.errno === undefined || error.code === 'EBADF');
}

/** Destroys the stream of a handle, if it has one, with an error that libuv has no number for. Node's call may be under way. */
export function destroyStream(owner: object | undefined, error: Error): void {
  const stream = owner as (Partial<Pick<Socket, 'destroy'>> & { _aborted?: boolean }) | undefined;
  if (!stream?.destroy) return;
  const { _aborted } = stream;
  // during a connect to several addresses Node would try the next one, and end the process because the socket is destroyed
  stream._aborted = true;
  process.nextTick(() => {
    stream._aborted = _aborted;
  });
  stream.destroy(error);
}

/** Implements getsockname() and getpeername() of a handle. */
export function nameInto(out: object, name: () => Pick<Address, 'address' | 'family' | 'port'>): number {
  return attempt(() => {
    const { address, family, port } = name();
    Object.assign(out, { address, family, port });
  });
}
