import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { BLOCK, type Contender, type LocalContender, MESSAGE, restartOnLoss, WINDOW } from './contender.js';

const block = Buffer.alloc(BLOCK, 'b');
const message = Buffer.alloc(MESSAGE, 'm');

/** Node's net, or that of a stack, in its usual form, with events: its fastest form. */
export function netOn({ connect, createServer }: Pick<typeof net, 'connect' | 'createServer'>) {
  return {
    name: 'node',
    async listen(address) {
      const server = createServer({ noDelay: true }).listen(0, address);
      await once(server, 'listening');
      return [server, { address, port: (server.address() as net.AddressInfo).port }];
    },
    async accept(listener) {
      const [connection] = await once(listener, 'connection');
      return connection;
    },
    async connect(to) {
      const connection = connect({ host: to.address, port: to.port, noDelay: true });
      await once(connection, 'connect');
      return connection;
    },
    close(handle) {
      if (handle instanceof net.Server) handle.close();
      else handle.destroy();
    },
    sendBulk,
    receiveBulk,
    ping,
    echo,
  } satisfies Contender<net.Server, net.Socket>;
}

/** Node's own net and dgram. */
export const node: LocalContender<net.Server, net.Socket> = { ...netOn(net), connections, datagrams };

function sendBulk(connection: net.Socket, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    const write = () => {
      while (left > 0) {
        const piece = left < BLOCK ? block.subarray(0, left) : block;
        left -= piece.length;
        if (!connection.write(piece)) return;
      }
      connection.off('drain', write);
      resolve();
    };
    connection.once('error', reject);
    connection.on('drain', write);
    write();
  });
}

function receiveBulk(connection: net.Socket, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    connection.once('error', reject);
    connection.on('data', (data) => {
      left -= data.length;
      if (left <= 0) resolve();
    });
  });
}

function ping(connection: net.Socket, count: number): Promise<void> {
  connection.write(message);
  return answer(connection, count, false);
}

function echo(connection: net.Socket, count: number): Promise<void> {
  return answer(connection, count, true);
}

function answer(connection: net.Socket, count: number, answersLast: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    let length = 0;
    connection.once('error', reject);
    connection.on('data', (data) => {
      length += data.length;
      if (length < MESSAGE) return;
      length = 0;
      left--;
      if (left > 0 || answersLast) connection.write(data.length === MESSAGE ? data : message);
      if (left === 0) resolve();
    });
  });
}

/** Bulk data into the one buffer of a receiver made with `onread`, which has no 'data' events; in milliseconds. */
export async function bulkOnread(address: string, bytes: number): Promise<number> {
  const [server, { port }] = await node.listen(address);
  const accepted = node.accept(server);
  let left = bytes;
  let finish: () => void;
  const received = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const callback = (count: number) => {
    left -= count;
    if (left <= 0) finish();
    return true;
  };
  const receiver = net.connect({ host: address, port, onread: { buffer: Buffer.alloc(BLOCK), callback } });
  const sender = await accepted;
  const start = performance.now();
  await Promise.all([sendBulk(sender, bytes), received]);
  const elapsed = performance.now() - start;
  receiver.destroy();
  sender.destroy();
  server.close();
  return elapsed;
}

async function connections(address: string, count: number): Promise<number> {
  const [server, { port }] = await node.listen(address);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    let left = count;
    let client: net.Socket;
    let open = 0;
    let ready = 0;
    let accepted: net.Socket;
    const closed = () => {
      if (--open > 0) return;
      if (--left > 0) next();
      else resolve();
    };
    const connected = () => {
      if (++ready < 2) return;
      client.destroy();
      accepted.destroy();
    };
    const next = () => {
      open = 2;
      ready = 0;
      client = net.connect(port, address, connected).on('close', closed).on('error', reject);
    };
    server.on('connection', (connection) => {
      accepted = connection.on('close', closed).on('error', reject);
      connected();
    });
    next();
  });
  const elapsed = performance.now() - start;
  server.close();
  return elapsed;
}

async function datagrams(address: string, count: number): Promise<number> {
  const server = dgram.createSocket('udp4').bind(0, address);
  await once(server, 'listening');
  server.on('message', (data, from) => server.send(data, from.port, from.address));
  const client = dgram.createSocket('udp4');
  client.connect(server.address().port, address);
  await once(client, 'connect');

  let received = 0;
  const fill = () => {
    for (let i = 0; i < WINDOW; i++) client.send(message);
  };
  const stopWatch = restartOnLoss(() => received, fill);
  const start = performance.now();
  await new Promise<void>((resolve) => {
    client.on('message', () => {
      if (++received === count) resolve();
      else client.send(message);
    });
    fill();
  });
  const elapsed = performance.now() - start;
  stopWatch();
  client.close();
  server.close();
  return elapsed;
}
