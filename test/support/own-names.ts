import { spawnSync } from 'node:child_process';

/** Why programs cannot have names of their own on this machine; undefined where they can. */
function obstacle(): string | undefined {
  const rights = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const mount = 'mount --bind /etc/hosts /etc/hosts && mount --bind /etc/resolv.conf /etc/resolv.conf && hostname x';
  const args = [...rights, '--mount', '--uts', '--propagation', 'slave', '--', 'sh', '-c', mount];
  const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8' });
  if (status !== 0) return error?.message ?? stderr.trim();
  const { stdout } = spawnSync('nsenter', ['--help'], { encoding: 'utf8' });
  return stdout.includes('--wdns') ? undefined : 'nsenter(1) has no --wdns: it is older than util-linux 2.38';
}

/** Whether programs can have names of their own here. Says why not. */
export function canHaveOwnNames(): boolean {
  const why = obstacle();
  if (why !== undefined) console.log(`programs cannot have names of their own here, which was not tried: ${why}`);
  return why === undefined;
}
