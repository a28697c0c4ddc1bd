import { setTimeout as delay } from 'node:timers/promises';
import {
  AF_INET,
  IOTHCONF_DHCP,
  IOTHCONF_DHCPV6,
  IOTHCONF_ETH,
  IOTHCONF_RD,
  type LeaseEvent,
  SOCK_STREAM,
  Stack,
} from 'ioth';
import { stateOf, useNetwork } from '../../support/network.js';
import { waitForProbe } from '../../support/patient-probe.js';
import { PATIENCE_MS } from '../../support/until.js';

/** The builtin provider against real servers, each in the namespace of a stack of its own. */

const RANGE = '--dhcp-range=10.0.0.50,10.0.0.90,2m';

const clients: Stack[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const client of clients.splice(0)) await client.close();
});
const lan = useNetwork(0, 'test');

function newClient(): Stack {
  const client = new Stack('vdestack', lan.vnl, null, { conf: 'builtin' });
  clients.push(client);
  return client;
}

test('dnsmasq: DHCPv4, DHCPv6 and a router at once; everything is given back', async () => {
  const server = await lan.dnsmasq(
    lan.stack('10.0.0.1/24', 'fd00::1/64'),
    RANGE,
    '--dhcp-range=fd00::50,fd00::90,slaac,64,2m',
    '--enable-ra',
    '--domain=example.org',
    '--dhcp-option=option:dns-server,10.0.0.1',
    '--dhcp-option=option:domain-name,example.org',
    '--dhcp-option=option6:dns-server,[fd00::1]',
  );
  const client = newClient();
  const leases: LeaseEvent[] = [];
  client.on('lease', (lease) => leases.push(lease));
  const mask = await client.iothconfig('auto,slaac,fqdn=host.example.org');
  expect(mask).toBe(IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD);
  expect(leases.map(({ protocol }) => protocol).sort()).toEqual(['dhcp4', 'dhcp6', 'rd']);

  const { addresses, routes } = stateOf(client);
  const given = leases.flatMap((lease) => lease.addresses);
  expect(given.length).toBe(3);
  for (const address of given) expect(addresses).toContain(address);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(routes[0]).toBe('0.0.0.0/0 10.0.0.1');
  expect(routes[1]).toMatch(/^::\/0 fe80:/);
  const names = client.ioth_resolvconf();
  expect(names).toContain('search example.org\nnameserver fd00::1\nnameserver 10.0.0.1\n');
  expect(client.ioth_resolvconf()).toBeNull();

  await client.iothconfig('-dhcp');
  expect(stateOf(client).addresses.some((address) => address.startsWith('10.'))).toBe(false);
  await server.logs(/DHCPRELEASE\(vde0\) 10\.0\.0/);
  await client.close();
  await server.logs(/DHCPRELEASE\(vde0\) 00:01/);
});

test('the kernel of a vdestack configures itself too: no address twice', async () => {
  await lan.dnsmasq(lan.stack('fd00::1/64'), '--dhcp-range=fd00::,ra-only,64,1h', '--enable-ra');
  const client = newClient();
  await client.iothconfig('eth,rd,slaac');
  await delay(1500);
  const { addresses, routes } = stateOf(client);
  expect(addresses.length).toBe(1);
  expect(routes.filter((route) => route.startsWith('::/0')).length).toBe(1);
});

test('a prefix that is not on the link gives an address of its own, and its hosts are reached through the router', async () => {
  const router = lan.stack('fd00::1/64');
  await lan.dnsmasq(router, '--dhcp-range=fd00::,ra-only,off-link,64,1h', '--enable-ra');
  const [client, plain] = [newClient(), newClient()];
  const leases: LeaseEvent[] = [];
  client.on('lease', (lease) => leases.push(lease));
  await client.iothconfig('eth,rd,slaac,fqdn=host.example.org');
  const [address] = leases[0]!.addresses;
  expect(address).toMatch(/^fd00::.*\/128$/);
  expect(stateOf(client).addresses).toContain(address);
  expect(client.routes().some(({ dst, dst_prefixlen }) => dst === 'fd00::' && dst_prefixlen === 64)).toBe(false);
  const { received } = await client.ping('fd00::1', { count: 1 });
  expect(received).toBe(1);
  // the kernel made this one, with the length of the prefix
  await plain.iothconfig('eth,rd,slaac');
  expect(stateOf(plain).addresses).toEqual([expect.stringMatching(/\/64$/)]);
  const removed = plain.iothconfig('-rd');
  expect(stateOf(plain).addresses).toEqual([]);
  await removed;
});

test('name servers that were learnt are asked, unless config_dns was given', async () => {
  const names = ['--port=53', '--no-resolv', '--no-hosts', '--host-record=web.example.org,10.0.0.80'];
  await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE, '--domain=example.org', ...names);
  const client = newClient();
  await client.iothconfig('eth,dhcp');
  const [found] = await client.getaddrinfo('web', 80, AF_INET, SOCK_STREAM);
  expect(found).toMatchObject({ sockaddr: { address: '10.0.0.80', port: 80 } });
  const other = new Stack('vdestack', lan.vnl, 'nameserver 10.0.0.77\noptions timeout:1 attempts:1', {
    conf: 'builtin',
    // libiothdns tells no difference between a silence and a name that is not there
    dns: 'builtin',
  });
  clients.push(other);
  await other.iothconfig('eth,dhcp');
  await expect(other.getaddrinfo('web.example.org', 80)).rejects.toMatchObject({ code: 'EAI_AGAIN' });
});

test('udhcpd, which is not dnsmasq', async () => {
  const server = lan.stack('10.0.0.1/24');
  await lan.udhcpd(
    server,
    'start 10.0.0.100',
    'end 10.0.0.120',
    'option subnet 255.255.255.0',
    'option router 10.0.0.1',
    'option dns 10.0.0.1 10.0.0.2',
    'option domain example.org',
    'option lease 120',
  );
  const client = newClient();
  expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
  const { addresses, routes } = stateOf(client);
  expect(addresses[0]).toMatch(/^10\.0\.0\.1[0-2]\d\/24$/);
  expect(routes).toEqual(['0.0.0.0/0 10.0.0.1']);
  expect(client.ioth_resolvconf()).toBe('search example.org\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n');
});

test('the server inside slirp://', async () => {
  lan.stack();
  const client = new Stack('vdestack', 'slirp://', null, { conf: 'builtin' });
  clients.push(client);
  expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
  expect(stateOf(client)).toEqual({ addresses: ['10.0.2.15/24'], routes: ['0.0.0.0/0 10.0.2.2'] });
});

test('two servers that offer at once: one lease, of one of them', async () => {
  await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE);
  await lan.udhcpd(lan.stack('10.0.0.2/24'), 'start 10.0.0.100', 'end 10.0.0.120', 'option subnet 255.255.255.0');
  const client = newClient();
  const leases: LeaseEvent[] = [];
  client.on('lease', (lease) => leases.push(lease));
  await client.iothconfig('eth,dhcp');
  await delay(200);
  expect(leases.length).toBe(1);
  expect(stateOf(client).addresses).toEqual(leases[0]?.addresses);
});

test('routes without classes (RFC 3442) and the MTU, until the lease is given back', async () => {
  await lan.dnsmasq(
    lan.stack('10.0.0.1/24'),
    RANGE,
    '--dhcp-option=option:classless-static-route,0.0.0.0/0,10.0.0.1,192.168.7.0/24,10.0.0.2',
    '--dhcp-option=option:mtu,1400',
    '--dhcp-option=option:domain-search,a.org,b.a.org',
  );
  const client = newClient();
  const mtu = () => client.interfaces().find(({ name }) => name === 'vde0')?.mtu;
  await client.iothconfig('eth,dhcp');
  expect(stateOf(client).routes).toEqual(['0.0.0.0/0 10.0.0.1', '192.168.7.0/24 10.0.0.2']);
  expect(mtu()).toBe(1400);
  expect(client.ioth_resolvconf()).toContain('search a.org b.a.org\n');
  await client.iothconfig('-dhcp');
  expect(stateOf(client)).toEqual({ addresses: [], routes: [] });
  expect(mtu()).toBe(1500);
});

test('an address that another host has is declined, and another one taken', async () => {
  const server = lan.stack('10.0.0.1/24');
  const dnsmasq = await lan.dnsmasq(server, '--dhcp-range=10.0.0.50,10.0.0.51,2m', '--dhcp-sequential-ip');
  lan.stack('10.0.0.50/24');
  const client = newClient();
  waitForProbe();
  await client.iothconfig('eth,dhcp', { timeout: PATIENCE_MS });
  await dnsmasq.logs(/DHCPDECLINE\(vde0\) 10\.0\.0\.50/);
  expect(stateOf(client).addresses).toEqual(['10.0.0.51/24']);
});

test('DHCPv6 with options alone', async () => {
  await lan.dnsmasq(
    lan.stack('fd00::1/64'),
    '--dhcp-range=fd00::,ra-stateless,64,1h',
    '--enable-ra',
    '--dhcp-option=option6:dns-server,[fd00::53]',
  );
  const client = newClient();
  expect(await client.iothconfig('eth,dhcp6')).toBe(IOTHCONF_ETH | IOTHCONF_DHCPV6);
  expect(client.ioth_resolvconf()).toContain('nameserver fd00::53\n');
});

test('nobody answers: ETIMEDOUT, what is static stays, the stack works on', async () => {
  const server = lan.stack('10.0.0.1/24');
  const [client, patient] = [newClient(), newClient()];
  // the one that has more time still waits when the other gives up
  const control = new AbortController();
  let isPatient = true;
  const waiting = patient.iothconfig('eth,dhcp', { timeout: PATIENCE_MS, signal: control.signal }).catch(() => {
    isPatient = false;
  });
  await expect(client.iothconfig('eth,ip=10.0.0.9/24,auto', { timeout: 300 })).rejects.toMatchObject({
    code: 'ETIMEDOUT',
    syscall: expect.stringMatching(/^(dhcp|dhcp6|rd)$/),
  });
  expect(isPatient).toBe(true);
  control.abort();
  await waiting;
  expect(stateOf(client).addresses).toEqual(['10.0.0.9/24']);
  await lan.dnsmasq(server, RANGE);
  expect(await client.iothconfig('dhcp')).toBe(IOTHCONF_DHCP);
});

test('an interface that is down is told at once', async () => {
  lan.stack();
  const client = newClient();
  const down = { code: 'ENETDOWN', message: expect.stringContaining("'eth' turns the interface on") };
  await expect(client.iothconfig('dhcp')).rejects.toMatchObject(down);
});

test('an AbortSignal, -dhcp and close end the wait', async () => {
  lan.stack();
  const client = newClient();
  const controller = new AbortController();
  const waiting = client.iothconfig('eth,auto', { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 50);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: new Error('enough') });
  await expect(client.iothconfig('eth', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });

  const taken = client.iothconfig('dhcp');
  const off = delay(50).then(() => client.iothconfig('-dhcp'));
  await expect(taken).rejects.toMatchObject({ code: 'ECANCELED' });
  expect(await off).toBe(0);

  const left = client.iothconfig('dhcp6,rd');
  void delay(50).then(() => client.close());
  await expect(left).rejects.toMatchObject({ code: 'ECANCELED' });
});

test('the same protocol asked for twice at once, and again', async () => {
  await lan.dnsmasq(lan.stack('10.0.0.1/24', 'fd00::1/64'), RANGE, '--dhcp-range=fd00::50,fd00::90,64,2m');
  const client = newClient();
  const twice = [client.iothconfig('eth,dhcp,dhcp6'), client.iothconfig('dhcp,dhcp6')];
  expect(await Promise.all(twice)).toEqual([
    IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6,
    IOTHCONF_DHCP | IOTHCONF_DHCPV6,
  ]);
  const { addresses } = stateOf(client);
  await client.iothconfig('dhcp,dhcp6');
  expect(stateOf(client).addresses).toEqual(addresses);
  expect(addresses.length).toBe(2);
});

test('a call that awaits an earlier one of its protocol ends by its own signal and time limit', async () => {
  lan.stack();
  const client = newClient();
  const first = new AbortController();
  const earlier = client.iothconfig('eth,dhcp', { signal: first.signal, timeout: PATIENCE_MS });
  await expect(client.iothconfig('dhcp', { timeout: 50 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  const controller = new AbortController();
  const waiting = client.iothconfig('dhcp', { signal: controller.signal, timeout: PATIENCE_MS });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  first.abort();
  await expect(earlier).rejects.toMatchObject({ name: 'AbortError' });
});

test('a malformed item changes nothing', async () => {
  lan.stack();
  const client = newClient();
  const named = { code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining("'ip=10.0.0.300'") };
  await expect(client.iothconfig('eth,mac=02:00:00:00:00:01,ip=10.0.0.1/24,ip=10.0.0.300')).rejects.toMatchObject(
    named,
  );
  const link = client.interfaces().find(({ name }) => name === 'vde0');
  expect(link?.up).toBe(false);
  expect(link?.mac).not.toBe('02:00:00:00:00:01');
});

test('what asks nobody waits for nothing', async () => {
  lan.stack();
  const client = newClient();
  let turns = 0;
  setImmediate(() => turns++);
  await client.iothconfig('eth,ip=10.0.0.9/24');
  expect(turns).toBe(0);
});
