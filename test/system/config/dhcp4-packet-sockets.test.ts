import { setImmediate as turn } from 'node:timers/promises';
import {
  AF_INET,
  AF_PACKET,
  IothError,
  PACKET_BROADCAST,
  PACKET_HOST,
  SO_BINDTODEVICE,
  SOCK_DGRAM,
  SOL_SOCKET,
  type Socket,
  Stack,
  setdefaulttimeout,
} from 'ioth';
import { DHCPRELEASE } from '../../../lib/config/dhcp4/message.js';
import { Dhcp4Sockets } from '../../../lib/config/dhcp4/sockets.js';
import { decodeUdp } from '../../../lib/config/ipv4-udp.js';
import type { Child } from '../../support/child.js';
import { stateOf, useNetwork } from '../../support/network.js';
import { waitForProbe } from '../../support/patient-probe.js';
import { PATIENCE_MS } from '../../support/until.js';

type MakeSocket = (family?: number, type?: number, proto?: number) => Socket;

/** No frame has it (IEEE 802: local experiments). */
const NO_FRAMES = 0x88b5;

/**
 * PICOX STAND-IN: a vdestack by another name, whose packet sockets are as picox's: bind does not change their protocol, and
 * makes them deaf, because picoTCP compares the MAC address that it was given, zeros, with each frame's.
 */
class PicoxStandIn extends Stack {
  readonly protocols: number[] = [];

  constructor(vnl: string) {
    super('vdestack', vnl, null, { conf: 'builtin' });
    const make = this.socket as MakeSocket;
    this.socket = ((family, type, proto = 0) => {
      const socket = Reflect.apply(make, this, [family, type, proto]);
      if (family !== AF_PACKET) return socket;
      this.protocols.push(proto);
      const { bind } = socket;
      socket.bind = ((address: object) =>
        bind.call(socket, { ...address, protocol: NO_FRAMES } as never)) as typeof socket.bind;
      return socket;
    }) satisfies MakeSocket as typeof this.socket;
  }

  override get hasKernelSockets(): boolean {
    return false;
  }
}

class WatchedStack extends Stack {
  readonly protocols: number[] = [];
  readonly timeouts: (() => number | null)[] = [];

  constructor(vnl: string) {
    super('vdestack', vnl, null, { conf: 'builtin' });
    const make = this.socket as MakeSocket;
    this.socket = ((family, type, proto = 0) => {
      if (family === AF_PACKET) this.protocols.push(proto);
      const socket = Reflect.apply(make, this, [family, type, proto]);
      this.timeouts.push(() => socket.gettimeout());
      return socket;
    }) satisfies MakeSocket as typeof this.socket;
  }
}

/** A vdestack that has no descriptor for sockets, or refuses to bind them: exhausting the process would break the test itself. */
class ExhaustedStandIn extends Stack {
  refuses: 'socket' | 'bind' | 'nothing' = 'nothing';
  readonly made: Socket[] = [];

  constructor(vnl: string) {
    super('vdestack', vnl);
    const make = this.socket as MakeSocket;
    this.socket = ((...args) => {
      if (this.refuses === 'socket') throw new IothError('EMFILE', { syscall: 'socket' });
      const socket = Reflect.apply(make, this, args);
      this.made.push(socket);
      if (this.refuses === 'bind') socket.bind = () => refuse();
      return socket;
    }) satisfies MakeSocket as typeof this.socket;
  }
}

function refuse(): never {
  throw new IothError('ENOMEM', { syscall: 'bind' });
}

afterEach(() => jest.restoreAllMocks());
const lan = useNetwork(0, 'test');
let host: Stack;
let server: Child;
beforeEach(async () => {
  host = lan.stack('10.0.0.1/24');
  server = await lan.dnsmasq(
    host,
    '--dhcp-range=10.0.0.50,10.0.0.90,2m',
    '--dhcp-sequential-ip',
    '--dhcp-option=option:domain-name,a.example b.example',
  );
});

/** The packet type of the next RELEASE that arrives at a packet socket: packet(7). */
async function typeOfRelease(socket: Socket): Promise<number | undefined> {
  for (;;) {
    const [bytes, { pkttype }] = await socket.recvfrom(2048);
    const packet = decodeUdp(bytes);
    // the client's first option is its type
    if (packet?.destinationPort === 67 && packet.payload[242] === DHCPRELEASE) return pkttype;
  }
}

test("picox stand-in: DHCP's packet sockets are made with their protocol and not bound; a lease, its probe, its release", async () => {
  const stack = new PicoxStandIn(lan.vnl);
  // whoever answers the probe has the first address
  lan.stack('10.0.0.50/24');
  waitForProbe();
  await stack.iothconfig('eth,dhcp', { timeout: PATIENCE_MS });
  expect(stateOf(stack)).toEqual({ addresses: ['10.0.0.51/24'], routes: ['0.0.0.0/0 10.0.0.1'] });
  await stack.iothconfig('-dhcp');
  await server.logs(/DHCPDECLINE\(vde0\) 10\.0\.0\.50(.|\n)*DHCPRELEASE\(vde0\) 10\.0\.0\.51/);
  // htons of ETH_P_IP and ETH_P_ARP
  expect(new Set(stack.protocols)).toEqual(new Set([0x0008, 0x0608]));
  await stack.close();
});

test("the kernel's get theirs by bind, which is quicker; two names in option 15 are two domains", async () => {
  const stack = new WatchedStack(lan.vnl);
  await stack.iothconfig('eth,dhcp');
  expect(new Set(stack.protocols)).toEqual(new Set([0]));
  expect(stack.ioth_resolvconf()).toContain('search a.example b.example\n');
  await stack.close();
});

test.each([
  ["to the server's MAC address", WatchedStack, PACKET_HOST],
  ['to all where packet sockets do not tell it', PicoxStandIn, PACKET_BROADCAST],
] as const)('a release is sent %s', async (_, Client, type) => {
  const frames = host.socket(AF_PACKET, SOCK_DGRAM);
  frames.bind({ ifindex: host.if_nametoindex('vde0'), protocol: 0x0800 });
  const stack = new Client(lan.vnl);
  await stack.iothconfig('eth,dhcp');
  await stack.iothconfig('-dhcp');
  expect(await typeOfRelease(frames)).toBe(type);
  await server.logs(/DHCPRELEASE/);
  await stack.close();
});

test.each(['socket', 'bind'] as const)(
  'what %s refuses is opened by the next message, or stays closed',
  async (call) => {
    const peer = lan.stack('10.0.0.2/24');
    const udp = peer.socket(AF_INET, SOCK_DGRAM);
    udp.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from('vde0'));
    udp.bind(['', 67]);
    const arp = peer.socket(AF_PACKET, SOCK_DGRAM);
    arp.bind({ ifindex: peer.if_nametoindex('vde0'), protocol: 0x0806 });
    const stack = new ExhaustedStandIn(lan.vnl);
    await stack.iothconfig('eth,ip=10.0.0.3/24');
    const sockets = new Dhcp4Sockets(stack, stack.if_nametoindex('vde0'));
    for (const [to, send, receiver] of [
      ['link', (bytes: Buffer) => sockets.arp(bytes), arp],
      ['link', (bytes: Buffer) => sockets.broadcast(bytes), udp],
      ['host', (bytes: Buffer) => sockets.broadcast(bytes), udp],
      ['host', (bytes: Buffer) => sockets.unicast(bytes, '10.0.0.2'), udp],
    ] as const) {
      stack.refuses = call;
      sockets.listen(to, '10.0.0.3');
      send(Buffer.from('lost'));
      stack.refuses = 'nothing';
      send(Buffer.from('heard'));
      expect((await receiver.recv(100)).toString()).toBe('heard');
      sockets.listen('nothing');
    }
    // packet sockets are closed in a later turn
    await turn();
    expect(stack.made.filter(({ closed }) => !closed)).toEqual([]);
    await stack.close();
  },
);

test("a default timeout is for the program's own sockets", async () => {
  await using stack = new WatchedStack(lan.vnl);
  setdefaulttimeout(0);
  try {
    await stack.iothconfig('eth,dhcp');
  } finally {
    setdefaulttimeout(null);
  }
  expect(new Set(stack.timeouts.map((timeout) => timeout()))).toEqual(new Set([null]));
});
