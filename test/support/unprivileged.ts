import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Exit, runText } from './child.js';
import { ROOT } from './compiled.js';
import { temporaryDirectory } from './directory.js';

const USER = '12345';
const IDENTITY = ['--reuid', USER, '--regid', USER, '--clear-groups'];

/** In front of a command that root starts: runs it as a user without rights. */
export const DROP: readonly string[] = ['setpriv', ...IDENTITY, '--inh-caps=-all', '--bounding-set=-all'];

/** For a shell of root's in a mount namespace of its own: lets everybody open /dev/net/tun, and read the checkout. */
export function openToAll(): string {
  const commands = ['mount -t tmpfs none /dev/net', 'mknod -m 666 /dev/net/tun c 10 200'];
  const closed = ancestorsOf(ROOT).find((path) => (statSync(path).mode & 0o001) === 0);
  if (closed) {
    // /root, as a rule: an open directory in its place has the checkout alone
    const aside = temporaryDirectory();
    commands.push(`mount --bind '${ROOT}' ${aside}`, `mount -t tmpfs -o mode=755 none '${closed}'`);
    commands.push(`mkdir -p '${ROOT}'`, `mount --move ${aside} '${ROOT}'`);
  }
  return commands.join(' && ');
}

/** From the top. */
function ancestorsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...ancestorsOf(parent), parent];
}

/**
 * Runs TypeScript as a user without rights who may open /dev/net/tun, in a mount namespace of its own.
 * @param dir gets a directory for the script, which the user owns
 * @returns undefined, and a printed reason, where the machine does not let one
 */
export async function runUnprivileged(dir: string, source: string): Promise<Exit | undefined> {
  if (process.getuid?.() !== 0) return runText(dir, source);
  const own = mkdtempSync(join(dir, 'user-'));
  chmodSync(dir, 0o755);
  chmodSync(own, 0o777);
  const script = `${openToAll()} && ${DROP.join(' ')} true || exit 99; exec ${DROP.join(' ')} "$@"`;
  try {
    const env = { HOME: own, TMPDIR: own };
    const result = await runText(own, source, { env, prefix: ['unshare', '-m', 'sh', '-c', script, 'sh'] });
    if (result.code !== 99) return result;
    console.log(`this machine does not let a test be another user: ${result.stderr.trim()}`);
    return undefined;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
