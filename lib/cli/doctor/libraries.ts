import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The libraries, with the purpose of each. */
const NEEDED: readonly (readonly [name: LibraryName, purpose: string, isNeeded: boolean])[] = [
  ['ioth', 'makes stacks', true],
  ['vdeplug', 'joins networks', true],
  ['iothaddr', "makes addresses from names: 'iothaddr'", false],
  ['iothconf', "configures stacks with conf 'native'", false],
  ['iothdns', "resolves names with dns 'native'", false],
];

const NETWORKS_REMEDY = 'reinstall the package libvdeplug2t64, which contains them';
/** Plugins of libvdeplug that have packages of their own. */
const NETWORK_PACKAGES: Readonly<Record<string, string>> = { slirp: 'libvdeplug-slirp', vlan: 'libvdeplug-vlan' };
/** The plugins in the examples of ioth(3) and of our docs. */
const USUAL_NETWORKS = ['hub', 'ptp', 'switch', 'vde'];

/** Finds the libraries: where each is, and which package contains it. */
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
    return missing(check, `not installed; it ${purpose}`, remedy);
  });
}

/** Returns the remedy in the error of a missing library. */
function remedyOf(name: LibraryName): string {
  try {
    loadLibrary(name);
    return '';
  } catch (error) {
    return error instanceof LibraryNotFoundError ? error.remedy : String(error);
  }
}

type Origin = Required<Pick<Finding, 'package' | 'version'>>;

/** Finds the Debian package of each file. Finds none on other systems, and for files that were built here. */
async function packagesOf(paths: readonly string[]): Promise<Map<string, Origin>> {
  if (paths.length === 0) return new Map();
  const owners = [...(await dpkgQuery(['-S', ...paths])).matchAll(/^(\S+?)(?::\w+)?: (\/.*)$/gm)];
  const names = [...new Set(owners.map(([, name]) => String(name)))];
  if (names.length === 0) return new Map();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
  const versions = await dpkgQuery(['-W', '-f', '${Package} ${Version}\\n', ...names]);
  const versionOf = new Map(versions.split('\n').map((line) => line.split(' ') as [string, string]));
  return new Map(
    owners.map(([, name = '', path = '']) => [path, { package: name, version: versionOf.get(name) ?? '' }]),
  );
}

async function dpkgQuery(args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('dpkg-query', args, { timeout: 10_000 })).stdout;
  } catch (error) {
    // it fails if it does not know one of several files, but prints the others
    return String((error as { stdout?: unknown }).stdout ?? '');
  }
}

/** Finds the plugins of libioth, which make stacks. */
export function pluginFindings(): Finding[] {
  return plugins().map(({ name, path, package: origin }): Finding => {
    const check = `stack ${name}`;
    if (path !== null) return ok(check, path, { path });
    if (name === 'vdestack') return fault(check, 'there is no plugin of this name', `install ${origin}`);
    return missing(check, 'there is no plugin of this name', `it comes with ${origin}`);
  });
}

/** Finds the plugins of libvdeplug, which join networks. */
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
      .flatMap((file) => /^libvdeplug_(\w+)\.so$/.exec(file)?.[1] ?? [])
      .sort();
  } catch {
    return [];
  }
}
