import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET6, SOCK_DGRAM, Stack } from 'ioth';
import { BuiltinConfig } from '../../../lib/config/builtin.js';
import { parseConfig } from '../../../lib/config/language.js';
import type { ProviderListener } from '../../../lib/config/provider.js';
import type { Child } from '../../support/child.js';
import { FakeClock } from '../../support/fake-clock.js';
import { stateOf, useNetwork } from '../../support/network.js';
import { PATIENCE_MS } from '../../support/until.js';

/** Real servers with leases of two minutes, and a clock that the test moves. */

const V4 = ['--dhcp-range=10.0.0.50,10.0.0.50,2m', '--dhcp-authoritative'];
const V6 = ['--dhcp-range=fd00::50,fd00::50,64,2m'];

let server: Stack;
let client: Stack;
let clock: FakeClock;
let config: BuiltinConfig;
let events: string[];

afterEach(async () => {
  await config.close();
  await client.close();
});
const lan = useNetwork(0, 'test');
beforeEach(() => {
  server = lan.stack('10.0.0.1/24', 'fd00::1/64');
  client = new Stack('vdestack', lan.vnl);
  clock = new FakeClock();
  events = [];
  const listener: ProviderListener = {
    onLease: (name, { protocol, reason }) => events.push([name, protocol, reason].filter(Boolean).join(' ')),
    onChange: () => {},
  };
  config = new BuiltinConfig(client, listener, clock);
});

/** Lets the fake clock run, slowly enough for real answers, until `event` was reported. */
async function until(event: string, step: number, count = 1): Promise<void> {
  for (let i = 0; i < PATIENCE_MS / 5; i++) {
    if (events.filter((each) => each === event).length >= count) return;
    await delay(5);
    clock.advance(step);
  }
  throw new Error(`no '${event}' among ${events.join(', ')}`);
}

async function apply(text: string, event: string): Promise<void> {
  const applied = config.apply(parseConfig(text), { timeout: PATIENCE_MS });
  await until(event, 0.001);
  await applied;
}

const stop = (each: Child) => each.stop();

/** Waits until the client's kernel has had all that the server sent: a switch keeps the order. */
async function arrived(): Promise<void> {
  const receiver = client.socket(AF_INET6, SOCK_DGRAM);
  const sender = server.socket(AF_INET6, SOCK_DGRAM);
  try {
    receiver.bind(['::', 0]);
    const link = client.interfaces().find(({ name }) => name === 'vde0')!;
    const own = link.addresses.find(({ address }) => address.startsWith('fe80:'))!;
    await sender.sendto('last', [own.address, receiver.getsockname().port, 0, server.if_nametoindex('vde0')]);
    await receiver.recv(4);
  } finally {
    receiver.close();
    sender.close();
  }
}

test('a DHCP lease is renewed at T1 by its server, and the address is never gone', async () => {
  const dnsmasq = await lan.dnsmasq(server, ...V4);
  await apply('eth,dhcp', 'lease dhcp4');
  const before = stateOf(client);
  clock.advance(58);
  expect(events).toEqual(['lease dhcp4']);
  clock.advance(2);
  await until('renew dhcp4', 0);
  expect(stateOf(client)).toEqual(before);
  await dnsmasq.logs(/DHCPACK(.|\n)*DHCPACK/);
  expect(dnsmasq.output.match(/DHCPACK/g)).toHaveLength(2);
  clock.advance(60);
  await until('renew dhcp4', 0, 2);
});

test('a DHCP server that is killed: nothing changes until the lease is over, then all of it goes', async () => {
  const dnsmasq = await lan.dnsmasq(server, ...V4);
  await apply('eth,dhcp', 'lease dhcp4');
  await stop(dnsmasq);
  for (let passed = 0; passed < 118; passed += 2) {
    clock.advance(2);
    await delay(1);
  }
  expect(events).toEqual(['lease dhcp4']);
  expect(stateOf(client).addresses).toEqual(['10.0.0.50/24']);
  clock.advance(3);
  expect(events).toEqual(['lease dhcp4', 'expire dhcp4 expired']);
  expect(stateOf(client)).toEqual({ addresses: [], routes: [] });
  // and it looks for another, in the background
  await lan.dnsmasq(server, ...V4);
  await until('lease dhcp4', 0.02, 2);
  expect(stateOf(client).addresses).toEqual(['10.0.0.50/24']);
});

test('a DHCP server that is killed between T1 and T2: another one extends the lease after T2', async () => {
  const dnsmasq = await lan.dnsmasq(server, ...V4);
  await apply('eth,dhcp', 'lease dhcp4');
  await stop(dnsmasq);
  clock.advance(70);
  await delay(20);
  server.ipaddr_del(2, '10.0.0.1', 24, server.if_nametoindex('vde0'));
  const other = lan.stack('10.0.0.2/24');
  await lan.dnsmasq(other, ...V4);
  clock.advance(30);
  await delay(20);
  expect(events).toEqual(['lease dhcp4']);
  clock.advance(6);
  await until('renew dhcp4', 0.001);
  expect(events).toEqual(['lease dhcp4', 'renew dhcp4']);
  expect(stateOf(client).addresses).toEqual(['10.0.0.50/24']);
});

test('a DHCP server that takes the lease back: the address goes at once', async () => {
  const dnsmasq = await lan.dnsmasq(server, ...V4);
  await apply('eth,dhcp', 'lease dhcp4');
  await stop(dnsmasq);
  const ifindex = server.if_nametoindex('vde0');
  server.ipaddr_add(2, '10.0.1.1', 24, ifindex);
  const moved = await lan.dnsmasq(server, '--dhcp-range=10.0.0.60,10.0.0.70,2m', '--dhcp-authoritative');
  clock.advance(61);
  await until('expire dhcp4 refused', 0.001);
  await moved.logs(/DHCPNAK/);
  await until('lease dhcp4', 0.02, 2);
  expect(stateOf(client).addresses[0]).toMatch(/^10\.0\.0\.6\d\/24|10\.0\.0\.70\/24$/);
});

test('a DHCPv6 lease is renewed, and lost with its server', async () => {
  const dnsmasq = await lan.dnsmasq(server, ...V6);
  await apply('eth,dhcp6', 'lease dhcp6');
  clock.advance(61);
  await until('renew dhcp6', 0.001);
  await stop(dnsmasq);
  for (let passed = 0; passed < 122; passed += 2) {
    clock.advance(2);
    await delay(1);
  }
  expect(events).toEqual(['lease dhcp6', 'renew dhcp6', 'expire dhcp6 expired']);
  expect(stateOf(client).addresses).toEqual([]);
});

test('a router that is silent: its lifetimes run out', async () => {
  const dnsmasq = await lan.dnsmasq(
    server,
    '--dhcp-range=fd00::,ra-only,64,2m',
    '--ra-param=vde0,60,120',
    '--enable-ra',
  );
  await apply('eth,rd,slaac', 'lease rd');
  expect(stateOf(client).routes[0]).toMatch(/^::\/0 fe80/);
  expect(stateOf(client).addresses.length).toBe(1);
  await stop(dnsmasq);
  // an advertisement on its way would have the kernel itself, which goes by no fake clock, put the route back
  await arrived();
  clock.advance(121);
  expect(events.filter((event) => event === 'expire rd').length).toBeGreaterThan(0);
  expect(stateOf(client).routes).toEqual([]);
  // dnsmasq makes no prefix shorter than two hours
  clock.advance(7200);
  expect(stateOf(client)).toEqual({ addresses: [], routes: [] });
});
