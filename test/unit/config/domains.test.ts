import { decodeDomains, domainsFromText, encodeDomain } from '../../../lib/config/domains.js';
import { fuzz } from '../../support/fuzz.js';

const name = (text: string) => [...encodeDomain(text)];
const decode = (...bytes: number[]) => decodeDomains(Uint8Array.from(bytes));

test('names are encoded as in RFC 1035', () => {
  expect(name('a.bc.')).toEqual([1, 97, 2, 98, 99, 0]);
});

test('a list of names', () => {
  expect(decode(...name('example.org'), ...name('a.b'))).toEqual(['example.org', 'a.b']);
  expect(decode()).toEqual([]);
});

test('compression inside the list (RFC 3397)', () => {
  // 'eng.apple.com' at 0, 'marketing' and a pointer to 'apple.com' at 4
  const list = [...name('eng.apple.com'), 9, ...Buffer.from('marketing'), 0xc0, 4];
  expect(decode(...list)).toEqual(['eng.apple.com', 'marketing.apple.com']);
});

test('zeros that pad the list are no names', () => {
  expect(decode(...name('a.b'), 0, 0, 0)).toEqual(['a.b']);
});

test.each([
  ['a pointer to itself', [0xc0, 0]],
  ['two pointers to each other', [0xc0, 2, 0xc0, 0]],
  ['a label before a pointer to it', [1, 97, 0xc0, 0]],
  ['a pointer past the end', [0xc0, 99]],
  ['half a pointer', [0xc0]],
  ['a label past the end', [5, 97, 98]],
  ['a label without an end', [1, 97]],
  ['a reserved label type', [0x40, 97, 0]],
  ['a space in a label', [3, 97, 32, 98, 0]],
  ['a newline in a label', [3, 97, 10, 98, 0]],
  ['a dot in a label', [3, 97, 46, 98, 0]],
  ['a name of 256 octets', [...Array.from({ length: 5 }, () => [63, ...new Array(63).fill(97)]).flat(), 0]],
])('%s is malformed', (_, bytes) => {
  expect(decode(...bytes)).toBeNull();
});

test('names as text may be several, may end with NUL or a dot, and holds nothing that resolv.conf could not', () => {
  const text = (value: string) => domainsFromText(Buffer.from(value));
  expect(text('example.org\0')).toEqual(['example.org']);
  expect(text('example.org.')).toEqual(['example.org']);
  expect(text('a.example b.example')).toEqual(['a.example', 'b.example']);
  expect(text(' a.example.  b.example. \0')).toEqual(['a.example', 'b.example']);
  expect(text('')).toEqual([]);
  expect(text('a..b')).toEqual([]);
  expect(text('a.example b\u0007')).toEqual([]);
  expect(text('x\nnameserver 6.6.6.6')).toEqual([]);
});

test('any bytes', () => fuzz([encodeDomain('example.org'), Uint8Array.of(1, 97, 0xc0, 0)], decodeDomains));
