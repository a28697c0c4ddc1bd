import { Lab } from 'ioth/lab';
import { findReach } from '../../../lib/lab/testing/reach.js';
import { PATIENCE_MS } from '../../support/until.js';

/* What the message of toReach says: where the last frame ended. */

const CONFIG = {
  networks: {
    lan: { prefix: '10.0.0.0/24', prefix6: 'fd00::/64' },
    wan: { prefix: '10.1.0.0/24', prefix6: 'fd00:1::/64' },
  },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;
const BRIEFLY = { timeout: 700 };

async function messageOf(
  lab: Lab<'lan' | 'wan', 'alice' | 'gate' | 'bob'>,
  to: string,
  port?: number,
): Promise<string> {
  const { pass, message } = await findReach(lab.hosts.alice, to, port, BRIEFLY);
  expect(pass).toBe(false);
  return message();
}

test('a host that is not reached: the last frame, on which network, and what became of it', async () => {
  await using lab = await Lab.create(CONFIG);
  await lab.networks.wan.partition(['gate']);
  // the router does not know the MAC of bob yet
  expect(await messageOf(lab, 'bob')).toMatch(
    /^alice does not reach bob by ping: .*; the last frame from gate that asks for 10\.1\.0\.2 was on wan: dropped: partition$/,
  );
  expect(await messageOf(lab, 'fd00:1::2')).toMatch(
    /; the last frame from gate that asks for fd00:1::2 was on wan: dropped: partition$/,
  );
  await lab.heal();
  expect((await findReach(lab.hosts.alice, 'bob', undefined, { timeout: PATIENCE_MS })).pass).toBe(true);

  await lab.networks.wan.partition(['gate']);
  expect(await messageOf(lab, 'bob')).toMatch(/; the last frame from alice to bob was on wan: dropped: partition$/);
  expect(await messageOf(lab, 'Bob.lab.test', 80)).toMatch(
    /^alice does not reach Bob\.lab\.test, TCP port 80: .*; the last frame from .* was on wan: dropped: partition$/,
  );
  expect(await messageOf(lab, '10.1.0.2', 80)).toMatch(
    /; the last frame from alice to 10\.1\.0\.2 was on wan: dropped: partition$/,
  );
  await lab.heal();

  const drop = await lab.networks.lan.intercept({ to: 'alice', icmp: 'echo-reply' }, 'drop');
  expect(await messageOf(lab, 'bob')).toMatch(
    /; the last frame from bob to alice was on lan: intercepted: drop \(\d\)$/,
  );
  await drop.stop();

  lab.hosts.bob.stack.sysctl('net.ipv4.icmp_echo_ignore_all', 1);
  expect(await messageOf(lab, '10.1.0.2')).toMatch(
    /; the last frame from alice to 10\.1\.0\.2 was on wan, which passed it on$/,
  );
});

test('a host that refuses, a name that there is not, and an address without a way', async () => {
  await using lab = await Lab.create(CONFIG);
  expect(await messageOf(lab, 'bob', 80)).toMatch(/^alice does not reach bob, TCP port 80: [^;]*ECONNREFUSED[^;]*$/);
  expect(await messageOf(lab, 'carol')).not.toContain(';');
  expect(await messageOf(lab, '10.9.0.1')).toMatch(/; no frame from alice to 10\.9\.0\.1 was on any network$/);
});

describe('through NATs', () => {
  // both homes have the same prefix, and alice and bob the same address
  const HOMES = {
    networks: {
      internet: '203.0.113.0/24',
      carrier: '100.64.0.0/24',
      home: '192.168.1.0/24',
      office: '192.168.1.0/24',
    },
    hosts: {
      server: 'internet',
      cgnat: { networks: ['carrier', 'internet'], nat: 'cgnat' },
      fritz: { networks: ['home', 'carrier'], nat: 'home' },
      cisco: {
        networks: ['office', 'internet'],
        nat: { type: 'port-restricted', forwards: [{ protocol: 'tcp', port: 80, to: 'bob' }] },
      },
      alice: 'home',
      bob: 'office',
    },
  } as const;

  type Homes = Lab<'internet' | 'carrier' | 'home' | 'office', keyof typeof HOMES.hosts>;

  async function failureOf(lab: Homes, to: string, port?: number): Promise<string> {
    const { pass, message } = await findReach(lab.hosts.alice, to, port, BRIEFLY);
    expect(pass).toBe(false);
    return message();
  }

  it('the message follows the packet, both ways', async () => {
    await using lab = await Lab.create(HOMES);
    const { alice, bob, server } = lab.hosts;
    const { internet, carrier, office } = lab.networks;
    expect([alice.address(), bob.address()]).toEqual(['192.168.1.2', '192.168.1.2']);
    // the neighbours know each other, and bob has a mapping
    for (const host of [alice, bob]) {
      expect((await findReach(host, 'server', undefined, { timeout: PATIENCE_MS })).pass).toBe(true);
    }
    using _listener = server.stack.create_server(':7');
    using socket = bob.stack.socket();
    socket.bind(['', 5000]);
    await socket.connect('203.0.113.1:7');

    const lost = await internet.intercept({ fromAddress: '203.0.113.2' }, 'drop');
    expect(await failureOf(lab, 'server')).toMatch(
      /; the last frame from alice to server was on internet: nat: 100\.64\.0\.2:\d+ → 203\.0\.113\.2:\d+; to server: intercepted: drop \(\d+\)$/,
    );
    expect(await failureOf(lab, 'server', 9)).toMatch(
      /from alice to server was on internet: nat: .*; to server: intercepted: drop/,
    );
    await lost.stop();

    const answers = await carrier.intercept({ from: 'cgnat', protocol: 'icmp' }, 'drop');
    expect(await failureOf(lab, 'server')).toMatch(
      /; the last frame from server to alice was on carrier: intercepted: drop \(\d+\)$/,
    );
    await answers.stop();

    expect(await failureOf(lab, 'bob', 81)).toMatch(
      /; the last frame from alice to bob was on internet: nat: \S+ → \S+; to cisco: dropped: nat: no mapping$/,
    );
    expect(await failureOf(lab, '203.0.113.3', 5000)).toMatch(
      /; the last frame from alice to 203\.0\.113\.3 was on internet: nat: \S+ → \S+; to cisco: dropped: nat: filtered$/,
    );

    await office.cut({ from: 'cisco', to: 'bob' });
    const behind = /; the last frame from alice to \S+ was on office: dropped: cut$/;
    expect(await failureOf(lab, 'bob', 80)).toMatch(behind);
    expect(await failureOf(lab, '203.0.113.3', 80)).toMatch(behind);
    await office.heal();

    // a host that has the same address behind the other NAT is another host
    server.stack.sysctl('net.ipv4.icmp_echo_ignore_all', 1);
    await office.cut({ from: 'bob', to: 'cisco' });
    const pinging = bob.ping('203.0.113.1', { count: 10, interval: 100, timeout: 100 }).catch(() => {});
    expect(await failureOf(lab, 'server')).toMatch(
      /; the last frame from alice to server was on internet: nat: \S+ → \S+, which passed it on$/,
    );
    await pinging;
  });

  it('a NAT that sends nothing says why', async () => {
    await using lab = await Lab.create({
      networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24' },
      hosts: {
        server: 'internet',
        fritz: { networks: ['home', 'internet'], nat: 'home', firewall: [{ protocol: 'tcp', action: 'drop' }] },
        alice: 'home',
      },
    });
    const { pass, message } = await findReach(lab.hosts.alice, 'server', 80, BRIEFLY);
    expect([pass, message()]).toEqual([
      false,
      expect.stringMatching(/; the last frame from alice to server was on internet: dropped: firewall: rule 1$/),
    ]);
  });
});
