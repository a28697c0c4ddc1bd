import type { Cluster } from 'node:cluster';
import dgram, { Socket as DatagramSocket } from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { Server, Socket } from 'node:net';
import tls from 'node:tls';
import { callOn, noteMade, runCallOn, stackForCall, stackOf } from './current-stack.js';
import { patchedInternals, stackOfHandle } from './handles.js';
import type { NodeStack } from './node-stack.js';
import { noteWrapped } from './open-handles.js';
import { type AnyFunction, replaceFunction } from './replace.js';

/*
 * The calls that lead to a bind or a connect, some turns of the loop later: from the first one on the socket or server
 * belongs to the stack that was meant then, whatever context its callbacks come from.
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
      return runCallOn(stackForCall(this), this, () => Reflect.apply(original, this, args));
    };
  });
  replaceFunction(Server.prototype, 'listen', (original) => {
    return function (this: Server, ...args) {
      const stack = stackForCall(this);
      if (isUnusable(this, stack)) return this;
      return runCallOn(stack, this, () => Reflect.apply(original, this, args));
    };
  });
  // after the look-up of the address: the handle that it makes is not the server's yet
  replaceFunction(Server.prototype, '_listen2', (original) => {
    return function (this: Server, ...args) {
      const stack = stackOf(this);
      return callOn(stack, () => Reflect.apply(original, this, withoutIPv6(stack, args)));
    };
  });
  patchCluster();
  // TLSSocket over a socket: who writes to the one must be asked to end
  replaceFunction(tls.TLSSocket.prototype, '_init', (original) => {
    return function (this: Socket, socket, ...rest) {
      if (socket instanceof Socket) noteWrapped(socket, this);
      return Reflect.apply(original, this, [socket, ...rest]);
    };
  });
  for (const name of DATAGRAM_CALLS) {
    replaceFunction(DatagramSocket.prototype, name, (original) => {
      return function (this: DatagramSocket, ...args) {
        const stack = stackOfDatagrams(this);
        if (isUnusable(this, stack)) return this;
        const given = stack && name === 'bind' && workersCluster() ? exclusiveBind(args) : args;
        return runCallOn(stack, this, () => Reflect.apply(original, this, given));
      };
    });
  }
}

/** Of `_listen2(address, port, …)`: Node listens on '::' where no address is given, and IPv4 comes there where it can. */
function withoutIPv6(stack: NodeStack | undefined, args: unknown[]): unknown[] {
  const [address, port, , , fd] = args;
  const isForAny = !address && typeof port === 'number' && port >= 0 && typeof fd !== 'number';
  return isForAny && stack?.isPumped && stack.has_dualstack_ipv6?.() === false ? ['0.0.0.0', ...args.slice(1)] : args;
}

/** node:cluster where this process is a worker of one: it is loaded there, and not for all others. */
function workersCluster(): Cluster | undefined {
  if (!process.channel) return undefined;
  const cluster: unknown = process.getBuiltinModule('node:cluster');
  return (cluster as Cluster).isWorker ? (cluster as Cluster) : undefined;
}

/** A worker asks the primary for the socket that it listens on, which has it on its own network: not for one of a stack. */
function patchCluster(): void {
  const cluster = workersCluster();
  if (!cluster) return;
  replaceFunction(cluster, '_getServer', (original) => {
    return function (this: unknown, owner: object, query: ListenQuery, ...rest) {
      const { address, port, addressType, backlog, fd, flags } = query;
      const isOfStack = owner instanceof Server && (addressType === 4 || addressType === 6) && stackOf(owner);
      if (!isOfStack) return Reflect.apply(original, this, [owner, query, ...rest]);
      // what net.Server does in a primary, or where it is exclusive
      (owner as unknown as { _listen2: AnyFunction })._listen2(address, port, addressType, backlog, fd, flags);
    };
  });
}

/** What net.Server asks of the primary; addressType is -1 for a pipe. */
type ListenQuery = Record<'address' | 'port' | 'addressType' | 'backlog' | 'fd' | 'flags', unknown>;

/** Arguments of a datagram socket's bind, with which a worker of a cluster does not ask its primary. */
function exclusiveBind([first, ...rest]: unknown[]): unknown[] {
  if (typeof first === 'object' && first !== null) {
    const isOpen = 'recvStart' in first || 'fd' in first;
    return [isOpen ? first : { ...first, exclusive: true }, ...rest];
  }
  if (typeof first === 'function') return [{ exclusive: true }, first];
  const [address] = rest;
  return [{ port: first, address: typeof address === 'function' ? undefined : address, exclusive: true }, ...rest];
}

/** What is made in run() is on that stack where it listens or sends outside of any. */
function patchFactory(module: object, name: string): void {
  replaceFunction(module, name, (original) => {
    return function (this: unknown, ...args) {
      return noteMade(Reflect.apply(original, this, args));
    };
  });
}

/** A socket that is bound stays where it is. */
function stackOfDatagrams(socket: DatagramSocket): NodeStack | undefined {
  const handle = patchedInternals().handleOf(socket);
  return handle && handle.fd >= 0 ? stackOfHandle(handle) : stackForCall(socket);
}

/** Reports a stack that is closed or dead as the 'error' of what would use it. */
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
