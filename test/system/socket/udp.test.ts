import {
  AF_INET,
  AF_INET6,
  CMSG_SPACE,
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  inet_ntop,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  SO_BROADCAST,
  SOCK_DGRAM,
  SOL_SOCKET,
  type Stack,
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
  ['IPv4', AF_INET, '10.0.0.1', '10.0.0.2'],
  ['IPv6', AF_INET6, 'fd00::1', 'fd00::2'],
] as const)('UDP over %s', (familyName, family, hostA, hostB) => {
  test('a datagram goes there and back', async () => {
    const [server, address] = udpOn(a, hostA);
    const [client, clientAddress] = udpOn(b, hostB);
    expect(await client.sendto('question', address)).toBe(8);
    const [data, peer] = await server.recvfrom(100);
    expect(data.toString()).toBe('question');
    expect(peer).toMatchObject({ family: familyName, address: clientAddress[0], port: clientAddress[1] });
    // an address that came out goes in
    expect(await server.sendto(Buffer.from('answer'), peer)).toBe(6);
    expect((await client.recvfrom(100))[1]).toMatchObject({ address: hostA, port: address[1] });
    server.close();
    client.close();
  });

  test('connected, it sends without an address and hears only its peer', async () => {
    const [server, address] = udpOn(a, hostA);
    const [stranger] = udpOn(a, hostA);
    const client = b.socket(family, SOCK_DGRAM);
    await client.connect(address);
    await client.send('x');
    const [, peer] = await server.recvfrom(10);
    await stranger.sendto('not for you', peer);
    await server.sendto('for you', peer);
    expect((await client.recv(100)).toString()).toBe('for you');
    for (const socket of [server, stranger, client]) socket.close();
  });

  test('keeps the borders of datagrams: short reads cut, empty ones arrive', async () => {
    const [server, address] = udpOn(a, hostA);
    const client = b.socket(family, SOCK_DGRAM);
    for (const text of ['hello', '', 'end']) await client.sendto(text, address);
    expect((await server.recvfrom(2))[0].toString()).toBe('he');
    expect((await server.recvfrom(10))[0]).toHaveLength(0);
    expect((await server.recvfrom(10, MSG_PEEK))[0].toString()).toBe('end');
    const bytes = Buffer.alloc(5, '.');
    const [count, peer] = await server.recvfrom_into(bytes, 2);
    expect([count, bytes.toString(), peer.family]).toEqual([2, 'en...', familyName]);
    server.close();
    client.close();
  });
});

test('sendto takes flags in front of the address, and options after it', async () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  const [client] = udpOn(b, '10.0.0.2');
  expect(await client.sendto('one', MSG_DONTWAIT, address)).toBe(3);
  expect(await client.sendto('two', address, { signal: new AbortController().signal })).toBe(3);
  expect(await client.sendto('six', 0, address, { signal: new AbortController().signal })).toBe(3);
  for (const text of ['one', 'two', 'six']) expect((await server.recv(10)).toString()).toBe(text);
  server.close();
  client.close();
});

test('recvmsg tells of what was cut off', async () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  server.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
  const client = b.socket(AF_INET, SOCK_DGRAM);
  await client.sendto('0123456789', address);
  const [data, , flags] = await server.recvmsg(4, CMSG_SPACE(4));
  expect(data.toString()).toBe('0123');
  expect(flags & (MSG_TRUNC | MSG_CTRUNC)).toBe(MSG_TRUNC | MSG_CTRUNC);
  server.close();
  client.close();
});

test('IP_PKTINFO and IP_RECVTTL come as control messages; IP_TTL goes as one', async () => {
  const [server, address] = udpOn(a, '');
  server.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
  server.setsockopt(IPPROTO_IP, IP_RECVTTL, true);
  const client = b.socket(AF_INET, SOCK_DGRAM);
  const ttl = Buffer.from(new Int32Array([7]).buffer);
  const sent = await client.sendmsg(['two ', 'parts'], [[IPPROTO_IP, IP_TTL, ttl]], 0, ['10.0.0.1', address[1]]);
  expect(sent).toBe(9);
  const [data, ancdata, flags, peer] = await server.recvmsg(100, CMSG_SPACE(12) + CMSG_SPACE(4));
  expect(data.toString()).toBe('two parts');
  expect(flags).toBe(0);
  expect(peer.address).toBe('10.0.0.2');
  const byType = new Map(ancdata.map(([level, type, bytes]) => [`${level}.${type}`, Buffer.from(bytes)]));
  expect(byType.get(`${IPPROTO_IP}.${IP_TTL}`)?.readInt32LE()).toBe(7);
  // struct in_pktinfo: ifindex, local address, destination of the header
  const pktinfo = byType.get(`${IPPROTO_IP}.${IP_PKTINFO}`) as Buffer;
  expect(pktinfo.readInt32LE()).toBe(a.if_nametoindex('vde0'));
  expect(inet_ntop(AF_INET, pktinfo.subarray(8, 12))).toBe('10.0.0.1');
  server.close();
  client.close();
});

test('IPV6_PKTINFO and IPV6_HOPLIMIT do the same over IPv6', async () => {
  const [server, address] = udpOn(a, 'fd00::1');
  server.setsockopt(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  server.setsockopt(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  const client = b.socket(AF_INET6, SOCK_DGRAM);
  const hops = Buffer.from(new Int32Array([9]).buffer);
  await client.sendmsg([Buffer.from('x')], [[IPPROTO_IPV6, IPV6_HOPLIMIT, hops]], 0, address);
  const [, ancdata] = await server.recvmsg(100, CMSG_SPACE(20) + CMSG_SPACE(4));
  const hop = ancdata.find(([level, type]) => level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT);
  expect(Buffer.from(hop?.[2] ?? []).readInt32LE()).toBe(9);
  const info = ancdata.find(([level, type]) => level === IPPROTO_IPV6 && type === IPV6_PKTINFO);
  expect(inet_ntop(AF_INET6, (info?.[2] ?? Buffer.alloc(0)).subarray(0, 16))).toBe('fd00::1');
  server.close();
  client.close();
});

test('recvmsg_into spreads one datagram over buffers', async () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  const client = b.socket(AF_INET, SOCK_DGRAM);
  const receiving = server.recvmsg_into([Buffer.alloc(0), Buffer.alloc(3), new Uint8Array(10)]);
  await client.sendto('abcdefg', address);
  const [count, ancdata] = await receiving;
  expect([count, ancdata]).toEqual([7, []]);

  const [head, tail] = [Buffer.alloc(3), new Uint8Array(10)];
  await client.sendto('abcdefg', address);
  await server.recvmsg_into([head, tail]);
  expect(head.toString()).toBe('abc');
  expect(Buffer.from(tail).toString('latin1', 0, 4)).toBe('defg');
  server.close();
  client.close();
});

test('broadcasts once SO_BROADCAST is set', async () => {
  const [server, address] = udpOn(a, '');
  const [client] = udpOn(b, '10.0.0.2');
  await expect(client.sendto('x', ['10.0.0.255', address[1]])).rejects.toMatchObject({ code: 'EACCES' });
  client.setsockopt(SOL_SOCKET, SO_BROADCAST, true);
  await client.sendto('to all', ['10.0.0.255', address[1]]);
  expect((await server.recv(100)).toString()).toBe('to all');
  b.iproute_add(AF_INET, null, null, 0, b.if_nametoindex('vde0'));
  await client.sendto('to the link', ['<broadcast>', address[1]]);
  expect((await server.recv(100)).toString()).toBe('to the link');
  server.close();
  client.close();
});

test('a link-local IPv6 address has a zone: a name, a number, or scopeid', async () => {
  const [indexA, indexB] = [a.if_nametoindex('vde0'), b.if_nametoindex('vde0')];
  a.ipaddr_add(AF_INET6, 'fe80::a', 64, indexA);
  b.ipaddr_add(AF_INET6, 'fe80::b', 64, indexB);
  const [server, [, port]] = udpOn(a, 'fe80::a%vde0');
  expect(server.getsockname()).toMatchObject({ address: 'fe80::a', scopeid: indexA });
  const [client] = udpOn(b, `fe80::b%${indexB}`);
  await client.sendto('by name', ['fe80::a%vde0', port]);
  await client.sendto('by number', [`fe80::a%${indexB}`, port]);
  await client.sendto('by scopeid', ['fe80::a', port, 0, indexB]);
  await client.sendto('as an object', { address: 'fe80::a', port, scopeid: indexB });
  for (const text of ['by name', 'by number', 'by scopeid', 'as an object']) {
    const [data, peer] = await server.recvfrom(100);
    expect(data.toString()).toBe(text);
    expect(peer).toMatchObject({ family: 'IPv6', address: 'fe80::b', scopeid: indexA });
  }
  await expect(client.sendto('x', ['fe80::a%nosuch0', port])).rejects.toMatchObject({
    code: 'ENODEV',
    message: expect.stringContaining('nosuch0'),
  });
  server.close();
  client.close();
});

test('sendmsg of nothing is an empty datagram; what is no list is refused', async () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  const client = b.socket(AF_INET, SOCK_DGRAM);
  expect(await client.sendmsg([], [], 0, address)).toBe(0);
  expect((await server.recvmsg(10))[0]).toHaveLength(0);
  await client.sendto('dropped', address);
  expect((await server.recvmsg_into([]))[0]).toBe(0);
  for (const wrong of [null, 5, {}, 'x', [1]]) {
    await expect(client.sendmsg(['x'], wrong as unknown as [], 0, address)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining('ancdata'),
    });
    await expect(client.sendmsg(wrong as unknown as [], [], 0, address)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining('buffers'),
    });
  }
  server.close();
  client.close();
});
