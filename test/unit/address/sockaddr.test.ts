import { inspect } from 'node:util';
import fc from 'fast-check';
import { inet_ntop, inet_pton } from '../../../lib/address/inet.js';
import { decodeSockaddr, encodeSockaddr, isNumericHost, SOCKADDR_SIZE } from '../../../lib/address/sockaddr.js';
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX } from '../../../lib/constants/index.js';
import { IothError } from '../../../lib/core/errors.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const indexOf = (ifname: string) => {
  if (ifname !== 'vde0') throw new IothError('ENODEV', { hint: `no ${ifname}` });
  return 7;
};
const encode = (family: number, input: unknown) => encodeSockaddr(family, input, indexOf);
const roundTrip = (family: number, input: unknown) => {
  const { bytes, length } = encode(family, input);
  return decodeSockaddr(bytes, length);
};

describe('decodeSockaddr', () => {
  // the families that have a form, often: random ones would hardly hit them
  const family = fc.oneof(
    fc.constantFrom(AF_INET, AF_INET6, AF_UNIX, AF_PACKET, AF_NETLINK),
    fc.integer({ min: 0, max: 0xffff }),
  );
  const sockaddr = fc
    .tuple(family, fc.uint8Array({ maxLength: SOCKADDR_SIZE, size: 'max' }))
    .map(([number, rest]) => Buffer.concat([Buffer.from(new Uint16Array([number]).buffer), rest]));
  const input = fc.tuple(fc.oneof(fc.uint8Array({ maxLength: 4 }), sockaddr), fc.integer({ min: -1, max: 200 }));

  test('takes any bytes: an Address or an IothError', () => {
    const codes = new Set<string>();
    fc.assert(
      fc.property(input, ([bytes, length]) => {
        try {
          const address = decodeSockaddr(bytes, length);
          const isSound = typeof address.address === 'string' && address.port >= 0 && address.port <= 65535;
          if (!isSound || !Object.isFrozen(address)) throw new Error(`no sound address: ${inspect(address)}`);
          codes.add(address.family);
        } catch (error) {
          if (!(error instanceof IothError)) throw error;
          codes.add(error.code);
        }
      }),
      { numRuns: FUZZ_RUNS },
    );
    if (FUZZ_RUNS >= 1000) {
      expect([...codes].sort()).toEqual(['EAFNOSUPPORT', 'EBADMSG', 'IPv4', 'IPv6', 'Netlink', 'Packet', 'Unix']);
    }
  });

  test('reads nothing behind the length that C gave', () => {
    const bytes = Buffer.concat([encode(AF_UNIX, '/tmp/a').bytes.subarray(0, 8), Buffer.from('behind')]);
    expect(decodeSockaddr(bytes, 8).address).toBe('/tmp/a');
    expect(decodeSockaddr(bytes, 2)).toEqual({ family: 'Unix', address: '', port: 0 });
    expect(decodeSockaddr(bytes, 0)).toEqual({ family: 'Unix', address: '', port: 0 });
    expect(() => decodeSockaddr(encode(AF_INET, ['1.2.3.4', 5]).bytes, 4)).toThrow(
      expect.objectContaining({ code: 'EBADMSG' }),
    );
  });

  test('says which family it does not know', () => {
    expect(() => decodeSockaddr(Buffer.from(new Uint16Array([99, 0]).buffer), 4)).toThrow(
      expect.objectContaining({ code: 'EAFNOSUPPORT', message: expect.stringContaining('99') }),
    );
  });
});

describe('what goes in comes out', () => {
  const port = fc.integer({ min: 0, max: 65535 });
  const u32 = fc.integer({ min: 0, max: 0xffffffff });

  test('IPv4', () => {
    fc.assert(
      fc.property(fc.ipV4(), port, (address, number) => {
        expect(roundTrip(AF_INET, [address, number])).toEqual({ family: 'IPv4', address, port: number });
        expect(roundTrip(AF_INET, { address, port: number }).address).toBe(address);
      }),
    );
  });

  test('IPv6, with flow information and scope', () => {
    fc.assert(
      fc.property(fc.ipV6(), port, fc.integer({ min: 0, max: 0xfffff }), u32, (text, number, flowinfo, scopeid) => {
        const address = inet_ntop(AF_INET6, inet_pton(AF_INET6, text));
        const expected = { family: 'IPv6', address, port: number, flowinfo, scopeid };
        const out = roundTrip(AF_INET6, [text, number, flowinfo, scopeid]);
        expect(out).toEqual(expected);
        expect(roundTrip(AF_INET6, out)).toEqual(expected);
      }),
    );
  });

  test('unix: paths, abstract names, bytes', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(Buffer.byteLength(text) <= 106);
        const expected = { family: 'Unix', address: text, port: 0 };
        expect(roundTrip(AF_UNIX, text)).toEqual(expected);
        expect(roundTrip(AF_UNIX, { path: Buffer.from(text) })).toEqual(expected);
        expect(roundTrip(AF_UNIX, roundTrip(AF_UNIX, text))).toEqual(expected);
        expect(roundTrip(AF_UNIX, `\0${text}`).address).toBe(`\0${text}`);
      }),
    );
  });

  test('packet', () => {
    const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), port, mac, (ifindex, protocol, address) => {
        const out = roundTrip(AF_PACKET, { ifindex, protocol, address });
        expect(out).toMatchObject({ family: 'Packet', port: 0, ifindex, protocol });
        expect(out.address.split(':').map((byte) => Number.parseInt(byte, 16))).toEqual([...address]);
        expect(roundTrip(AF_PACKET, out)).toEqual(out);
      }),
    );
  });

  test('netlink', () => {
    fc.assert(
      fc.property(u32, u32, (pid, groups) => {
        const expected = { family: 'Netlink', address: '', port: 0, pid, groups };
        expect(roundTrip(AF_NETLINK, { pid, groups })).toEqual(expected);
      }),
    );
  });
});

describe('encodeSockaddr', () => {
  test('knows the any-address, the broadcast address and zones', () => {
    expect(roundTrip(AF_INET, ['', 1]).address).toBe('0.0.0.0');
    expect(roundTrip(AF_INET, ['<broadcast>', 1]).address).toBe('255.255.255.255');
    expect(roundTrip(AF_INET6, ['', 1]).address).toBe('::');
    expect(roundTrip(AF_INET6, ['fe80::1%vde0', 1])).toMatchObject({ address: 'fe80::1', scopeid: 7 });
    expect(roundTrip(AF_INET6, ['fe80::1%12', 1])).toMatchObject({ address: 'fe80::1', scopeid: 12 });
    expect(() => encode(AF_INET6, ['fe80::1%eth9', 1])).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  });

  test.each<[string, number, unknown, string, RegExp]>([
    ['a name', AF_INET, ['localhost', 1], 'ERR_INVALID_ARG_VALUE', /'localhost'/],
    ['an address of the other family', AF_INET6, ['10.0.0.1', 1], 'ERR_INVALID_ARG_VALUE', /'10.0.0.1'/],
    ['an IPv4 address with a zone', AF_INET, ['10.0.0.1%vde0', 1], 'ERR_INVALID_ARG_VALUE', /10\.0\.0\.1%vde0/],
    ['a zone past 32 bits', AF_INET6, ['fe80::1%99999999999', 1], 'ERR_OUT_OF_RANGE', /^addr zone/],
    ['a host that is no string', AF_INET, [1, 1], 'ERR_INVALID_ARG_TYPE', /^addr host must be a string/],
    ['a host with a NUL', AF_INET, ['10.0.0.1\0', 1], 'ERR_INVALID_ARG_VALUE', /^addr host/],
    ['a port past 65535', AF_INET, ['10.0.0.1', 65536], 'ERR_OUT_OF_RANGE', /^addr port/],
    ['flow information past 20 bits', AF_INET6, ['::1', 1, 1 << 20], 'ERR_OUT_OF_RANGE', /^addr flowinfo/],
    ['a negative scope', AF_INET6, ['::1', 1, 0, -1], 'ERR_OUT_OF_RANGE', /^addr scopeid/],
    ['a packet address without interface', AF_PACKET, {}, 'ERR_INVALID_ARG_TYPE', /ifindex/],
    ['a netlink address that is a number', AF_NETLINK, 5, 'ERR_INVALID_ARG_TYPE', /pid/],
    ['an object for a family without form', 99, {}, 'ERR_INVALID_ARG_VALUE', /address family 99/],
  ])('refuses %s', (_what, family, input, code, message) => {
    expect(() => encode(family, input)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test('takes the bytes of a family that it has no form for', () => {
    const bytes = Uint8Array.of(99, 0, 1, 2);
    expect(encode(99, bytes)).toMatchObject({ bytes, length: 4 });
  });
});

test('isNumericHost tells digits from names', () => {
  for (const host of ['', '<broadcast>', '10.0.0.1']) expect(isNumericHost(AF_INET, host)).toBe(true);
  for (const host of ['', '::1', 'fe80::1%vde0']) expect(isNumericHost(AF_INET6, host)).toBe(true);
  for (const host of ['localhost', '10.0.0', '::1', '10.0.0.1%vde0']) expect(isNumericHost(AF_INET, host)).toBe(false);
  for (const host of ['localhost', '10.0.0.1']) expect(isNumericHost(AF_INET6, host)).toBe(false);
});
