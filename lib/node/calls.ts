import type { Cluster } from 'node:cluster';
import dgram, { Socket as DatagramSocket } from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { Server, Socket } from 'node:net';
import tls from 'node:tls';
import { isNumberedByParent } from './children.js';
import { stackInUse } from './current-stack.js';
import { patchHandles, stackOfHandle } from './handles.js';
import type { NodeHandle } from './internals.js';
import type { NodeStack } from './node-stack.js';
import { noteWrapped } from './open-handles.js';
import { type AnyFunction, replaceFunction } from './replace.js';
import { isPumped } from './stack-sockets.js';

/*
 * Patches the calls of Node that lead to a bind or a connect some turns of the event loop later. The first such call assigns
 * the socket or server to the stack of that moment. The context of its later callbacks does not matter.
 */

const DATAGRAM_CALLS = ['bind', 'connect', 'send', 'addMembership', 'addSourceSpecificMembership'];
const FACTORIES = [
  [dgram, ['createSocket']],
  ...[net, http, https, tls].map((module) => [module, ['createServer']] as const),
  [http2, ['createServer', 'createSecureServer']],
] as const;

export function patchCalls(): void {
  for (const [module, names] of FACTORIES) for (const name of names) patchFactory(module, name);
  replaceFunction(Socket.prototype, 'connect', (original) => {
    return function (this: Socket, ...args) {
      return stackInUse.run(stackInUse.of(this, true), () => Reflect.apply(original, this, args), { object: this });
    };
  });
  replaceFunction(Server.prototype, 'listen', (original) => {
    return function (this: Server, ...args) {
      return stackInUse.run(stackInUse.of(this, true), () => Reflect.apply(original, this, args), { object: this });
    };
  });
  // Node calls it after the address look-up: the handle that it makes has no server yet
  replaceFunction(Server.prototype, '_listen2', (original) => {
    return function (this: Server, ...args) {
      const stack = stackInUse.of(this);
      const [, , addressType] = args;
      if (isOfNetwork(addressType) && isUnusable(this, stack)) return;
      return stackInUse.run(stack, () => Reflect.apply(original, this, withoutIPv6(stack, args)), 'call');
    };
  });
  patchCluster();
  // data for a TLSSocket over a socket is written to the TLSSocket, so that one must be ended
  replaceFunction(tls.TLSSocket.prototype, '_init', (original) => {
    return function (this: Socket, socket, ...rest) {
      if (socket instanceof Socket) noteWrapped(socket, this);
      return Reflect.apply(original, this, [socket, ...rest]);
    };
  });
  const { handleOf, isBinding } = patchHandles();
  for (const name of DATAGRAM_CALLS) {
    replaceFunction(DatagramSocket.prototype, name, (original) => {
      return function (this: DatagramSocket, ...args) {
        const handle = handleOf(this);
        const isBound = handle && handle.fd >= 0;
        const isFirst = !isBound && !isBinding(this);
        // a bound socket keeps its stack; while its bind waits it has that of the bind
        const stack = isBound ? stackOfHandle(handle) : stackInUse.of(this, isFirst);
        // without a handle the socket is closed: Node itself refuses the call
        const isForStack = handle && isFirst && !(name === 'bind' && isOpen(args[0]));
        if (isForStack && isUnusable(this, stack)) return this;
        if (handle && name === 'connect' && !isBound) keepLookup(this, handle);
        const isOwn = stack && name === 'bind' && workersCluster() && !asksPrimary(stack);
        const given = isOwn ? exclusiveBind(args) : args;
        return stackInUse.run(stack, () => Reflect.apply(original, this, given), { object: this });
      };
    });
  }
}

/** Makes the look-up of a connect on the socket's stack: it comes after the bind, when the call is over. */
function keepLookup(socket: DatagramSocket, handle: NodeHandle): void {
  replaceFunction(handle, 'lookup', (original) => {
    return function (this: NodeHandle, ...args) {
      return stackInUse.run(stackInUse.of(socket), () => Reflect.apply(original, this, args), 'call');
    };
  });
}

/**
 * Returns the arguments of `_listen2(address, port, …)`. Without an address Node listens on '::' and expects IPv4 connections
 * there too. A stack without dual-stack sockets listens on '0.0.0.0' instead.
 */
function withoutIPv6(stack: NodeStack | undefined, args: unknown[]): unknown[] {
  const [address, port, , , fd] = args;
  const isForAny = !address && typeof port === 'number' && port >= 0 && typeof fd !== 'number';
  if (!isForAny || !stack?.local || !isPumped(stack) || stack.local.has_dualstack_ipv6()) return args;
  return ['0.0.0.0', ...args.slice(1)];
}

/** Returns node:cluster if this process is a worker of a cluster. Does not load it in a process without an IPC channel. */
function workersCluster(): Cluster | undefined {
  if (!process.channel) return undefined;
  const cluster: unknown = process.getBuiltinModule('node:cluster');
  return (cluster as Cluster).isWorker ? (cluster as Cluster) : undefined;
}

/** Returns true if a worker on `stack` asks its primary for a socket, as in Node: ioth/register put both on stacks. */
function asksPrimary(stack: NodeStack): boolean {
  return stack === stackInUse.registered && isNumberedByParent && !isPumped(stack);
}

/**
 * Makes a cluster's worker listen itself if its server is on a stack of its own choice. Node would ask the primary for the
 * socket, which would be on the primary's network.
 */
function patchCluster(): void {
  const cluster = workersCluster();
  if (!cluster) return;
  replaceFunction(cluster, '_getServer', (original) => {
    return function (this: unknown, owner: object, query: ListenQuery, ...rest) {
      const { address, port, addressType, backlog, fd, flags } = query;
      const stack = owner instanceof Server && isOfNetwork(addressType) ? stackInUse.of(owner) : undefined;
      if (!stack || asksPrimary(stack)) return Reflect.apply(original, this, [owner, query, ...rest]);
      // as net.Server does in a primary, or with `exclusive: true`
      (owner as unknown as { _listen2: AnyFunction })._listen2(address, port, addressType, backlog, fd, flags);
    };
  });
}

/** Returns whether a server listens on an address: not on a path, a handle or a file descriptor. */
function isOfNetwork(addressType: unknown): boolean {
  return addressType === 4 || addressType === 6;
}

/** The query of net.Server to the primary. */
type ListenQuery = Record<'address' | 'port' | 'addressType' | 'backlog' | 'fd' | 'flags', unknown>;

/** Adds `exclusive: true` to the arguments of a datagram socket's bind, so that a cluster's worker does not ask its primary. */
function exclusiveBind([first, ...rest]: unknown[]): unknown[] {
  if (typeof first === 'object' && first !== null) {
    return [isOpen(first) ? first : { ...first, exclusive: true }, ...rest];
  }
  if (typeof first === 'function') return [{ exclusive: true }, first];
  const [address] = rest;
  return [{ port: first, address: typeof address === 'function' ? undefined : address, exclusive: true }, ...rest];
}

/** Returns whether the argument of a datagram socket's bind is a handle or a file descriptor, which is open already. */
function isOpen(first: unknown): boolean {
  return typeof first === 'object' && first !== null && ('recvStart' in first || 'fd' in first);
}

/** Makes a factory note the stack of run(). What it makes uses that stack when it listens or sends outside of any run(). */
function patchFactory(module: object, name: string): void {
  replaceFunction(module, name, (original) => {
    return function (this: unknown, ...args) {
      return stackInUse.assign(Reflect.apply(original, this, args));
    };
  });
}

/** Returns true if `stack` is closed or dead, and emits that as an 'error' of `object`. */
function isUnusable(object: Server | DatagramSocket, stack: NodeStack | undefined): boolean {
  if (!stack) return false;
  try {
    stack.checkUsable();
    return false;
  } catch (error) {
    process.nextTick(() => object.emit('error', error));
    return true;
  }
}
