import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from '../socket/socket.js';

/** The pause after an error: while the interface is down, every receive fails at once. */
const PAUSE_AFTER_ERROR_MS = 100;

/**
 * Calls `receive` repeatedly until the socket is closed, without keeping the process alive. Ignores network errors (the
 * interface went down, a port was unreachable).
 */
export async function receiveAll(socket: Socket, receive: () => Promise<void>): Promise<void> {
  socket.unref();
  // the program may have set a default timeout for its own sockets
  socket.settimeout(null);
  while (!socket.closed) {
    try {
      await receive();
    } catch {
      if (!socket.closed) await delay(PAUSE_AFTER_ERROR_MS, undefined, { ref: false });
    }
  }
}

/** Prepares a new socket; closes it if that fails. */
export function prepared(socket: Socket, prepare: (socket: Socket) => void): Socket {
  try {
    prepare(socket);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Sends and ignores errors, like a network that loses a packet: the sender retransmits later. */
export function trySend(send: () => void): void {
  try {
    send();
  } catch {
    // the interface may be down, or the address not ready
  }
}
