import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from '../socket/socket.js';

/** An interface that is down fails every receive at once. */
const PAUSE_AFTER_ERROR_MS = 100;

/**
 * Calls `receive` again and again until the socket is closed, without keeping the process alive. Errors of the network
 * (the interface went down, a port was unreachable) are passed over.
 */
export async function receiveAll(socket: Socket, receive: () => Promise<void>): Promise<void> {
  socket.unref();
  while (!socket.closed) {
    try {
      await receive();
    } catch {
      if (!socket.closed) await delay(PAUSE_AFTER_ERROR_MS, undefined, { ref: false });
    }
  }
}

/** Sends, as a network does: what it does not take is lost, and sent again when its sender's time comes. */
export function trySend(send: () => void): void {
  try {
    send();
  } catch {
    // the interface may be down for a moment, or the address not ready
  }
}
