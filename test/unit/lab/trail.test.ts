import { Headers } from '../../../lib/fabric/headers.js';
import { endpointsOf, fateIn, Traces } from '../../../lib/lab/testing/trail.js';
import { icmpError, tcp, udp } from '../../support/ip-frames.js';

const HERE = { network: 'internet', port: 'fritz' };

test('a host is followed through one NAT after the other, also with IPv6', () => {
  const traces = new Traces(new Set(['192.168.1.2', 'fd00::2']), () => true);
  expect(traces.has('100.64.0.2:4000', HERE)).toBe(false);
  traces.follow('nat: 192.168.1.2:5000 → 100.64.0.2:4000', HERE);
  traces.follow('nat: 100.64.0.2:4000 → 203.0.113.2:3000; to bob: nat: 203.0.113.9:80 → 10.0.0.1:80', HERE);
  traces.follow('nat64: [fd00::2]:6 → 203.0.113.2:6', HERE);
  const known = ['192.168.1.2:1', '[fd00::2]:1', 'fd00::2', '100.64.0.2:4000', '203.0.113.2:3000', '203.0.113.2:6'];
  expect(known.filter((endpoint) => !traces.has(endpoint, HERE))).toEqual([]);
  const unknown = ['100.64.0.2:4001', '100.64.0.2', '10.0.0.1:80', '203.0.113.2:4000'];
  expect(unknown.filter((endpoint) => traces.has(endpoint, HERE))).toEqual([]);
});

test('an address counts only where it is the own one', () => {
  const traces = new Traces(new Set(['192.168.1.2']), (_, { port }) => port === 'fritz');
  traces.follow('nat: 192.168.1.2:5000 → 203.0.113.3:5000', { network: 'internet', port: 'cisco' });
  expect([traces.has('203.0.113.3:5000', HERE), traces.has('192.168.1.2:5000', HERE)]).toEqual([false, true]);
});

test.each([
  [undefined, undefined],
  ['nat: 192.168.1.2:5000 → 203.0.113.2:40000', undefined],
  ['nat: 1.2.3.4:5 → 5.6.7.8:9; to bob: nat: 5.6.7.8:9 → 10.0.0.1:9', undefined],
  ['dropped: loss', 'dropped: loss'],
  ['to bob: dropped: nat: filtered', 'to bob: dropped: nat: filtered'],
  ['nat: waits for its first fragment', 'nat: waits for its first fragment'],
  ['nat: 1.2.3.4:5 → 5.6.7.8:9; dropped: cut', 'nat: 1.2.3.4:5 → 5.6.7.8:9; dropped: cut'],
])('what became of a frame with the comment %j', (comment, fate) => {
  expect(fateIn(comment)).toBe(fate);
});

test('the endpoints of packets; an error of ICMP has none', () => {
  const headers = new Headers();
  const read = (frame: Buffer) => {
    headers.parse(frame, frame.length);
    return endpointsOf(frame, headers);
  };
  const packet = udp('10.0.0.1:5', '10.0.0.2:6');
  expect(read(packet)).toEqual(['10.0.0.1:5', '10.0.0.2:6']);
  expect(read(tcp('10.0.0.1:5', '10.0.0.2:6', 2))).toEqual(['10.0.0.1:5', '10.0.0.2:6']);
  expect(read(icmpError('10.0.0.9', '10.0.0.1', packet))).toEqual(['10.0.0.9', '10.0.0.1']);
});
