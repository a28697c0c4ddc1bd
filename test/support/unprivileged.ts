import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, runText } from './child.js';
import { ROOT } from './compiled.js';

const USER = 12345;

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
  const drop = `setpriv --reuid ${USER} --regid ${USER} --clear-groups --inh-caps=-all --bounding-set=-all`;
  // the checkout may be where that user may not go: in /root
  const checkout = join(own, 'ioth');
  mkdirSync(checkout);
  const tun = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200';
  const script = `(${tun} && mount --bind ${ROOT} ${checkout}) && ${drop} true || exit 99; exec ${drop} "$@"`;
  try {
    const env = { HOME: own, TMPDIR: own };
    const options = { env, checkout, prefix: ['unshare', '-m', 'sh', '-c', script, 'sh'] };
    const result = await runText(own, source, options);
    if (result.code !== 99) return result;
    console.log(`this machine does not let a test be another user: ${result.stderr.trim()}`);
    return undefined;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
