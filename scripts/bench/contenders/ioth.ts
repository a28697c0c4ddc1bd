import { AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, type Socket, type Stack, TCP_NODELAY } from 'ioth';
import { BLOCK, type Endpoint, type LocalContender, MESSAGE, READ, restartOnLoss, WINDOW } from './contender.js';

const block = Buffer.alloc(BLOCK, 'b');
const message = Buffer.alloc(MESSAGE, 'm');

/** This binding's public Socket, as a program uses it: every step awaits a promise. */
export function iothOn(stack: Stack): LocalContender<Socket, Socket> {
  return {
    name: 'ioth',
    async listen(address) {
      const listener = stack.socket(AF_INET, SOCK_STREAM);
      listener.bind([address, 0]);
      listener.listen();
      return [listener, { address, port: listener.getsockname().port }];
    },
    async accept(listener) {
      const [connection] = await listener.accept();
      connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      return connection;
    },
    async connect(to) {
      const connection = stack.socket(AF_INET, SOCK_STREAM);
      await connection.connect([to.address, to.port]);
      connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      return connection;
    },
    close: (socket) => socket.close(),
    sendBulk,
    receiveBulk,
    ping,
    echo,
    connections: (address, count) => connections(stack, address, count),
    datagrams: (address, count) => datagrams(stack, address, count),
  };
}

async function sendBulk(connection: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= BLOCK)
    await connection.sendall(left < BLOCK ? block.subarray(0, left) : block);
}

async function receiveBulk(connection: Socket, bytes: number): Promise<void> {
  const buffer = Buffer.alloc(BLOCK);
  for (let left = bytes; left > 0; ) {
    const count = await connection.recv_into(buffer);
    if (count === 0) throw new Error(`the stream ended ${left} bytes early`);
    left -= count;
  }
}

async function ping(connection: Socket, count: number): Promise<void> {
  const buffer = Buffer.alloc(READ);
  for (let i = 0; i < count; i++) {
    await connection.sendall(message);
    for (let length = 0; length < MESSAGE; ) length += await connection.recv_into(buffer);
  }
}

async function echo(connection: Socket, count: number): Promise<void> {
  const buffer = Buffer.alloc(READ);
  const whole = buffer.subarray(0, MESSAGE);
  for (let left = count * MESSAGE; left > 0; ) {
    const length = await connection.recv_into(buffer);
    left -= length;
    await connection.sendall(length === MESSAGE ? whole : buffer.subarray(0, length));
  }
}

async function connections(stack: Stack, address: string, count: number): Promise<number> {
  using listener = stack.socket(AF_INET, SOCK_STREAM);
  listener.bind([address, 0]);
  listener.listen();
  const { port } = listener.getsockname();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const accepted = listener.accept();
    const client = stack.socket(AF_INET, SOCK_STREAM);
    await client.connect([address, port]);
    const [server] = await accepted;
    client.close();
    server.close();
  }
  return performance.now() - start;
}

async function datagrams(stack: Stack, address: string, count: number): Promise<number> {
  using server = stack.socket(AF_INET, SOCK_DGRAM);
  using client = stack.socket(AF_INET, SOCK_DGRAM);
  server.bind([address, 0]);
  const to: Endpoint = { address, port: server.getsockname().port };
  await client.connect(to);
  const serving = echoDatagrams(server);

  const buffer = Buffer.alloc(READ);
  let received = 0;
  const fill = () => {
    for (let i = 0; i < WINDOW; i++) client.send(message);
  };
  const stopWatch = restartOnLoss(() => received, fill);
  const start = performance.now();
  fill();
  while (received < count) {
    await client.recv_into(buffer);
    received++;
    await client.send(message);
  }
  const elapsed = performance.now() - start;
  stopWatch();
  server.close();
  await serving;
  return elapsed;
}

async function echoDatagrams(server: Socket): Promise<void> {
  const buffer = Buffer.alloc(READ);
  const whole = buffer.subarray(0, MESSAGE);
  try {
    for (;;) {
      const [length, from] = await server.recvfrom_into(buffer);
      await server.sendto(length === MESSAGE ? whole : buffer.subarray(0, length), from);
    }
  } catch (error) {
    if (!server.closed) throw error;
  }
}
