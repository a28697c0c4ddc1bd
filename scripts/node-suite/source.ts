import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const NEEDED = ['test/parallel', 'test/common', 'test/fixtures'];
const SECONDS = 1000;

/** The directory of the tests, which may not exist yet: outside of the checkout. */
function testsDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ioth', `nodejs-${SUITE}`);
}

/**
 * Returns the directory with `test/` of Node's source of Debian 13: from the cache, else by apt from its configured mirror. The
 * machine's own package lists do not change.
 * @param limitMs the time limit of apt, in milliseconds
 */
export async function nodeTests(limitMs = 600 * SECONDS): Promise<string> {
  const directory = testsDirectory();
  if (existsSync(directory)) return directory;
  mkdirSync(join(directory, '..'), { recursive: true });
  const work = mkdtempSync(`${directory}-`);
  const cleanUp = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', cleanUp);
  try {
    const unpacked = join(work, 'unpacked');
    mkdirSync(unpacked);
    const signal = AbortSignal.timeout(limitMs);
    const archive = await download(work, signal);
    const patterns = NEEDED.map((path) => `node-*/${path}`);
    const args = [
      '-xJf',
      archive,
      '-C',
      unpacked,
      '--strip-components=1',
      '--wildcards',
      '--no-wildcards-match-slash',
      ...patterns,
    ];
    await promisify(execFile)('tar', args, { signal });
    // another process may have been faster
    if (!existsSync(directory)) renameSync(unpacked, directory);
    return directory;
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}

/** Downloads the archives of nodejs with apt. Returns the upstream one; the packaging is not needed. */
async function download(work: string, signal: AbortSignal): Promise<string> {
  const sources = join(work, 'debian.sources');
  const uri = await mirror(signal);
  writeFileSync(sources, `Types: deb-src\nURIs: ${uri}\nSuites: ${SUITE}\nComponents: main\nSigned-By: ${KEYRING}\n`);
  mkdirSync(join(work, 'lists'));
  const settings = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    'Dir::Etc::Preferences=/dev/null',
    'Dir::Etc::PreferencesParts=/dev/null',
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=',
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  const apt = async (...args: string[]) => {
    await promisify(execFile)('apt-get', [...options, '-qq', ...args], { cwd: work, signal }).catch((error) => {
      throw new Error(`apt-get ${args[0]}: ${error.stderr?.trim() || error.message}`);
    });
  };
  await apt('update', '--error-on=any');
  await apt('source', '--download-only', '--tar-only', 'nodejs');
  const archive = readdirSync(work).find((name) => /^nodejs_.*\.orig\.tar\.xz$/.test(name));
  if (!archive) throw new Error('apt-get source nodejs brought no .orig.tar.xz');
  return join(work, archive);
}

/** Returns the mirror from which apt gets Debian. */
async function mirror(signal: AbortSignal): Promise<string> {
  const args = ['indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages', 'Origin: Debian'];
  const { stdout } = await promisify(execFile)('apt-get', args, { signal });
  const uri = /^(?:trixie|bookworm) (.*)$/m.exec(stdout)?.[1];
  if (!uri) throw new Error('apt has no source for Debian 12 or 13: it is not known which mirror to use');
  return uri;
}
