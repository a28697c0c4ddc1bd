import { Server } from 'node:net';
import { libc } from '../../ffi/libc.js';
import { AF_INET, AF_INET6, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { noteConnection } from '../socket/connection.js';
import { stackInUse } from './current-stack.js';
import { type HandleMethod, type NodeHandle, type NodeInternals, nodeInternals } from './internals.js';
import type { NodeStack } from './node-stack.js';
import { destroyStream, errnoOf, isBeyondErrno, UV_ENETDOWN } from './pump/pump.js';
import { TcpPump } from './pump/tcp-pump.js';
import { UdpPump } from './pump/udp-pump.js';
import { replaceFunction } from './replace.js';
import { isPumped } from './stack-sockets.js';
import { patchZones } from './zones.js';

/*
 * Puts sockets of a stack into Node's handles. Before a handle without a file descriptor is bound or connected, it is opened with
 * a socket of its stack.
 */

/** UV_UDP_REUSEADDR: the flag of the bind that uv_udp_set_membership makes. */
const REUSE = 4;

let internals: NodeInternals | undefined;
const stacks = new WeakMap<object, NodeStack>();

/** Returns the stack of a handle that has a socket of one. */
export function stackOfHandle(handle: object | undefined): NodeStack | undefined {
  return handle && stacks.get(handle);
}

/**
 * Makes Node's handles use the current stack. Patches them at the first call in a thread.
 * @throws {IothError} ERR_NODE_INTERNALS if the handles of this Node are different
 */
export function patchHandles(): NodeInternals {
  if (internals) return internals;
  internals = nodeInternals();
  const { tcp, udp } = internals;
  // first, so that it comes after a handle is open
  patchZones(internals, stackOfHandle);
  for (const method of ['bind', 'connect']) before(tcp, method, (handle) => open(handle, AF_INET, SOCK_STREAM));
  for (const method of ['setNoDelay', 'setKeepAlive']) before(tcp, method, (handle) => pump(handle));
  for (const method of ['bind6', 'connect6']) {
    before(tcp, method, (handle, args) => {
      return mustPump(handle, args) ? pump(handle, true) : open(handle, AF_INET6, SOCK_STREAM);
    });
  }
  before(tcp, 'listen', followConnections);
  for (const method of ['bind', 'connect', 'send']) before(udp, method, (handle) => open(handle, AF_INET, SOCK_DGRAM));
  for (const method of ['bind6', 'connect6', 'send6']) {
    before(udp, method, (handle) => open(handle, AF_INET6, SOCK_DGRAM));
  }
  for (const method of ['addMembership', 'addSourceSpecificMembership']) before(udp, method, bindForMembership);
  for (const prototype of [tcp, udp]) followEnd(prototype, 'close');
  followEnd(tcp, 'reset');
  return internals;
}

/** Makes `prototype[method]` call `step` first, and return its error. */
function before(
  prototype: NodeHandle,
  method: string,
  step: (handle: NodeHandle, args: readonly unknown[]) => number,
): void {
  replaceFunction(prototype, method, (original) => {
    return function (this: NodeHandle, ...args) {
      const known = this[method];
      const result = step(this, args);
      if (result) return result;
      // the step may have given this handle methods of its own
      const given = this[method] as HandleMethod;
      return Reflect.apply(given === known ? original : given, this, args);
    };
  });
}

/** Gives a handle without a file descriptor a socket of its stack. Returns 0 or a negative errno. */
function open(handle: NodeHandle, family: number, type: number): number {
  if (handle.fd >= 0) return 0;
  const owner = internals?.ownerOf(handle);
  const stack = stackInUse.of(owner);
  if (!stack) return 0;
  if (isPumped(stack)) return pump(handle);
  let fd: number;
  try {
    fd = stack.uncountedSocket(family, type);
  } catch (error) {
    if (!(error instanceof IothError)) throw error;
    return failure(error, owner);
  }
  const result = handle.open(fd);
  if (result < 0) {
    libc().close(fd);
    return result;
  }
  // uv_udp_open sets SO_REUSEADDR, uv_udp_bind would not: with it two sockets could have one port
  if (type === SOCK_DGRAM) libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, new Uint8Array(4), 4);
  follow(handle, stack);
  return 0;
}

/** Returns whether a connection has a zone: for a link-local address without one, libuv of Node 22 takes a zone of the host. */
function mustPump(handle: NodeHandle, args: readonly unknown[]): boolean {
  const isZoned = args.some((arg) => typeof arg === 'string' && arg.includes('%'));
  const owner = internals?.ownerOf(handle);
  return isZoned && !(owner instanceof Server) && stackInUse.of(owner)?.local !== undefined;
}

/**
 * Puts a handle without a file descriptor on its stack, if the sockets of that stack are not the kernel's, or if it must be.
 * Returns 0.
 */
function pump(handle: NodeHandle, isNeeded = false): number {
  if (!internals || handle.fd >= 0) return 0;
  const { ownerOf, tcp } = internals;
  const stack = stackInUse.of(ownerOf(handle));
  if (!stack || !(isPumped(stack) || isNeeded)) return 0;
  if (Object.getPrototypeOf(handle) === tcp) {
    new TcpPump(handle, stack, ownerOf);
  } else {
    new UdpPump(handle, stack, ownerOf);
    stacks.set(handle, stack);
  }
  return 0;
}

/** Returns the negative errno of an error. If libuv has no number for it, destroys `owner`, if it is a stream, with the error. */
function failure(error: IothError, owner: object | undefined): number {
  if (!isBeyondErrno(error) || !owner || !('destroy' in owner)) return errnoOf(error);
  destroyStream(owner, error);
  return UV_ENETDOWN;
}

function follow(handle: NodeHandle, stack: NodeStack): void {
  stacks.set(handle, stack);
  if (Object.getPrototypeOf(handle) === internals?.tcp) noteConnection(handle, stack.local);
  stack.nodeHandles.add(handle, () => internals?.ownerOf(handle));
}

/** Assigns the connections that a server accepts to the stack of the server. */
function followConnections(handle: NodeHandle): number {
  const stack = stacks.get(handle);
  const { onconnection } = handle;
  if (!stack || !onconnection) return 0;
  handle.onconnection = function (status, client) {
    if (client) follow(client, stack);
    onconnection.call(this, status, client);
  };
  return 0;
}

/** Binds a handle before it joins a multicast group, as libuv does. */
function bindForMembership(handle: NodeHandle, [group]: readonly unknown[]): number {
  if (handle.fd >= 0) return 0;
  const isIPv6 = String(group).includes(':');
  const result = open(handle, isIPv6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
  if (result || handle.fd < 0) return result;
  const bind = handle[isIPv6 ? 'bind6' : 'bind'] as HandleMethod;
  return bind.call(handle, isIPv6 ? '::' : '0.0.0.0', 0, REUSE) ?? 0;
}

/** Removes a handle from its stack after its file descriptor is closed. */
function followEnd(prototype: NodeHandle, method: 'close' | 'reset'): void {
  replaceFunction(prototype, method, (original) => {
    return function (this: NodeHandle, ...args) {
      const stack = stacks.get(this);
      if (!stack) return Reflect.apply(original, this, args);
      const [callback] = args as [(() => void)?];
      const onEnd = () => {
        stack.nodeHandles.delete(this);
        callback?.call(this);
      };
      return Reflect.apply(original, this, [onEnd]);
    };
  });
}
