import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/*
 * The programs that tests may start, at any depth: those that a machine has where nothing was installed by hand. They are Node's,
 * those of every Debian system, and those of the packages in the table of scripts/setup, with what these depend on.
 */

const ROOT = resolve(__dirname, '../..');
const FARM = 'ioth-programs-';
const SYSTEM_DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
const NODE = ['node', 'npm', 'npx'];
/** Links that packages of every Debian system make when they are installed: of no package by dpkg. */
const ALTERNATIVES = ['awk', 'which'];
const REFUSE = `#!/bin/sh
echo "$\{0##*/}: no package of scripts/setup brings it: a test that needs it needs a row of the table there" >&2
exit 127
`;

/** A row of the table in scripts/setup. */
export interface Row {
  purpose: string;
  package: string;
}

export function setupTable(): Row[] {
  const [, table = ''] = /^TABLE='\n(.*?)\n'$/ms.exec(readFileSync(join(ROOT, 'scripts/setup'), 'utf8')) ?? [];
  return table.split('\n').map((line) => {
    const [purpose = '', name = ''] = line.split(/ +/);
    return { purpose, package: name };
  });
}

/** Where each program is that a test may start, by its name; undefined where there is no dpkg. */
export function knownPrograms(): Map<string, string> | undefined {
  const installed = installedPackages();
  if (!installed) return undefined;
  const packages = new Set<string>();
  const add = (name: string) => {
    const found = installed.get(name);
    if (!found || packages.has(found.fullName)) return;
    packages.add(found.fullName);
    found.depends.forEach(add);
  };
  for (const [name, { isEverywhere }] of installed) if (isEverywhere) add(name);
  for (const { package: name } of setupTable()) add(name);

  const programs = new Map<string, string>();
  for (const path of dpkgQuery('-L', ...packages).split('\n')) {
    if (/^(\/usr)?\/s?bin\/[^/]+$/.test(path)) programs.set(basename(path), path);
  }
  for (const name of [...NODE, ...ALTERNATIVES]) {
    const path = pathDirectories()
      .map((directory) => join(directory, name))
      .find(existsSync);
    if (path) programs.set(name, path);
  }
  return programs;
}

/** For jest, before all tests: PATH has those programs. The others of this machine say why they are none. */
export default function programsOnly(): void {
  const programs = knownPrograms();
  if (programs) process.env.PATH = farmOf(programs);
  else
    console.log('without dpkg it is not known which programs scripts/setup brings: tests may start all that are here');
}

/** A directory of links, for every user; it goes with this process. */
function farmOf(programs: Map<string, string>): string {
  const names = pathDirectories()
    .filter(existsSync)
    .flatMap((directory) => readdirSync(directory));
  const farm = mkdtempSync(join(tmpdir(), FARM));
  process.once('exit', () => rmSync(farm, { recursive: true, force: true }));
  chmodSync(farm, 0o755);
  writeFileSync(join(farm, '.refuse'), REFUSE, { mode: 0o755 });
  for (const [name, path] of programs) symlinkSync(path, join(farm, name));
  for (const name of new Set(names))
    if (!programs.has(name) && name !== '.refuse') symlinkSync('.refuse', join(farm, name));
  return farm;
}

/** Not npm's, nor those of jest around this one. */
function pathDirectories(): string[] {
  const own = (process.env.PATH ?? '')
    .split(':')
    .filter((path) => !path.includes('node_modules') && !path.includes(FARM));
  return [...new Set([dirname(process.execPath), ...own, ...SYSTEM_DIRECTORIES])];
}

interface Installed {
  /** With its architecture, where there may be several of it: 'libc6:amd64'. */
  fullName: string;
  /** In every Debian system: dpkg's Essential, or Priority required. */
  isEverywhere: boolean;
  depends: string[];
}

/** By name; undefined where there is no dpkg. Of a package for several architectures it has one. */
export function installedPackages(): Map<string, Installed> | undefined {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
  const format = '${db:Status-Abbrev}\t${binary:Package}\t${Essential}\t${Priority}\t${Pre-Depends}, ${Depends}\n';
  let text: string;
  try {
    text = dpkgQuery('-W', '-f', format);
  } catch {
    return undefined;
  }
  return new Map(
    text.split('\n').flatMap((line) => {
      const [status = '', fullName = '', essential, priority, depends = ''] = line.split('\t');
      // 'hi ' is on hold
      if (!/^.i $/.test(status)) return [];
      const isEverywhere = essential === 'yes' || priority === 'required';
      // of alternatives each one that is here: 'busybox | busybox-static, libc6 (>= 2.36)'
      return [
        [
          fullName.replace(/:.*/, ''),
          {
            fullName,
            isEverywhere,
            depends: depends.split(/[,|]/).map((each) => each.trim().replace(/[ :].*/, '')),
          },
        ] as const,
      ];
    }),
  );
}

function dpkgQuery(...args: string[]): string {
  return execFileSync('dpkg-query', args, {
    // jest's own, which a test may change
    env: process.env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
