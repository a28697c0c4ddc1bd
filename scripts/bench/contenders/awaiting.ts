import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM, type Stack } from 'ioth';
import { type Contender, MESSAGE, READ, restartOnLoss } from './contender.js';
import { iothOn } from './ioth.js';
import { node } from './node.js';

const message = Buffer.alloc(MESSAGE, 'm');

/** One half of the work between two processes, with the event loop: a client, and a server that reports its port. */
export interface Halves {
  client(work: string, address: string, port: number, count: number): Promise<void>;
  server(work: string, address: string): Promise<[port: number, serve: (count: number) => Promise<void>]>;
}

async function pingOver<L, C>(contender: Contender<L, C>, address: string, port: number, count: number): Promise<void> {
  const connection = await contender.connect({ address, port });
  await contender.ping(connection, count);
  contender.close(connection);
}

async function echoOver<L, C>(
  contender: Contender<L, C>,
  address: string,
): Promise<[number, (count: number) => Promise<void>]> {
  const [listener, { port }] = await contender.listen(address);
  const accepted = contender.accept(listener);
  const serve = async (count: number) => {
    const connection = await accepted;
    await contender.echo(connection, count);
    contender.close(connection);
    contender.close(listener);
  };
  return [port, serve];
}

/** This binding, awaited. */
export function iothHalves(stack: Stack): Halves {
  const contender = iothOn(stack);
  return {
    async client(work, address, port, count) {
      if (work === 'round trips') return pingOver(contender, address, port, count);
      const buffer = Buffer.alloc(READ);
      if (work === 'connections') {
        for (let i = 0; i < count; i++) {
          const connection = stack.socket(AF_INET, SOCK_STREAM);
          await connection.connect([address, port]);
          if ((await connection.recv_into(buffer)) !== 0) throw new Error('the connection did not end');
          connection.close();
        }
        return;
      }
      const socket = stack.socket(AF_INET, SOCK_DGRAM);
      await socket.connect([address, port]);
      let received = 0;
      const stopWatch = restartOnLoss(
        () => received,
        () => socket.send(message),
      );
      for (; received < count; received++) {
        await socket.send(message);
        await socket.recv_into(buffer);
      }
      stopWatch();
      socket.close();
    },
    async server(work, address) {
      if (work === 'round trips') return echoOver(contender, address);
      const socket = stack.socket(AF_INET, work === 'connections' ? SOCK_STREAM : SOCK_DGRAM);
      socket.bind([address, 0]);
      if (work === 'connections') socket.listen();
      const buffer = Buffer.alloc(READ);
      const serve = async (count: number) => {
        for (let i = 0; i < count; i++) {
          if (work === 'connections') {
            const [connection] = await socket.accept();
            connection.close();
          } else {
            const [length, from] = await socket.recvfrom_into(buffer);
            await socket.sendto(buffer.subarray(0, length), from);
          }
        }
        socket.close();
      };
      return [socket.getsockname().port, serve];
    },
  };
}

/** node:net and node:dgram, with events. */
export const nodeHalves: Halves = {
  async client(work, address, port, count) {
    if (work === 'round trips') return pingOver(node, address, port, count);
    if (work === 'connections') {
      await new Promise<void>((resolve, reject) => {
        let left = count;
        const next = () => {
          const connection = net.connect(port, address);
          connection.on('error', reject).resume();
          connection.on('close', () => (--left > 0 ? next() : resolve()));
        };
        next();
      });
      return;
    }
    const socket = dgram.createSocket('udp4');
    socket.connect(port, address);
    await once(socket, 'connect');
    let received = 0;
    const send = () => socket.send(message);
    const stopWatch = restartOnLoss(() => received, send);
    await new Promise<void>((resolve) => {
      socket.on('message', () => (++received === count ? resolve() : send()));
      send();
    });
    stopWatch();
    socket.close();
  },
  async server(work, address) {
    if (work === 'round trips') return echoOver(node, address);
    if (work === 'connections') {
      const server = net.createServer().listen(0, address);
      await once(server, 'listening');
      let accepted = 0;
      const serve = (count: number) =>
        new Promise<void>((resolve) => {
          server.on('connection', (connection) => {
            connection.destroy();
            if (++accepted === count) server.close(() => resolve());
          });
        });
      return [(server.address() as net.AddressInfo).port, serve];
    }
    const socket = dgram.createSocket('udp4').bind(0, address);
    await once(socket, 'listening');
    const serve = (count: number) =>
      new Promise<void>((resolve) => {
        let echoed = 0;
        socket.on('message', (data, from) => {
          socket.send(data, from.port, from.address, () => {
            if (++echoed === count) socket.close(() => resolve());
          });
        });
      });
    return [socket.address().port, serve];
  },
};
