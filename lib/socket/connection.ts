import { Socket as NetSocket } from 'node:net';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { invalidType } from '../core/validate.js';
import { close } from './adopt.js';
import { duplicate } from './duplicate.js';
import type { SocketMaker } from './owner.js';

/** Handles of Node's TCP sockets that are on a stack. */
const makers = new WeakMap<object, SocketMaker>();

/** Lets {@link socketOfConnection} have the connection of a handle. */
export function noteConnection(handle: object, { sockets }: { readonly sockets?: SocketMaker }): void {
  if (sockets) makers.set(handle, sockets);
}

/** `Socket.from()`: takes the connection of a net.Socket away from it, and destroys it. */
export function socketOfConnection(netSocket: NetSocket): unknown {
  if (!(netSocket instanceof NetSocket)) throw invalidType('netSocket', 'a net.Socket', netSocket);
  const { _handle: handle } = netSocket as NetSocket & { _handle?: { readonly fd: number } };
  const maker = handle && makers.get(handle);
  if (!maker)
    throw refused('ENOTSOCK', 'only a TCP connection of Node on a stack with sockets of the kernel can be a Socket');
  if (netSocket.connecting || netSocket.pending) throw refused('ENOTCONN', "wait for its 'connect'");
  if (netSocket.readableLength > 0)
    throw refused('EBUSY', 'it has received data already: read them first, or pause it earlier');
  if (netSocket.writableLength > 0)
    throw refused('EBUSY', 'it has data to write still: wait for the callback of write');
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
