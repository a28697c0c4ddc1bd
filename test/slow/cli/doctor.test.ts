import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { plugins } from 'ioth';
import { isOlder, namespaceFinding } from '../../../lib/cli/doctor/system.js';
import type { Exit } from '../../support/child.js';
import { buildCli, ioth, iothUnder, startIoth } from '../../support/cli.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';

beforeAll(buildCli);

interface Report {
  ok: boolean;
  findings: { check: string; status: string; message: string; remedy?: string; version?: string; package?: string }[];
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
  expect(stdout.trimEnd().endsWith('Stacks work here.')).toBe(true);
  await expectNothingLeft(before);
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
  expect(code).toBe(1);
  expect(findingOf(report, '/dev/net/tun')).toMatchObject({
    status: 'fault',
    message: 'there is no such device',
    remedy: expect.stringContaining('modprobe tun'),
  });
  expect(findingOf(report, 'a real stack')).toMatchObject({ status: 'fault' });
});

const asRoot = process.getuid?.() === 0 ? it : it.skip;
if (process.getuid?.() !== 0) console.log('doctor: a /dev/net/tun of another owner needs root to be made: skipped');

asRoot('with a /dev/net/tun that is closed to this user', async () => {
  const script =
    'mount -t tmpfs none /dev/net; mknod -m 600 /dev/net/tun c 10 200; chown 1000:1001 /dev/net/tun; ' +
    'set -- setpriv --bounding-set -dac_override,-dac_read_search "$@"';
  const { code, report } = await doctorAfter(script);
  expect(code).toBe(1);
  expect(findingOf(report, '/dev/net/tun')).toMatchObject({
    status: 'fault',
    message: 'mode 0600, owner 1000:1001; user 0 cannot open it (EACCES)',
    remedy: expect.stringContaining('chmod 666 /dev/net/tun'),
  });
});

it('where no more user namespaces are allowed', async () => {
  const off = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const { code, stdout, stderr } = await iothUnder(['unshare', '-Ur', 'sh', '-ec', off, 'sh'], ['doctor', '--json']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(findingOf(JSON.parse(stdout), 'user namespaces')).toMatchObject({
    status: 'fault',
    message: 'user.max_user_namespaces is 0: no process may make one',
    remedy: 'sysctl -w user.max_user_namespaces=10000 (as root)',
  });
  expect(findingOf(JSON.parse(stdout), 'a real stack')).toMatchObject({
    status: 'fault',
    message: expect.stringContaining('ENOSPC'),
    remedy: expect.stringContaining('see user namespaces above'),
  });
});

describe('user namespaces, simulated settings of kernels that are not this one', () => {
  it.each([
    [{ 'kernel.unprivileged_userns_clone': 0 }, false, 'fault', 'sysctl -w kernel.unprivileged_userns_clone=1'],
    [{ 'kernel.unprivileged_userns_clone': 0 }, true, 'ok', undefined],
    [{ 'kernel.unprivileged_userns_clone': 1 }, false, 'ok', undefined],
    [{ 'kernel.apparmor_restrict_unprivileged_userns': 1 }, false, 'warning', 'an AppArmor profile for node'],
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
