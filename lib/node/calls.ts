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
import { replaceFunction } from './replace.js';

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
      return callOn(stackOf(this), () => Reflect.apply(original, this, args));
    };
  });
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
        return runCallOn(stack, this, () => Reflect.apply(original, this, args));
      };
    });
  }
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
