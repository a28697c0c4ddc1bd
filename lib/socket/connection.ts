import { Socket as NetSocket } from 'node:net';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { invalidType } from '../core/validate.js';
import { close } from './adopt.js';
import { duplicate } from './duplicate.js';
import type { SocketOwner } from './owner.js';

/** The stacks of Node's TCP handles that are on one. */
const makers = new WeakMap<object, SocketOwner>();

/** Records the stack of a handle, so that {@link socketOfConnection} can take its connection. */
export function noteConnection(handle: object, stack: SocketOwner | undefined): void {
  if (stack) makers.set(handle, stack);
}

/** Takes the connection from a net.Socket, and destroys that: for `Socket.from()`. */
export function socketOfConnection(netSocket: NetSocket): unknown {
  if (!(netSocket instanceof NetSocket)) throw invalidType('netSocket', 'a net.Socket', netSocket);
  const { _handle: handle } = netSocket as NetSocket & { _handle?: { readonly fd: number } };
  const maker = handle && makers.get(handle);
  if (!maker)
    throw refused('ENOTSOCK', 'only a TCP connection of node:net on a stack with kernel sockets can become a Socket');
  if (netSocket.connecting || netSocket.pending) throw refused('ENOTCONN', "wait for its 'connect' event");
  if (netSocket.readableLength > 0)
    throw refused('EBUSY', 'it holds received data: read the data first, or pause it earlier');
  if (netSocket.writableLength > 0)
    throw refused('EBUSY', 'it still has data to write: wait for the callback of write');
  const fd = duplicate(maker, handle.fd, SOCK_STREAM);
  try {
    const socket = maker.socket(netSocket.remoteFamily === 'IPv6' ? AF_INET6 : AF_INET, SOCK_STREAM, 0, fd);
    netSocket.destroy();
    return socket;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function refused(code: string, hint: string): IothError {
  return new IothError(code, { syscall: 'from', hint });
}
