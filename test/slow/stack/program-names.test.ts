import { spawnSync as plainSpawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'ioth';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { canHaveOwnNames } from '../../support/own-names.js';
import { runUnprivileged } from '../../support/unprivileged.js';

/* What programs of a stack find in /etc/hosts, /etc/resolv.conf and gethostname(2). */

const canTry = canHaveOwnNames();
const dir = useDirectory();
let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(async () => {
  await expectNothingLeft(before);
  // other processes may be at work there too
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`ioth-names-${process.pid}-`))).toEqual([]);
});

const HOSTS = '10.0.0.7 seven.example.org seven\n';
const CONF = 'search example.org\nnameserver 10.0.0.1\nnameserver fe80::1%vde0\noptions ndots:2 rotate\n';

/** A stack with names of its own. */
function named(): Stack {
  const hosts = join(dir.path, 'hosts');
  writeFileSync(hosts, HOSTS);
  const stack = new Stack({ stack: 'vdestack', vnl: 'null://', config_dns: CONF, hostname: 'alice' });
  stack.iothdns_setpath('hosts', hosts);
  return stack;
}

function said(stack: Stack, command: string, options: object = {}): string {
  const { stdout, stderr } = stack.spawnSync('sh', ['-c', command], { encoding: 'utf8', ...options });
  return stdout + stderr;
}

/** What a stack has names of its own for, and what is mounted over it, or from this package. Others mount elsewhere meanwhile. */
function machinesOwn(): string[] {
  const paths = ['hosts', 'resolv.conf', 'nsswitch.conf'].map((name) => `/etc/${name}`);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => paths.includes(line.split(' ')[4] ?? '') || line.includes('ioth-'));
  return [...paths.map((path) => readFileSync(path, 'utf8')), hostname(), ...mounts];
}

const namespacesOf = (stack: Stack) => said(stack, 'readlink /proc/self/ns/mnt /proc/self/ns/uts');
const OWN = plainSpawnSync('readlink', ['/proc/self/ns/mnt', '/proc/self/ns/uts'], { encoding: 'utf8' }).stdout;

it('are those of the stack, and the machine keeps its own', async () => {
  if (!canTry) return;
  const ofMachine = machinesOwn();
  await using stack = named();
  expect(said(stack, 'cat /etc/hosts')).toBe(HOSTS);
  expect(said(stack, 'cat /etc/resolv.conf')).toBe(CONF);
  expect(said(stack, 'grep ^hosts: /etc/nsswitch.conf')).toBe('hosts: files dns\n');
  expect(said(stack, 'hostname')).toBe('alice\n');
  expect(said(stack, 'getent hosts seven')).toMatch(/^10\.0\.0\.7 +seven\.example\.org seven\n$/);
  expect(machinesOwn()).toEqual(ofMachine);
});

it('are in one namespace for all programs, and nothing is mounted for a stack without names of its own', async () => {
  if (!canTry) return;
  await using stack = named();
  await using plain = new Stack('vdestack', 'null://');
  expect(namespacesOf(plain)).toBe(OWN);
  const first = namespacesOf(stack);
  expect(first).not.toBe(OWN);
  expect(namespacesOf(stack)).toBe(first);
  await using onlyNamed = new Stack({ stack: 'vdestack', hostname: 'bob' });
  expect(said(onlyNamed, 'hostname; cat /etc/hosts')).toBe(`bob\n${readFileSync('/etc/hosts', 'utf8')}`);
});

it('are as they are when the program starts', async () => {
  if (!canTry) return;
  await using stack = named();
  const early = stack.spawn('sh', ['-c', 'echo ready; read line; cat /etc/resolv.conf'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(early, 'exit');
  await once(early.stdout, 'data');
  stack.iothdns_update('10.0.0.53,[fd00::53]:5353');
  // resolv.conf has no ports
  expect(said(stack, 'cat /etc/resolv.conf')).toBe('nameserver 10.0.0.53\n');
  early.stdin.end('\n');
  expect(String((await once(early.stdout, 'data'))[0])).toBe(CONF);
  await ended;
  stack.iothdns_update(null);
  stack.iothdns_setpath('hosts', null);
  expect(said(stack, 'cat /etc/hosts')).toBe(readFileSync('/etc/hosts', 'utf8'));
});

it('a program has its directory, its environment and its user all the same', async () => {
  if (!canTry) return;
  await using stack = named();
  const work = join(dir.path, 'a directory');
  mkdirSync(work);
  writeFileSync(join(work, 'here'), '#!/bin/sh\npwd; env\n', { mode: 0o755 });
  const env = { 'a-b.c': '1 2', PATH: '/usr/bin:/bin' };
  expect(said(stack, 'pwd')).toBe(`${process.cwd()}\n`);
  // a shell would drop what is no name for it
  const { stdout } = stack.spawnSync('env', [], { cwd: work, env, encoding: 'utf8' });
  expect(stdout.split('\n').sort().slice(1)).toEqual(['PATH=/usr/bin:/bin', 'a-b.c=1 2']);
  expect(stack.spawnSync('./here', [], { cwd: work, encoding: 'utf8' }).stdout.split('\n')[0]).toBe(work);
  const missing = stack.spawnSync('true', [], { cwd: join(dir.path, 'nowhere') });
  expect(missing.error).toMatchObject({ code: 'ENOENT' });
  if (process.getuid?.() === 0) {
    expect(said(stack, 'id -u; cat /etc/hosts; hostname', { uid: 12345, gid: 12345 })).toBe(`12345\n${HOSTS}alice\n`);
  }
});

it('a user without rights has them too', async () => {
  if (!canTry) return;
  const result = await runUnprivileged(
    dir.path,
    `
    const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'null://', config_dns: 'nameserver 10.0.0.1\\n', hostname: 'alice' });
    const { stdout, stderr } = stack.spawnSync('sh', ['-c', 'id -u; hostname; cat /etc/resolv.conf; pwd'], { encoding: 'utf8' });
    console.log(process.getuid() !== 0, (stdout + stderr).replace(process.cwd(), 'here'));
    await stack.close();
    `,
  );
  if (!result) return;
  const stdout = 'true 0\nalice\nnameserver 10.0.0.1\nhere\n\n';
  expect(result).toEqual({ code: 0, stdout, stderr: '' });
});

describe('where the machine does not allow them', () => {
  const life = `
    for (const name of ['alice', 'bob']) {
      const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'null://', config_dns: '10.0.0.1', hostname: name });
      for (const _ of [1, 2]) console.log(stack.spawnSync('sh', ['-c', 'echo runs; ls /sys/class/net >/dev/null'], { encoding: 'utf8' }).stdout.trim());
      await stack.close();
    }`;

  async function without(hide: string): Promise<{ stdout: string; warnings: string[] } | undefined> {
    const prefix = ['unshare', '--mount', '--map-root-user', 'sh', '-c', `${hide} && exec "$@"`, 'sh'];
    const { stdout, stderr, code } = await runText(dir.path, life, { prefix, env: { TMPDIR: dir.path } });
    expect(readdirSync(dir.path).filter((name) => name.startsWith('ioth-names-'))).toEqual([]);
    if (code !== 0 && /unshare|mount/.test(stderr)) {
      console.log(`this machine does not let a test hide a program: ${stderr.trim()}`);
      return undefined;
    }
    return { stdout, warnings: stderr.split('\n').filter((line) => line.includes('Warning:')) };
  }

  /** Hides a program in each of the directories, which may be links to each other. */
  function hidden(name: string): string {
    const paths = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].map((directory) => join(directory, name));
    const files = new Set(paths.filter((path) => existsSync(path)).map((path) => realpathSync(path)));
    return Array.from(files, (file) => `mount --bind /dev/null ${file}`).join(' && ');
  }

  it.each([
    ['unshare', /unshare\(1\) is missing: apt-get install util-linux/],
    ['mount', /programs in a stack do not have all of its names here, .*mount/],
    ['hostname', /programs in a stack do not have all of its names here, .*hostname/],
  ])('programs run, and a warning says why, once: without %s', async (name, message) => {
    const outcome = await without(hidden(name));
    if (!outcome) return;
    expect(outcome.stdout).toBe('runs\n'.repeat(4));
    expect(outcome.warnings).toEqual([expect.stringMatching(message)]);
    expect(outcome.warnings[0]).toContain('[IOTH_PROGRAM_NAMES]');
  });
});
