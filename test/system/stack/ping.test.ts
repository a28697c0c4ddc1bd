import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AbortError, GaiError, IothError, type PingProbe, type PingResult, Stack, setdefaulttimeout } from 'ioth';
import { aloneStack, useNetwork } from '../../support/network.js';
import { PATIENCE_MS, until } from '../../support/until.js';

const net = useNetwork();
let a: Stack;
beforeAll(() => {
  [a] = net.stacks as [Stack];
});

test.each(['10.0.0.2', 'fd00::2', '127.0.0.1', '::1'])('%s answers', async (host) => {
  const seen: PingProbe[] = [];
  const result = await a.ping(host, {
    count: 5,
    interval: 5,
    timeout: PATIENCE_MS,
    onProbe: (probe) => seen.push(probe),
  });
  expect(result).toMatchObject({ host, address: host, transmitted: 5, received: 5, loss: 0 });
  expect(result.times).toHaveLength(5);
  expect(result.probes.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  for (const { address, bytes, ttl, time, error } of result.probes) {
    expect({ address, bytes, ttl, error }).toEqual({ address: host, bytes: 64, ttl: 64, error: undefined });
    // milliseconds, with what the clock has of smaller ones
    expect({ isPositive: Number(time) > 0, isInteger: Number.isInteger(time) }).toEqual({
      isPositive: true,
      isInteger: false,
    });
  }
  const { min, avg, max, mdev, times } = result as {
    min: number;
    avg: number;
    max: number;
    mdev: number;
    times: number[];
  };
  expect([min, max]).toEqual([Math.min(...times), Math.max(...times)]);
  expect(avg).toBeCloseTo(times.reduce((sum, time) => sum + time) / 5);
  expect(mdev).toBeCloseTo(Math.sqrt(times.reduce((sum, time) => sum + (time - avg) ** 2, 0) / 5));
  expect(seen.sort((x, y) => x.seq - y.seq)).toEqual(result.probes);
});

test('sizes from nothing to what a packet holds', async () => {
  for (const size of [0, 1, 1472, 65_507]) {
    for (const host of ['10.0.0.2', 'fd00::2']) {
      const { probes } = await a.ping(host, { count: 1, size, timeout: PATIENCE_MS });
      expect(probes[0]).toMatchObject({ bytes: size + 8, seq: 1 });
    }
  }
});

test('many at once do not take each other answers', async () => {
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      a.ping(i % 2 ? '10.0.0.2' : 'fd00::2', { count: 5, interval: 0, timeout: PATIENCE_MS, size: i }),
    ),
  );
  expect(results.map(({ received, probes }) => [received, probes[0]?.bytes])).toEqual(
    results.map((_, i) => [5, 8 + i]),
  );
});

test('names are resolved by the stack, in a family if one is asked for', async () => {
  expect(await a.ping('localhost', { count: 1, family: 4, timeout: PATIENCE_MS })).toMatchObject({
    host: 'localhost',
    address: '127.0.0.1',
    received: 1,
  });
  expect(await a.ping('localhost', { count: 1, family: 6, timeout: PATIENCE_MS })).toMatchObject({
    address: '::1',
    received: 1,
  });
  await expect(a.ping('no-such-host.invalid', { count: 1 })).rejects.toThrow(GaiError);
});

test('a link-local address and a group, with the name of the interface', async () => {
  const link = a.interfaces().find(({ name }) => name === 'vde0');
  const own = link?.addresses.find(({ address }) => address.startsWith('fe80:'))?.address;
  // it is tentative for a while after the interface went up
  await until('it is not', () => !a.interfaces()[1]?.addresses.some(({ tentative }) => tentative));
  expect(await a.ping(`${own}%vde0`, { count: 1, timeout: PATIENCE_MS })).toMatchObject({
    address: `${own}%vde0`,
    received: 1,
  });
  const { probes } = await a.ping('ff02::1%vde0', { count: 1, timeout: PATIENCE_MS });
  expect(probes[0]?.address).toMatch(/^fe80:.*%vde0$/);
});

test.each(['10.0.0.77', 'fd00::77'])('nobody has %s: the stack says so, for each request', async (host) => {
  // those of the network go on asking for longer
  await using stack = aloneStack();
  stack.ipaddr_add('fd00::1/64', 'vde0');
  const { received, loss, probes, min, avg, max, mdev } = await stack.ping(host, {
    count: 3,
    interval: 5,
    timeout: PATIENCE_MS,
  });
  expect({ received, loss, min, avg, max, mdev }).toEqual({
    received: 0,
    loss: 1,
    min: null,
    avg: null,
    max: null,
    mdev: null,
  });
  for (const { error } of probes) {
    expect(error).toBeInstanceOf(IothError);
    expect(error).toMatchObject({ code: 'EHOSTUNREACH', syscall: 'ping', address: host });
  }
});

test('no route: the error of the request', async () => {
  const { probes } = await a.ping('10.77.0.1', { count: 2, interval: 0 });
  expect(probes.map(({ error }) => error?.code)).toEqual(['ENETUNREACH', 'ENETUNREACH']);
});

test('no answer in time, with lo down: ETIMEDOUT', async () => {
  const stack = new Stack('vdestack');
  const { probes, loss } = await stack
    .ping('127.0.0.1', { count: 2, interval: 1, timeout: 50 })
    .finally(() => stack.close());
  expect(loss).toBe(1);
  for (const { error } of probes) expect(['ETIMEDOUT', 'ENETUNREACH']).toContain(error?.code);
});

test('its own address while lo is down: the error says so', async () => {
  const stack = new Stack('vdestack', 'null://');
  stack.linksetupdown('vde0', true);
  stack.ipaddr_add('10.0.0.1/24', 'vde0');
  const { probes } = await stack.ping('10.0.0.1', { count: 1, timeout: 50 });
  expect(probes[0]?.error?.message).toBe(
    "ping ETIMEDOUT 10.0.0.1: connection timed out: no reply in 50 ms; its own addresses answer once lo is up: linksetupdown('lo', true)",
  );
  stack.linksetupdown('lo', true);
  expect(await stack.ping('10.0.0.1', { count: 1, timeout: PATIENCE_MS })).toMatchObject({ received: 1 });
  await stack.close();
});

/** How many echo requests have come to a stack: RFC 2011, icmpInEchos. */
function requestsTo({ daemonPid }: Stack): number {
  const [names, values] = readFileSync(`/proc/${daemonPid}/net/snmp`, 'latin1').match(/^Icmp:.*/gm) ?? [];
  return Number(values?.split(' ')[names?.split(' ').indexOf('InEchos') ?? -1]);
}

/** Pings a peer that gives no answer after its first one. Returns undefined where that came late, or after the second request. */
async function pingOnceAnswered(peer: Stack): Promise<PingResult | undefined> {
  const before = requestsTo(peer);
  const inTime: boolean[] = [];
  const onProbe = ({ error }: PingProbe) => {
    if (inTime.length === 0) peer.sysctl('net.ipv4.icmp_echo_ignore_all', 1);
    inTime.push(!error && requestsTo(peer) === before + 1);
  };
  try {
    const result = await a.ping('10.0.0.2', { count: 2, interval: 1000, timeout: 1000, onProbe });
    return inTime[0] ? result : undefined;
  } finally {
    peer.sysctl('net.ipv4.icmp_echo_ignore_all', 0);
  }
}

test('a part is lost: what is answered counts', async () => {
  let result: PingResult | undefined;
  while (!result) result = await pingOnceAnswered(net.stacks[1] as Stack);
  const { received, transmitted, loss } = result;
  expect({ received, transmitted, loss }).toEqual({ received: 1, transmitted: 2, loss: 0.5 });
});

test('an AbortSignal and the end of the stack end it', async () => {
  const stack = aloneStack();
  await expect(stack.ping('10.0.0.9', { signal: AbortSignal.abort() })).rejects.toThrow(AbortError);
  const control = new AbortController();
  const aborted = stack.ping('10.0.0.9', { count: 100, timeout: PATIENCE_MS, signal: control.signal });
  const closed = stack.ping('10.0.0.9', { count: 100, timeout: PATIENCE_MS });
  const outcomes = Promise.allSettled([aborted, closed]);
  await delay(20);
  control.abort('enough');
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  await stack.close();
  await expect(closed).rejects.toMatchObject({ code: 'ECANCELED' });
  await outcomes;
  await expect(stack.ping('10.0.0.9')).rejects.toMatchObject({ code: 'EBADF' });
});

test.each([0, 0.001])("a default timeout of %p s is for the program's own sockets", async (seconds) => {
  setdefaulttimeout(seconds);
  try {
    const options = { count: 2, interval: 5, timeout: PATIENCE_MS };
    expect(await a.ping('10.0.0.2', options)).toMatchObject({ received: 2 });
  } finally {
    setdefaulttimeout(null);
  }
});

test('what onProbe throws rejects it', async () => {
  const onProbe = () => {
    throw new Error('mine');
  };
  await expect(a.ping('10.0.0.2', { onProbe })).rejects.toThrow('mine');
});

test('on the kernel stack', async () => {
  const stack = new Stack('kernel');
  const options = { count: 2, interval: 1, timeout: PATIENCE_MS };
  const result = await stack.ping('127.0.0.1', options).catch((error) => error);
  stack.closeSync();
  if (['EACCES', 'EPERM'].includes(result.code)) {
    expect(result.message).toContain('ping_group_range');
    console.log(`this user may not ping from the host: ${result.message}`);
    return;
  }
  expect(result).toMatchObject({ received: 2, loss: 0 });
});

test('by the sockets of users, where a raw one is not allowed', async () => {
  const stack = aloneStack();
  stack.sysctl('net.ipv4.ping_group_range', '0 0');
  // stands in for a user without CAP_NET_RAW
  const { socket } = stack;
  stack.socket = ((family: number, type: number, proto: number) => {
    if (type === 3) throw new IothError('EPERM', { syscall: 'socket' });
    return socket.call(stack, family, type, proto);
  }) as typeof socket;
  try {
    expect(await stack.ping('127.0.0.1', { count: 2, interval: 1, timeout: PATIENCE_MS })).toMatchObject({
      received: 2,
    });
    const { probes } = await stack.ping('::1', { count: 1, timeout: PATIENCE_MS, size: 0 });
    expect(probes[0]).toMatchObject({ bytes: 8, ttl: 64, address: '::1' });
    const unreachable = await stack.ping('10.0.0.9', { count: 2, interval: 5, timeout: PATIENCE_MS });
    expect(unreachable.probes.map(({ error }) => error?.code)).toEqual(['EHOSTUNREACH', 'EHOSTUNREACH']);
  } finally {
    await stack.close();
  }
});

test('arguments that make no sense reject it', async () => {
  const bad: [unknown, unknown, string][] = [
    [7, {}, 'ERR_INVALID_ARG_TYPE'],
    ['', {}, 'ERR_INVALID_ARG_VALUE'],
    ['::1', null, 'ERR_INVALID_ARG_TYPE'],
    ['::1', { cuont: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['::1', { count: 0 }, 'ERR_OUT_OF_RANGE'],
    ['::1', { count: Number.POSITIVE_INFINITY }, 'ERR_OUT_OF_RANGE'],
    ['::1', { interval: -1 }, 'ERR_OUT_OF_RANGE'],
    ['::1', { interval: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    ['::1', { timeout: 0 }, 'ERR_OUT_OF_RANGE'],
    ['::1', { size: 65_508 }, 'ERR_OUT_OF_RANGE'],
    ['::1', { ttl: 256 }, 'ERR_OUT_OF_RANGE'],
    ['::1', { family: 2 }, 'ERR_INVALID_ARG_VALUE'],
    ['::1', { onProbe: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['::1', { signal: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [host, options, code] of bad) {
    await expect(a.ping(host as string, options as object)).rejects.toMatchObject({ code });
  }
});
