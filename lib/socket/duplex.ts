import { Duplex } from 'node:stream';
import { SHUT_WR } from '../constants/socket.js';
import { IothError } from '../core/errors.js';

const CHUNK_SIZE = 65536;

/** The members of a socket that a stream uses. */
interface StreamSocket {
  readonly closed: boolean;
  recv(bufsize: number): Promise<Buffer>;
  sendall(data: Buffer): Promise<void>;
  shutdown(how: number): void;
  close(): void;
  /** Calls `follower` when the socket is closed or detached. */
  follow?(follower: (reason: Error & { code?: string }) => void): void;
}

/**
 * Creates a Duplex on a connected socket. Ending the stream shuts down writing; destroying it closes the socket. A
 * socket with `follow` ends the stream when it is closed, even if nothing reads from the stream.
 */
export function socketStream(socket: StreamSocket): Duplex {
  const stream = new Duplex({
    allowHalfOpen: true,
    read() {
      socket.recv(CHUNK_SIZE).then(
        (data) => this.push(data.length > 0 ? data : null),
        // socket.close() or the end of the stack closed it on our side: an end, not an error
        (error) => this.destroy(socket.closed ? undefined : error),
      );
    },
    write(chunk: Buffer, _encoding, done) {
      socket.sendall(chunk).then(() => done(), done);
    },
    final(done) {
      try {
        socket.shutdown(SHUT_WR);
      } catch (error) {
        // the peer may have reset the connection: nothing is left to shut down
        if (!(error instanceof IothError && error.code === 'ENOTCONN')) return done(error as Error);
      }
      done();
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  endWithSocket(stream, socket);
  return stream;
}

// A function of its own, and a weak reference: a closure of socketStream would hold the socket, so that one that the program forgot
// would never be garbage collected
function endWithSocket(stream: Duplex, socket: StreamSocket): void {
  const weak = new WeakRef(stream);
  socket.follow?.((reason) => {
    // a close on our side ends the stream without an error
    weak.deref()?.destroy(reason.code === 'ERR_STACK_DEAD' ? reason : undefined);
  });
}
