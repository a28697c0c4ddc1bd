import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findLibraryFile } from '../../../ffi/library-files.js';
import {
  type LibraryName,
  LibraryNotFoundError,
  libraryCandidates,
  loadLibrary,
  plugins,
} from '../../../ffi/loader.js';
import { type Finding, fault, missing, ok, warning } from './finding.js';

/** What the libraries of this machine are for. */
const NEEDED: readonly (readonly [name: LibraryName, purpose: string, isNeeded: boolean])[] = [
  ['ioth', 'makes stacks', true],
  ['vdeplug', 'joins networks', true],
  ['iothaddr', "makes addresses from names: 'iothaddr'", false],
  ['iothconf', "the 'native' way to configure", false],
  ['iothdns', "the 'native' way to resolve names", false],
];

const NETWORKS_REMEDY = 'install the package libvdeplug2t64 again: they are part of it';
/** Plugins of libvdeplug in packages of their own. */
const NETWORK_PACKAGES: Readonly<Record<string, string>> = { slirp: 'libvdeplug-slirp', vlan: 'libvdeplug-vlan' };
/** Those that ioth(3)'s own examples, and this guide, are about. */
const USUAL_NETWORKS = ['hub', 'ptp', 'switch', 'vde'];

/** The libraries: where each is, and which package brought it or would. */
export async function libraryFindings(): Promise<Finding[]> {
  const files = NEEDED.map(([name]) => findLibraryFile(libraryCandidates(name)));
  const packages = await packagesOf(files.flatMap(({ path }) => path ?? []));
  return NEEDED.map(([name, purpose, isNeeded], i): Finding => {
    const file = files[i];
    const check = `lib${name}`;
    if (file?.path !== undefined) {
      const origin = packages.get(file.path);
      const version = origin?.version ?? /\.so\.(.+)$/.exec(file.path)?.[1];
      const message = `${file.path}${origin ? ` (${origin.package} ${origin.version})` : version ? ` (${version})` : ''}`;
      return ok(check, message, { path: file.path, version, package: origin?.package });
    }
    const remedy = remedyOf(name);
    if (isNeeded) return fault(check, `${file?.reason}: it ${purpose}`, remedy);
    return missing(check, `not there; it is ${purpose}`, remedy);
  });
}

/** What the error of a library that is missing says to do. */
function remedyOf(name: LibraryName): string {
  try {
    loadLibrary(name);
    return '';
  } catch (error) {
    return error instanceof LibraryNotFoundError ? error.remedy : String(error);
  }
}

interface Origin {
  package: string;
  version: string;
}

/** Which Debian package brought a file; nothing on other systems, and for what was built here. */
async function packagesOf(paths: readonly string[]): Promise<Map<string, Origin>> {
  const found = new Map<string, Origin>();
  if (paths.length === 0) return found;
  const owners = [...(await dpkgQuery(['-S', ...paths])).matchAll(/^(\S+?)(?::\w+)?: (\/.*)$/gm)];
  const names = [...new Set(owners.map(([, name]) => String(name)))];
  if (names.length === 0) return found;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
  const versions = await dpkgQuery(['-W', '-f', '${Package} ${Version}\\n', ...names]);
  const versionOf = new Map(versions.split('\n').map((line) => line.split(' ') as [string, string]));
  for (const [, name = '', path = ''] of owners) {
    found.set(path, { package: name, version: versionOf.get(name) ?? '' });
  }
  return found;
}

async function dpkgQuery(args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('dpkg-query', args, { timeout: 10_000 })).stdout;
  } catch (error) {
    // it fails where it does not know one of several, and prints the others
    return String((error as { stdout?: unknown }).stdout ?? '');
  }
}

/** The stacks that libioth can make. */
export function pluginFindings(): Finding[] {
  return plugins().map(({ name, path, package: origin }): Finding => {
    const check = `stack ${name}`;
    if (path !== null) return ok(check, path, { path });
    if (name === 'vdestack') return fault(check, 'there is no plugin of this name', `install ${origin}`);
    return missing(check, 'there is no plugin of this name', `it comes with ${origin}`);
  });
}

/** The networks that libvdeplug can join: its plugins. */
export function networkFinding(): Finding {
  const check = 'networks';
  const { path } = findLibraryFile(libraryCandidates('vdeplug'));
  if (path === undefined) return fault(check, 'none: libvdeplug is missing', remedyOf('vdeplug'));
  const directory = join(dirname(path), 'vdeplug');
  const names = pluginFiles(directory);
  const lacking = USUAL_NETWORKS.filter((name) => !names.includes(name));
  if (lacking.length > 0) {
    return warning(check, `${directory} has no plugin for ${lacking.join(', ')}`, NETWORKS_REMEDY);
  }
  const others = Object.entries(NETWORK_PACKAGES).filter(([name]) => !names.includes(name));
  const hint = others.map(([name, origin]) => `${name}:// comes with ${origin}`).join(', ');
  return ok(check, `${names.map((name) => `${name}://`).join(' ')}${hint ? `; ${hint}` : ''}`, { path: directory });
}

function pluginFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .flatMap((file) => /^libvdeplug_(\w+)\.so$/.exec(basename(file))?.[1] ?? [])
      .sort();
  } catch {
    return [];
  }
}
