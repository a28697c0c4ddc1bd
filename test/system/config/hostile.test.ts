import { setImmediate as turn } from 'node:timers/promises';
import {
  AF_INET6,
  IOTHCONF_DHCP,
  IOTHCONF_DHCPV6,
  IOTHCONF_ETH,
  IOTHCONF_RD,
  IPPROTO_ICMPV6,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
  type Socket,
  Stack,
} from 'ioth';
import { ipBytes } from '../../../lib/address/ip.js';
import { concat, u16, u32 } from '../../../lib/config/bytes.js';
import { DHCPACK, DHCPNAK, DHCPOFFER, Option } from '../../../lib/config/dhcp4/message.js';
import { stateOf, useNetwork } from '../../support/network.js';
import { advertHeader, dhcp4Reply, leaseOptions, option6, optionNd, prefixOption, tlv } from '../../support/packets.js';
import { PATIENCE_MS, until } from '../../support/until.js';

const PACKETS = 10_000;
const MAC = [2, 0, 0, 0, 0, 0x66];

let client: Stack;

afterEach(() => client?.close());
const lan = useNetwork(0, 'test');

function newClient(): void {
  client = new Stack('vdestack', lan.vnl, null, { conf: 'builtin' });
  client.linksetaddr(client.if_nametoindex('vde0'), Uint8Array.from(MAC));
}

/** A UDP socket on the port of DHCP servers, and the number of the last message that came there. */
function fakeServer(stack: Stack): { socket: Socket; xid: () => number } {
  const socket = stack.socket(2, SOCK_DGRAM);
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from('vde0'));
  socket.bind(['', 67]);
  let xid = 0;
  void (async () => {
    for (;;) {
      const message = await socket.recv(2000);
      if (message.length > 8) xid = message.readUInt32BE(4);
    }
  })().catch(() => {});
  return { socket, xid: () => xid };
}

test(`${PACKETS} malformed packets during an exchange, and the exchange succeeds`, async () => {
  const enemy = lan.stack('10.0.0.66/24', 'fd00::66/64');
  const server = lan.stack('10.0.0.1/24', 'fd00::1/64');
  newClient();
  const ifindex = enemy.if_nametoindex('vde0');
  const udp = fakeServer(enemy);
  const udp6 = enemy.socket(AF_INET6, SOCK_DGRAM);
  udp6.bind(['', 547]);
  const icmp = enemy.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  icmp.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);

  let settled = false;
  const configured = client.iothconfig('auto', { timeout: PATIENCE_MS }).finally(() => {
    settled = true;
  });
  const target = await linkLocalOf(client);
  // what is of another exchange is dropped unread
  await until('the client asks for a lease', () => udp.xid() !== 0);
  for (let i = 0; i < PACKETS; i++) {
    const kind = i % 3;
    if (kind === 0) await udp.socket.sendto(malformedDhcp4(i, udp.xid()), ['255.255.255.255', 68]);
    else if (kind === 1) await udp6.sendto(malformedDhcp6(i), [target, 546, 0, ifindex]).catch(() => {});
    else await icmp.sendto(malformedAdvert(i), ['ff02::1', 0, 0, ifindex]);
    if (i % 20 === 0) await turn();
  }
  expect(settled).toBe(false);
  await lan.dnsmasq(
    server,
    '--dhcp-range=10.0.0.50,10.0.0.90,2m',
    '--dhcp-range=fd00::50,fd00::90,64,2m',
    '--enable-ra',
  );
  expect(await configured).toBe(IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD);
  expect(stateOf(client).addresses.length).toBe(2);
});

test('a server that says NAK to every request: ECANCELED, with its words', async () => {
  const { socket } = answering((xid, type) =>
    type === 1
      ? dhcp4Reply({ xid, mac: MAC, options: leaseOptions(DHCPOFFER) })
      : dhcp4Reply({
          xid,
          mac: MAC,
          yiaddr: [0, 0, 0, 0],
          options: concat(
            tlv([
              [Option.MESSAGE_TYPE, [DHCPNAK]],
              [Option.SERVER_ID, [10, 0, 0, 1]],
              [Option.MESSAGE, Buffer.from('not you\n')],
            ]),
            Uint8Array.of(255),
          ),
        }),
  );
  await expect(client.iothconfig('eth,dhcp', { timeout: 10_000 })).rejects.toMatchObject({
    code: 'ECANCELED',
    message: expect.stringContaining('the server 10.0.0.1 refused the address: not you'),
  });
  expect(stateOf(client).addresses).toEqual([]);
  socket.close();
});

test('a server that gives nonsense: what makes no sense is left out', async () => {
  answering((xid, type) =>
    dhcp4Reply({
      xid,
      mac: MAC,
      options: leaseOptions(type === 1 ? DHCPOFFER : DHCPACK, [
        [Option.ROUTER, [127, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 0]],
        [Option.DNS, [0, 0, 0, 0, 10, 0, 0, 1, 224, 0, 0, 1]],
        [Option.DOMAIN_NAME, Buffer.from('x\nnameserver 6.6.6.6')],
        [Option.DOMAIN_SEARCH, [0xc0, 0]],
        [Option.MTU, [0, 1]],
      ]),
    }),
  );
  expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
  expect(stateOf(client)).toEqual({ addresses: ['10.0.0.50/24'], routes: [] });
  expect(client.ioth_resolvconf()).toBe('nameserver 10.0.0.1\n');
});

/** A server that answers each message of the client as `answer` says. */
function answering(answer: (xid: number, type: number) => Uint8Array): { socket: Socket } {
  const stack = lan.stack('10.0.0.1/24');
  newClient();
  const socket = stack.socket(2, SOCK_DGRAM);
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from('vde0'));
  socket.bind(['', 67]);
  void (async () => {
    for (;;) {
      const message = await socket.recv(2000);
      // the message type is the first option
      await socket.sendto(answer(message.readUInt32BE(4), message[242] ?? 0), ['255.255.255.255', 68]);
    }
  })().catch(() => {});
  return { socket };
}

async function linkLocalOf(stack: Stack): Promise<string> {
  for (let i = 0; i < 100; i++) {
    const found = stack.interfaces().flatMap((link) => link.addresses.filter(({ scope }) => scope === 253));
    if (found[0]) return found[0].address;
    await turn();
  }
  throw new Error('no link-local address');
}

function malformedDhcp4(i: number, xid: number): Uint8Array {
  const good = leaseOptions(i % 2 ? DHCPOFFER : DHCPACK);
  const body = good.subarray(0, good.length - 1);
  const wrong = [
    concat(body, Uint8Array.of(Option.DNS, 200, 1)), // past the end
    concat(body, Uint8Array.of(Option.ROUTER)), // half an option
    concat(Uint8Array.of(Option.MESSAGE_TYPE, 0), body.subarray(3)), // a type of no octet
    new Uint8Array(i % 60).fill(i), // no options at all
    concat(body.subarray(0, 3), Uint8Array.of(Option.SERVER_ID, 0, Option.LEASE_TIME, 0, 255)),
    concat(body, Uint8Array.of(Option.OVERLOAD, 1, 3, 255)), // file and sname are cut below
  ];
  const packet = dhcp4Reply({
    xid,
    mac: MAC,
    file: new Uint8Array(128).fill(200),
    sname: new Uint8Array(64).fill(200),
    options: wrong[i % wrong.length]!,
  });
  return i % 7 === 0 ? packet.subarray(0, i % packet.length) : packet;
}

function malformedDhcp6(i: number): Uint8Array {
  const wrong = [
    Uint8Array.of(0, 1, 0, 200, 1),
    option6(1),
    option6(3, u32(1)),
    option6(23, new Uint8Array(i % 16 || 1)),
    option6(24, Uint8Array.of(0xc0, 0)),
    option6(2, new Uint8Array(200)),
  ];
  return concat(Uint8Array.of(i % 2 ? 2 : 7, i >> 8, i & 0xff, 0), wrong[i % wrong.length]!);
}

function malformedAdvert(i: number): Uint8Array {
  const prefix = prefixOption(ipBytes('fd00:bad::'), 64, 60, 60);
  const wrong = [
    Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0), // length 0
    concat(prefix, Uint8Array.of(5, 0)),
    prefix.subarray(0, 20),
    optionNd(25, u16(0), u32(60)).subarray(0, 5),
    Uint8Array.of(1),
  ];
  return concat(advertHeader(1800), wrong[i % wrong.length]!);
}
