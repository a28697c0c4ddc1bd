import os from 'node:os';
import fc from 'fast-check';
import koffi from 'koffi';
import { htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from '../../../lib/address/inet.js';
import { AF_INET, AF_INET6, AF_UNIX } from '../../../lib/constants/index.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const libc = koffi.load(null);
const glibc = {
  ntop: libc.func('inet_ntop', 'const char *', ['int', 'void *', 'void *', 'uint32_t']),
  pton: libc.func('inet_pton', 'int', ['int', 'const char *', 'void *']),
  aton: libc.func('inet_aton', 'int', ['const char *', 'void *']),
};

/** Mostly zero groups and ffff, for the compressed and the IPv4-mapped forms. */
const ipv6 = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => Buffer.from(Uint16Array.from(groups).buffer));

describe('inet_ntop and inet_pton', () => {
  test('give the text that glibc gives, and its bytes again', () => {
    fc.assert(
      fc.property(fc.oneof(ipv6, fc.uint8Array({ minLength: 16, maxLength: 16 })), (bytes) => {
        const text = inet_ntop(AF_INET6, bytes);
        expect(text).toBe(glibc.ntop(AF_INET6, bytes, Buffer.alloc(46), 46));
        expect([...inet_pton(AF_INET6, text)]).toEqual([...bytes]);
      }),
      { numRuns: FUZZ_RUNS / 10 },
    );
  });

  test('give the same for IPv4', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        const text = inet_ntop(AF_INET, bytes);
        expect(text).toBe(glibc.ntop(AF_INET, bytes, Buffer.alloc(16), 16));
        expect(inet_ntoa(bytes)).toBe(text);
        expect([...inet_pton(AF_INET, text)]).toEqual([...bytes]);
      }),
      { numRuns: 1000 },
    );
  });

  test('take and refuse the texts that glibc takes and refuses', () => {
    const piece = fc.constantFrom(
      '::',
      ':',
      ':',
      '.',
      '0',
      '1',
      'ff',
      'FFFF',
      '12345',
      '255',
      '256',
      '01',
      '1.2.3.4',
      'g',
    );
    const texts = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.constantFrom(AF_INET, AF_INET6), texts, (family, text) => {
        const bytes = Buffer.alloc(family === AF_INET ? 4 : 16);
        const isTaken = glibc.pton(family, text, bytes) === 1;
        expect(attempt(() => inet_pton(family, text))).toEqual(isTaken ? bytes : 'ERR_INVALID_ARG_VALUE');
      }),
      { numRuns: FUZZ_RUNS / 10 },
    );
  });

  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is %s in canonical text', (text, canonical) => {
    expect(inet_ntop(AF_INET6, inet_pton(AF_INET6, text))).toBe(canonical);
  });

  test.each(['', '10.0.0', '10.0.0.256', '10.0.0.01', ' 10.0.0.1', 'fd00::1', '10.0.0.1\0'])('no IPv4: %j', (text) => {
    expect(attempt(() => inet_pton(AF_INET, text))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test.each(['', 'fe80::1%eth0', '1::2::3', '10.0.0.1', ':::', '12345::'])('no IPv6: %j', (text) => {
    expect(attempt(() => inet_pton(AF_INET6, text))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test('say what is wrong', () => {
    expect(() => inet_pton(AF_INET, 'x')).toThrow("addr must be an IPv4 address such as '10.0.0.1', not 'x'");
    expect(() => inet_pton(AF_INET6, 'x')).toThrow("addr must be an IPv6 address such as 'fd00::1', not 'x'");
    expect(() => inet_pton(AF_UNIX, '::')).toThrow('family must be AF_INET (2) or AF_INET6 (10), not 1');
    expect(() => inet_ntop(AF_UNIX, Buffer.alloc(4))).toThrow('family must be AF_INET (2) or AF_INET6 (10), not 1');
    expect(() => inet_ntop(AF_INET, Buffer.alloc(16))).toThrow('bytes must be 4 bytes');
    expect(() => inet_ntop(AF_INET6, Buffer.alloc(4))).toThrow('bytes must be 16 bytes');
    expect(attempt(() => inet_pton('IPv4' as unknown as number, '10.0.0.1'))).toBe('ERR_INVALID_ARG_TYPE');
    expect(attempt(() => inet_pton(AF_INET, 1 as unknown as string))).toBe('ERR_INVALID_ARG_TYPE');
    expect(attempt(() => inet_ntop(AF_INET, '10.0.0.1' as unknown as Buffer))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('inet_aton', () => {
  test.each([
    ['127.1', '127.0.0.1'],
    ['10.1.2', '10.1.0.2'],
    ['10.1.65535', '10.1.255.255'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0XFFFFFFFF', '255.255.255.255'],
    ['010.010.010.010', '8.8.8.8'],
    ['0', '0.0.0.0'],
  ])('%s is %s', (text, dotted) => {
    expect(inet_ntoa(inet_aton(text))).toBe(dotted);
  });

  test('takes and refuses what glibc takes and refuses', () => {
    const number = fc.constantFrom('0', '1', '255', '256', '65535', '65536', '16777216', '4294967295', '4294967296');
    const odd = fc.constantFrom('', '0x', '0x1f', '0XA', '017', '08', '0400', '00', '-1', '+1', '1e1', 'a');
    const texts = fc.array(fc.oneof(number, odd), { maxLength: 5 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.alloc(4);
        const isTaken = glibc.aton(text, bytes) === 1;
        expect(attempt(() => inet_aton(text))).toEqual(isTaken ? bytes : 'ERR_INVALID_ARG_VALUE');
      }),
      { numRuns: FUZZ_RUNS / 10 },
    );
  });

  test('takes nothing after the address', () => {
    expect(attempt(() => inet_aton('10.0.0.1 and more'))).toBe('ERR_INVALID_ARG_VALUE');
  });
});

describe('byte order', () => {
  test('is that of the network', () => {
    const bytes = Buffer.alloc(6);
    const write = os.endianness() === 'LE' ? 'LE' : 'BE';
    bytes[`writeUInt16${write}`](htons(0x1234));
    bytes[`writeUInt32${write}`](htonl(0x89abcdef), 2);
    expect(bytes.toString('hex')).toBe('123489abcdef');
  });

  test('comes back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffff }), (value) => ntohs(htons(value)) === value));
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => ntohl(htonl(value)) === value));
  });

  test.each([-1, 65536, 1.5, Number.NaN])('htons refuses %d', (value) => {
    expect(attempt(() => htons(value))).toBe('ERR_OUT_OF_RANGE');
  });

  test('htonl refuses more than 32 bits', () => {
    expect(attempt(() => htonl(0x100000000))).toBe('ERR_OUT_OF_RANGE');
  });
});

/** What the call gives, or the code of its error. */
function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
