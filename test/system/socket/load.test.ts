import { readFileSync } from 'node:fs';
import { type ListeningSocket, SHUT_WR, type Socket, type Stack } from 'ioth';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { listenOn, pattern, receiveAll } from '../../support/sockets.js';

const MEGABYTE = 1 << 20;
const count = connectionsThatFit(1000);

const net = useNetwork();

/** Node raises the soft limit to the hard one; both ends of a connection are in this process. */
function connectionsThatFit(wanted: number): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  const fit = Math.min(wanted, Math.floor((limit - 200) / 2));
  if (fit < wanted) console.log(`only ${fit} connections instead of ${wanted}: ulimit -n is ${limit}`);
  return fit;
}

async function echo(connection: Socket): Promise<void> {
  for (let data = await connection.recv(65536); data.length > 0; data = await connection.recv(65536)) {
    await connection.sendall(data);
  }
  connection.close();
}

async function serve(listener: ListeningSocket): Promise<number> {
  const echoing: Promise<void>[] = [];
  for await (const connection of listener) echoing.push(echo(connection));
  await Promise.all(echoing);
  return echoing.length;
}

test.each([
  ['between two stacks', 1],
  ['on one stack', 0],
])('1,000 connections at once echo a megabyte each way, none lost, %s', async (_where, clientStack) => {
  const before = holdings();
  const server = net.stacks[0] as Stack;
  const client = net.stacks[clientStack] as Stack;
  const [listener, address] = listenOn(server, '10.0.0.1', count);
  const serving = serve(listener);

  const sockets = Array.from({ length: count }, () => client.socket());
  await Promise.all(sockets.map((socket) => socket.connect(address)));
  // all of them are open at once: jest opens and closes files of its own meanwhile
  const socketsOf = ({ descriptors }: Holdings) => descriptors.filter((each) => each.includes('socket:')).length;
  expect(socketsOf(holdings())).toBeGreaterThanOrEqual(socketsOf(before) + count);

  const data = pattern(MEGABYTE);
  const size = Math.ceil(MEGABYTE / count);
  const echoed = await Promise.all(
    sockets.map(async (socket, i) => {
      const piece = data.subarray(i * size, (i + 1) * size);
      const [received] = await Promise.all([
        receiveAll(socket),
        socket.sendall(piece).then(() => socket.shutdown(SHUT_WR)),
      ]);
      socket.close();
      return received;
    }),
  );
  listener.close();
  expect(await serving).toBe(count);
  expect(Buffer.concat(echoed).equals(data)).toBe(true);
  await expectNothingLeft(before);
});

test('connections that come and go leave nothing', async () => {
  const before = holdings();
  const [a, b] = net.stacks as [Stack, Stack];
  const [listener, address] = listenOn(a, '10.0.0.1');
  const serving = serve(listener);
  for (let i = 0; i < 300; i++) {
    const socket = b.socket();
    await socket.connect(address);
    await socket.sendall('x');
    expect((await socket.recv(1)).toString()).toBe('x');
    socket.close();
  }
  listener.close();
  expect(await serving).toBe(300);
  await expectNothingLeft(before);
});
