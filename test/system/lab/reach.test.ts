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
