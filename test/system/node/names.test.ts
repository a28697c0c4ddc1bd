import dns from 'node:dns';
import { once } from 'node:events';
import { unlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { promisify } from 'node:util';
import type { Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';

let left: Stack;
let right: Stack;
let server: { close(): void };
/** Questions that came to the name server of the stacks. */
let asked: string[];

afterAll(() => server.close());
const lan = useNetwork();
beforeAll(async () => {
  [left, right] = lan.stacks as [Stack, Stack];
  server = await nameServer(left);
  for (const stack of [left, right]) stack.iothdns_update('nameserver 10.0.0.1\noptions timeout:30\n');
});

beforeEach(() => {
  asked = [];
});

/** Says 10.0.0.1 for every name, on Node's own dgram. */
async function nameServer(stack: Stack): Promise<{ close(): void }> {
  const socket = stack.dgram.createSocket('udp4', (message, peer) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = message.readUInt16BE(at + 1);
    asked.push(`${labels.join('.')} ${type}`);
    const question = message.subarray(12, at + 5);
    const isAddress = type === 1;
    const header = Buffer.from([...message.subarray(0, 2), 0x85, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    socket.send(Buffer.concat([header, question, ...(isAddress ? [record] : [])]), peer.port, peer.address);
  });
  socket.bind(53, '10.0.0.1');
  await once(socket, 'listening');
  return socket;
}

// a function that was taken before the first use of a stack is Node's own
const lookup = (name: string) => promisify(dns.lookup)(name);

it('dns.lookup asks the name server of the stack', async () => {
  expect(await right.run(() => lookup('a.example'))).toEqual({ address: '10.0.0.1', family: 4 });
  expect(await right.run(() => dns.promises.lookup('b.example', { all: true }))).toEqual([
    { address: '10.0.0.1', family: 4 },
  ]);
  expect(new Set(asked.map((question) => question.split(' ')[0]))).toEqual(new Set(['a.example', 'b.example']));
});

it('dns.lookup checks its arguments as Node does, and calls back in the next tick for an address', async () => {
  expect(() => right.run(() => dns.lookup('a.example', { hints: 1 << 20 }, () => {}))).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(/^The argument 'hints' is/),
    }),
  );
  // a datagram socket may be closed in the tick after send()
  const receiver = left.dgram.createSocket('udp4').bind(7300, '10.0.0.1');
  await once(receiver, 'listening');
  const sender = right.dgram.createSocket('udp4').bind(0);
  await once(sender, 'listening');
  sender.send('last', 7300, '10.0.0.1');
  process.nextTick(() => sender.close());
  expect(String((await once(receiver, 'message'))[0])).toBe('last');
  receiver.close();
});

it('resolve asks it too, as function and as method of a resolver made outside', async () => {
  const outside = new dns.promises.Resolver();
  const withCallback = new dns.Resolver();
  expect(await right.run(() => dns.promises.resolve4('c.example'))).toEqual(['10.0.0.1']);
  expect(await right.run(() => outside.resolve4('d.example'))).toEqual(['10.0.0.1']);
  const resolve4 = promisify((name: string, done: (error: Error | null, all: string[]) => void) =>
    withCallback.resolve4(name, done),
  );
  expect(await right.run(() => resolve4('e.example'))).toEqual(['10.0.0.1']);
  expect(asked).toEqual(['c.example 1', 'd.example 1', 'e.example 1']);
});

it('a resolver with servers of its own asks them on the stack', async () => {
  const other: string[] = [];
  const elsewhere = left.dgram.createSocket('udp4', (message, { port, address }) => {
    other.push(`asked, ${message.readUInt16BE(10)} additional records`);
    // NXDOMAIN
    const answer = Buffer.from(message);
    answer[2] = 0x85;
    answer[3] = 0x83;
    elsewhere.send(answer, port, address);
  });
  elsewhere.bind(5353, '10.0.0.1');
  await once(elsewhere, 'listening');
  const resolver = new dns.promises.Resolver();
  resolver.setServers(['10.0.0.1:5353']);
  await expect(right.run(() => resolver.resolve4('f.example'))).rejects.toMatchObject({ code: 'ENOTFOUND' });
  resolver.setServers(['10.0.0.1']);
  expect(await right.run(() => resolver.resolve4('f.example'))).toEqual(['10.0.0.1']);
  // without EDNS, as Node asks
  expect(new Set(other)).toEqual(new Set(['asked, 0 additional records']));
  elsewhere.close();
});

it('a connection by name goes to what the stack knows, and localhost is its own', async () => {
  writeFileSync(`${lan.dir}/hosts`, '10.0.0.1 left\n');
  right.iothdns_setpath('hosts', `${lan.dir}/hosts`);
  const listener = left.run(() => net.createServer((socket) => socket.end(`${socket.remoteAddress}`)).listen(7300));
  await once(listener, 'listening');
  const socket = right.run(() => net.connect(7300, 'left'));
  expect(String((await once(socket, 'data'))[0])).toMatch(/10\.0\.0\.2$/);
  const own = left.run(() => net.connect(7300, 'localhost'));
  expect(String((await once(own, 'data'))[0])).toMatch(/^::1$|127\.0\.0\.1$/);
  right.iothdns_setpath('hosts', null);
  listener.close();
  unlinkSync(`${lan.dir}/hosts`);
});

it.each([true, false])(
  'a datagram socket of a face connects by a name of the stack, also while it binds (%s)',
  async (binds) => {
    const socket = right.dgram.createSocket('udp4');
    if (binds) socket.bind(0);
    socket.connect(7300, 'g.example');
    await once(socket, 'connect');
    expect(socket.remoteAddress()).toEqual({ address: '10.0.0.1', family: 'IPv4', port: 7300 });
    socket.close();
  },
);

it("outside, names are the host's as before", async () => {
  expect(await lookup('127.0.0.1')).toEqual({ address: '127.0.0.1', family: 4 });
  expect((await dns.promises.lookup('localhost')).address).toMatch(/^127\.|^::1$/);
  expect(asked).toEqual([]);
  right.run(() => expect(dns.getServers()).toEqual(['10.0.0.1']));
});
