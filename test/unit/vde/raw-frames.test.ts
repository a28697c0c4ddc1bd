import { rawFrames } from '../../../lib/vde/locator.js';

test.each([
  ['vde:///tmp/sw', 'vde'],
  ['vde:///tmp/sw[3/staff/700]', 'vde'],
  ['ptp:///tmp/cable', 'ptp'],
  ['seqpacket://5', 'seqpacket'],
  ['switch:///tmp/sw', undefined],
  ['hub:///tmp/hub', undefined],
  ['udp://1.2.3.4', undefined],
  ['tap://tap0', undefined],
  ['cmd://cat', undefined],
  ['vlan://3{ptp:///tmp/cable}', undefined],
  // a file may hold any locator
  ['/tmp/sw', undefined],
])('whether frames pass the socket of %s as they are: %s', (vnl, kind) => {
  expect(rawFrames(vnl)).toBe(kind);
});
