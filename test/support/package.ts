import { createHash, randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { run, start } from './child.js';
import { ROOT } from './compiled.js';

/** The package as it is published, made from the sources as they are now. */
export interface BuiltPackage {
  /** Where its package.json and dist/ are; Node finds its dependencies from there. */
  readonly directory: string;
  readonly tarball: string;
  /** What `node --import ioth/register` imports. */
  readonly register: string;
}

/** What `npm pack` reads and runs. */
const SOURCES = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs',
  'examples',
  'tsconfig.json',
  'tsconfig.build.json',
  'lib',
  'ffi',
  'web',
  'scripts/build',
  'scripts/indent-with-tabs.ts',
  'scripts/prune-declarations.ts',
  'scripts/thin-source-maps.ts',
  'scripts/reference',
];
/** Not the dist/ of the checkout, which may be built anew meanwhile; not in node_modules, where tsc takes `type` for the format. */
const BUILDS = join(ROOT, '.cache/package');
/** Tens of seconds on one core beside much other work. */
const BUILD_LIMIT_MS = 500_000;
/** One may wait for the build of another. */
const LOCK_LIMIT_MS = 560_000;

/** What differs from this environment before jest, and npm, ran the tests: their variables would steer what is run here. */
export const plainEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(npm_(package|lifecycle|command|config_local_prefix)|JEST_|NODE_ENV$|NODE_OPTIONS$)/.test(name))
    .map((name) => [name, undefined]),
);

/** Runs `npm pack` in a copy of the sources, once for all suites and runs with the same sources. */
export async function builtPackage(): Promise<BuiltPackage> {
  const directory = join(BUILDS, hashOfSources());
  mkdirSync(BUILDS, { recursive: true });
  // two suites that need it at once: the second waits for the first
  const lock = start('flock', [join(BUILDS, 'lock'), 'sh', '-c', 'echo locked; cat'], { limit: LOCK_LIMIT_MS });
  await lock.line('locked');
  try {
    if (!existsSync(directory)) {
      removeUnused();
      await build(directory);
    }
  } finally {
    await lock.end().exit;
  }
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz')) as string;
  return {
    directory,
    tarball: join(directory, tarball),
    register: join(directory, 'dist/lib/stack/register-imported.mjs'),
  };
}

async function build(directory: string): Promise<void> {
  const unfinished = `${directory}-${randomUUID()}`;
  try {
    mkdirSync(unfinished, { recursive: true });
    for (const source of SOURCES) cpSync(join(ROOT, source), join(unfinished, source), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(unfinished, 'node_modules'));
    // its prepack builds
    const packed = await run('npm', ['pack', '--silent'], {
      cwd: unfinished,
      env: plainEnvironment,
      limit: BUILD_LIMIT_MS,
    });
    expect(packed).toMatchObject({ code: 0 });
    renameSync(unfinished, directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesOf).sort()) hash.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(source: string): string[] {
  if (!statSync(join(ROOT, source)).isDirectory()) return [source];
  return readdirSync(join(ROOT, source), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

/** Keeps the newest of the builds, which a run of the tests before this one may still use. */
function removeUnused(): void {
  const builds = readdirSync(BUILDS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = builds.map(({ name }) => join(BUILDS, name));
  paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of paths.slice(1)) rmSync(path, { recursive: true, force: true });
}
