import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';

/** Koffi's declarations are a module's, for whoever requires it too: a plain import of theirs is refused there (TS1479). */
type LibraryHandle = import('koffi', { with: { 'resolution-mode': 'import' }}).LibraryHandle;

/** The ioth libraries, by the name that follows `lib`. */
export type LibraryName = 'ioth' | 'iothaddr' | 'iothconf' | 'iothdns' | 'vdeplug';

interface LibraryOrigin {
  /** File names that dlopen(3) tries in the system's directories, the ABI-versioned one first. */
  readonly sonames: readonly string[];
  /** What to do on a machine where it is missing. */
  readonly remedy: string;
}

const FROM_DEBIAN =
  'install the package libioth0 (Debian 13 and later: apt-get install libioth0; on Debian 12 scripts/setup of ioth brings it from the 13 suite)';

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
    remedy: 'install the package libvdeplug2t64 (Debian 13 and later; libvdeplug2 before), which libioth0 needs too',
  },
};

function nativeProvider(repository: string, option: string, variable: string): string {
  return `no distribution has it: build virtualsquare/${repository}, or use the builtin provider, which is the default (${option}: 'builtin', no ${variable}=native)`;
}

/** Thrown at the first use of a library that is not on the machine. `import 'ioth'` alone never throws it. */
export class LibraryNotFoundError extends Error {
  override readonly name = 'LibraryNotFoundError';
  readonly code = 'ERR_LIBRARY_NOT_FOUND';

  constructor(
    readonly library: string,
    readonly searched: readonly string[],
    reasons: readonly string[],
    /** What to do. */
    readonly remedy: string,
  ) {
    super(
      `lib${library} could not be loaded: ${remedy}. ` +
        `A library elsewhere is found by IOTH_LIBRARY_PATH (directories, ':' between them). ` +
        `Tried ${searched.map((path, i) => `${path} (${reasons[i]})`).join(', ')}`,
    );
  }
}

const loaded = new Map<LibraryName, LibraryHandle>();

/** The paths that {@link loadLibrary} tries, in order: `IOTH_LIBRARY_PATH`, then the system's names. */
export function libraryCandidates(name: LibraryName): string[] {
  const { sonames } = ORIGINS[name];
  const directories = (process.env.IOTH_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  const given = directories.flatMap((directory) => sonames.map((soname) => join(directory, soname)));
  return [...given.filter((path) => existsSync(path)), ...sonames];
}

/**
 * Loads an ioth library by dlopen(3), once a process.
 * @throws {LibraryNotFoundError} naming the package that brings it
 */
export function loadLibrary(name: LibraryName): LibraryHandle {
  const known = loaded.get(name);
  if (known) return known;
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

/** Whether {@link loadLibrary} would succeed. */
export function hasLibrary(name: LibraryName): boolean {
  try {
    loadLibrary(name);
    return true;
  } catch {
    return false;
  }
}

/** A stack implementation that libioth loads by name, as {@link plugins} lists it. */
export interface Plugin {
  name: string;
  /** The shared object, or null where it is not on this machine. */
  path: string | null;
  /** What brings it. */
  package: string;
}

const KNOWN_PLUGINS: Record<string, string> = {
  kernel: 'libioth0',
  vdestack: 'libioth0',
  picox: 'virtualsquare/picoxnet (built from source)',
};

/**
 * The stack plugins that libioth finds here (`~/.ioth`, then the system's directory), and the known ones it doesn't
 * (with path null).
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

/** Where ioth_newstack(3) looks for plugins: the user's directory, then the one beside the library itself. */
export function pluginDirectories(): string[] {
  const directories = [join(process.env.HOME ?? homedir(), '.ioth')];
  const library = mappedPath('libioth.so');
  if (library) directories.push(join(dirname(library), 'ioth'));
  return directories;
}

/** The SPDX identifier that a plugin declares (`ioth_NAME_license`); undefined for none, or for no such plugin. */
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

/** Loads a plugin for good, where it is here: dlclose(3) of libioth leaves its code to the threads that still run it. */
export function keepPlugin(name: string): void {
  const path = pluginPath(name);
  if (path) kept.set(path, kept.get(path) ?? koffi.load(path));
}

const kept = new Map<string, LibraryHandle>();

function pluginPath(name: string): string | null | undefined {
  return plugins().find((plugin) => plugin.name === name)?.path;
}

// ioth_NAME-r.so is the form for one name space, ioth_NAME.so the form that gets a name space of its own
function pluginsIn(directory: string): [string, string][] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((file): [string, string][] => {
    const name = /^ioth_(.+?)(-r)?\.so$/.exec(file)?.[1];
    return name ? [[name, join(directory, file)]] : [];
  });
}

// libioth's plugin directory is compiled into it; packages put it beside the library, whose path the kernel knows
function mappedPath(file: string): string | undefined {
  loadLibrary('ioth');
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const path = line.slice(line.indexOf('/'));
    if (path.includes(`/${file}`)) return realpathSync(path);
  }
  return undefined;
}
