import type { Address } from '../address/sockaddr.js';
import { IothError } from '../core/errors.js';
import type { HandleMethod, NodeHandle } from './internals.js';

/*
 * Handles of Node's on a stack whose sockets are not the kernel's: their methods, of each handle for itself, work on a Socket.
 */

/** Of libuv, as negative errno: what it has no number for. */
const UV_ENETDOWN = -100;
const UV_EINVAL = -22;

/** Returns the socket or server of a handle. */
export type OwnerOf = (handle: NodeHandle) => object | undefined;

/** Gives one handle methods of its own. Those that it had are in its prototype. */
export function overrideMethods(handle: NodeHandle, methods: Record<string, (...args: never[]) => unknown>): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(handle, name, { value, writable: true, configurable: true });
  }
}

/** Calls what the prototype has. */
export function callNative(handle: NodeHandle, method: string, ...args: unknown[]): number {
  const prototype: NodeHandle = Object.getPrototypeOf(handle);
  return Reflect.apply(prototype[method] as HandleMethod, handle, args);
}

/** 0, or the negative errno of what `call` threw. */
export function attempt(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return errnoOf(error);
  }
}

/** Arguments that make no sense are EINVAL, as to libuv. */
export function errnoOf(error: unknown): number {
  if (error instanceof TypeError || error instanceof RangeError) return UV_EINVAL;
  if (!(error instanceof IothError)) throw error;
  return error.errno ?? UV_ENETDOWN;
}

/** What libuv has no number for. */
export function isBeyondErrno(error: unknown): boolean {
  return error instanceof IothError && (error.errno === undefined || error.code === 'EBADF');
}

/** getsockname() and getpeername() of a handle. */
export function nameInto(out: object, name: () => Address): number {
  return attempt(() => {
    const { address, family, port } = name();
    Object.assign(out, { address, family, port });
  });
}
