import type { Address } from '../address/sockaddr.js';
import { AF_PACKET, AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM } from '../constants/socket.js';

/** The default size of a receive, in bytes: no IP datagram is longer. */
export const RECEIVE_SIZE = 65536;

/** One datagram and the sender's address. */
export type Datagram = [data: Buffer, from: Address];

/** The members of a socket that a loop over it uses. */
interface IncomingSource<Connection> {
  readonly closed: boolean;
  readonly family: number;
  readonly type: number;
  /** @internal */
  readonly isShutForReading: boolean;
  accept(): Promise<[Connection, Address]>;
  recv(): Promise<Buffer>;
  recvfrom(): Promise<Datagram>;
}

/** Yields what arrives: connections of a listener, chunks of another stream socket, datagrams of any other socket. */
export function incoming<Connection>(
  socket: IncomingSource<Connection>,
  isListener: () => boolean,
): AsyncGenerator<Connection | Buffer | Datagram, void, undefined> {
  if (socket.type !== SOCK_STREAM && socket.type !== SOCK_SEQPACKET) {
    return untilClosed(socket, () => nextDatagram(socket));
  }
  let accepts: boolean | undefined;
  return untilClosed(socket, async () => {
    accepts ??= isListener();
    if (accepts) return (await socket.accept())[0];
    const chunk = await socket.recv();
    return chunk.length === 0 ? undefined : chunk;
  });
}

/** Yields the results of `next` until it returns undefined. An error of `next` after the socket was closed is the end too. */
async function* untilClosed<T>(
  socket: { readonly closed: boolean },
  next: () => Promise<T | undefined>,
): AsyncGenerator<T, void, undefined> {
  while (!socket.closed) {
    let item: T | undefined;
    try {
      item = await next();
    } catch (error) {
      if (socket.closed) return;
      throw error;
    }
    if (item === undefined) return;
    yield item;
  }
}

async function nextDatagram(socket: IncomingSource<unknown>): Promise<Datagram | undefined> {
  const datagram = await socket.recvfrom();
  const [data, from] = datagram;
  // recvfrom on a socket shut down for reading returns no data and no sender, again and again
  const isNothing = data.length === 0 && from.address === '';
  // where an empty datagram may come from a sender without an address
  const mayBeUnnamed = socket.family === AF_UNIX || socket.family === AF_PACKET;
  return isNothing && (!mayBeUnnamed || socket.isShutForReading) ? undefined : datagram;
}
