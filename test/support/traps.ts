import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';

/** Somebody who listens where nobody shall call. */
export interface Trap {
  /** How many connections and datagrams came. */
  readonly heard: number;
  close(): Promise<void>;
}

/** Listens on the host's 127.0.0.1 or, called in `stack.run`, on that of a stack: TCP and UDP. */
export async function trap(port: number, host = '127.0.0.1'): Promise<Trap> {
  let heard = 0;
  const server = createServer((socket) => {
    heard++;
    socket.destroy();
  });
  const datagrams = createSocket(host.includes(':') ? 'udp6' : 'udp4', () => {
    heard++;
  });
  server.listen(port, host);
  await once(server, 'listening');
  datagrams.bind(port, host);
  await once(datagrams, 'listening');
  return {
    get heard() {
      return heard;
    },
    async close() {
      server.close();
      datagrams.close();
      await Promise.all([once(server, 'close'), once(datagrams, 'close')]);
    },
  };
}

/**
 * A port of the host that is this process's alone, below those that the kernel gives away: the same suites run with the pump and
 * without, at the same time, in another checkout, and in a container that shares the network.
 * @param base 7100, 7200 … 7900: ten ports for each
 */
export function hostPort(base: number): number {
  // processes of two containers may have one number
  const { ino } = statSync('/proc/self/ns/pid');
  return 10_000 + ((process.pid + ino) % 220) * 100 + (base - 7000) / 10;
}
