import fc from 'fast-check';
import { decodeAddress } from '../../../lib/netlink/address.js';
import { failureOf } from '../../../lib/netlink/failure.js';
import { decodeLink } from '../../../lib/netlink/link.js';
import {
  type Attribute,
  decodeAttributes,
  decodeMessages,
  encodeAttributes,
  encodeMessage,
  ifaddrmsg,
  ifinfomsg,
  type Message,
  rtmsg,
  stringOf,
  u32Of,
} from '../../../lib/netlink/message.js';
import { decodeRoutes } from '../../../lib/netlink/route.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const NAME = 'RTM_TEST';
const EBADMSG = expect.objectContaining({ name: 'IothError', code: 'EBADMSG', syscall: NAME });

function only(bytes: Uint8Array): Message {
  const messages = decodeMessages(bytes, NAME);
  expect(messages).toHaveLength(1);
  return messages[0] as Message;
}

describe('encode', () => {
  test('a message is the bytes that nlinline sends for "up"', () => {
    const bytes = encodeMessage({ type: 19, flags: 0x5, seq: 1 }, ifinfomsg(2, 1, 1));
    expect(bytes.toString('hex')).toBe('200000001300050001000000000000000000000002000000' + '0100000001000000');
  });

  test('attributes are padded, strings end in NUL, arrays nest', () => {
    const bytes = encodeAttributes([
      [3, 'lo'],
      [4, 1500],
      [18, [[1, Buffer.from('ab')]]],
    ]);
    expect(bytes.toString('hex')).toBe(
      ['070003006c6f0000', '08000400dc050000', '0c001200', '0600010061620000'].join(''),
    );
  });

  test.each([
    [[[1, -1]], 'ERR_OUT_OF_RANGE'],
    [[[1, 2 ** 32]], 'ERR_OUT_OF_RANGE'],
    [[[0x10000, 1]], 'ERR_OUT_OF_RANGE'],
    [[[1, null]], 'ERR_INVALID_ARG_TYPE'],
    [[[1, Buffer.alloc(65532)]], 'ERR_INVALID_ARG_VALUE'],
    [[1], 'ERR_INVALID_ARG_TYPE'],
    ['x', 'ERR_INVALID_ARG_TYPE'],
  ])('%p is refused', (attributes, code) => {
    expect(() => encodeAttributes(attributes as unknown as Attribute[])).toThrow(expect.objectContaining({ code }));
  });
});

describe('decode', () => {
  test('several messages of one datagram, and a short tail that is ignored', () => {
    const one = encodeMessage({ type: 16, flags: 2, seq: 7 }, ifinfomsg(1), [[3, 'lo']]);
    const two = encodeMessage({ type: 3, flags: 0, seq: 8 }, Buffer.alloc(4));
    const messages = decodeMessages(Buffer.concat([one, two, Buffer.alloc(15)]), NAME);
    expect(messages.map(({ type, flags, seq }) => [type, flags, seq])).toEqual([
      [16, 2, 7],
      [3, 0, 8],
    ]);
  });

  test('attributes without the nested flag, of a repeated one the last', () => {
    const bytes = encodeAttributes([
      [1, 1],
      [0x8000 | 2, 'a'],
      [1, 5],
    ]);
    const attributes = decodeAttributes(Buffer.concat([bytes, Buffer.alloc(3)]), NAME);
    expect(u32Of(attributes.get(1), NAME)).toBe(5);
    expect(stringOf(attributes.get(2))).toBe('a');
  });

  test.each([
    ['length 0', '00000000'],
    ['length 3', '03000100'],
    ['a length past the end', '0900010000000000'],
  ])('an attribute of %s', (_, hex) => {
    expect(() => decodeAttributes(Buffer.from(hex, 'hex'), NAME)).toThrow(EBADMSG);
  });

  test.each([0, 15, 17, 0xffffffff])('a message of length %p in 16 bytes', (length) => {
    const bytes = encodeMessage({ type: 3, flags: 0, seq: 1 }, Buffer.alloc(0));
    bytes.writeUInt32LE(length, 0);
    expect(() => decodeMessages(bytes, NAME)).toThrow(EBADMSG);
  });

  test('a struct cut short, an u32 and an address of a wrong size', () => {
    const link = (body: Uint8Array, attributes: Attribute[] = []) =>
      only(encodeMessage({ type: 16, flags: 0, seq: 1 }, body, attributes));
    expect(() => decodeLink(link(Buffer.alloc(12)), NAME)).toThrow(EBADMSG);
    expect(() => decodeLink(link(ifinfomsg(1), [[4, Buffer.alloc(3)]]), NAME)).toThrow(EBADMSG);
    const address = only(encodeMessage({ type: 20, flags: 0, seq: 1 }, ifaddrmsg(2), [[1, Buffer.alloc(16)]]));
    expect(() => decodeAddress(address, NAME)).toThrow(EBADMSG);
  });

  test('next hops of length 0 and past the end', () => {
    for (const length of [0, 7, 9]) {
      const hop = Buffer.alloc(8);
      hop.writeUInt16LE(length, 0);
      const route = only(encodeMessage({ type: 24, flags: 0, seq: 1 }, rtmsg(2), [[9, hop]]));
      expect(() => decodeRoutes(route, NAME)).toThrow(EBADMSG);
    }
  });

  test('the extended acknowledgement, behind the whole request or its header', () => {
    const text = encodeAttributes([[1, 'Because']]);
    const request = encodeMessage({ type: 20, flags: 1, seq: 4 }, ifaddrmsg(2), [[1, 'x']]);
    const error = Buffer.alloc(4);
    error.writeInt32LE(-22);
    const whole = encodeMessage({ type: 2, flags: 0x200, seq: 4 }, Buffer.concat([error, request, text]));
    const capped = encodeMessage(
      { type: 2, flags: 0x300, seq: 4 },
      Buffer.concat([error, request.subarray(0, 16), text]),
    );
    for (const bytes of [whole, capped]) {
      expect(failureOf(only(bytes), NAME)).toMatchObject({ code: 'EINVAL', errno: -22, syscall: NAME });
      expect(failureOf(only(bytes), NAME)?.message).toBe('RTM_TEST EINVAL: invalid argument: Because');
    }
  });
});

describe('any bytes', () => {
  const PROPERTIES = 4;
  const numRuns = Math.ceil(FUZZ_RUNS / PROPERTIES);

  /** Whether `decode` gives a value or EBADMSG, and nothing else. */
  function isTotal(decode: () => unknown): boolean {
    try {
      decode();
      return true;
    } catch (error) {
      return error instanceof Error && error.name === 'IothError' && (error as { code?: string }).code === 'EBADMSG';
    }
  }

  function decodeAll(bytes: Uint8Array): void {
    for (const message of decodeMessages(bytes, NAME)) {
      decodeLink(message, NAME);
      decodeAddress(message, NAME);
      decodeRoutes(message, NAME);
      if (message.type === 2 || message.type === 3) failureOf(message, NAME);
    }
  }

  const within = (outer: Uint8Array, inner: Uint8Array): boolean =>
    inner.buffer === outer.buffer &&
    inner.byteOffset >= outer.byteOffset &&
    inner.byteOffset + inner.length <= outer.byteOffset + outer.length;

  const tag = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffff }));
  const leaf = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    fc.nat(),
    fc.string({ maxLength: 8 }),
  );
  const nested = fc.array(fc.tuple(tag, leaf), { maxLength: 3 });
  const attributes = fc.array(fc.tuple(tag, fc.oneof(leaf, nested)), { maxLength: 6 });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 24 }),
    fc.constantFrom(ifinfomsg(3), ifaddrmsg(2, 24), ifaddrmsg(10, 64), rtmsg(2, 8), rtmsg(10, 8)),
  );
  const message = fc
    .tuple(fc.constantFrom(2, 3, 16, 20, 24), fc.constantFrom(0, 0x100, 0x200, 0x300), body, attributes)
    .map(([type, flags, fixed, list]) => encodeMessage({ type, flags, seq: 1 }, fixed, list as Attribute[]));

  test('as a datagram', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => isTotal(() => decodeAll(bytes))),
      { numRuns },
    );
  });

  test('as attributes: views within the given bytes, wherever those are in their memory', () => {
    const small = fc.array(fc.constantFrom(0, 1, 4, 5, 8, 255), { maxLength: 64 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(fc.oneof(small, fc.uint8Array({ maxLength: 64 })), fc.nat(7), (content, offset) => {
        const memory = new Uint8Array(content.length + offset + 9).fill(0x41);
        const bytes = memory.subarray(offset, offset + content.length);
        bytes.set(content);
        return isTotal(() => {
          for (const value of decodeAttributes(bytes, NAME).values()) {
            if (!within(bytes, value)) throw new Error('out of bounds');
          }
        });
      }),
      { numRuns },
    );
  });

  test('as messages of the right form', () => {
    fc.assert(
      fc.property(message, (bytes) => isTotal(() => decodeAll(bytes))),
      { numRuns },
    );
  });

  test('as messages with bytes changed and cut off', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(message, changes, fc.nat(), (whole, list, cut) => {
        const bytes = Buffer.from(whole.subarray(0, whole.length - (cut % 5)));
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        // a true length keeps the change from ending it all at the header
        bytes.writeUInt32LE(bytes.length, 0);
        return isTotal(() => decodeAll(bytes));
      }),
      { numRuns },
    );
  });
});
