import { ipBytes } from '../../../lib/address/ip.js';
import { concat, u16, u32 } from '../../../lib/config/bytes.js';
import { encodeDomain } from '../../../lib/config/domains.js';
import { type RouterConfig, RouterDiscoveryClient } from '../../../lib/config/router-discovery/client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { advertHeader, optionNd, prefixOption } from '../../support/packets.js';

const ROUTER = 'fe80::1';
const PREFIX = ipBytes('fd00::');

function scene() {
  const clock = new FakeClock();
  const events: string[] = [];
  const sent: number[] = [];
  const told =
    (name: string) =>
    ({ routers, prefixes, dns, domains }: RouterConfig) => {
      events.push([name, ...routers, ...prefixes.map(({ prefix }) => prefix), ...dns, ...domains].join(' '));
    };
  const transport = { open: () => {}, send: () => void sent.push(clock.now()), close: () => {} };
  const listeners = { onFound: told('found'), onChanged: told('changed'), onExpired: told('expired') };
  const client = new RouterDiscoveryClient(transport, clock, listeners, '02:00:00:00:00:01');
  client.start();
  const advert = (lifetime: number, ...options: Uint8Array[]) =>
    client.receive(concat(advertHeader(lifetime), ...options), ROUTER, 255);
  return { clock, events, sent, client, advert };
}

test('solicits at growing intervals until a router answers', () => {
  const { clock, sent, advert, client } = scene();
  // 0.5, 1, 2 and 4 s between them, each 10 % more or less: the fifth comes after 8.25 s at the latest
  clock.advance(9);
  expect(sent.length).toBe(5);
  const gaps = sent.slice(1).map((at, i) => at - (sent[i] ?? 0));
  for (const [i, gap] of gaps.entries()) expect(gap).toBeGreaterThan(gaps[i - 1] ?? 0);
  advert(1800);
  clock.advance(60);
  expect(sent.length).toBe(5);
  expect(client.found).toBe(true);
});

test('only what comes from the link itself counts', () => {
  const { client, events } = scene();
  const bytes = advertHeader(1800);
  client.receive(bytes, ROUTER, 64);
  client.receive(bytes, ROUTER, null);
  client.receive(bytes, 'fd00::1', 255);
  client.receive(bytes.subarray(0, 3), ROUTER, 255);
  client.receive(concat(bytes, Uint8Array.of(3, 0)), ROUTER, 255);
  expect(events).toEqual([]);
  client.receive(bytes, ROUTER, 255);
  expect(events).toEqual(['found fe80::1']);
});

test('lifetimes count down, each its own, and follow new advertisements', () => {
  const { clock, events, advert } = scene();
  const dns = optionNd(25, u16(0), u32(300), ipBytes('fd00::53'));
  const domains = optionNd(31, u16(0), u32(400), encodeDomain('a.b'));
  advert(200, prefixOption(PREFIX, 64, 500, 500), dns, domains);
  clock.advance(100);
  advert(200, prefixOption(PREFIX, 64, 500, 500), dns, domains);
  expect(events).toEqual(['found fe80::1 fd00:: fd00::53 a.b']);
  clock.advance(1000);
  expect(events.slice(1)).toEqual(['expired fd00:: fd00::53 a.b', 'expired fd00:: a.b', 'expired fd00::', 'expired']);
  expect(clock.pending).toBe(0);
});

test('a lifetime of 0 takes back', () => {
  const { events, advert } = scene();
  advert(200, optionNd(25, u16(0), u32(300), ipBytes('fd00::53')));
  advert(0, optionNd(25, u16(0), u32(0), ipBytes('fd00::53')));
  expect(events).toEqual(['found fe80::1 fd00::53', 'changed']);
});

test('no advertisement shortens a prefix to less than two hours (RFC 4862 5.5.3 e)', () => {
  const { clock, events, advert } = scene();
  advert(0, prefixOption(PREFIX, 64, 86400, 86400));
  advert(0, prefixOption(PREFIX, 64, 10, 10));
  clock.advance(7199);
  expect(events.at(-1)).toBe('changed fd00::');
  clock.advance(1);
  expect(events.at(-1)).toBe('expired');
});

test('a prefix that has less than two hours keeps what it has', () => {
  const { clock, events, advert } = scene();
  advert(0, prefixOption(PREFIX, 64, 100, 100));
  advert(0, prefixOption(PREFIX, 64, 10, 10));
  clock.advance(99);
  expect(events.some((event) => event.startsWith('expired'))).toBe(false);
  clock.advance(1);
  expect(events.at(-1)).toBe('expired');
});

test('a prefix whose addresses would be deprecated at once is not taken, and one that is known is kept', () => {
  const { events, advert } = scene();
  advert(0, prefixOption(PREFIX, 64, 86400, 0));
  advert(0, prefixOption(PREFIX, 64, 86400, 3600));
  advert(0, prefixOption(PREFIX, 64, 86400, 0));
  expect(events).toEqual(['found', 'changed fd00::', 'changed fd00::']);
});

test('a flag that one advertisement lacks stays that of another (RFC 4861 6.3.4)', () => {
  const { client, advert } = scene();
  const flags = () => client.config.prefixes.map(({ onLink, autonomous }) => [onLink, autonomous]);
  advert(0, prefixOption(PREFIX, 64, 500, 500, 0x40));
  expect(flags()).toEqual([[false, true]]);
  advert(0, prefixOption(PREFIX, 64, 500, 500, 0x80));
  advert(0, prefixOption(PREFIX, 64, 500, 500, 0));
  expect(flags()).toEqual([[true, true]]);
});

test('a flood of routers and prefixes is held to sixteen of each', () => {
  const { client } = scene();
  for (let i = 1; i < 100; i++) {
    const prefix = prefixOption(ipBytes(`fd00:${i.toString(16)}::`), 64, 100, 100);
    client.receive(concat(advertHeader(100), prefix), `fe80::${i.toString(16)}`, 255);
  }
  expect(client.config.routers.length).toBe(16);
  expect(client.config.prefixes.length).toBe(16);
});

test('what has stopped hears nothing and has no timers', () => {
  const { client, clock, events, advert } = scene();
  advert(100);
  client.stop();
  advert(0);
  expect(clock.pending).toBe(0);
  expect(events).toEqual(['found fe80::1']);
});
