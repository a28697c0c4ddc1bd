import { Socket, type SocketConstructorOpts } from 'node:net';
import { noteConnection } from '../socket/connection.js';
import type { StreamedSocket } from '../socket/owner.js';
import type { NodeStack } from './node-stack.js';
import type { OpenHandle } from './open-handles.js';
import { uncountedDuplicate } from './uncounted-socket.js';

/** A socket of Node's on the connection of a Socket, which can still be used and ends with it. */
class SocketStream extends Socket {
  readonly #socket: StreamedSocket;

  constructor(socket: StreamedSocket, options: SocketConstructorOpts) {
    super(options);
    this.#socket = socket;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    let failure = error;
    try {
      // the FIN goes when the last descriptor is closed
      this.#socket.close();
    } catch (cause) {
      failure ??= cause as Error;
    }
    super._destroy(failure, done);
  }
}

/**
 * `socket.stream()` where sockets are the kernel's: a duplicate of the descriptor in a handle of Node's.
 * @throws {IothError} EMFILE
 */
export function netSocketOn(socket: StreamedSocket, stack: NodeStack): Socket {
  const fd = uncountedDuplicate(socket.fileno(), 'dup');
  // as a Duplex, it reads when somebody wants to read: until then the Socket can receive
  const options = { fd, allowHalfOpen: true, manualStart: true };
  const stream: Socket & { _handle?: OpenHandle } = new SocketStream(socket, options);
  const { _handle: handle } = stream;
  if (handle) {
    noteConnection(handle, stack);
    stack.nodeHandles.add(handle, () => stream);
    stream.once('close', () => stack.nodeHandles.delete(handle));
  }
  socket.follow((reason: Error & { code?: string }) => {
    // closed on our side it ends, which is no error
    stream.destroy(reason.code === 'ERR_STACK_DEAD' ? reason : undefined);
  });
  if (!socket.isReferenced) stream.unref();
  return stream;
}
