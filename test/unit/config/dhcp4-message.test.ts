import { concat, u32 } from '../../../lib/config/bytes.js';
import { leaseOf } from '../../../lib/config/dhcp4/lease.js';
import { DHCPACK, DHCPDISCOVER, decodeReply, encodeRequest, Option } from '../../../lib/config/dhcp4/message.js';
import { encodeDomain } from '../../../lib/config/domains.js';
import { fuzz } from '../../support/fuzz.js';
import { dhcp4Reply, leaseOptions, type Options, type ReplyParts, tlv } from '../../support/packets.js';

const END = Uint8Array.of(Option.END);
const ack = (extra: Options = [], parts: Partial<ReplyParts> = {}, leaseTime?: number) =>
  decodeReply(dhcp4Reply({ options: leaseOptions(DHCPACK, extra, leaseTime), ...parts }));
const leaseWith = (...args: Parameters<typeof ack>) => leaseOf(ack(...args)!);

test('a request, octet by octet', () => {
  const bytes = encodeRequest({
    type: DHCPDISCOVER,
    xid: 0xdeadbeef,
    secs: 70000,
    mac: '02:00:00:00:00:01',
    ciaddr: '10.0.0.9',
    options: [[Option.REQUESTED_ADDRESS, Uint8Array.of(10, 0, 0, 9)]],
  });
  const hex = Buffer.from(bytes).toString('hex');
  expect(bytes).toHaveLength(300);
  expect(hex.slice(0, 32)).toBe('01010600deadbeefffff00000a000009');
  expect(hex.slice(56, 68)).toBe('020000000001');
  expect(hex.slice(472, 472 + 28)).toBe('6382536335010132040a000009ff');
});

test('a lease with everything', () => {
  const lease = leaseWith([
    [Option.ROUTER, [10, 0, 0, 1, 10, 0, 0, 2]],
    [Option.DNS, [10, 0, 0, 1, 8, 8, 8, 8]],
    [Option.DOMAIN_NAME, Buffer.from('example.org')],
    [Option.DOMAIN_SEARCH, concat(encodeDomain('a.org'), encodeDomain('example.org'))],
    [Option.MTU, [5, 0]],
    [Option.T1, u32(100)],
    [Option.T2, u32(200)],
  ]);
  expect(lease).toEqual({
    address: '10.0.0.50',
    prefixlen: 24,
    server: '10.0.0.1',
    routes: [
      { destination: '0.0.0.0', prefixlen: 0, gateway: '10.0.0.1' },
      { destination: '0.0.0.0', prefixlen: 0, gateway: '10.0.0.2' },
    ],
    dns: ['10.0.0.1', '8.8.8.8'],
    domains: ['example.org', 'a.org'],
    mtu: 1280,
    leaseTime: 3600,
    t1: 100,
    t2: 200,
  });
});

describe('options', () => {
  test('an option that was split is joined (RFC 3396), and one may be longer than 255', () => {
    const half = new Array(63 * 4).fill(10);
    expect(
      leaseWith([
        [Option.DNS, [10, 0]],
        [Option.DNS, [0, 7]],
      ])?.dns,
    ).toEqual(['10.0.0.7']);
    expect(
      ack([
        [Option.DNS, half],
        [Option.DNS, half],
      ])?.options.get(Option.DNS),
    ).toHaveLength(504);
  });

  test('an overload brings those in file, then in sname', () => {
    const overload = (value: number) =>
      ack(
        [
          [Option.OVERLOAD, [value]],
          [Option.DNS, [1, 1]],
        ],
        {
          file: concat(tlv([[Option.DNS, [1, 1, 2, 2]]]), END),
          sname: concat(tlv([[Option.DNS, [2, 2]]]), END),
        },
      )?.options.get(Option.DNS);
    expect([...overload(3)!]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect([...overload(1)!]).toEqual([1, 1, 1, 1, 2, 2]);
    expect([...overload(2)!]).toEqual([1, 1, 2, 2]);
    expect([...overload(0)!]).toEqual([1, 1]);
  });

  test('of length 0: left out, the rest holds', () => {
    const empty = [1, 3, 6, 15, 26, 58, 59, 119, 121].map((code): [number, number[]] => [code, []]);
    const lease = leaseOf(
      decodeReply(
        dhcp4Reply({
          options: concat(
            tlv([
              [Option.MESSAGE_TYPE, [DHCPACK]],
              [Option.SERVER_ID, [10, 0, 0, 1]],
              [Option.LEASE_TIME, u32(60)],
              ...empty,
            ]),
            END,
          ),
        }),
      )!,
    );
    expect(lease).toMatchObject({ prefixlen: 8, routes: [], dns: [], domains: [], mtu: null, t1: 30, t2: 52.5 });
  });

  test('past the end: the message is ignored', () => {
    const good = leaseOptions(DHCPACK);
    for (const tail of [[6], [6, 4], [6, 4, 10], [6, 255, 1]]) {
      const options = concat(good.subarray(0, good.length - 1), Uint8Array.from(tail));
      expect(decodeReply(dhcp4Reply({ options }))).toBeNull();
    }
    expect(ack([[Option.OVERLOAD, [1]]], { file: new Uint8Array(128).fill(254) })).toBeNull();
  });

  test('without an END: taken', () => {
    const good = leaseOptions(DHCPACK);
    expect(decodeReply(dhcp4Reply({ options: good.subarray(0, good.length - 1) }))).not.toBeNull();
  });
});

test.each<[string, Partial<ReplyParts>]>([
  ['a request', { op: 1 }],
  ['another cookie', { cookie: [99, 130, 83, 98] }],
  ['no message type', { options: tlv([[Option.SERVER_ID, [10, 0, 0, 1]]]) }],
  ['a message type of no octet', { options: tlv([[Option.MESSAGE_TYPE, []]]) }],
  ['no options', { options: new Uint8Array() }],
])('%s is no reply', (_, parts) => {
  expect(ack([], parts)).toBeNull();
});

test('a truncated header is ignored', () => {
  const bytes = dhcp4Reply({ options: leaseOptions(DHCPACK) });
  for (let length = 0; length < 240; length++) expect(decodeReply(bytes.subarray(0, length))).toBeNull();
});

test.each([[[0, 0, 0, 0]], [[127, 0, 0, 1]], [[224, 0, 0, 1]], [[255, 255, 255, 255]], [[0, 1, 2, 3]]])(
  '%j is no address to take',
  (yiaddr) => {
    expect(leaseWith([], { yiaddr })).toBeNull();
  },
);

test('no lease without a time or a server', () => {
  expect(leaseWith([], {}, 0)).toBeNull();
  const bare = tlv([[Option.MESSAGE_TYPE, [DHCPACK]]]);
  expect(leaseOf(decodeReply(dhcp4Reply({ options: concat(bare, tlv([[Option.LEASE_TIME, u32(9)]])) }))!)).toBeNull();
  expect(
    leaseOf(decodeReply(dhcp4Reply({ options: concat(bare, tlv([[Option.SERVER_ID, [1, 1, 1, 1]]])) }))!),
  ).toBeNull();
});

test('a lease for ever', () => {
  expect(leaseWith([], {}, 0xffffffff)).toMatchObject({ leaseTime: Infinity, t1: Infinity, t2: Infinity });
});

test.each([
  [100, 50],
  [0, 50],
  [100, 3600],
  [4000, 5000],
])('T1 %i and T2 %i make no sense: RFC 2131 gives them', (t1, t2) => {
  expect(
    leaseWith([
      [Option.T1, u32(t1)],
      [Option.T2, u32(t2)],
    ]),
  ).toMatchObject({ t1: 1800, t2: 3150 });
});

test('a mask with holes, and none, give the prefix length of the class', () => {
  const masked = (mask: number[], yiaddr: number[]) => {
    const options = concat(
      tlv([[53, [5]], [54, [10, 0, 0, 1]], [51, u32(60)], ...(mask.length ? [[1, mask] as [number, number[]]] : [])]),
      END,
    );
    return leaseOf(decodeReply(dhcp4Reply({ yiaddr, options }))!)?.prefixlen;
  };
  expect(masked([255, 0, 255, 0], [10, 0, 0, 1])).toBe(8);
  expect(masked([0, 0, 0, 0], [172, 16, 0, 1])).toBe(16);
  expect(masked([], [192, 168, 0, 1])).toBe(24);
  expect(masked([255, 255, 255, 255], [192, 168, 0, 1])).toBe(32);
  expect(masked([255, 255, 254, 0], [192, 168, 0, 1])).toBe(23);
});

describe('classless routes (RFC 3442)', () => {
  const routes = (...value: number[]) =>
    leaseWith([
      [Option.CLASSLESS_ROUTES, value],
      [Option.ROUTER, [10, 0, 0, 9]],
    ])?.routes;

  test('take the place of the routers', () => {
    expect(routes(0, 10, 0, 0, 1, 24, 192, 168, 7, 10, 0, 0, 2, 20, 10, 17, 255, 0, 0, 0, 0)).toEqual([
      { destination: '0.0.0.0', prefixlen: 0, gateway: '10.0.0.1' },
      { destination: '192.168.7.0', prefixlen: 24, gateway: '10.0.0.2' },
      { destination: '10.17.240.0', prefixlen: 20, gateway: null },
    ]);
  });

  test.each([[[33, 1, 1, 1, 1, 10, 0, 0, 1]], [[24, 192, 168]], [[24, 192, 168, 7, 10, 0]], [[0]]])(
    'malformed: %j, the routers count',
    (value) => {
      expect(routes(...value)).toEqual([{ destination: '0.0.0.0', prefixlen: 0, gateway: '10.0.0.9' }]);
    },
  );
});

test('small MTUs are not taken', () => {
  expect(leaseWith([[Option.MTU, [0, 68]]])?.mtu).toBeNull();
  expect(leaseWith([[Option.MTU, [2, 64]]])?.mtu).toBe(576);
  expect(leaseWith([[Option.MTU, [2, 64, 0]]])?.mtu).toBeNull();
});

test('any bytes', () => {
  const packet = dhcp4Reply({
    options: leaseOptions(DHCPACK, [
      [Option.OVERLOAD, [3]],
      [Option.CLASSLESS_ROUTES, [24, 192, 168, 7, 10, 0, 0, 2]],
      [Option.DOMAIN_SEARCH, [1, 97, 0xc0, 0]],
    ]),
  });
  fuzz([packet, dhcp4Reply({ options: leaseOptions(DHCPACK) })], (bytes) => {
    const reply = decodeReply(bytes);
    return reply && leaseOf(reply);
  });
});
