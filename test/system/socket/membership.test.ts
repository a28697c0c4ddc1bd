import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_IF,
  SOCK_DGRAM,
  type Socket,
  type Stack,
} from 'ioth';
import { useNetwork } from '../../support/network.js';

const net = useNetwork();
let receiving: Stack;
let sending: Stack;
beforeAll(() => {
  [receiving, sending] = net.stacks as [Stack, Stack];
});

describe.each([
  ['IPv4', AF_INET, '239.1.2.3', '10.0.0.2', '10.0.0.77'],
  ['IPv6', AF_INET6, 'ff15::123', 'fd00::2', 'fd00::77'],
] as const)('a group of %s', (_, family, group, source, stranger) => {
  let receiver: Socket;
  let sender: Socket;
  beforeEach(() => {
    receiver = receiving.socket(family, SOCK_DGRAM);
    receiver.bind(['', 0]);
    receiver.settimeout(60);
    sender = sending.socket(family, SOCK_DGRAM);
    sender.bind([source, 0]);
    if (family === AF_INET) sender.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, 'vde0');
    else sender.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, 'vde0');
  });
  afterEach(() => {
    receiver.close();
    sender.close();
  });
  const send = (text: string) => sender.sendto(text, [group, receiver.getsockname().port]);

  /** What comes of two datagrams: the second goes to the receiver alone, and is behind the first. */
  async function received(text: string): Promise<string[]> {
    await send(text);
    await sender.sendto('last', [family === AF_INET ? '10.0.0.1' : 'fd00::1', receiver.getsockname().port]);
    const words: string[] = [];
    while (words.at(-1) !== 'last') words.push(String(await receiver.recv()));
    return words.slice(0, -1);
  }

  test.each([['its name'], ['its index']])('is joined on an interface by %s, and left', async (how) => {
    const ifname = how === 'its name' ? 'vde0' : receiving.if_nametoindex('vde0');
    expect(await received('before')).toEqual([]);
    receiver.addMembership(group, ifname);
    expect(await received('meanwhile')).toEqual(['meanwhile']);
    expect(() => receiver.addMembership(group, ifname)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    receiver.dropMembership(group, ifname);
    expect(await received('after')).toEqual([]);
    expect(() => receiver.dropMembership(group, ifname)).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
  });

  test('is joined for one source', async () => {
    receiver.addMembership(group, 'vde0', stranger);
    expect(await received('of another')).toEqual([]);
    receiver.addMembership(group, 'vde0', source);
    expect(await received('of the source')).toEqual(['of the source']);
    receiver.dropMembership(group, 'vde0', source);
    expect(await received('after')).toEqual([]);
  });

  test('refuses what is no group, no interface, no source', () => {
    const join = (...args: unknown[]) => expect(() => Reflect.apply(receiver.addMembership, receiver, args));
    for (const wrong of ['10.0.0.1', 'fd00::1', 'name', '', `${group}%vde0`]) {
      join(wrong).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    }
    join(5).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    join(group, 'nosuch').toThrow(expect.objectContaining({ code: 'ENODEV' }));
    join(group, 99).toThrow(expect.objectContaining({ code: 'ENODEV' }));
    join(group, {}).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    join(group, 'vde0', family === AF_INET ? 'fd00::1' : '10.0.0.1').toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
  });
});

test('an IPv6 group on an IPv4 socket, and any on others, is refused', () => {
  using four = receiving.socket(AF_INET, SOCK_DGRAM);
  expect(() => four.addMembership('ff15::1')).toThrow(
    expect.objectContaining({ message: expect.stringContaining('socket(AF_INET6)') }),
  );
  using unix = receiving.socket(AF_UNIX, SOCK_DGRAM);
  expect(() => unix.addMembership('239.1.2.3')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
});
