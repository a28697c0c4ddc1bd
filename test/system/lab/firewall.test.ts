import { once } from 'node:events';
import { createServer } from 'node:http';
import { AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW } from 'ioth';
import { Fabric, type Lab, type LabHost } from 'ioth/lab';
import { describeFrame, VdePort } from 'ioth/vde';
import { checkFirewall } from '../../../lib/fabric/firewall/options.js';
import { TCP_FLAGS } from '../../../lib/fabric/tcp-flags.js';
import { tcp } from '../../support/ip-frames.js';
import { get, patientLab, udpSocket } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* Firewalls of hosts and routers. */

const PING = { count: 1, timeout: PATIENCE_MS };

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const NETWORKS = {
  internet: { prefix: '203.0.113.0/24', prefix6: 'fd00:1::/64' },
  office: { prefix: '192.168.1.0/24', prefix6: 'fd00:2::/64' },
} as const;

function labWith(gate: object): Promise<Lab<'internet' | 'office', 'server' | 'gate' | 'alice'>> {
  return patientLab({
    networks: NETWORKS,
    hosts: { server: 'internet', gate: { networks: ['office', 'internet'], ...gate }, alice: 'office' },
  } as never) as never;
}

async function serve(host: LabHost, port: number): Promise<void> {
  await host.run(async () => {
    const server = createServer((_, response) => response.end(host.name));
    await once(server.listen(port), 'listening');
  });
}

/** Connects, and returns the code of the error, or undefined. */
async function failureTo(host: LabHost, address: string, timeout = 0.5): Promise<string | undefined> {
  try {
    (await host.stack.create_connection(address, { timeout })).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

async function drops(lab: Lab): Promise<number> {
  return (await lab.networks.internet!.stats()).total.dropped.firewall;
}

it("'block-inbound': what begins inside gets its answers, in both families, and nothing else comes in", async () => {
  await using lab = await labWith({ firewall: 'block-inbound' });
  const { server, alice } = lab.hosts;
  await serve(server, 80);
  await serve(alice, 80);
  for (const family of [4, 6] as const) {
    const [inside, outside] = [alice.address('office', family), server.address('internet', family)];
    const host = (address: string) => (family === 6 ? `[${address}]` : address);
    expect(await get(alice, `http://${host(outside)}/`)).toBe('server');
    expect((await alice.ping(outside, PING)).received).toBe(1);
    expect((await server.ping(inside, { count: 1, timeout: 300 })).received).toBe(0);
    expect(await failureTo(server, `${host(inside)}:80`)).toBe('ETIMEDOUT');
  }
  // a ping and a SYN of each family
  await until('all of that is dropped', async () => (await drops(lab as Lab)) > 3);
  // an error about what went out comes in
  using client = udpSocket(alice);
  await client.connect('server:9999');
  await client.send('hello');
  await expect(client.recv(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it.each([
  [4, AF_INET, IPPROTO_ICMP, '0800e5ca12340001', 0, 20],
  [6, AF_INET6, IPPROTO_ICMPV6, '8000000012340001', 129, 0],
] as const)(
  'IPv%i: an echo request from outside is no answer, though it has the identifier of a ping that went out',
  async (family, domain, protocol, hex, answer, headerLength) => {
    await using lab = await labWith({ firewall: 'block-inbound' });
    const { server, alice } = lab.hosts;
    const request = Buffer.from(hex, 'hex');
    using client = alice.stack.socket(domain, SOCK_RAW, protocol);
    client.settimeout(PATIENCE_MS / 1000);
    await client.sendto(request, [server.address('internet', family), 0]);
    while ((await client.recv(100))[headerLength] !== answer);
    const before = await drops(lab as Lab);
    using other = server.stack.socket(domain, SOCK_RAW, protocol);
    await other.sendto(request, [alice.address('office', family), 0]);
    await until('it is dropped', async () => (await drops(lab as Lab)) > before);
  },
);

it("'corporate': the web and DNS go out, nothing else", async () => {
  await using lab = await labWith({ firewall: 'corporate', nat: 'corporate' });
  const { server, alice } = lab.hosts;
  await serve(server, 443);
  await serve(server, 8080);
  expect(await get(alice, 'http://server:443/')).toBe('server');
  expect(await failureTo(alice, 'server:8080')).toBe('ETIMEDOUT');
  using dns = udpSocket(server, 53);
  using client = udpSocket(alice);
  await client.sendto('query', 'server:53');
  expect(String((await dns.recvfrom(10))[0])).toBe('query');
  const before = await drops(lab as Lab);
  await client.sendto('binding', 'server:3478');
  await until('it is dropped', async () => (await drops(lab as Lab)) > before);
});

it('rules in order: accept, reject by a reset and by ICMP, drop; captures say which', async () => {
  await using lab = await labWith({
    firewall: {
      rules: [
        { direction: 'in', protocol: 'tcp', to: { address: 'alice', port: [80, 81] }, action: 'accept' },
        { direction: 'in', protocol: 'icmp', action: 'drop' },
        { direction: 'in', action: 'reject' },
        { direction: 'out', protocol: 'udp', to: { address: '203.0.113.0/28', port: 7 }, action: 'reject' },
        { direction: 'out', action: 'accept' },
      ],
    },
  });
  const { server, alice } = lab.hosts;
  const said: string[] = [];
  const capture = await lab.networks.internet.capture(undefined, {
    onFrame: (frame, _time, { comment }) => comment !== undefined && said.push(`${describeFrame(frame)} ## ${comment}`),
  });
  await serve(alice, 80);
  const inside = alice.address();
  expect(await get(server, `http://${inside}/`)).toBe('alice');
  expect(await failureTo(server, `${inside}:81`, 60)).toBe('ECONNREFUSED'); // accepted: nobody listens
  expect(await failureTo(server, `${inside}:82`, 60)).toBe('ECONNREFUSED'); // rejected
  expect((await server.ping(inside, { count: 1, timeout: 300 })).received).toBe(0);
  using asking = udpSocket(server);
  await asking.connect(`${inside}:9`);
  await asking.send('hello');
  await expect(asking.recv(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  using client = udpSocket(alice);
  await client.connect(`${server.address()}:7`);
  await client.send('hello');
  await expect(client.recv(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await capture.stop();
  const comments = said.map((line) => line.split(' ## ')[1]);
  for (const expected of [
    'dropped: firewall: rule 3',
    'dropped: firewall: rule 2',
    'dropped: firewall: rule 4',
    'firewall: rejected',
  ])
    expect(comments.some((comment) => comment?.endsWith(expected))).toBe(true);
});

it('refuses from behind a NAT with the addresses outside: by a reset and by ICMP, in both families', async () => {
  const forward = { port: 8080, to: 'alice', toPort: 80 };
  const forwards = (['tcp', 'udp'] as const).map((protocol) => ({ protocol, ...forward }));
  await using lab = await labWith({
    nat: { type: 'home', prefix6: 'fd00:9::/64', forwards },
    firewall: [{ direction: 'in', action: 'reject' }],
  });
  const { server, gate } = lab.hosts;
  const { address: outside6 } = await server.stack.dns.promises.lookup('alice', 6);
  for (const endpoint of [`${gate.address('internet')}:8080`, `[${outside6}]:80`]) {
    expect(await failureTo(server, endpoint, 60)).toBe('ECONNREFUSED');
    using client = server.stack.socket(endpoint.startsWith('[') ? AF_INET6 : AF_INET, SOCK_DGRAM);
    client.settimeout(PATIENCE_MS / 1000);
    await client.connect(endpoint);
    await client.send('hello');
    await expect(client.recv(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
});

it('counts its refusal as sent: the frame and its bytes', async () => {
  await using fabric = await Fabric.start();
  const network = fabric.addNetwork('lan');
  const plan = checkFirewall('firewall', [{ action: 'reject' }]);
  fabric.addFirewall('server', plan, [network]);
  await using client = await VdePort.open(await network.addCable('client'));
  await using _server = await VdePort.open(await network.addCable('server'));
  await client.send(tcp('10.0.0.1:5000', '10.0.0.2:80', TCP_FLAGS.SYN));
  const { length } = await client.recv({ timeout: PATIENCE_MS });
  expect((await network.stats()).ports.client?.sent).toEqual({ frames: 1, bytes: length });
});

it('changes while it runs; what was accepted goes on until it is flushed', async () => {
  await using lab = await labWith({ firewall: 'block-inbound' });
  const { server, gate, alice } = lab.hosts;
  using echo = udpSocket(server, 7);
  using client = udpSocket(alice, 5000);
  await client.sendto('hello', 'server:7');
  const [, from] = await echo.recvfrom(10);
  await gate.firewall.set([{ direction: 'in', protocol: 'udp', to: { port: 6000 }, action: 'accept' }]);
  await echo.sendto('still', from);
  expect(String((await client.recvfrom(10))[0])).toBe('still');
  await gate.firewall.flush();
  const before = await drops(lab as Lab);
  await echo.sendto('too late', from);
  await until('it is dropped', async () => (await drops(lab as Lab)) > before);
  using other = udpSocket(alice, 6000);
  await echo.sendto('by rule', [from.address, 6000]);
  expect(String((await other.recvfrom(10))[0])).toBe('by rule');
  expect(() => alice.firewall).toThrow("host 'alice' has no firewall");
});

it('a host has one for all its networks, and gets its address by DHCP behind it', async () => {
  await using lab = await patientLab({
    networks: { lan: '10.0.0.0/24' },
    hosts: { one: { networks: 'lan', firewall: 'block-inbound' }, two: 'lan', server: 'lan' },
    dhcp: 'server',
  });
  const { one, two } = lab.hosts;
  expect((await one.ping('two', PING)).received).toBe(1);
  expect((await two.ping('one', { count: 1, timeout: 300 })).received).toBe(0);
});

it.each<[unknown, string]>([
  ['corporat', "config.hosts.gate.firewall must be 'block-inbound' or 'corporate' or 'captive-portal', or rules"],
  [7, 'config.hosts.gate.firewall'],
  [[{ action: 'allow' }], "config.hosts.gate.firewall[0].action must be 'accept' or 'drop' or 'reject'"],
  [[{ action: 'drop', port: 80 }], 'port'],
  [[{ action: 'drop', direction: 'inbound' }], "config.hosts.gate.firewall[0].direction must be 'in' or 'out'"],
  [[{ action: 'drop', protocol: 'sctp' }], 'config.hosts.gate.firewall[0].protocol must be'],
  [[{ action: 'drop', to: { port: 70_000 } }], 'config.hosts.gate.firewall[0].to.port'],
  [[{ action: 'drop', to: { address: 'bob' } }], 'config.hosts.gate.firewall[0].to.address must be an address'],
])('refuses %j', async (firewall, message) => {
  await expect(labWith({ firewall })).rejects.toThrow(message);
});
