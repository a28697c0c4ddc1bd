import { AF_INET, MSG_PEEK, SOCK_STREAM, type Socket, Stack } from 'ioth';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, libc } from '../../../ffi/libc.js';
import { expectNothingLeft, expectNothingLeftNow, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { listenOn, receiveAll } from '../../support/sockets.js';

/* The system calls around a connection: short ones, one after the other, are made of little else. */

afterEach(() => jest.restoreAllMocks());

describe('a program that has one connection at a time', () => {
  let stack: Stack;
  beforeEach(() => {
    stack = new Stack('kernel');
  });

  async function connectAgainAndAgain(count: number): Promise<void> {
    const [listener, address] = listenOn(stack, '127.0.0.1');
    for (let i = 0; i < count; i++) {
      const client = stack.socket(AF_INET, SOCK_STREAM);
      await client.connect(address);
      const [server] = listener.sync.accept();
      const received = client.recv(10);
      server.sync.sendall('x');
      expect(String(await received)).toBe('x');
      client.close();
      server.close();
    }
    listener.close();
  }

  test('makes one event set for all of them, which goes in a turn without one', async () => {
    const before = holdings();
    const sets = jest.spyOn(libc(), 'epoll_create1');
    await connectAgainAndAgain(20);
    expect(sets).toHaveBeenCalledTimes(1);
    await expectNothingLeft(before);
    await connectAgainAndAgain(2);
    expect(sets).toHaveBeenCalledTimes(2);
    await stack.close();
  });

  test('has none when its stack is closed', async () => {
    const before = holdings();
    await connectAgainAndAgain(2);
    stack.closeSync();
    expectNothingLeftNow(before);
  });
});

describe('a connect that has to wait', () => {
  // its stacks have watches of their own
  const net = useNetwork();
  const [PEER, CLIENT] = [0, 1];

  test('turns the watch to data: nothing is tried or watched in vain', async () => {
    const [listener, address] = listenOn(net.stacks[PEER]!, '10.0.0.1');
    const client = net.stacks[CLIENT]!.socket(AF_INET, SOCK_STREAM);
    const changes = jest.spyOn(libc(), 'epoll_ctl');
    const ownChanges = () => changes.mock.calls.filter(([, , fd]) => fd === client.fileno()).map(([, how]) => how);
    await client.connect(address);
    const received = client.recv(10);
    const [server] = listener.sync.accept();
    await server.sendall('x');
    expect(String(await received)).toBe('x');
    expect(ownChanges()).toEqual([EPOLL_CTL_ADD, EPOLL_CTL_MOD]);
    const { length } = changes.mock.calls;
    client.close();
    expect(changes.mock.calls.slice(length).map(([, how]) => how)).toEqual([EPOLL_CTL_DEL]);
    for (const socket of [server, listener]) socket.close();
  });

  test.each([
    ['awaited', async (client: Socket) => String(await client.recv(10))],
    ['sync', async (client: Socket) => String(client.sync.recv(10))],
    [
      'not waiting',
      async (client: Socket) => {
        client.settimeout(0);
        return String(await client.recv(10));
      },
    ],
  ])('data of a peer that speaks first is there: %s', async (_how, receive) => {
    const [listener, address] = listenOn(net.stacks[PEER]!, '10.0.0.1');
    const greeter = listener.accept().then(([server]) => server.sendall('hello').then(() => server));
    const client = net.stacks[CLIENT]!.socket(AF_INET, SOCK_STREAM);
    await client.connect(address);
    const server = await greeter;
    // waits until it has arrived, and leaves it there
    expect(String(client.sync.recv(10, MSG_PEEK))).toBe('hello');
    expect(await receive(client)).toBe('hello');
    for (const socket of [client, server, listener]) socket.close();
  });

  test('a send that waits behind it goes out, and what it waits for is watched', async () => {
    const [listener, address] = listenOn(net.stacks[PEER]!, '10.0.0.1');
    const client = net.stacks[CLIENT]!.socket(AF_INET, SOCK_STREAM);
    const data = Buffer.alloc(4 << 20, 'd');
    const sent = [client.connect(address), client.sendall(data)];
    const [server] = await listener.accept();
    expect((await receiveAll(server, data.length)).equals(data)).toBe(true);
    await Promise.all(sent);
    for (const socket of [client, server, listener]) socket.close();
  });
});
