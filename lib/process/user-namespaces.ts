import { readFileSync } from 'node:fs';
import { readProcFile } from './proc-file.js';

/* A vdestack makes a user namespace, also for root: user_namespaces(7) tells who may. */

/** The reason why a process cannot make user namespaces, and what to do about it. */
export interface Obstacle {
  readonly why: string;
  readonly remedy: string;
  /** True if they can be made, but have no rights. */
  readonly isPartial?: boolean;
}

/** The settings of the kernel and of distributions that can turn user namespaces off. */
const NAMESPACE_SETTINGS = [
  'user.max_user_namespaces',
  'user.max_net_namespaces',
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
] as const;

/** The values of these settings; undefined if the machine does not have one. */
export type NamespaceSettings = Partial<Record<(typeof NAMESPACE_SETTINGS)[number], number>>;

/** CAP_SYS_ADMIN of capabilities(7). */
const CAP_SYS_ADMIN = 21n;

export function readNamespaceSettings(): NamespaceSettings {
  return Object.fromEntries(
    NAMESPACE_SETTINGS.flatMap((name) => {
      try {
        return [[name, Number(readFileSync(`/proc/sys/${name.replace('.', '/')}`, 'utf8'))]];
      } catch {
        return [];
      }
    }),
  );
}

/** Returns whether this process may do what root may with namespaces. */
export function isPrivileged(): boolean {
  const effective = /^CapEff:\s*([\da-f]+)/m.exec(readProcFile('self', 'status'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & (1n << CAP_SYS_ADMIN)) !== 0n;
}

/** Returns the setting of the machine that forbids user namespaces; undefined if there is none. */
export function settingsObstacle(settings: NamespaceSettings, privileged: boolean): Obstacle | undefined {
  for (const name of ['user.max_user_namespaces', 'user.max_net_namespaces'] as const) {
    if (settings[name] === 0) {
      return { why: `${name} is 0: no process may make one`, remedy: `sysctl -w ${name}=10000 (as root)` };
    }
  }
  if (!privileged && settings['kernel.unprivileged_userns_clone'] === 0) {
    const name = 'kernel.unprivileged_userns_clone';
    return { why: `${name} is 0: only root may make one`, remedy: `sysctl -w ${name}=1 (as root), or run as root` };
  }
  if (!privileged && settings['kernel.apparmor_restrict_unprivileged_userns'] === 1) {
    const name = 'kernel.apparmor_restrict_unprivileged_userns';
    return {
      why: `${name} is 1: a program without an AppArmor profile has no rights in its user namespace`,
      remedy: `sysctl -w ${name}=0 (as root), an AppArmor profile for node that has 'userns,', or run as root`,
      isPartial: true,
    };
  }
  return undefined;
}

/** Explains why the kernel refused a user namespace with EPERM. */
export function refusalObstacle(): Obstacle {
  const obstacle = settingsObstacle(readNamespaceSettings(), isPrivileged());
  if (obstacle) return obstacle;
  if (isChroot()) {
    return {
      why: 'this is a chroot, where the kernel refuses them, even to root',
      remedy:
        'run outside of it, or make its directory a real root: systemd-nspawn, a container, unshare(1) and pivot_root(8)',
    };
  }
  return {
    why: 'a seccomp filter or a security module refuses them to this process, as containers do',
    remedy: 'run as root, or let this container make them: --security-opt seccomp=unconfined',
  };
}

/**
 * Returns whether the kernel refused because of a chroot. If the new root is a plain directory, no mount is at `/`. If it is a
 * mount, a process without rights cannot see that. But then the kernel has no other reason of its own to refuse, if the user is
 * mapped in this user namespace and the process has no seccomp filter.
 */
function isChroot(): boolean {
  if (!/^(\S+ ){4}\/ /m.test(readProcFile('self', 'mountinfo'))) return true;
  const uid = process.geteuid?.() ?? 0;
  const isMapped = readProcFile('self', 'uid_map')
    .split('\n')
    .some((line) => {
      const [first = 0, , count = 0] = line.trim().split(/ +/).map(Number);
      return uid >= first && uid < first + count;
    });
  return isMapped && /^Seccomp:\s*0$/m.test(readProcFile('self', 'status'));
}
