import { Duplex } from 'node:stream';
import { SHUT_WR } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import type { Socket } from './socket.js';

const CHUNK = 65536;

/** A Duplex on a connected socket. The end of the stream shuts down writing; its destruction closes the socket. */
export function socketStream(socket: Socket): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {
      socket.recv(CHUNK).then(
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
