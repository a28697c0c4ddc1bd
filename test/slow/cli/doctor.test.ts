import { chmodSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { plugins } from 'ioth';
import { DESCRIPTORS_A_HOST, limitsFinding } from '../../../lib/cli/doctor/limits.js';
import { isOlder, namespaceFinding } from '../../../lib/cli/doctor/system.js';
import { filterRemedy, settingsObstacle } from '../../../lib/process/user-namespaces.js';
import { type Exit, runText, shell } from '../../support/child.js';
import { buildCli, ioth, iothUnder, startIoth } from '../../support/cli.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { NO_INTERFACES, NO_NAMESPACES, underFilter } from '../../support/seccomp.js';
import { DROP, openToAll } from '../../support/unprivileged.js';

beforeAll(buildCli);

interface Report {
  ok: boolean;
  findings: { check: string; status: string; message: string; remedy?: string; version?: string; package?: string }[];
  works: { what: string; works: boolean; why?: string; remedy?: string }[];
  left?: string;
}

const PLUGINS = dirname(plugins().find(({ name }) => name === 'vdestack')?.path as string);
const LIBRARIES = dirname(PLUGINS);
const IN_NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];

/** What doctor finds on a machine that a script changed, in a mount namespace of its own. */
async function doctorAfter(script: string, env?: NodeJS.ProcessEnv): Promise<{ code: Exit['code']; report: Report }> {
  const prefix = [...IN_NAMESPACE, 'sh', '-ec', `${script}; exec "$@"`, 'sh'];
  const { code, stdout, stderr } = await iothUnder(prefix, ['doctor', '--json'], env);
  expect(stderr).toBe('');
  return { code, report: JSON.parse(stdout) };
}

/** Without what C prints if it cannot make an interface. */
const withoutPerror = (text: string) => text.replaceAll('vde0: Operation not permitted\n', '');

/** What doctor finds under a command in front of it, and what a program says that makes stacks there. */
async function doctorUnder(prefix: readonly string[]): Promise<{ report: Report; errors: string[] }> {
  const { stdout, stderr } = await iothUnder(prefix, ['doctor', '--json']);
  expect(withoutPerror(stderr)).toBe('');
  const text = `
    for (const vnl of [undefined, 'null://']) {
      try { new ioth.Stack('vdestack', vnl).closeSync(); console.log('made'); } catch (error) { console.log(String(error)); }
    }`;
  const dir = temporaryDirectory();
  chmodSync(dir, 0o755); // for other users
  const program = await runText(dir, text, { prefix });
  expect(withoutPerror(program.stderr)).toBe('');
  return { report: JSON.parse(stdout), errors: program.stdout.trim().split('\n') };
}

const KERNEL = 'kernel';
const PORTS = 'ports (ioth/vde)';
const BARE = 'vdestack without networks';
const JOINED = 'vdestack with networks';
const TAP = 'wire: tap';
const VETH = 'wire: veth';
const LAB = 'lab (ioth/lab)';
const PROGRAMS = 'programs (spawn, ioth exec)';
const UNPRIVILEGED = 'unprivileged users';
const ALL = [KERNEL, PORTS, BARE, JOINED, TAP, VETH, LAB, PROGRAMS, UNPRIVILEGED];

/** What works; each of the others has a reason and a remedy. */
function working({ works }: Report): string[] {
  expect(works.map(({ what }) => what)).toEqual(ALL);
  const others = works.filter((ability) => !ability.works);
  expect(others).toEqual(
    others.map(({ what }) => ({ what, works: false, why: expect.any(String), remedy: expect.any(String) })),
  );
  return works.filter((ability) => ability.works).map(({ what }) => what);
}

const abilityOf = ({ works }: Report, name: string) => works.find(({ what }) => what === name);

const findingOf = ({ findings }: Report, check: string) => findings.find((finding) => finding.check === check);

it('where all is well: each check, and exit code 0', async () => {
  const before = holdings();
  const { code, stdout, stderr } = await ioth(['doctor']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^ok {6}libioth: \/.*libioth\.so/m);
  for (const check of ['Node.js', 'libvdeplug', 'stack vdestack', 'networks', '/dev/net/tun', 'user namespaces']) {
    expect(stdout).toContain(`ok      ${check}: `);
  }
  expect(stdout).toMatch(/^ok {6}a real stack: two were made, joined by a switch, talked TCP and were closed/m);
  for (const what of ALL.slice(0, -1)) expect(stdout).toContain(`\nyes     ${what}\n`);
  expect(stdout.trimEnd().endsWith('Stacks work here.')).toBe(true);
  await expectNothingLeft(before);
});

it.each([
  ['descriptors', shell('ulimit -n 300'), /^300 descriptors, .*: room for 50 hosts of labs$/, 'nofile'],
  [
    'neighbours',
    [
      ...IN_NAMESPACE,
      'sh',
      '-ec',
      'd=/proc/sys/net/ipv4/neigh/default; mount -t tmpfs none $d; echo 64 >$d/gc_thresh3; exec "$@"',
      'sh',
    ],
    /, 64 neighbours of all stacks: room for \d+ hosts of labs$/,
    'gc_thresh3=1024',
  ],
])('a small limit of %s', async (_, prefix, message, remedy) => {
  const { stdout } = await iothUnder(prefix, ['doctor', '--json']);
  expect(findingOf(JSON.parse(stdout), 'limits')).toEqual({
    check: 'limits',
    status: 'warning',
    message: expect.stringMatching(message),
    remedy: expect.stringContaining(remedy),
  });
});

it.each([
  ['90', 'warning', ': room for 90 hosts of labs'],
  ['unlimited', 'ok', ': room for 3333 hosts of labs'],
])('a limit of processes, simulated: %s', (processes, status, room) => {
  const line = (name: string, soft: string) => `${name.padEnd(26)}${soft.padEnd(21)}unlimited            \n`;
  const finding = limitsFinding(line('Max processes', processes) + line('Max open files', '20000'));
  expect(finding).toMatchObject({
    status,
    message: expect.stringMatching(`^20000 descriptors, ${processes} processes`),
  });
  expect(finding.message).toContain(room);
});

it('a host of a lab takes as many descriptors as the limits are judged by', async () => {
  const text = `
    import { readdirSync } from 'node:fs';
    import { Lab } from 'ioth/lab';
    const counts = [];
    for (const size of [2, 7]) {
      const hosts = Object.fromEntries(Array.from({ length: size }, (_, i) => ['host' + i, 'lan']));
      await using lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts });
      counts.push(readdirSync('/proc/self/fd').length);
    }
    console.log((counts[1] - counts[0]) / 5);`;
  const { stdout, stderr } = await runText(temporaryDirectory(), text);
  expect({ stdout, stderr }).toEqual({ stdout: `${DESCRIPTORS_A_HOST}\n`, stderr: '' });
});

it('--json', async () => {
  const { code, stdout } = await ioth(['doctor', '--json']);
  const report: Report = JSON.parse(stdout);
  expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
  expect(findingOf(report, 'libioth')).toMatchObject({ status: 'ok', version: expect.stringMatching(/^\d/) });
});

it('without libioth: the package that brings it', async () => {
  const { code, report } = await doctorAfter(`mount --bind /dev/null ${realpathSync(`${LIBRARIES}/libioth.so.0`)}`);
  expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false });
  expect(findingOf(report, 'libioth')).toMatchObject({
    status: 'fault',
    remedy: expect.stringContaining('install the package libioth0'),
  });
  expect(findingOf(report, 'a real stack')).toBeUndefined();
});

it('other commands without libioth: the package, and doctor', async () => {
  const hide = `mount --bind /dev/null ${realpathSync(`${LIBRARIES}/libioth.so.0`)}; exec "$@"`;
  const { code, stderr } = await iothUnder([...IN_NAMESPACE, 'sh', '-ec', hide, 'sh'], ['ip', 'vdestack']);
  expect(code).toBe(1);
  expect(stderr).toContain('libioth could not be loaded: install the package libioth0');
  expect(stderr).toContain("run 'ioth doctor' to check this machine");
});

it('without libvdeplug, and so without vdestack', async () => {
  const { code, report } = await doctorAfter(`mount --bind /dev/null ${realpathSync(`${LIBRARIES}/libvdeplug.so.2`)}`);
  expect(code).toBe(1);
  expect(findingOf(report, 'libvdeplug')).toMatchObject({
    status: 'fault',
    remedy: expect.stringContaining('libvdeplug2t64'),
  });
});

it('without plugins of libioth', async () => {
  const { code, report } = await doctorAfter(`mount -t tmpfs none ${PLUGINS}`);
  expect(code).toBe(1);
  expect(findingOf(report, 'stack vdestack')).toMatchObject({ status: 'fault', remedy: 'install libioth0' });
  expect(findingOf(report, 'a real stack')).toMatchObject({ status: 'fault' });
});

it('without plugins of libvdeplug', async () => {
  const { code, report } = await doctorAfter(`mount -t tmpfs none ${LIBRARIES}/vdeplug`);
  expect(code).toBe(1);
  expect(findingOf(report, 'networks')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('has no plugin for hub, ptp, switch, vde'),
  });
});

it('without /dev/net/tun', async () => {
  const { code, report } = await doctorAfter('mount -t tmpfs none /dev/net');
  expect(code).toBe(0);
  expect(findingOf(report, '/dev/net/tun')).toMatchObject({
    status: 'missing',
    message: expect.stringMatching(
      /^there is no \/dev\/net\/tun: it joins a vdestack to networks; stacks use a veth pair/,
    ),
    remedy: expect.stringMatching(/mknod|modprobe tun|--device/),
  });
  expect(findingOf(report, 'wire')).toMatchObject({ status: 'ok', message: 'veth' });
  expect(findingOf(report, 'a real stack')).toMatchObject({ status: 'ok' });
  expect(working(report)).toEqual(ALL.filter((what) => what !== TAP));
  expect(report.left).toBeUndefined();
});

it('without /dev/net/tun, where a tap is asked for', async () => {
  const { code, report } = await doctorAfter('mount -t tmpfs none /dev/net', { IOTH_WIRE: 'tap' });
  expect(code).toBe(1);
  expect(findingOf(report, 'wire')).toMatchObject({ status: 'ok', message: 'tap, by IOTH_WIRE' });
  const trial = findingOf(report, 'a real stack');
  expect(trial).toMatchObject({ status: 'fault', remedy: findingOf(report, '/dev/net/tun')?.remedy });
  expect(trial?.message).toContain('there is no /dev/net/tun: it joins a vdestack to networks');
});

const asRoot = process.getuid?.() === 0 ? it : it.skip;
if (process.getuid?.() !== 0) console.log('doctor: a /dev/net/tun of another owner needs root to be made: skipped');

asRoot('with a /dev/net/tun that is closed to this user', async () => {
  const script =
    'mount -t tmpfs none /dev/net; mknod -m 600 /dev/net/tun c 10 200; chown 1000:1001 /dev/net/tun; ' +
    'set -- setpriv --bounding-set -dac_override,-dac_read_search "$@"';
  const { code, report } = await doctorAfter(script);
  expect(code).toBe(0);
  expect(findingOf(report, '/dev/net/tun')).toMatchObject({
    status: 'missing',
    message: expect.stringMatching(/^\/dev\/net\/tun \(mode 0600, owner 1000:1001\) cannot be opened by uid 0/),
    remedy: expect.stringContaining('chmod 666 /dev/net/tun'),
  });
  expect(working(report)).toEqual(ALL.filter((what) => what !== TAP));
});

asRoot('with a /dev/net/tun for a group', async () => {
  const group = readFileSync('/etc/group', 'utf8').split('\n').at(5)?.split(':') ?? [];
  const script =
    `${openToAll()}; chmod 660 /dev/net/tun; chgrp ${group[2]} /dev/net/tun; ` + `set -- ${DROP.join(' ')} "$@"`;
  const { report } = await doctorAfter(script);
  expect(findingOf(report, '/dev/net/tun')).toMatchObject({
    status: 'missing',
    remedy: expect.stringContaining(`usermod -aG ${group[0]} USER`),
  });
});

asRoot('a user without rights: all works', async () => {
  const { code, report } = await doctorAfter(`${openToAll()}; set -- ${DROP.join(' ')} "$@"`);
  expect({ code, works: working(report) }).toEqual({ code: 0, works: ALL });
});

it('where no more user namespaces are allowed', async () => {
  const off = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const { report, errors } = await doctorUnder(['unshare', '-Ur', 'sh', '-ec', off, 'sh']);
  const why = 'user.max_user_namespaces is 0: no process may make one';
  const remedy = expect.stringMatching(/^sysctl -w user.max_user_namespaces=10000 \(as root/);
  expect(findingOf(report, 'user namespaces')).toMatchObject({ status: 'fault', message: why, remedy });
  expect(findingOf(report, 'a real stack')).toMatchObject({ message: expect.stringContaining(why), remedy });
  expect(working(report)).toEqual(expect.arrayContaining([KERNEL, PORTS]));
  expect(abilityOf(report, BARE)).toMatchObject({ works: false, why: expect.stringContaining(why), remedy });
  expect(report.left).toMatch(/^picox, if you built it/);
  for (const error of errors)
    expect(error).toMatch(/ ENOSPC.*: a namespace was refused: user\.max_user_namespaces is 0/);
});

it('where a seccomp filter refuses namespaces, as that of docker', async () => {
  const { report, errors } = await doctorUnder(underFilter(NO_NAMESPACES));
  const why = 'a seccomp filter refuses them to this process';
  expect(findingOf(report, 'user namespaces')).toMatchObject({ status: 'fault', message: why });
  const { remedy } = findingOf(report, 'user namespaces') ?? {};
  expect(findingOf(report, 'a real stack')).toMatchObject({ message: expect.stringContaining(why), remedy });
  expect(abilityOf(report, BARE)).toMatchObject({ works: false, why: expect.stringContaining(why), remedy });
  expect(working(report)).toEqual([KERNEL, PORTS, TAP]);
  expect(report.left).toMatch(/^picox, if you built it/);
  for (const error of errors)
    expect(error).toContain(`operation not permitted: a user namespace was refused: ${why}. To do: ${remedy}`);
});

it('where AppArmor gives no rights in user namespaces, simulated: a setting of another kernel, and a filter', async () => {
  const setting =
    'kernel.apparmor_restrict_unprivileged_userns is 1: a program without an AppArmor profile has no rights';
  const fake =
    'mount -t tmpfs none /proc/sys/kernel; cd /proc/sys/kernel; echo 65534 | tee overflowuid > overflowgid; ' +
    'echo 1 > apparmor_restrict_unprivileged_userns; cd "$OLDPWD"; exec "$@"';
  const { report, errors } = await doctorUnder([
    ...[...IN_NAMESPACE, 'sh', '-ec', fake, 'sh'],
    ...underFilter(NO_INTERFACES),
  ]);
  expect(findingOf(report, 'user namespaces')).toMatchObject({ message: expect.stringContaining(setting) });
  expect(abilityOf(report, JOINED)).toMatchObject({
    works: false,
    why: expect.stringContaining(setting),
    remedy: expect.stringContaining(`an AppArmor profile for ${process.execPath}`),
  });
  expect(errors).toEqual(['made', expect.stringContaining(`EPERM null://: operation not permitted: ${setting}`)]);
});

describe('what a container is to be given, simulated: words for places that are not this one', () => {
  it.each([
    ['docker', true, 'docker run --cap-add SYS_ADMIN'],
    ['docker', false, 'docker run --security-opt seccomp=unconfined'],
    ['podman', true, 'podman run --cap-add SYS_ADMIN'],
    ['kubernetes', false, 'seccompProfile: { type: Unconfined }'],
    ['lxc', true, 'security.nesting true'],
    ['unit', true, 'RestrictNamespaces=no'],
    ['machine', true, 'seccomp=unconfined'],
  ] as const)('%s, root: %s', (place, isRoot, remedy) => {
    expect(filterRemedy(place, isRoot)).toContain(remedy);
  });

  it('a setting of its machine', () => {
    const obstacle = settingsObstacle({ 'user.max_user_namespaces': 0 }, true, 'docker');
    expect(obstacle?.remedy).toContain('on the machine of this container');
  });
});

describe('user namespaces, simulated settings of kernels that are not this one', () => {
  it.each([
    [{ 'kernel.unprivileged_userns_clone': 0 }, false, 'fault', 'sysctl -w kernel.unprivileged_userns_clone=1'],
    [{ 'kernel.unprivileged_userns_clone': 0 }, true, 'ok', undefined],
    [{ 'kernel.unprivileged_userns_clone': 1 }, false, 'ok', undefined],
    [{ 'kernel.apparmor_restrict_unprivileged_userns': 1 }, false, 'warning', 'an AppArmor profile for'],
    [{ 'kernel.apparmor_restrict_unprivileged_userns': 1 }, true, 'ok', undefined],
    [{ 'user.max_net_namespaces': 0 }, true, 'fault', 'sysctl -w user.max_net_namespaces=10000'],
  ])('%j, privileged: %s', (settings, privileged, status, remedy) => {
    const finding = namespaceFinding(settings, privileged);
    expect(finding.status).toBe(status);
    if (remedy === undefined) expect(finding.remedy).toBeUndefined();
    else expect(finding.remedy).toContain(remedy);
  });
});

it.each([
  [{ IOTH_CONF: 'native' }, 'configuration', 'unset IOTH_CONF, or install libiothconf'],
  [{ IOTH_DNS: 'native' }, 'names', 'unset IOTH_DNS, or install libiothdns'],
  [{ IOTH_DNS: 'magic' }, 'names', 'unset IOTH_DNS, or set it to builtin or native'],
])('a provider that is not there: %j', async (env, check, remedy) => {
  // where somebody has them built
  const hide = 'for f in $(ldconfig -p | sed -n "s/.*=> //p" | grep libioth[cd]); do mount --bind /dev/null "$f"; done';
  const { code, report } = await doctorAfter(hide, { ...env, IOTH_LIBRARY_PATH: '' });
  expect(code).toBe(1);
  expect(findingOf(report, check)).toMatchObject({ status: 'fault', remedy });
});

it('an older Node.js is told by its parts', () => {
  expect(isOlder('20.18.3', '20.19')).toBe(true);
  expect(isOlder('20.19.0', '20.19')).toBe(false);
  expect(isOlder('22.1.0', '20.19')).toBe(false);
  expect(isOlder('8.99.0', '20.19')).toBe(true);
});

it('says each finding as it comes; Ctrl-C ends it', async () => {
  const running = startIoth(['doctor']);
  await running.says('Node.js');
  running.kill('SIGINT');
  const { code, stderr } = await running.exit;
  expect([0, 130]).toContain(code);
  expect(stderr).toBe('');
});
