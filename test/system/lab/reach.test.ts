import { Lab, type LabHost } from 'ioth/lab';
import { findReach, findUnreachable } from '../../../lib/lab/testing/reach.js';
import { becomes, PATIENCE_MS, until } from '../../support/until.js';

/* What the message of toReach says: where the last frame ended. */

const CONFIG = {
  networks: {
    lan: { prefix: '10.0.0.0/24', prefix6: 'fd00::/64' },
    wan: { prefix: '10.1.0.0/24', prefix6: 'fd00:1::/64' },
  },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;
const BRIEFLY = { timeout: 700 };

/** Expects what is said of a host that alice does not reach. Beside load the frames of one brief attempt may come late. */
async function expectMessage(
  lab: { hosts: { alice: LabHost } },
  expected: RegExp,
  to: string,
  port?: number,
): Promise<void> {
  let said = '';
  await becomes(async () => {
    const { pass, message } = await findReach(lab.hosts.alice, to, port, BRIEFLY);
    expect(pass).toBe(false);
    said = message();
    return expected.test(said);
  });
  expect(said).toMatch(expected);
}

test('a host that is not reached: the last frame, on which network, and what became of it', async () => {
  await using lab = await Lab.create(CONFIG);
  await lab.networks.wan.partition(['gate']);
  // the router does not know the MAC of bob yet
  await expectMessage(
    lab,
    /^alice does not reach bob by ping: .*; the last frame from gate that asks for 10\.1\.0\.2 was on wan: dropped: partition$/,
    'bob',
  );
  await expectMessage(
    lab,
    /; the last frame from gate that asks for fd00:1::2 was on wan: dropped: partition$/,
    'fd00:1::2',
  );
  await lab.heal();
  expect((await findReach(lab.hosts.alice, 'bob', undefined, { timeout: PATIENCE_MS })).pass).toBe(true);

  await lab.networks.wan.partition(['gate']);
  await expectMessage(lab, /; the last frame from alice to bob was on wan: dropped: partition$/, 'bob');
  await expectMessage(
    lab,
    /^alice does not reach Bob\.lab\.test, TCP port 80: .*; the last frame from .* was on wan: dropped: partition$/,
    'Bob.lab.test',
    80,
  );
  await expectMessage(
    lab,
    /; the last frame from alice to 10\.1\.0\.2 was on wan: dropped: partition$/,
    '10.1.0.2',
    80,
  );
  await lab.heal();

  const drop = await lab.networks.lan.intercept({ to: 'alice', icmp: 'echo-reply' }, 'drop');
  await expectMessage(lab, /; the last frame from bob to alice was on lan: intercepted: drop \(\d+\)$/, 'bob');
  await drop.stop();

  lab.hosts.bob.stack.sysctl('net.ipv4.icmp_echo_ignore_all', 1);
  await expectMessage(lab, /; the last frame from alice to 10\.1\.0\.2 was on wan, which passed it on$/, '10.1.0.2');
});

test('a host that refuses, a name that there is not, and an address without a way', async () => {
  await using lab = await Lab.create(CONFIG);
  await expectMessage(lab, /^alice does not reach bob, TCP port 80: [^;]*ECONNREFUSED[^;]*$/, 'bob', 80);
  await expectMessage(lab, /^[^;]*$/, 'carol');
  await expectMessage(lab, /; no frame from alice to 10\.9\.0\.1 was on any network$/, '10.9.0.1');
});

test('a host is reached whose answers take longer than the pause between two pings', async () => {
  await using lab = await Lab.create({
    networks: { space: { prefix: '10.0.0.0/24', delay: 400 } },
    hosts: { alice: 'space', bob: 'space' },
  });
  expect((await findReach(lab.hosts.alice, 'bob', undefined, { timeout: PATIENCE_MS })).pass).toBe(true);
});

test('a host is not unreachable where no other one has tried', async () => {
  await using lab = await Lab.create({
    networks: { lan: '10.0.0.0/24' },
    hosts: { alice: 'lan', bob: 'lan', carol: 'lan', dave: 'lan' },
  });
  const { alice, bob, carol } = lab.hosts;
  for (const from of [[], 5, null, [5], new Array(1), 'bob', ['alice', 'eve']]) {
    const options = { ...BRIEFLY, from: from as string[] };
    await expect(findUnreachable(bob, options)).rejects.toThrow(
      'options.from must be another host of the lab (alice, carol, dave), ',
    );
  }
  await alice.stack.close();
  carol.stack.once('error', () => {});
  process.kill(carol.stack.daemonPid!, 'SIGKILL');
  await until('carol is dead', () => carol.stack.closed);
  for (const [host, code] of [
    [alice, 'EBADF'],
    [carol, 'ERR_STACK_DEAD'],
  ] as const) {
    await expect(findUnreachable(bob, { ...BRIEFLY, from: host.name })).rejects.toMatchObject({ code });
    for (const port of [undefined, 80]) {
      await expect(findReach(host, 'bob', port, BRIEFLY)).rejects.toMatchObject({ code });
    }
  }
  await expect(findReach(bob, '', undefined, BRIEFLY)).rejects.toThrow('host must be a name or an address');
  await lab.down('bob');
  expect(await findUnreachable(bob, { ...BRIEFLY, from: 'dave' })).toMatchObject({ pass: true });
  await lab.close();
  await expect(findUnreachable(bob, BRIEFLY)).rejects.toThrow('is not running');

  await using lonely = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' } });
  await expect(findUnreachable(lonely.hosts.alice)).rejects.toThrow('host must be a host of a lab with others');
});

test('a host that restarts tries when it is there again', async () => {
  await using lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
  const restarting = lab.restart('alice');
  expect(await findReach(lab.hosts.alice, 'bob', undefined, { timeout: PATIENCE_MS })).toMatchObject({ pass: true });
  await restarting;
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
    await expectMessage(
      lab,
      /; the last frame from alice to server was on internet: nat: 100\.64\.0\.2:\d+ → 203\.0\.113\.2:\d+; to server: intercepted: drop \(\d+\)$/,
      'server',
    );
    await expectMessage(
      lab,
      /from alice to server was on internet: nat: .*; to server: intercepted: drop/,
      'server',
      9,
    );
    await lost.stop();

    const answers = await carrier.intercept({ from: 'cgnat', protocol: 'icmp' }, 'drop');
    await expectMessage(
      lab,
      /; the last frame from server to alice was on carrier: intercepted: drop \(\d+\)$/,
      'server',
    );
    await answers.stop();

    await expectMessage(
      lab,
      /; the last frame from alice to bob was on internet: nat: \S+ → \S+; to cisco: dropped: nat: no mapping$/,
      'bob',
      81,
    );
    await expectMessage(
      lab,
      /; the last frame from alice to 203\.0\.113\.3 was on internet: nat: \S+ → \S+; to cisco: dropped: nat: filtered$/,
      '203.0.113.3',
      5000,
    );

    await office.cut({ from: 'cisco', to: 'bob' });
    const behind = /; the last frame from alice to \S+ was on office: dropped: cut$/;
    await expectMessage(lab, behind, 'bob', 80);
    await expectMessage(lab, behind, '203.0.113.3', 80);
    await office.heal();

    // a host that has the same address behind the other NAT is another host
    server.stack.sysctl('net.ipv4.icmp_echo_ignore_all', 1);
    await office.cut({ from: 'bob', to: 'cisco' });
    const pinging = bob.ping('203.0.113.1', { count: 10, interval: 100, timeout: 100 }).catch(() => {});
    await expectMessage(
      lab,
      /; the last frame from alice to server was on internet: nat: \S+ → \S+, which passed it on$/,
      'server',
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
    await expectMessage(
      lab,
      /; the last frame from alice to server was on internet: dropped: firewall: rule 1$/,
      'server',
      80,
    );
  });
});
