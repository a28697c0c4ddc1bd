import { readFileSync, rmSync } from 'node:fs';
import { AF_INET, Stack, VETH_INFO_PEER, vethPeer } from 'ioth';
import { temporaryDirectory } from '../../support/directory.js';
import { failureOf } from '../../support/failure.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { waitForNeighbours } from '../../support/neighbours.js';
import { PATIENCE_MS } from '../../support/until.js';

const before = holdings();
let stack: Stack;
beforeAll(() => {
  stack = new Stack('vdestack');
});
afterAll(async () => {
  await stack.close();
  await expectNothingLeft(before);
});

test('it is read and set in the stack, not on the host', () => {
  const host = readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8');
  expect(stack.sysctl('net.ipv4.ip_default_ttl')).toBe('64');
  expect(stack.sysctl('net.ipv4.ip_default_ttl', 77)).toBeUndefined();
  expect(stack.sysctl('net/ipv4/ip_default_ttl')).toBe('77');
  expect(readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8')).toBe(host);
  stack.sysctl('net.ipv4.ip_forward', true);
  expect(stack.sysctl('net.ipv4.ip_forward')).toBe('1');
  stack.sysctl('net.ipv4.ip_local_port_range', '40000 40010');
  expect(stack.sysctl('net.ipv4.ip_local_port_range')).toBe('40000\t40010');
});

test('an interface whose name has a dot', () => {
  stack.iplink_add(-1, 'veth', [[VETH_INFO_PEER, vethPeer('b')]], 'eth0.1');
  stack.sysctl('net.ipv4.conf.eth0/1.forwarding', 1);
  expect(stack.sysctl('net/ipv4/conf/eth0.1/forwarding')).toBe('1');
  expect(() => stack.sysctl('net.ipv4.conf.eth0.1.forwarding')).toThrow(
    "write a dot in an interface's name as a slash",
  );
});

test('what the kernel refuses', () => {
  expect(failureOf(() => stack.sysctl('net.ipv4.nothing'))).toMatchObject({
    name: 'IothError',
    code: 'ENOENT',
    syscall: 'sysctl',
    address: 'net.ipv4.nothing',
  });
  expect(failureOf(() => stack.sysctl('net.ipv4.ip_forward', 'x'))).toMatchObject({ code: 'EINVAL' });
  expect(failureOf(() => stack.sysctl('net.netfilter.nothing', 1))).toMatchObject({ code: 'ENOENT' });
});

test('arguments that make no sense', () => {
  for (const name of [
    'kernel.hostname',
    'net',
    '',
    'net..ipv4',
    'net/../kernel/hostname',
    'net.ipv4.//',
    '/net/ipv4',
    'net.\0',
  ]) {
    expect(failureOf(() => stack.sysctl(name))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  }
  expect(failureOf(() => stack.sysctl(7 as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  for (const value of [1.5, Number.NaN, 'two\nlines']) {
    expect(failureOf(() => stack.sysctl('net.ipv4.ip_forward', value))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  expect(failureOf(() => stack.sysctl('net.ipv4.ip_forward', {} as never))).toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
  });
});

test('the kernel stack has those of the host', () => {
  const host = new Stack('kernel');
  expect(host.sysctl('net.ipv4.ip_default_ttl')).toBe(readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8').trim());
  expect(failureOf(() => host.sysctl('net.ipv4.nothing'))).toMatchObject({ code: 'ENOENT', syscall: 'sysctl' });
  host.closeSync();
});

test('a router forwards once it is told to', async () => {
  const dir = temporaryDirectory();
  const router = new Stack('vdestack', [`switch://${dir}/left`, `switch://${dir}/right`]);
  const hosts = ['left', 'right'].map((name) => new Stack('vdestack', `vde://${dir}/${name}`));
  const [left, right] = hosts as [Stack, Stack];
  const configure = (one: Stack, ifname: string, address: string) => {
    const ifindex = one.if_nametoindex(ifname);
    waitForNeighbours(one, ifindex);
    one.linksetupdown(ifindex, true);
    one.ipaddr_add(AF_INET, address, 24, ifindex);
  };
  configure(router, 'vde0', '10.1.0.254');
  configure(router, 'vde1', '10.2.0.254');
  configure(left, 'vde0', '10.1.0.1');
  configure(right, 'vde0', '10.2.0.1');
  left.iproute_add(AF_INET, '10.1.0.254');
  right.iproute_add(AF_INET, '10.2.0.254');
  expect(await left.ping('10.2.0.1', { count: 2, interval: 20, timeout: 200 })).toMatchObject({
    transmitted: 2,
    received: 0,
    loss: 1,
  });
  router.sysctl('net.ipv4.ip_forward', 1);
  const result = await left.ping('10.2.0.1', { count: 2, interval: 20, timeout: PATIENCE_MS });
  expect(result).toMatchObject({ transmitted: 2, received: 2, loss: 0 });
  expect(result.probes.map(({ ttl }) => ttl)).toEqual([63, 63]);
  // too few hops: the router says so, and it is the error of that request
  const { probes } = await left.ping('10.2.0.1', { count: 1, ttl: 1, timeout: PATIENCE_MS });
  expect(probes[0]).toMatchObject({ address: '10.1.0.254', time: null, error: { code: 'EHOSTUNREACH' } });
  expect(probes[0]?.error?.message).toContain('the hop limit was exceeded');
  for (const one of [left, right, router]) await one.close();
  rmSync(dir, { recursive: true });
});
