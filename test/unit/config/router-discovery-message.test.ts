import fc from 'fast-check';
import { ipBytes, ipText } from '../../../lib/address/ip.js';
import { concat, u16, u32 } from '../../../lib/config/bytes.js';
import { encodeDomain } from '../../../lib/config/domains.js';
import {
  decodeAdvert,
  encodeAdvert,
  encodeSolicit,
  isSolicit,
  ND_ROUTER_ADVERT,
} from '../../../lib/config/router-discovery/message.js';
import { icmpFilter } from '../../../lib/socket/icmp-filter.js';
import { fuzz } from '../../support/fuzz.js';
import { advertHeader, optionNd, prefixOption } from '../../support/packets.js';

const reserved = u16(0);

test('a solicitation, octet by octet', () => {
  expect(Buffer.from(encodeSolicit('02:00:00:00:00:01')).toString('hex')).toBe('85000000000000000101020000000001');
});

test('which solicitations a router answers', () => {
  const solicit = encodeSolicit('02:00:00:00:00:01');
  expect([isSolicit(solicit, 255), isSolicit(solicit.subarray(0, 8), 255)]).toEqual([true, true]);
  expect([isSolicit(solicit, 254), isSolicit(solicit, null)]).toEqual([false, false]);
  const wrong = [solicit.subarray(0, 7), solicit.subarray(0, 15), advertHeader(1), concat(solicit, new Uint8Array(8))];
  for (const bytes of wrong) expect(isSolicit(bytes, 255)).toBe(false);
});

test('an advertisement is encoded octet by octet as routers do, and decoded to the same', () => {
  const advert = {
    managed: true,
    other: false,
    routerLifetime: 1800,
    prefixes: [
      { prefix: 'fd00:2::', prefixlen: 64, onLink: true, autonomous: true, valid: Infinity, preferred: 604800 },
    ],
    mtu: 1400,
    dns: [{ address: 'fd00:2::1', lifetime: 600 }],
    domains: [{ name: 'lab.test', lifetime: 600 }],
  };
  const bytes = encodeAdvert(advert, '02:00:00:00:00:09');
  expect(Buffer.from(bytes)).toEqual(
    concat(
      advertHeader(1800, 0x80),
      optionNd(1, Uint8Array.of(2, 0, 0, 0, 0, 9)),
      optionNd(5, reserved, u32(1400)),
      prefixOption(ipBytes('fd00:2::'), 64, 0xffffffff, 604800, 0xc0),
      optionNd(25, reserved, u32(600), ipBytes('fd00:2::1')),
      optionNd(31, reserved, u32(600), encodeDomain('lab.test')),
    ),
  );
  const seconds = fc.oneof(fc.nat(0xfffffffe), fc.constant(Infinity));
  const name = fc
    .array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'));
  const address = fc.uint8Array({ minLength: 14, maxLength: 14 }).map((low) => ipText(Uint8Array.of(0xfd, 1, ...low)));
  const arbitrary = fc.record({
    managed: fc.boolean(),
    other: fc.boolean(),
    routerLifetime: fc.nat(0xffff),
    prefixes: fc.array(
      fc.record({ onLink: fc.boolean(), autonomous: fc.boolean(), valid: seconds }).map((fields) => ({
        prefix: 'fd00:2::',
        prefixlen: 64,
        preferred: fields.valid,
        ...fields,
      })),
    ),
    mtu: fc.oneof(fc.constant(null), fc.integer({ min: 1280, max: 0xffff })),
    dns: fc.array(fc.record({ address, lifetime: seconds })),
    domains: fc.array(fc.record({ name, lifetime: seconds })),
  });
  fc.assert(fc.property(arbitrary, (any) => expect(decodeAdvert(encodeAdvert(any, '02:00:00:00:00:09'))).toEqual(any)));
});

test('an advertisement with everything', () => {
  const advert = decodeAdvert(
    concat(
      advertHeader(1800, 0xc0),
      optionNd(1, Uint8Array.of(2, 0, 0, 0, 0, 9)),
      prefixOption(ipBytes('fd00::1:2:3:4'), 64, 3600, 0xffffffff, 0xc0),
      prefixOption(ipBytes('fd00:1:2:3ff::'), 62, 0xffffffff, 1800, 0x40),
      optionNd(5, reserved, u32(1400)),
      optionNd(25, reserved, u32(600), ipBytes('fd00::1'), ipBytes('fe80::1')),
      optionNd(31, reserved, u32(0), encodeDomain('example.org'), encodeDomain('a.b')),
      optionNd(200, new Uint8Array(20)),
    ),
  )!;
  expect(advert).toMatchObject({
    routerLifetime: 1800,
    mtu: 1400,
    dns: [
      { address: 'fd00::1', lifetime: 600 },
      { address: 'fe80::1', lifetime: 600 },
    ],
    domains: [
      { name: 'example.org', lifetime: 0 },
      { name: 'a.b', lifetime: 0 },
    ],
  });
  // the first is preferred for longer than it is valid
  expect(advert.prefixes).toEqual([
    { prefix: 'fd00:1:2:3fc::', prefixlen: 62, onLink: false, autonomous: true, valid: Infinity, preferred: 1800 },
  ]);
});

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['a cut header', advertHeader(1).subarray(0, 15)],
  ['another message', concat(Uint8Array.of(133), advertHeader(1).subarray(1))],
  ['another code', concat(Uint8Array.of(134, 1), advertHeader(1).subarray(2))],
  ['an option of length 0', concat(advertHeader(1), Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0))],
  ['an option past the end', concat(advertHeader(1), Uint8Array.of(5, 2, 0, 0, 0, 0, 0, 0))],
  ['half an option header', concat(advertHeader(1), Uint8Array.of(5))],
])('%s is ignored', (_, bytes) => {
  expect(decodeAdvert(bytes)).toBeNull();
});

test.each<[string, Uint8Array]>([
  ['a short prefix', optionNd(3, Uint8Array.of(64, 0xc0))],
  ['a prefix of 129 bits', prefixOption(ipBytes('fd00::'), 129, 10, 10)],
  ['a link-local prefix', prefixOption(ipBytes('fe80::'), 64, 10, 10)],
  ['a multicast prefix', prefixOption(ipBytes('ff02::'), 64, 10, 10)],
  ['an MTU below 1280', optionNd(5, reserved, u32(1279))],
  ['an MTU beyond any packet', optionNd(5, reserved, u32(0x10000))],
  ['a server of no address', optionNd(25, reserved, u32(10))],
  ['the any-address as a server', optionNd(25, reserved, u32(10), ipBytes('::'))],
  ['a compression loop', optionNd(31, reserved, u32(10), Uint8Array.of(0xc0, 0))],
])('%s is left out, the rest holds', (_, option) => {
  const advert = decodeAdvert(concat(advertHeader(1800), option, optionNd(5, reserved, u32(1300))));
  expect(advert).toMatchObject({ routerLifetime: 1800, prefixes: [], mtu: 1300, dns: [], domains: [] });
});

test('the filter lets one type through', () => {
  const words = new Uint32Array(icmpFilter(ND_ROUTER_ADVERT, 32).slice().buffer);
  const blocked = Array.from({ length: 256 }, (_, type) => (words[type >> 5]! >>> (type & 31)) & 1);
  expect(blocked.flatMap((bit, type) => (bit ? [] : [type]))).toEqual([ND_ROUTER_ADVERT]);
});

test('any bytes', () => {
  const options = [
    optionNd(25, reserved, u32(600), ipBytes('fd00::1')),
    optionNd(31, reserved, u32(9), encodeDomain('a.b')),
  ];
  fuzz([concat(advertHeader(1800), prefixOption(ipBytes('fd00::'), 64, 60, 60), ...options)], decodeAdvert);
  fuzz([encodeSolicit('02:00:00:00:00:01')], (bytes) => isSolicit(bytes, 255));
});
