import { AF_INET, AF_UNIX, SHUT_RD, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, type Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';
import { tcpPair, udpOn } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

test('datagrams, each with its sender, until the socket is closed', async () => {
  using server = a.socket(AF_INET, SOCK_DGRAM);
  server.bind('10.0.0.1:0');
  const { port } = server.getsockname();
  const [client, [, clientPort]] = udpOn(b, '10.0.0.2');
  const seen: string[] = [];
  const serving = (async () => {
    for await (const [data, from] of server) {
      seen.push(`${data} of ${from.address}:${from.port}`);
      await server.sendto(`not ${data}`, from);
    }
    return 'ended';
  })();
  // an empty datagram is one too
  for (const word of ['this', '', 'that']) {
    await client.sendto(word, ['10.0.0.1', port]);
    expect(String(await client.recv())).toBe(`not ${word}`);
  }
  server.close();
  expect(await serving).toBe('ended');
  expect(seen).toEqual(['this', '', 'that'].map((word) => `${word} of 10.0.0.2:${clientPort}`));
  client.close();
});

test('a loop that is left leaves the socket open, and the next goes on', async () => {
  using server = a.socket(AF_INET, SOCK_DGRAM);
  server.bind('10.0.0.1:0');
  using client = b.socket(AF_INET, SOCK_DGRAM);
  const { port } = server.getsockname();
  for (const word of ['one', 'two', 'three']) await client.sendto(word, ['10.0.0.1', port]);
  const words: string[] = [];
  for (let i = 0; i < 3; i++) {
    for await (const [data] of server) {
      words.push(String(data));
      break;
    }
  }
  expect(words).toEqual(['one', 'two', 'three']);
  expect(server.closed).toBe(false);
});

test.each([
  ['UDP', AF_INET],
  ['unix', AF_UNIX],
])('a loop over %s ends where the socket is shut down for receiving', async (_, family) => {
  using socket = a.socket(family, SOCK_DGRAM);
  if (family === AF_INET) await socket.connect('10.0.0.2:9');
  const loop = (async () => {
    for await (const [data] of socket) throw new Error(`nobody sent '${data}'`);
  })();
  socket.shutdown(SHUT_RD);
  await loop;
  expect(socket.closed).toBe(false);
});

test('an empty datagram of an unnamed unix socket is no end', async () => {
  using server = a.socket(AF_UNIX, SOCK_DGRAM);
  const name = `\0ioth-incoming-${process.pid}`;
  server.bind(name);
  using client = a.socket(AF_UNIX, SOCK_DGRAM);
  for (const word of ['', 'after it']) await client.sendto(word, name);
  const words: string[] = [];
  for await (const [data] of server) {
    words.push(String(data));
    if (words.length === 2) break;
  }
  expect(words).toEqual(['', 'after it']);
});

test('an error ends the loop, and it can be begun again', async () => {
  using server = a.socket(AF_INET, SOCK_DGRAM);
  server.bind('10.0.0.1:0');
  server.settimeout(0.02);
  const next = async () => {
    for await (const [data] of server) return String(data);
    return undefined;
  };
  await expect(next()).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'recvfrom' });
  using client = b.socket(AF_INET, SOCK_DGRAM);
  await client.sendto('later', ['10.0.0.1', server.getsockname().port]);
  server.settimeout(60);
  expect(await next()).toBe('later');
});

test('a connection has chunks, to the end of the stream', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const reading = (async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of server) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  })();
  await client.sendall(Buffer.alloc(300_000, 'x'));
  client.shutdown(SHUT_WR);
  expect(await reading).toHaveLength(300_000);
  expect(server.closed).toBe(false);
  for (const socket of [client, server]) socket.close();
});

test('a loop over a connection ends when it is closed here, and fails when the peer resets it', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const reading = (async () => {
    for await (const chunk of server) throw new Error(`nobody sent ${chunk}`);
  })();
  const resetting = (async () => {
    for await (const chunk of client) throw new Error(`nobody sent ${chunk}`);
  })();
  // struct linger: closing resets the connection
  server.setsockopt(1, 13, new Int32Array([1, 0]));
  server.close();
  await reading;
  await expect(resetting).rejects.toMatchObject({ code: 'ECONNRESET' });
  client.close();
});

test('packets of SOCK_SEQPACKET keep their borders', async () => {
  const [one, other] = a.socketpair(AF_UNIX, SOCK_SEQPACKET);
  for (const word of ['one', 'two']) await one.send(word);
  one.close();
  const words: string[] = [];
  for await (const packet of other) words.push(String(packet));
  expect(words).toEqual(['one', 'two']);
  other.close();
});
