import { inspect } from 'node:util';
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  ETH_P_IP,
  IPPROTO_ICMP,
  NETLINK_ROUTE,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  type Stack,
} from 'ioth';
import { aloneStack } from '../../support/network.js';
import { listenOn, tcpPair } from '../../support/sockets.js';

let stack: Stack;
beforeAll(() => {
  stack = aloneStack();
});
afterAll(() => stack.close());

test('a connection, its listener, and the end', async () => {
  const [client, server] = await tcpPair(stack, stack, '10.0.0.1');
  const [own, peer] = [client.getsockname().port, server.getsockname().port];
  expect(inspect(client)).toBe(`Socket <TCP 10.0.0.1:${own} -> 10.0.0.1:${peer}, fd ${client.fileno()}>`);
  const [listener, [, port]] = listenOn(stack, '::1');
  expect(inspect(listener)).toBe(`Socket <TCP6 [::1]:${port} listening, fd ${listener.fileno()}>`);
  for (const socket of [client, server, listener]) socket.close();
  expect(inspect(client)).toBe('Socket <TCP, closed>');
  expect(inspect({ client })).toBe('{ client: Socket <TCP, closed> }');
});

test.each([
  ['UDP', AF_INET, SOCK_DGRAM, 0, undefined, 'UDP 0.0.0.0:0'],
  ['UDP over IPv6', AF_INET6, SOCK_DGRAM, 0, '[::1]:7', 'UDP6 [::1]:7'],
  ['ICMP', AF_INET, SOCK_RAW, IPPROTO_ICMP, undefined, 'raw ICMP 0.0.0.0:1'],
  ['an unnamed unix socket', AF_UNIX, SOCK_DGRAM, 0, undefined, 'unix dgram'],
  ['an abstract one', AF_UNIX, SOCK_SEQPACKET, 0, '\0ioth-shown', 'unix seqpacket @ioth-shown'],
  ['packets', AF_PACKET, SOCK_RAW, 0, { ifindex: 'lo', protocol: ETH_P_IP }, 'packet raw interface 1, IP'],
  ['netlink', AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, { pid: 77, groups: 1 }, 'netlink route pid 77 groups 0x1'],
])('%s', (_, family, type, proto, address, text) => {
  using socket = stack.socket(family, type, proto);
  if (address !== undefined) socket.bind(address);
  expect(inspect(socket)).toBe(`Socket <${text}, fd ${socket.fileno()}>`);
});
