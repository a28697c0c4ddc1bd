import { DHCPACK, DHCPNAK, DHCPOFFER } from '../../../lib/config/dhcp4/message.js';
import {
  AF_INET,
  AF_INET6,
  IOTHCONF_DHCP,
  IOTHCONF_DHCPV6,
  IOTHCONF_ETH,
  IOTHCONF_INCOMPLETE,
  IOTHCONF_RD,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  type LeaseEvent,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  Stack,
} from '../../../lib/index.js';
import { startScript } from '../../support/child.js';
import { Network, stateOf } from '../../support/network.js';
import { dhcp4Reply, leaseOptions, type Options, tlv } from '../../support/packets.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/** What servers and routers in the field send, and what users of other clients ask for. */

const RANGE = '--dhcp-range=10.0.0.50,10.0.0.90,2m';

const lans: Network[] = [];
const clients: Stack[] = [];
let lan: Network;

beforeEach(async () => {
  lan = await newLan();
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const client of clients.splice(0)) await client.close();
  for (const each of lans.splice(0).reverse()) await each.close();
});

async function newLan(): Promise<Network> {
  const made = await Network.create(0);
  lans.push(made);
  return made;
}

/** A stack with an interface on each network, and what it said of its leases. */
function newClient(...vnls: string[]): Stack & { leases: LeaseEvent[] } {
  const client = new Stack('vdestack', vnls.length > 0 ? vnls : lan.vnl, null, { conf: 'builtin', dns: 'builtin' });
  clients.push(client);
  const leases: LeaseEvent[] = [];
  client.on('lease', (lease) => leases.push(lease));
  return Object.assign(client, { leases });
}

/** SCRIPTED SERVER: answers each DISCOVER and REQUEST with a message of these options, whatever sense it makes. */
function scriptedServer(stack: Stack, optionsOf: (type: number, isRenewal: boolean) => Uint8Array): void {
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from('vde0'));
  socket.bind(['', 67]);
  const answer = async () => {
    for (;;) {
      const request = await socket.recv(2048);
      const xid = request.readUInt32BE(4);
      // the client's first option is its type
      const options = optionsOf(request[242] === 1 ? DHCPOFFER : DHCPACK, request[12] !== 0);
      await socket.sendto(dhcp4Reply({ xid, mac: [...request.subarray(28, 34)], options }), ['255.255.255.255', 68]);
    }
  };
  // until the stack is closed
  answer().catch(() => {});
}

describe('options of DHCP', () => {
  test('dnsmasq sends its lease time twice: the first counts', async () => {
    await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE, '--dhcp-option=51,7200');
    const client = newClient();
    expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
    expect([120, 7200]).toContain(client.leases[0]?.leaseTime);
  });

  test('every option of a fixed length may come twice', async () => {
    const twice: Options = [
      [53, [2]],
      [54, [10, 0, 0, 1]],
      [51, [0, 0, 0, 100]],
      [1, [255, 255, 0, 0]],
      [26, [5, 100]],
      [58, [0, 0, 0, 40]],
      [59, [0, 0, 0, 80]],
    ];
    scriptedServer(lan.stack('10.0.0.1/24'), (type) => tlv([[53, [type]], ...twice, ...twice]));
    const client = newClient();
    await client.iothconfig('eth,dhcp');
    expect(client.leases).toMatchObject([{ addresses: ['10.0.0.50/16'], server: '10.0.0.1', leaseTime: 100 }]);
    expect(client.interfaces().find(({ name }) => name === 'vde0')?.mtu).toBe(5 * 256 + 100);
  });

  test('an offer that was dropped says why', async () => {
    scriptedServer(lan.stack('10.0.0.1/24'), (type) => leaseOptions(type, [], 0));
    const failed = {
      code: 'ETIMEDOUT',
      syscall: 'dhcp',
      message: expect.stringContaining('10.0.0.50 was dropped: it has'),
    };
    await expect(newClient().iothconfig('eth,dhcp', { timeout: 5000 })).rejects.toMatchObject(failed);
  });

  test('249 where there is no 121', async () => {
    const options: Options = [
      [249, [24, 192, 168, 7, 10, 0, 0, 2]],
      [3, [10, 0, 0, 9]],
    ];
    scriptedServer(lan.stack('10.0.0.1/24'), (type) => leaseOptions(type, options));
    const client = newClient();
    await client.iothconfig('eth,dhcp');
    expect(stateOf(client).routes).toEqual(['192.168.7.0/24 10.0.0.2']);
  });

  test('33: networks of their class, and hosts, beside the routers', async () => {
    const routes = '192.168.7.0,10.0.0.2,172.16.0.9,10.0.0.3';
    await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE, `--dhcp-option=33,${routes}`);
    const client = newClient();
    await client.iothconfig('eth,dhcp');
    const { routes: found } = stateOf(client);
    expect(found).toEqual(['0.0.0.0/0 10.0.0.1', '172.16.0.9/32 10.0.0.3', '192.168.7.0/24 10.0.0.2']);
  });
});

test('33 with a default route, with a router that no host can be, and an address too many', async () => {
  const value = [0, 0, 0, 0, 10, 0, 0, 2, 192, 168, 7, 0, 0, 0, 0, 0, 10, 3, 0, 0, 10, 0, 0, 3, 192, 168, 8, 0];
  scriptedServer(lan.stack('10.0.0.1/24'), (type) => leaseOptions(type, [[33, value]]));
  const client = newClient();
  await client.iothconfig('eth,dhcp');
  expect(stateOf(client).routes).toEqual(['10.3.0.0/32 10.0.0.3']);
});

describe('a router', () => {
  test('outside of the prefix is reached, by a route on the link', async () => {
    const server = lan.stack('10.0.0.1/24', '10.9.9.1/32', '192.168.7.7/32');
    const options = ['option:netmask,255.255.255.255', 'option:router,10.9.9.1'];
    await lan.dnsmasq(server, '--dhcp-range=10.0.0.50,10.0.0.50,2m', ...options.map((each) => `--dhcp-option=${each}`));
    const client = newClient();
    expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
    expect(stateOf(client)).toEqual({ addresses: ['10.0.0.50/32'], routes: ['0.0.0.0/0 10.9.9.1'] });
    expect(client.leases).toMatchObject([{ routers: ['10.9.9.1'], unapplied: [] }]);
    server.iproute_add('10.0.0.50/32 dev vde0');
    const sender = client.socket(AF_INET, SOCK_DGRAM);
    const receiver = server.socket(AF_INET, SOCK_DGRAM);
    receiver.bind(['192.168.7.7', 7000]);
    await sender.sendto('beyond', ['192.168.7.7', 7000]);
    expect(String(await receiver.recv(100))).toBe('beyond');
    sender.close();
    receiver.close();
    await client.iothconfig('-dhcp');
    expect(client.routes(AF_INET)).toEqual([]);
  });

  test('that the stack refuses stands in the result, and in the event of the lease', async () => {
    await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE, '--dhcp-option=option:router,10.0.0.255');
    const client = newClient();
    expect(await client.iothconfig('eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_INCOMPLETE);
    expect(client.leases[0]?.unapplied).toMatchObject([
      { action: 'add', item: 'default via 10.0.0.255', error: { syscall: 'RTM_NEWROUTE' } },
    ]);
    expect(stateOf(client)).toEqual({ addresses: client.leases[0]?.addresses, routes: [] });
  });
});

describe('two interfaces', () => {
  let other: Network;
  let client: Stack;
  beforeEach(async () => {
    await lan.dnsmasq(lan.stack('10.0.0.1/24', 'fd00::1/64'), RANGE, '--dhcp-range=fd00::,ra-only,64', '--enable-ra');
    // each network counts what was open before it
    other = await newLan();
    const ofOther = ['--dhcp-range=10.1.0.50,10.1.0.90,2m', '--dhcp-range=fd01::,ra-only,64', '--enable-ra'];
    await other.dnsmasq(other.stack('10.1.0.1/24', 'fd01::1/64'), ...ofOther);
    client = newClient(lan.vnl, other.vnl);
  });
  const defaults = (family: number) =>
    client
      .routes(family)
      .filter((route) => route.dst_prefixlen === 0)
      .map(({ ifname }) => ifname);

  test.each([['vde0', 'vde1'] as const, ['vde1', 'vde0'] as const])(
    'have a default route each; when %s gives its lease back, that of %s is left',
    async (first, second) => {
      await client.iothconfig('iface=vde0,eth,dhcp');
      expect(await client.iothconfig('iface=vde1,eth,dhcp')).toBe(IOTHCONF_ETH | IOTHCONF_DHCP);
      expect(defaults(AF_INET).sort()).toEqual(['vde0', 'vde1']);
      await client.iothconfig(`iface=${first},-dhcp`);
      expect(defaults(AF_INET)).toEqual([second]);
      await client.iothconfig(`iface=${first},dhcp`);
      expect(defaults(AF_INET).sort()).toEqual(['vde0', 'vde1']);
      await client.iothconfig('iface=vde0,-dhcp');
      await client.iothconfig('iface=vde1,-dhcp');
      expect(defaults(AF_INET)).toEqual([]);
    },
  );

  test('so have static gateways, and routers that advertise themselves', async () => {
    await client.iothconfig('iface=vde0,eth,ip=10.0.0.9/24,gw=10.0.0.1,ip=fd00::9/64,gw=fd00::1');
    await client.iothconfig('iface=vde1,eth,ip=10.1.0.9/24,gw=10.1.0.1,ip=fd01::9/64,gw=fd01::1');
    expect(new Set(defaults(AF_INET))).toEqual(new Set(['vde0', 'vde1']));
    expect(new Set(defaults(AF_INET6))).toEqual(new Set(['vde0', 'vde1']));
    await client.iothconfig('iface=vde0,-static');
    await client.iothconfig('iface=vde1,-static');
    expect(await client.iothconfig('iface=vde0,rd')).toBe(IOTHCONF_RD);
    expect(await client.iothconfig('iface=vde1,rd')).toBe(IOTHCONF_RD);
    expect(new Set(defaults(AF_INET6))).toEqual(new Set(['vde0', 'vde1']));
  });
});

describe('auto6', () => {
  const DNS6 = '--dhcp-option=option6:dns-server,[fd00::53]';

  /** The types of the DHCPv6 messages that arrive at a stack, until it is asked. */
  function messagesAt(server: Stack): () => Promise<number[]> {
    const socket = server.socket(AF_INET6, SOCK_DGRAM);
    const ifindex = server.if_nametoindex('vde0');
    const group = Buffer.alloc(20);
    Buffer.from('ff020000000000000000000000010002', 'hex').copy(group);
    new Int32Array(group.buffer, group.byteOffset + 16, 1)[0] = ifindex;
    socket.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, group);
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(['::', 547]);
    return async () => {
      const types: number[] = [];
      const client = clients.at(-1)!;
      const sender = client.socket(AF_INET6, SOCK_DGRAM);
      await sender.sendto(Buffer.of(0), ['ff02::1:2', 547, 0, client.if_nametoindex('vde0')]);
      sender.close();
      for (let type = (await socket.recv(2048))[0]; type; type = (await socket.recv(2048))[0]) types.push(type);
      socket.close();
      return types;
    };
  }

  /** The mask of 'auto6' where there is a router, for which it waits however long that takes to answer. */
  async function auto6(client: Stack): Promise<number> {
    const { setTimeout: set } = globalThis;
    let waits = 0;
    const patiently = (callback: () => void, ms?: number) => {
      // the second after which Dhcp6Service goes on without a router
      if (callback.name !== 'without') return set(callback, ms);
      waits++;
      return set(callback, PATIENCE_MS / 2);
    };
    const spy = jest.spyOn(globalThis, 'setTimeout').mockImplementation(patiently as typeof setTimeout);
    const mask = await client.iothconfig('auto6', { timeout: PATIENCE_MS });
    spy.mockRestore();
    expect(waits).toBe(1);
    return mask;
  }

  test('with O alone asks for options, not for addresses', async () => {
    const range = '--dhcp-range=fd00::,ra-stateless,64,1h';
    const dnsmasq = await lan.dnsmasq(lan.stack('fd00::1/64'), range, '--enable-ra', DNS6);
    const client = newClient();
    expect(await auto6(client)).toBe(IOTHCONF_ETH | IOTHCONF_DHCPV6 | IOTHCONF_RD);
    expect(client.ioth_resolvconf()).toContain('nameserver fd00::53\n');
    await dnsmasq.logs(/DHCPINFORMATION-REQUEST/);
    expect(dnsmasq.output).not.toMatch(/DHCPSOLICIT/);
  });

  test('with neither M nor O asks for nothing; dhcp6 does all the same', async () => {
    const server = lan.stack('fd00::1/64');
    const messages = messagesAt(server);
    await lan.dnsmasq(server, '--dhcp-range=fd00::,ra-only,64,1h', '--enable-ra');
    const client = newClient();
    expect(await auto6(client)).toBe(IOTHCONF_ETH | IOTHCONF_RD);
    expect(await messages()).toEqual([]);
    const asked = messagesAt(server);
    // nobody answers
    await client.iothconfig('rd,dhcp6', { timeout: 500 }).catch(() => {});
    expect((await asked())[0]).toBe(1);
  });

  test('with M, and without any router, asks for addresses', async () => {
    const leases = '--dhcp-range=fd00::50,fd00::90,64,2m';
    const server = lan.stack('fd00::1/64');
    const plain = await lan.dnsmasq(server, leases);
    // a try has six seconds, which may be over while a process stands still
    await until('the server gives an address', async () => {
      const mask = await newClient()
        .iothconfig('auto6')
        .catch(() => 0);
      return mask === (IOTHCONF_ETH | IOTHCONF_DHCPV6);
    });
    await plain.stop();
    const dnsmasq = await lan.dnsmasq(server, leases, '--enable-ra');
    expect(await auto6(newClient())).toBe(IOTHCONF_ETH | IOTHCONF_DHCPV6 | IOTHCONF_RD);
    await dnsmasq.logs(/DHCPSOLICIT/);
  });

  test('ends at once where it is taken off, while it waits for a router', async () => {
    lan.stack();
    const client = newClient();
    const taken = client.iothconfig('auto6');
    await client.iothconfig('-dhcp6,-rd');
    await expect(taken).rejects.toMatchObject({ code: 'ECANCELED' });
  });
});

test('what listeners throw is uncaught, and the client looks for another lease after a loss', async () => {
  scriptedServer(lan.stack('10.0.0.1/24'), (type, isRenewal) => leaseOptions(isRenewal ? DHCPNAK : type, [], 2));
  const client = startScript('throwing-listeners.ts', [lan.vnl]);
  await client.logs(/uncaught expire\nuncaught config\n(.*\n)*uncaught lease\nuncaught config\n/);
  expect(client.stdout).toContain(`mask ${IOTHCONF_ETH | IOTHCONF_DHCP}\n`);
  expect(await client.end().exit).toMatchObject({ code: 0, stderr: '' });
});

describe('items of the language', () => {
  test('noroutes, nonames: all else of a lease, and the event has the whole of it', async () => {
    const options = [
      '--domain=example.org',
      '--dhcp-option=option:dns-server,10.0.0.1',
      '--dhcp-option=option:mtu,1400',
    ];
    await lan.dnsmasq(lan.stack('10.0.0.1/24'), RANGE, ...options);
    const client = newClient();
    await client.iothconfig('eth,dhcp,noroutes');
    expect(stateOf(client)).toMatchObject({ addresses: [expect.stringMatching(/^10\.0\.0\./)], routes: [] });
    expect(client.ioth_resolvconf()).toBe('search example.org\nnameserver 10.0.0.1\n');
    await client.iothconfig('-dhcp');
    await client.iothconfig('dhcp,nonames');
    expect(stateOf(client).routes).toEqual(['0.0.0.0/0 10.0.0.1']);
    expect(client.ioth_resolvconf()).toBe('');
    expect(client.interfaces().find(({ name }) => name === 'vde0')?.mtu).toBe(1400);
    const whole = { routers: ['10.0.0.1'], dns: ['10.0.0.1'], domains: ['example.org'], unapplied: [] };
    expect(client.leases).toMatchObject([whole, whole]);
    await expect(client.iothconfig('dhcp,noroutes=1')).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });

  test.each(['%vde0', ''])("dns=fe80::…%s: a link-local server, on the string's interface", async (zone) => {
    const server = lan.stack('fd00::1/64');
    await lan.dnsmasq(server, '--port=53', '--no-resolv', '--no-hosts', '--host-record=web.example.org,10.0.0.80');
    const link = server.interfaces().find(({ name }) => name === 'vde0')!;
    const address = link.addresses.find(({ scope }) => scope === 253)!.address;
    const client = newClient();
    await client.iothconfig(`eth,ip=fd00::9/64,dns=${address}${zone}`);
    expect(client.ioth_resolvconf()).toBe(`nameserver ${address}%vde0\n`);
    const [found] = await client.getaddrinfo('web.example.org', 80, AF_INET, SOCK_STREAM);
    expect(found).toMatchObject({ sockaddr: { address: '10.0.0.80' } });
    await client.iothconfig(`-dns=${address}${zone}`);
    expect(client.ioth_resolvconf()).toBe('');
  });

  test.each(['dns=fe80::1%', 'dns=fe80::1%no/name', 'dns=fd00::1%vde0', 'dns=10.0.0.1%vde0', 'gw=fe80::1%vde0'])(
    '%s is refused',
    async (item) => {
      lan.stack();
      const named = { code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(`'${item}'`) };
      await expect(newClient().iothconfig(item)).rejects.toMatchObject(named);
    },
  );
});
