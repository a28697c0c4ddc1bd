import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  htons,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
  Stack,
} from 'ioth';
import { hasLibrary } from '../../../ffi/index.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { NameNetwork } from '../../support/name-servers.js';
import { answerTo, ScriptedServer } from '../../support/scripted-server.js';

const COUNT = 1000;
const PROVIDERS = ['builtin', 'native'] as const;
const ETH_P_ALL = 3;
/** In the last frame: what comes after all of them tells when all of them were seen. */
const END = `no more frames of ${process.pid}`;
/** In a name that is looked up, and in no other traffic of the machine: another suite may run beside this one. */
const MARK = `sniff-${randomUUID()}`;
const SNIFFED_BYTES = 16 * 1024 * 1024;

const network = new NameNetwork();
let server: Stack;

beforeAll(async () => {
  server = network.join(1);
  await network.dnsmasq(
    server,
    ['10.5.0.1'],
    ['--synth-domain=many.test,10.5.0.0/16,n-', `--host-record=${MARK}.test,10.5.0.9,fd05::9`, '--local=/test/'],
  );
});
afterAll(() => network.close());

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function isMissing(dns: (typeof PROVIDERS)[number]): boolean {
  if (dns === 'builtin' || hasLibrary('iothdns')) return false;
  console.log('native: not tested, libiothdns is not on this machine');
  return true;
}

test(`${COUNT} look-ups at once: none is lost, no descriptor is left, not too many are open`, async () => {
  const client = network.join(2, 'nameserver 10.5.0.1\noptions timeout:30\n', { dns: 'builtin' });
  const before = holdings();
  const names = Array.from({ length: COUNT }, (_, i) => `10.5.${4 + (i >> 8)}.${i & 255}`);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, descriptors());
  }, 5);
  const found = await Promise.all(
    names.map((address) => client.getaddrinfo(`n-${address.replaceAll('.', '-')}.many.test`, 80, 0, SOCK_STREAM)),
  );
  clearInterval(watch);
  expect(found.map((infos) => infos.map(({ sockaddr }) => sockaddr.address))).toEqual(names.map((name) => [name]));
  expect(most - before.descriptors.length).toBeLessThan(300);
  await expectNothingLeft(before);
});

test('look-ups at once are out at once: the server has a hundred questions before it answers one', async () => {
  const MANY = 100;
  let isAsked = () => {};
  const allAsked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const held = new ScriptedServer(network.join(7), '10.5.0.7', (query) => {
    if (new Set(held.queries.map(({ name }) => name)).size === MANY) isAsked();
    return [{ bytes: answerTo(query, '10.5.0.9'), after: allAsked }];
  });
  const client = network.join(20, 'nameserver 10.5.0.7\noptions timeout:30\n', { dns: 'builtin' });
  const looks = Array.from({ length: MANY }, (_, n) => client.getaddrinfo(`n${n}.test`, 80, AF_INET, SOCK_STREAM));
  const found = await Promise.all(looks);
  held.close();
  expect(found.every(([info]) => info?.sockaddr.address === '10.5.0.9')).toBe(true);
});

/** Every frame that `stack` sees from now on, until `stop` gives the number of those that hold `text`. */
function sniff(stack: Stack, text: string): { stop(): Promise<number> } {
  const socket = stack.socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  // what else goes by the host while it is not read has room too
  socket.setsockopt(SOL_SOCKET, SO_RCVBUFFORCE, SNIFFED_BYTES);
  const frame = Buffer.alloc(65_536);
  let isRead = false;
  const reading = (async () => {
    for (let count = 0; ; ) {
      const seen = frame.subarray(0, await socket.recv_into(frame));
      if (seen.includes(text)) count++;
      if (seen.includes(END)) return count;
    }
  })().finally(() => {
    isRead = true;
  });
  const stop = async () => {
    using last = stack.socket(AF_INET, SOCK_DGRAM);
    // a packet socket that is full loses frames, the last one too
    while (!isRead) {
      await last.sendto(END, ['127.0.0.1', 9]);
      await Promise.race([reading, delay(20)]);
    }
    socket.close();
    return reading;
  };
  return { stop };
}

describe.each(PROVIDERS)('%s', (dns) => {
  test('no packet of a look-up goes by the host', async () => {
    if (isMissing(dns)) return;
    await using host = new Stack('kernel');
    if (process.getuid?.() !== 0) return console.log('not tested: packets of the host are for root to see');
    const client = network.join(dns === 'builtin' ? 30 : 31, '10.5.0.1', { dns });
    const [outside, inside] = [sniff(host, MARK), sniff(client, MARK)];
    const found = await client.getaddrinfo(`${MARK}.test`, 80, AF_INET, SOCK_STREAM);
    expect(found[0]?.sockaddr.address).toBe('10.5.0.9');
    await client.dns.promises.lookup(`${MARK}.test`, 6);
    await client.dns.promises.resolve4(`${MARK}.test`);
    await client.dns.promises.resolveMx(`${MARK}.test`).catch(() => {});
    await client.getaddrinfo(`absent.${MARK}.test`, 80).catch(() => {});
    using socket = client.socket(AF_INET6, SOCK_DGRAM);
    await socket.connect([`${MARK}.test`, 53]);
    expect(await inside.stop()).toBeGreaterThan(0);
    expect(await outside.stop()).toBe(0);
  });
});

test('what the host sends is seen by the same sniffer', async () => {
  if (process.getuid?.() !== 0) return console.log('not tested: packets of the host are for root to see');
  await using host = new Stack('kernel');
  const outside = sniff(host, MARK);
  using socket = host.socket(AF_INET, SOCK_DGRAM);
  await socket.sendto(MARK, ['127.0.0.1', 9]);
  expect(await outside.stop()).toBeGreaterThan(0);
});
