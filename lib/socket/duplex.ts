import { Duplex } from 'node:stream';
import { SHUT_WR } from '../constants/index.js';
import { IothError } from '../core/errors.js';

const CHUNK_SIZE = 65536;

/** What a stream needs of its socket. */
interface StreamSocket {
  readonly closed: boolean;
  recv(bufsize: number): Promise<Buffer>;
  sendall(data: Buffer): Promise<void>;
  shutdown(how: number): void;
  close(): void;
}

/** A Duplex on a connected socket. The end of the stream shuts down writing; its destruction closes the socket. */
export function socketStream(socket: StreamSocket): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {
      socket.recv(CHUNK_SIZE).then(
        (data) => this.push(data.length > 0 ? data : null),
        // closed on our side, by socket.close() or with the stack: an end, not an error
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
        // the peer may have reset the connection meanwhile: there is nothing left to shut down
        if (!(error instanceof IothError && error.code === 'ENOTCONN')) return done(error as Error);
      }
      done();
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
}
