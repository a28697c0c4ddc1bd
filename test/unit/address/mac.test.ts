import fc from 'fast-check';
import { formatMac, parseMac } from '../../../lib/address/mac.js';

describe('parseMac', () => {
  test.each(['80:00:42:0e:e7:3a', '80-00-42-0E-E7-3A'])('%s', (mac) => {
    expect(parseMac(mac).toString('hex')).toBe('8000420ee73a');
  });

  test('copies bytes', () => {
    const bytes = Buffer.from('8000420ee73a', 'hex');
    const copy = parseMac(bytes);
    bytes[0] = 1;
    expect(copy.toString('hex')).toBe('8000420ee73a');
  });

  test.each([
    '',
    '80:00:42:0e:e7',
    '80:00:42:0e:e7:3a:00',
    '80:00:42-0e-e7-3a',
    '8:0:42:e:e7:3a',
    '80:00:42:0e:e7:3g',
    '8000420ee73a',
    ' 80:00:42:0e:e7:3a',
    '80:00:42:0e:e7:3a\n',
    Buffer.alloc(5),
    Buffer.alloc(7),
  ])('refuses %p', (mac) => {
    expect(() => parseMac(mac)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining("mac must be a MAC address such as '80:00:42:0e:e7:3a', or its 6 bytes"),
      }),
    );
  });

  test.each([undefined, null, 6, {}])('refuses %p', (mac) => {
    expect(() => parseMac(mac as unknown as string)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

describe('formatMac', () => {
  test('gives lower case and colons', () => {
    expect(formatMac(Uint8Array.of(0x80, 0, 0x42, 0x0e, 0xe7, 0x3a))).toBe('80:00:42:0e:e7:3a');
  });

  test('is what parseMac reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect([...parseMac(formatMac(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  test('takes the addresses of other links, of 4, 8 or 16 bytes', () => {
    expect(formatMac(Buffer.from([10, 0, 0, 1]))).toBe('0a:00:00:01');
    expect(formatMac(Buffer.alloc(8))).toBe('00:00:00:00:00:00:00:00');
    expect(formatMac(Buffer.alloc(0))).toBe('');
  });
});
