import fc from 'fast-check';
import koffi from 'koffi';
import { IP_TTL, IPPROTO_IP, SCM_RIGHTS, SOL_SOCKET } from '../../../lib/constants/index.js';
import {
  type AncillaryItem,
  CMSG_LEN,
  CMSG_SPACE,
  decodeAncillary,
  encodeAncillary,
} from '../../../lib/socket/cmsg.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const cmsghdr = koffi.struct({ cmsg_len: 'size_t', cmsg_level: 'int', cmsg_type: 'int' });
const HEADER = koffi.sizeof(cmsghdr);
const WORD = koffi.sizeof('size_t');

function header(length: number | bigint, level: number, type: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  koffi.encode(bytes, cmsghdr, { cmsg_len: length, cmsg_level: level, cmsg_type: type });
  return bytes;
}

describe('CMSG_LEN and CMSG_SPACE', () => {
  test.each([0, 1, 4, 7, 8, 9, 4096])('%i bytes of data', (length) => {
    expect(CMSG_LEN(length)).toBe(HEADER + length);
    expect(CMSG_SPACE(length)).toBe(HEADER + WORD * Math.ceil(length / WORD));
  });

  test.each([-1, 0.5, 2 ** 31])('refuse %d', (length) => {
    expect(() => CMSG_LEN(length)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    expect(() => CMSG_SPACE(length)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });
});

describe('encodeAncillary', () => {
  test("has C's layout", () => {
    const data = Buffer.of(1, 2, 3, 4, 5);
    const bytes = encodeAncillary([
      [SOL_SOCKET, SCM_RIGHTS, data],
      [IPPROTO_IP, IP_TTL, Buffer.of(64, 0, 0, 0)],
    ]);
    expect(bytes.length).toBe(CMSG_SPACE(5) + CMSG_SPACE(4));
    expect(bytes.subarray(0, HEADER)).toEqual(header(HEADER + 5, SOL_SOCKET, SCM_RIGHTS));
    expect(bytes.subarray(HEADER, CMSG_SPACE(5))).toEqual(
      Buffer.concat([data, Buffer.alloc(CMSG_SPACE(5) - HEADER - 5)]),
    );
    expect(bytes.subarray(CMSG_SPACE(5), CMSG_SPACE(5) + HEADER)).toEqual(header(HEADER + 4, IPPROTO_IP, IP_TTL));
  });

  test('is empty for nothing', () => {
    expect(encodeAncillary([]).length).toBe(0);
  });

  test.each<[string, unknown, string]>([
    ['no array', 'x', 'ERR_INVALID_ARG_TYPE'],
    ['no triple', [[1, 2]], 'ERR_INVALID_ARG_TYPE'],
    ['a level that is a name', [['SOL_SOCKET', 1, Buffer.alloc(0)]], 'ERR_INVALID_ARG_TYPE'],
    ['a type that is no int', [[1, 2 ** 31, Buffer.alloc(0)]], 'ERR_OUT_OF_RANGE'],
    ['data that are no bytes', [[1, 1, 5]], 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s', (_what, list, code) => {
    expect(() => encodeAncillary(list as AncillaryItem[])).toThrow(expect.objectContaining({ code }));
  });
});

describe('decodeAncillary', () => {
  const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

  test('reads what encodeAncillary writes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(int, int, fc.uint8Array({ maxLength: 40 }))), (list) => {
        expect(decodeAncillary(encodeAncillary(list))).toEqual(
          list.map(([level, type, data]) => [level, type, Buffer.from(data)]),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('needs no padding after the last message', () => {
    expect(decodeAncillary(encodeAncillary([[1, 2, Buffer.of(9)]]).subarray(0, CMSG_LEN(1)))).toEqual([
      [1, 2, Buffer.of(9)],
    ]);
  });

  test('gives copies', () => {
    const bytes = encodeAncillary([[1, 2, Buffer.of(9)]]);
    const [[, , data]] = decodeAncillary(bytes) as [AncillaryItem<Buffer>];
    bytes.fill(0);
    expect(data).toEqual(Buffer.of(9));
  });

  test('gives the data that are there when a message is cut off', () => {
    const bytes = encodeAncillary([[1, 2, Buffer.alloc(32, 7)]]).subarray(0, HEADER + 3);
    expect(decodeAncillary(bytes)).toEqual([[1, 2, Buffer.alloc(3, 7)]]);
    expect(decodeAncillary(header(2n ** 63n, 1, 2))).toEqual([[1, 2, Buffer.alloc(0)]]);
  });

  test.each([0, 1, HEADER - 1])('ends at a length of %i', (length) => {
    expect(decodeAncillary(Buffer.concat([header(length, 1, 2), Buffer.alloc(64)]))).toEqual([]);
  });

  test('takes any bytes', () => {
    const smallLength = fc.integer({ min: 0, max: 40 }).map((length) => header(length, 1, 2));
    const chunk = fc.oneof(smallLength, fc.uint8Array({ maxLength: 24 }));
    const anyBytes = fc.array(chunk, { maxLength: 6 }).map((chunks) => Buffer.concat(chunks));
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const items = decodeAncillary(bytes);
        const room = items.reduce((total, [, , data]) => total + HEADER + data.length, 0);
        if (room > bytes.length) throw new Error(`${room} bytes read of ${bytes.length}`);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
