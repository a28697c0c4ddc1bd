import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { inet_ntop, inet_pton } from '../../../lib/address/inet.js';
import { iothaddr } from '../../../lib/address/iothaddr.js';
import { formatMac, parseMac } from '../../../lib/address/mac.js';
import { AF_INET6 } from '../../../lib/constants/index.js';

const NAME = 'test.v2.cs.unibo.it';
const PREFIX = '2000:760::';

describe('the examples of iothaddr.h', () => {
  test('hash', () => {
    expect(iothaddr.hash(PREFIX, NAME)).toBe('2000:760::68d6:2fac:95a:5a2e');
  });

  // the header says 69:d6:…, but its text and its code clear the lowest bit and set the next
  test('hashmac', () => {
    expect(iothaddr.hashmac(NAME)).toBe('6a:d6:2f:5a:5a:2e');
  });

  test('hasheui64', () => {
    expect(iothaddr.hasheui64(PREFIX, NAME)).toBe('2000:760::68d6:2fff:fe5a:5a2e');
  });
});

describe('computed again with node:crypto', () => {
  const names = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((name) => !name.includes('\0'));
  const passwords = fc.option(names);
  const addresses = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => inet_ntop(AF_INET6, bytes));

  test('hash', () => {
    fc.assert(
      fc.property(
        addresses,
        names,
        passwords,
        fc.integer({ min: 0, max: 0xffffffff }),
        (prefix, name, passwd, time) => {
          expect(iothaddr.hash(prefix, name, passwd, time)).toBe(expectedHash(prefix, name, passwd, time));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('hashmac', () => {
    fc.assert(
      fc.property(names, passwords, (name, passwd) => {
        expect(iothaddr.hashmac(name, passwd)).toBe(expectedHashmac(name, passwd));
      }),
      { numRuns: 1000 },
    );
  });

  test('eui64 and hasheui64', () => {
    fc.assert(
      fc.property(addresses, names, passwords, (prefix, name, passwd) => {
        const mac = expectedHashmac(name, passwd);
        const expected = expectedEui64(prefix, parseMac(mac));
        expect(iothaddr.eui64(prefix, mac)).toBe(expected);
        expect(iothaddr.eui64(prefix, parseMac(mac))).toBe(expected);
        expect(iothaddr.hasheui64(prefix, name, passwd)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('the dot at the end of a name does not count', () => {
    expect(iothaddr.hash(PREFIX, `${NAME}.`)).toBe(iothaddr.hash(PREFIX, NAME));
    expect(iothaddr.hashmac(`${NAME}.`)).toBe(iothaddr.hashmac(NAME));
  });
});

describe('otiptime', () => {
  const NOW = 1_700_000_000;
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW * 1000 + 999 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('counts periods since the epoch', () => {
    expect(iothaddr.otiptime(1)).toBe(NOW);
    expect(iothaddr.otiptime(64)).toBe(Math.floor(NOW / 64));
    expect(iothaddr.otiptime(64, 32)).toBe(Math.floor((NOW + 32) / 64));
    expect(iothaddr.otiptime(0, 5)).toBe(0);
  });

  test('truncates and wraps as C does', () => {
    expect(iothaddr.otiptime(2, -NOW - 3)).toBe(0xffffffff);
  });

  test('makes an address that changes with the period', () => {
    const at = (time: number): string => iothaddr.hash(PREFIX, NAME, 'secret', time);
    expect(at(iothaddr.otiptime(64))).toBe(at(iothaddr.otiptime(64)));
    expect(at(iothaddr.otiptime(64))).not.toBe(at(iothaddr.otiptime(64, 64)));
  });
});

describe('bad arguments', () => {
  test.each<[string, string, () => unknown]>([
    ['an empty name', 'ERR_INVALID_ARG_VALUE', () => iothaddr.hash(PREFIX, '')],
    ['an empty name of a MAC', 'ERR_INVALID_ARG_VALUE', () => iothaddr.hashmac('')],
    ['an empty name of an EUI-64', 'ERR_INVALID_ARG_VALUE', () => iothaddr.hasheui64(PREFIX, '')],
    ['a name with a NUL', 'ERR_INVALID_ARG_VALUE', () => iothaddr.hashmac('a\0b')],
    ['no name', 'ERR_INVALID_ARG_TYPE', () => iothaddr.hashmac(undefined as unknown as string)],
    ['a password that is a number', 'ERR_INVALID_ARG_TYPE', () => iothaddr.hashmac(NAME, 1 as unknown as string)],
    ['an IPv4 prefix', 'ERR_INVALID_ARG_VALUE', () => iothaddr.hash('10.0.0.0', NAME)],
    ['a prefix with its length', 'ERR_INVALID_ARG_VALUE', () => iothaddr.eui64('2000:760::/64', '80:00:42:0e:e7:3a')],
    [
      'a prefix that is bytes',
      'ERR_INVALID_ARG_TYPE',
      () => iothaddr.hash(Buffer.alloc(16) as unknown as string, NAME),
    ],
    ['a short MAC', 'ERR_INVALID_ARG_VALUE', () => iothaddr.eui64(PREFIX, '80:00')],
    ['a negative time', 'ERR_OUT_OF_RANGE', () => iothaddr.hash(PREFIX, NAME, null, -1)],
    ['a negative period', 'ERR_OUT_OF_RANGE', () => iothaddr.otiptime(-1)],
    ['half a second', 'ERR_OUT_OF_RANGE', () => iothaddr.otiptime(0.5)],
  ])('%s: %s', (_what, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });
});

function md5(name: string, passwd: string | null, time = 0): Buffer {
  const hash = createHash('md5').update(Buffer.from(name.replace(/\.$/, '')));
  if (passwd !== null) hash.update(Buffer.from(passwd));
  const bigEndian = Buffer.alloc(4);
  bigEndian.writeUInt32BE(time);
  return (time === 0 ? hash : hash.update(bigEndian)).digest();
}

function expectedHash(prefix: string, name: string, passwd: string | null, time: number): string {
  const sum = md5(name, passwd, time);
  const bytes = inet_pton(AF_INET6, prefix).map((byte, index) => (index < 8 ? byte : byte ^ sum[index - 8]!));
  bytes[8]! &= 0xfc;
  return inet_ntop(AF_INET6, bytes);
}

function expectedHashmac(name: string, passwd: string | null): string {
  const sum = md5(name, passwd);
  return formatMac(Uint8Array.of((sum[0]! | 2) & 0xfe, sum[1]!, sum[2]!, sum[5]!, sum[6]!, sum[7]!));
}

function expectedEui64(prefix: string, mac: Buffer): string {
  const bytes = inet_pton(AF_INET6, prefix);
  bytes.set([mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe], 8);
  for (const index of [3, 4, 5]) bytes[index + 10]! ^= mac[index]!;
  return inet_ntop(AF_INET6, bytes);
}
