import { rmSync } from 'node:fs';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNIX,
  EAI_ADDRFAMILY,
  ETH_P_IP,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MULTICAST_IF,
  SO_BINDTODEVICE,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
  type Stack,
  TCP_CONGESTION,
} from 'ioth';
import { useNetwork } from '../../support/network.js';
import { udpOn } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

describe.each([
  ['IPv4', AF_INET, '10.0.0.1', (port: number) => `10.0.0.1:${port}` as const],
  ['IPv6', AF_INET6, 'fd00::1', (port: number) => `[fd00::1]:${port}` as const],
] as const)('an address of %s', (_, family, host, textOf) => {
  test('as text and as { host, port }, wherever one goes', async () => {
    using listener = a.socket(family);
    listener.bind(textOf(0));
    listener.listen();
    const { port } = listener.getsockname();
    for (const address of [textOf(port), { host, port }]) {
      using client = b.socket(family);
      await client.connect(address);
      using blocking = b.socket(family);
      blocking.sync.connect(address);
      expect(client.getpeername()).toMatchObject({ address: host, port });
    }
    const [server, [, udpPort]] = udpOn(a, host);
    using client = b.socket(family, SOCK_DGRAM);
    await client.sendto('text', textOf(udpPort));
    await client.sendto('object', 0, { host, port: udpPort });
    await client.sendmsg(['message'], [], 0, textOf(udpPort));
    client.sync.sendto('blocking', textOf(udpPort));
    for (const word of ['text', 'object', 'message', 'blocking']) expect(String(await server.recv())).toBe(word);
    server.close();
  });
});

test('a link-local address has its interface in the text, or as scopeid', async () => {
  const host = 'fe80::a:1';
  a.ipaddr_add(AF_INET6, host, 64, a.if_nametoindex('vde0'));
  // one of its own, that is not tentative still
  b.ipaddr_add(AF_INET6, 'fe80::a:2', 64, b.if_nametoindex('vde0'));
  using listener = a.socket(AF_INET6);
  listener.bind('[::]:0');
  listener.listen();
  const { port } = listener.getsockname();
  const forms = [`[${host}%vde0]:${port}`, { host, port, scopeid: 'vde0' }, [host, port, 0, 'vde0']] as const;
  for (const form of forms) {
    using client = b.socket(AF_INET6);
    await client.connect(form);
    expect(client.getpeername()).toMatchObject({ address: host, port, scopeid: b.if_nametoindex('vde0') });
  }
  using client = b.socket(AF_INET6);
  await expect(client.connect({ host, port, scopeid: 'nosuch' })).rejects.toMatchObject({ code: 'ENODEV' });
});

test('a unix path stays a path', () => {
  using socket = a.socket(AF_UNIX);
  const path = `${net.dir}/10.0.0.1:80`;
  socket.bind(path);
  expect(socket.getsockname().address).toBe(path);
  expect(() => a.socket(AF_INET).bind(path)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  rmSync(path);
});

test('a packet socket is bound to an interface by name', async () => {
  for (const address of [{ ifindex: 'vde0', protocol: ETH_P_IP }, ['vde0', ETH_P_IP] as const]) {
    using frames = a.socket(AF_PACKET, SOCK_RAW);
    frames.bind(address);
    expect(frames.getsockname()).toMatchObject({ ifindex: a.if_nametoindex('vde0'), protocol: ETH_P_IP });
  }
  using frames = a.socket(AF_PACKET, SOCK_RAW);
  expect(() => frames.bind({ ifindex: 'nosuch' })).toThrow(expect.objectContaining({ code: 'ENODEV' }));
});

test('an option takes the name of an interface', () => {
  using four = a.socket(AF_INET, SOCK_DGRAM);
  four.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, 'vde0');
  expect(String(four.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16))).toBe('vde0\0');
  four.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, '');
  expect(four.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16)).toHaveLength(0);
  four.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, 'vde0');
  using six = a.socket(AF_INET6, SOCK_DGRAM);
  six.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, 'vde0');
  expect(six.getsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF)).toBe(a.if_nametoindex('vde0'));
  using tcp = a.socket();
  tcp.setsockopt(IPPROTO_TCP, TCP_CONGESTION, 'reno');
  expect(String(tcp.getsockopt(IPPROTO_TCP, TCP_CONGESTION, 16))).toMatch(/^reno\0/);

  const refused = (option: number, value: string) => () => four.setsockopt(SOL_SOCKET, option, value);
  expect(refused(SO_BINDTODEVICE, 'nosuch')).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  expect(refused(SO_BINDTODEVICE, 'vde0-and-more-of-it')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
  );
  expect(refused(SO_REUSEADDR, 'vde0')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});

test('an address of the other family says which socket it needs', async () => {
  using four = a.socket();
  using six = a.socket(AF_INET6);
  const needs = (family: string) => expect.stringContaining(`socket(${family})`);
  await expect(four.connect(['fd00::2', 80])).rejects.toMatchObject({
    ...{ name: 'GaiError', code: 'EAI_ADDRFAMILY', eai: EAI_ADDRFAMILY, message: needs('AF_INET6') },
  });
  await expect(four.connect('[fd00::2]:80')).rejects.toMatchObject({ message: needs('AF_INET6') });
  await expect(six.connect('10.0.0.2:80')).rejects.toMatchObject({
    ...{ code: 'EAI_ADDRFAMILY', message: expect.stringContaining('::ffff:10.0.0.1') },
  });
  expect(() => four.bind(['fd00::1', 0])).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: needs('AF_INET6') }),
  );
  expect(() => six.sync.connect(['10.0.0.2', 80])).toThrow(expect.objectContaining({ message: needs('AF_INET') }));
});

test('recv and recvfrom without a size have room for any datagram', async () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  using client = b.socket(AF_INET, SOCK_DGRAM);
  const longest = Buffer.alloc(65507, 'x');
  // one at a time: the queue does not hold many
  const received = [
    () => server.recv(),
    async () => (await server.recvfrom())[0],
    () => server.sync.recv(),
    () => server.sync.recvfrom()[0],
  ];
  server.settimeout(60);
  for (const receive of received) {
    await client.sendto(longest, address);
    expect(await receive()).toHaveLength(65507);
  }
  server.close();
});
