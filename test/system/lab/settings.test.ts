import child_process from 'node:child_process';
import { Stack } from 'ioth';
import { Lab } from 'ioth/lab';
import { applySettings } from '../../../lib/lab/settings.js';
import { type NamespaceSettings, writeSysctls } from '../../../lib/programs/sysctl.js';

/* The settings of sysctl(8) that a lab gives its hosts. */

const NETWORKS = {
  lan: { prefix: '10.0.0.0/24', prefix6: 'fd00::/64', ra: true },
  wan: '10.1.0.0/24',
  home: '192.168.1.0/24',
} as const;
const HOSTS = {
  gate: ['lan', 'wan'],
  fritz: { networks: ['home', 'wan'], nat: 'home' },
  alice: 'lan',
  bob: 'lan',
} as const;
const SET = [
  ['gate', 'net.ipv4.ip_forward', '1'],
  ['gate', 'net.ipv6.conf.all.forwarding', '1'],
  ['fritz', 'net.ipv4.ip_forward', '1'],
  ['fritz', 'net.ipv4.conf.wan.accept_local', '1'],
  ['fritz', 'net.ipv4.conf.all.rp_filter', '0'],
  ['fritz', 'net.ipv4.conf.wan.rp_filter', '0'],
  ['alice', 'net.ipv4.ip_forward', '0'],
  ['bob', 'net.ipv6.conf.lan.accept_dad', '0'],
] as const;

it('one program sets all that the hosts need', async () => {
  const [spawns, others] = [jest.spyOn(child_process, 'spawn'), jest.spyOn(child_process, 'spawnSync')];
  await using lab = await Lab.create({ networks: NETWORKS, hosts: HOSTS });
  const counts = [spawns.mock.calls.length, others.mock.calls.length];
  spawns.mockRestore();
  others.mockRestore();
  expect(counts).toEqual([1, 0]);
  expect(SET.map(([host, name]) => [host, name, lab.hosts[host].stack.sysctl(name)])).toEqual(SET);
});

it('a setting that cannot be made is reported, and those of the others stand', async () => {
  await using lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
  const [alice, bob] = [lab.hosts.alice.stack, lab.hosts.bob.stack];
  const settings: NamespaceSettings[] = [
    { pid: alice.daemonPid!, settings: [["net.ipv4.conf.it's.forwarding", 1]] },
    { pid: bob.daemonPid!, settings: [['net.ipv4.ip_default_ttl', 9]] },
  ];
  expect(await writeSysctls(settings)).toBe(false);
  expect(await writeSysctls(settings.slice(1))).toBe(true);
  expect(bob.sysctl('net.ipv4.ip_default_ttl')).toBe('9');
  const applied = applySettings([
    [alice, [['net.ipv4.ip_default_ttl', 7]]],
    [bob, [["net.ipv4.conf.it's.forwarding", 1]]],
  ]);
  await expect(applied).rejects.toMatchObject({
    code: 'ENOENT',
    syscall: 'sysctl',
    address: "net.ipv4.conf.it's.forwarding",
  });
  expect(alice.sysctl('net.ipv4.ip_default_ttl')).toBe('7');
});

it('a daemon that died is the error', async () => {
  await using stack = new Stack('vdestack', 'null://');
  stack.on('error', () => {}); // it is told too
  process.kill(stack.daemonPid!, 'SIGKILL');
  await expect(applySettings([[stack, [['net.ipv4.ip_default_ttl', 7]]]])).rejects.toMatchObject({
    code: 'ERR_STACK_DEAD',
  });
});
