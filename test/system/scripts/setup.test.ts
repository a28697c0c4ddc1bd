import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import programsOnly, { installedPackages, knownPrograms, setupTable } from '../../support/programs.js';

/* What scripts/setup installs is what tests, examples and docs need: test/support/programs.ts. */

const ROOT = resolve(__dirname, '../../..');
const known = knownPrograms();
const onDebian = known ? it : it.skip;
if (!known) console.log('setup: without dpkg the table of scripts/setup is not compared with what is here');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ioth-setup-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, name), 0o755);
}

onDebian('what it installs is here', () => {
  const installed = installedPackages();
  // libioth may have been built from source
  const packages = setupTable().flatMap((row) => (row.package === 'libioth0' ? [] : row.package));
  expect(packages.filter((name) => !installed?.has(name))).toEqual([]);
});

onDebian('in the tests no other program is found: not by a program that they start, either', () => {
  const before = process.env.PATH;
  program('stranger', 'echo here');
  try {
    process.env.PATH = `${dir}:${before}`;
    const run = () =>
      spawnSync('sh', ['-c', 'curl --version >/dev/null && stranger'], { env: process.env, encoding: 'utf8' });
    expect(run()).toMatchObject({ status: 0, stdout: 'here\n' });
    // its directory goes with the directory of this test
    process.env.TMPDIR = dir;
    programsOnly();
    expect(run()).toMatchObject({
      status: 127,
      stdout: '',
      stderr: expect.stringMatching(/^stranger: no package of scripts\/setup/),
    });
  } finally {
    process.env.PATH = before;
    delete process.env.TMPDIR;
  }
});

it('in jest itself, too', () => {
  expect(/^[^:]*\/ioth-programs-\w+$/.test(process.env.PATH ?? '')).toBe(known !== undefined);
});

/** Writes a database of dpkg, with one program in each package. @returns its directory */
function dpkgDatabase(packages: readonly (readonly [name: string, status: string, architecture: string])[]): string {
  const admin = join(dir, 'dpkg');
  for (const name of ['info', 'updates']) mkdirSync(join(admin, name), { recursive: true });
  // the names of the lists have an architecture
  writeFileSync(join(admin, 'info/format'), '1\n');
  const stanzas = packages.map(([name, status, architecture]) => {
    writeFileSync(join(admin, `info/${name}:${architecture}.list`), `/usr/bin/${name}\n`);
    return `Package: ${name}
Status: ${status}
Architecture: ${architecture}
Multi-Arch: same
Version: 1
Maintainer: nobody
Description: nothing
`;
  });
  writeFileSync(join(admin, 'status'), stanzas.join('\n'));
  return admin;
}

const PACKAGES = [
  ['curl', 'hold ok installed', 'amd64'],
  ['openssl', 'install ok installed', 'amd64'],
  ['openssl', 'install ok installed', 'i386'],
  ['nsd', 'install reinstreq half-installed', 'amd64'],
] as const;

onDebian('a package on hold counts, and one for two architectures', () => {
  process.env.DPKG_ADMINDIR = dpkgDatabase(PACKAGES);
  try {
    const found = knownPrograms();
    expect(PACKAGES.map(([name]) => found?.has(name))).toEqual([true, true, true, false]);
  } finally {
    delete process.env.DPKG_ADMINDIR;
  }
});

onDebian('what tests, examples, docs and scripts name is known', () => {
  const started: Record<string, string> = {};
  for (const file of ['test', 'examples', 'docs', 'scripts', 'README.md'].flatMap(filesOf)) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/\b(?:spawn|execFile)(?:Sync)?\(\s*'([a-z][\w.+-]*)'/g))
      started[name] = file;
    for (const [, name = ''] of text.matchAll(/['"`](?:\/usr)?\/s?bin\/([\w.+-]+)/g)) started[name] = file;
  }
  expect(Object.keys(started)).toEqual(expect.arrayContaining(['tshark', 'dnsmasq', 'ss', 'bash']));
  expect(Object.entries(started).filter(([name]) => !known?.has(name))).toEqual([]);
});

function filesOf(path: string): string[] {
  if (path.endsWith('.md')) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

describe('scripts/setup where no package is installed (STAND-IN for dpkg-query) and nobody is root (STAND-IN for id)', () => {
  const policy = () => join(dir, 'policy-rc.d');

  /** Runs a copy of it, whose npm packages are there, and whose file that keeps servers from starting is a test's. */
  function setup(purpose: string, osRelease: string, programs: Record<string, string> = {}) {
    for (const name of ['scripts', 'node_modules', 'bin']) mkdirSync(join(dir, name));
    const text = readFileSync(join(ROOT, 'scripts/setup'), 'utf8');
    writeFileSync(join(dir, 'scripts/setup'), text.replace(/^POLICY=.*/m, `POLICY='${policy()}'`), { mode: 0o755 });
    for (const file of ['package-lock.json', 'node_modules/.ioth-setup']) writeFileSync(join(dir, file), '{}');
    const standIns = { 'dpkg-query': 'exit 1', id: 'echo 1000', sudo: 'exit 1', ...programs };
    for (const [name, script] of Object.entries(standIns)) program(`bin/${name}`, script);
    writeFileSync(join(dir, 'os-release'), osRelease);
    const mount = `mount --bind '${dir}/os-release' /etc/os-release; exec '${dir}/scripts/setup' ${purpose}`;
    const flags = process.getuid?.() === 0 ? '-m' : '-Urm';
    const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync('unshare', [flags, 'sh', '-ec', mount], { env, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  const packages = setupTable().flatMap((row) => (row.purpose === 'test' ? row.package : []));

  it('for the demo, with libioth: needs nothing else', () => {
    expect(setup('demo', 'ID=ubuntu\nVERSION_ID=24.04')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('for the tests, on another system: says each package and what for', () => {
    const { status, stdout, stderr } = setup('test', 'ID=ubuntu\nVERSION_ID=22.04');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('setup: it installs on Debian 12, Ubuntu 24.04 and later only: install by hand');
    for (const name of packages) expect(stderr).toMatch(new RegExp(`^  ${name}: \\w+`, 'm'));
  });

  it.each(['ID=debian\nVERSION_ID=13', 'ID=debian', 'ID=ubuntu\nVERSION_ID=24.04', 'ID=ubuntu\nVERSION_ID=26.04'])(
    'for the tests, on a system that has the packages: says the command for root',
    (osRelease) => {
      const { status, stdout, stderr } = setup('test', osRelease);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('setup: sudo does not let this user be root: install by hand what is missing');
      expect(stderr).toContain(`\nas root: apt-get install --no-install-recommends ${packages.join(' ')}\n`);
    },
  );

  onDebian('a package on hold is there, and one for two architectures', () => {
    const query = `exec dpkg-query --admindir='${dpkgDatabase(PACKAGES)}' "$@"`;
    const { stderr } = setup('test', 'ID=debian', { 'dpkg-query': `PATH='${process.env.PATH}'; ${query}` });
    const missing = packages.filter((name) => stderr.includes(`\n  ${name}: `));
    expect(missing).toEqual(packages.filter((name) => name !== 'curl' && name !== 'openssl'));
  });

  it.each(['HUP', 'INT', 'QUIT', 'PIPE', 'TERM'])(
    'SIG%s while root installs (STAND-IN for apt-get): the file that keeps servers from starting goes',
    (signal) => {
      const install = `[ "$2" = -s ] || { ls '${policy()}'; kill -${signal} $PPID; }`;
      const { status, stdout, stderr } = setup('test', 'ID=debian', { id: 'echo 0', 'apt-get': install });
      expect({ status, stderr }).toEqual({ status: 130, stderr: '' });
      expect(stdout).toContain(`\n${policy()}\n`);
      expect(existsSync(policy())).toBe(false);
    },
  );

  it('takes no other word', () => {
    expect(setup('tests', 'ID=debian')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'usage: scripts/setup [demo|test]\n',
    });
  });
});
