import type { NodeStack } from '../../../lib/node/node-stack.js';
import { networkInterfacesOf } from '../../../lib/node/os.js';

const UP = 1;
const RUNNING = 0x40;

/** A stack as picox lists itself: no flag says which link is the loopback, and no address has a label. */
function picox(flags = UP | RUNNING): NodeStack {
  const address = (family: string, text: string, prefixlen: number) => ({ family, address: text, prefixlen });
  const interfaces = [
    { ifindex: 7, name: 'loop', mac: '00:00:00:00:00:00', flags, addresses: [address('IPv4', '127.0.0.1', 8)] },
    {
      ifindex: 9,
      name: 'vde0',
      mac: null,
      flags,
      addresses: [address('IPv4', '10.0.0.1', 20), address('IPv6', 'fe80::1', 64), address('IPv6', 'fd00::1', 128)],
    },
  ];
  const local = { interfaces: () => interfaces, daemonPid: undefined };
  return { local, checkUsable: () => {} } as unknown as NodeStack;
}

it('lists a stack that tells less than the kernel', () => {
  expect(networkInterfacesOf(picox())).toEqual({
    loop: [
      {
        address: '127.0.0.1',
        netmask: '255.0.0.0',
        family: 'IPv4',
        mac: '00:00:00:00:00:00',
        internal: true,
        cidr: '127.0.0.1/8',
      },
    ],
    vde0: [
      {
        address: '10.0.0.1',
        netmask: '255.255.240.0',
        family: 'IPv4',
        mac: '00:00:00:00:00:00',
        internal: false,
        cidr: '10.0.0.1/20',
      },
      {
        address: 'fe80::1',
        netmask: 'ffff:ffff:ffff:ffff::',
        family: 'IPv6',
        mac: '00:00:00:00:00:00',
        internal: false,
        cidr: 'fe80::1/64',
        scopeid: 9,
      },
      {
        address: 'fd00::1',
        netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        family: 'IPv6',
        mac: '00:00:00:00:00:00',
        internal: false,
        cidr: 'fd00::1/128',
        scopeid: 0,
      },
    ],
  });
});

it.each([
  ['down', 0],
  ['without a carrier', UP],
])('leaves out what is %s', (_what, flags) => {
  expect(networkInterfacesOf(picox(flags))).toEqual({});
});
