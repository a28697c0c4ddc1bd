import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { mappedPath } from './mapped-path.js';
import { checkRuntime } from './runtime.js';

/** Koffi declares its types as an ES module even for `require`. CommonJS code cannot import them plainly (TS1479). */
type LibraryHandle = import('koffi', { with: { 'resolution-mode': 'import' }}).LibraryHandle;

/** The ioth libraries, by the name that follows `lib`. */
export type LibraryName = 'ioth' | 'iothaddr' | 'iothconf' | 'iothdns' | 'vdeplug';

interface LibraryOrigin {
  /** File names that dlopen(3) tries in the system's directories. The name with the ABI version comes first. */
  readonly sonames: readonly string[];
  /** Advice for a machine without the library. */
  readonly remedy: string;
}

const FROM_DEBIAN =
  'install the package libioth0 (Debian 13, Ubuntu 24.04 and later: apt-get install libioth0; elsewhere build it: docs/install.md of ioth)';

const ORIGINS: Record<LibraryName, LibraryOrigin> = {
  ioth: { sonames: ['libioth.so.0', 'libioth.so'], remedy: FROM_DEBIAN },
  iothaddr: { sonames: ['libiothaddr.so.0', 'libiothaddr.so'], remedy: FROM_DEBIAN },
  iothconf: {
    sonames: ['libiothconf.so.0', 'libiothconf.so'],
    remedy: nativeProvider('iothconf', 'conf', 'IOTH_CONF'),
  },
  iothdns: {
    sonames: ['libiothdns.so.0', 'libiothdns.so'],
    remedy: nativeProvider('iothdns', 'dns', 'IOTH_DNS'),
  },
  vdeplug: {
    sonames: ['libvdeplug.so.2', 'libvdeplug.so'],
    remedy:
      'install the package libvdeplug2t64 (Debian 13, Ubuntu 24.04 and later; libvdeplug2 before), which libioth0 needs too',
  },
};

function nativeProvider(repository: string, option: string, variable: string): string {
  return `no distribution packages it: build virtualsquare/${repository}, or use the builtin provider, which is the default (${option}: 'builtin', no ${variable}=native)`;
}

/** The error of the first use of a library that is not installed. `import 'ioth'` alone never throws it. */
export class LibraryNotFoundError extends Error {
  override readonly name = 'LibraryNotFoundError';
  readonly code = 'ERR_LIBRARY_NOT_FOUND';

  constructor(
    readonly library: string,
    readonly searched: readonly string[],
    reasons: readonly string[],
    /** Advice: what to install. */
    readonly remedy: string,
  ) {
    super(
      `lib${library} could not be loaded: ${remedy}. ` +
        `IOTH_LIBRARY_PATH adds directories to search, separated by ':'. ` +
        `Tried ${searched.map((path, i) => `${path} (${reasons[i]})`).join(', ')}`,
    );
  }
}

const loaded = new Map<LibraryName, LibraryHandle>();

/** Returns the paths that {@link loadLibrary} tries, in order: `IOTH_LIBRARY_PATH`, then the system's names. */
export function libraryCandidates(name: LibraryName): string[] {
  const { sonames } = ORIGINS[name];
  const directories = (process.env.IOTH_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  const given = directories.flatMap((directory) => sonames.map((soname) => join(directory, soname)));
  return [...given.filter((path) => existsSync(path)), ...sonames];
}

/**
 * Loads an ioth library by dlopen(3), once per process.
 * @throws {LibraryNotFoundError} with the name of the package to install
 * @throws {UnsupportedRuntimeError}
 */
export function loadLibrary(name: LibraryName): LibraryHandle {
  const known = loaded.get(name);
  if (known) return known;
  checkRuntime();
  const candidates = libraryCandidates(name);
  const reasons: string[] = [];
  for (const path of candidates) {
    try {
      const library = koffi.load(path);
      loaded.set(name, library);
      return library;
    } catch (error) {
      reasons.push(dlopenReason(error));
    }
  }
  throw new LibraryNotFoundError(name, candidates, reasons, ORIGINS[name].remedy);
}

function dlopenReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^Failed to load shared library: /, '').trim();
}

/** Returns whether {@link loadLibrary} would succeed. */
export function hasLibrary(name: LibraryName): boolean {
  try {
    loadLibrary(name);
    return true;
  } catch {
    return false;
  }
}

/** A stack implementation that libioth loads by name. {@link plugins} lists them. */
export interface Plugin {
  name: string;
  /** The shared object; null if it is not installed. */
  path: string | null;
  /** The package that contains it. */
  package: string;
}

const KNOWN_PLUGINS: Record<string, string> = {
  kernel: 'libioth0',
  vdestack: 'libioth0',
  picox: 'virtualsquare/picoxnet (built from source)',
};

/**
 * Lists the stack plugins that libioth finds (in `~/.ioth`, then in the system's directory), and the known plugins that are
 * not installed (their `path` is null).
 */
export function plugins(): Plugin[] {
  const found = new Map<string, string>();
  for (const directory of pluginDirectories()) {
    for (const [name, path] of pluginsIn(directory)) {
      if (!found.has(name)) found.set(name, path);
    }
  }
  const names = [...new Set([...Object.keys(KNOWN_PLUGINS), ...found.keys()])].sort();
  return names.map((name) => ({
    name,
    path: found.get(name) ?? null,
    package: KNOWN_PLUGINS[name] ?? 'unknown',
  }));
}

/** Returns the directories in which ioth_newstack(3) looks for plugins: the user's, then the one beside the library. */
export function pluginDirectories(): string[] {
  const directories = [join(process.env.HOME ?? homedir(), '.ioth')];
  loadLibrary('ioth');
  // the directory is compiled in; packages put it beside the library
  const library = mappedPath('libioth.so');
  if (library) directories.push(join(dirname(library), 'ioth'));
  return directories;
}

/** Returns the SPDX identifier that a plugin declares (`ioth_NAME_license`); undefined without one, or without the plugin. */
export function pluginLicense(name: string): string | undefined {
  const path = pluginPath(name);
  if (!path) return undefined;
  const plugin = koffi.load(path);
  try {
    const license: string | null = koffi.decode(plugin.symbol(`ioth_${name}_license`), 'const char *');
    return license?.replace(/^SPDX-License-Identifier: /, '');
  } catch {
    return undefined;
  } finally {
    plugin.unload();
  }
}

/** Loads a plugin, if it is installed, and keeps it: its threads may still run its code after libioth's dlclose(3). */
export function keepPlugin(name: string): void {
  const path = pluginPath(name);
  if (path) kept.set(path, kept.get(path) ?? koffi.load(path));
}

const kept = new Map<string, LibraryHandle>();

function pluginPath(name: string): string | null | undefined {
  return plugins().find((plugin) => plugin.name === name)?.path;
}

// ioth_NAME-r.so is the form for one name space; ioth_NAME.so gets a name space of its own
function pluginsIn(directory: string): [string, string][] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((file): [string, string][] => {
    const name = /^ioth_(.+?)(-r)?\.so$/.exec(file)?.[1];
    return name ? [[name, join(directory, file)]] : [];
  });
}
