import { Socket, type SocketConstructorOpts } from 'node:net';
import { duplicateOf } from '../io/open-descriptor.js';
import { noteConnection } from '../socket/connection.js';
import type { StreamedSocket } from '../socket/owner.js';
import type { NodeStack } from './node-stack.js';
import type { OpenHandle } from './open-handles.js';

/** A Node socket on the connection of a Socket. The Socket can still be used, and is closed with it. */
class SocketStream extends Socket {
  readonly #socket: StreamedSocket;

  constructor(socket: StreamedSocket, options: SocketConstructorOpts) {
    super(options);
    this.#socket = socket;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    let failure = error;
    try {
      // the FIN is sent when the last file descriptor is closed
      this.#socket.close();
    } catch (cause) {
      failure ??= cause as Error;
    }
    super._destroy(failure, done);
  }
}

/**
 * Implements `socket.stream()` for kernel sockets: puts a duplicate of the file descriptor into a Node handle.
 * @throws {IothError} EMFILE
 */
export function netSocketOn(socket: StreamedSocket, stack: NodeStack): Socket {
  const fd = duplicateOf(socket.fileno(), 'dup');
  // like any Duplex it reads on demand only: until then the Socket can receive
  const options = { fd, allowHalfOpen: true, manualStart: true };
  const stream: Socket & { _handle?: OpenHandle } = new SocketStream(socket, options);
  const { _handle: handle } = stream;
  if (handle) {
    noteConnection(handle, stack.local);
    stack.nodeHandles.add(handle, () => stream);
    stream.once('close', () => stack.nodeHandles.delete(handle));
  }
  socket.follow((reason: Error & { code?: string }) => {
    // a close on our side ends the stream without an error
    stream.destroy(reason.code === 'ERR_STACK_DEAD' ? reason : undefined);
  });
  if (!socket.isReferenced) stream.unref();
  return stream;
}
