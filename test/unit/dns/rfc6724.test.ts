import { mappedBytes } from '../../../lib/address/ip.js';
import { type SourceAddress, scopeOf, sortDestinations } from '../../../lib/dns/rfc6724.js';

function from(address: string, prefixLength = 64, deprecated = false): SourceAddress {
  return { address, prefixLength, deprecated };
}

// RFC 6724, 10.2: destination and its source, in the order that the RFC gives
test.each<[string, [string, SourceAddress | null][]]>([
  [
    'prefer matching scope',
    [
      ['2001:db8:1::1', from('2001:db8:1::2')],
      ['198.51.100.121', from('169.254.13.78', 16)],
    ],
  ],
  [
    'prefer matching scope, IPv4',
    [
      ['198.51.100.121', from('198.51.100.117', 24)],
      ['2001:db8:1::1', from('fe80::1')],
    ],
  ],
  [
    'prefer higher precedence',
    [
      ['2001:db8:1::1', from('2001:db8:1::2')],
      ['10.1.2.3', from('10.1.2.4', 24)],
    ],
  ],
  [
    'prefer smaller scope',
    [
      ['fe80::1', from('fe80::2')],
      ['2001:db8:1::1', from('2001:db8:1::2')],
    ],
  ],
  [
    'prefer matching label',
    [
      ['2002:c633:6401::1', from('2002:c633:6401::2')],
      ['2001:db8:1::1', from('2002:c633:6401::2')],
    ],
  ],
  [
    'longest matching prefix',
    [
      ['2001:db8:1::1', from('2001:db8:1::2')],
      ['2001:db8:3ffe::1', from('2001:db8:3f44::2')],
    ],
  ],
  [
    'avoid unusable',
    [
      ['10.1.2.3', from('10.1.2.4')],
      ['2001:db8::1', null],
    ],
  ],
  [
    'avoid deprecated',
    [
      ['2001:db8:2::1', from('2001:db8:2::2')],
      ['2001:db8:1::1', from('2001:db8:1::2', 64, true)],
    ],
  ],
  [
    'unique local after global',
    [
      ['2001:db8::1', from('2001:db8::2')],
      ['fd00::1', from('fd00::2')],
    ],
  ],
])('%s', (_rule, expected) => {
  const candidates = expected.map(([address, source]) => ({ address, source }));
  expect(sortDestinations(candidates)).toEqual(candidates);
  expect(sortDestinations([...candidates].reverse())).toEqual(candidates);
});

test('IPv4 prefixes count only within the network of the source', () => {
  const near = { address: '10.0.0.7', source: from('10.0.0.6', 24) };
  const nearer = { address: '192.0.2.1', source: from('10.0.0.6', 24) };
  const far = { address: '10.0.1.7', source: from('10.0.0.6', 24) };
  expect(sortDestinations([far, nearer, near])).toEqual([near, far, nearer]);
});

test('what nothing decides keeps its order', () => {
  const candidates = ['192.0.2.3', '192.0.2.1', '192.0.2.2'].map((address) => ({ address, source: null }));
  expect(sortDestinations(candidates)).toEqual(candidates);
});

test.each([
  ['::1', 2],
  ['fe80::1', 2],
  ['fec0::1', 5],
  ['fd00::1', 14],
  ['2001:db8::1', 14],
  ['ff05::1', 5],
  ['127.0.0.1', 2],
  ['169.254.1.1', 2],
  ['10.0.0.1', 14],
])('the scope of %s is %i', (address, scope) => {
  expect(scopeOf(mappedBytes(address))).toBe(scope);
});
