import { readFileSync } from 'node:fs';
import type { Obstacle } from './obstacle.js';
import { findPlace, type Place, sysctlCommand } from './place.js';
import { readProcFile } from './proc-file.js';

/* A vdestack makes a user namespace, also for root: user_namespaces(7) tells who may. */

/** The reason why a process cannot make user namespaces. */
export interface NamespaceObstacle extends Obstacle {
  /** True if they can be made, but have no rights. */
  readonly isPartial?: boolean;
}

const LIMITS = ['user.max_user_namespaces', 'user.max_net_namespaces'] as const;

/** The settings of the kernel and of distributions that can turn user namespaces off. */
const NAMESPACE_SETTINGS = [
  ...LIMITS,
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
export function settingsObstacle(
  settings: NamespaceSettings,
  privileged: boolean,
  place: Place = findPlace(),
): NamespaceObstacle | undefined {
  for (const name of LIMITS) {
    if (settings[name] === 0) {
      return { why: `${name} is 0: no process may make one`, remedy: sysctlCommand(name, 10000, place) };
    }
  }
  if (privileged) return undefined;
  if (settings['kernel.unprivileged_userns_clone'] === 0) {
    const name = 'kernel.unprivileged_userns_clone';
    return {
      why: `${name} is 0: only root may make one`,
      remedy: `${sysctlCommand(name, 1, place)}, or run as root`,
    };
  }
  if (settings['kernel.apparmor_restrict_unprivileged_userns'] === 1) {
    const name = 'kernel.apparmor_restrict_unprivileged_userns';
    return {
      why: `${name} is 1: a program without an AppArmor profile has no rights in its user namespace`,
      remedy: `${sysctlCommand(name, 0, place)}, an AppArmor profile for ${process.execPath} that has 'userns,', or run as root`,
      isPartial: true,
    };
  }
  return undefined;
}

/** Explains why the kernel has no more namespaces for this process: ENOSPC, or EUSERS. */
export function limitObstacle(settings = readNamespaceSettings(), place: Place = findPlace()): Obstacle {
  const obstacle = settingsObstacle(settings, true, place);
  if (obstacle) return obstacle;
  const limits = LIMITS.flatMap((name) => (name in settings ? `${name} (${settings[name]})` : []));
  return {
    why: `as many namespaces are open as ${limits.join(' and ')} allow, or they are nested 32 deep`,
    remedy: `close some, or ${sysctlCommand('user.max_user_namespaces', 100_000, place)}`,
  };
}

/** Explains why the kernel refused a user namespace, or an action in it, with EPERM. */
export function refusalObstacle(place: Place = findPlace()): Obstacle {
  const obstacle = settingsObstacle(readNamespaceSettings(), isPrivileged(), place);
  if (obstacle) return obstacle;
  if (isChroot()) {
    return {
      why: 'this is a chroot, where the kernel refuses them, even to root',
      remedy:
        'run outside of it, or make its directory a real root: systemd-nspawn, a container, unshare(1) and pivot_root(8)',
    };
  }
  if (hasSeccompFilter()) {
    return {
      why: 'a seccomp filter refuses them to this process',
      remedy: filterRemedy(place, process.geteuid?.() === 0 && !isPrivileged()),
    };
  }
  return {
    why: 'a security module (AppArmor, SELinux) refuses them to this process',
    remedy: 'let its profile or domain make user namespaces: dmesg(1) or the audit log names it',
  };
}

/**
 * Returns the way to a filter that lets a process make user namespaces, by what set the filter.
 * @param isRoot whether the process is root without the capability CAP_SYS_ADMIN
 */
export function filterRemedy(place: Place, isRoot: boolean): string {
  switch (place) {
    case 'docker':
    case 'podman':
      // their filter allows it to a process with this capability; the flag gives it to root in the container
      return `${place} run ${isRoot ? '--cap-add SYS_ADMIN' : '--security-opt seccomp=unconfined'} …`;
    case 'kubernetes':
      return `securityContext: { ${isRoot ? 'capabilities: { add: [SYS_ADMIN] }' : 'seccompProfile: { type: Unconfined }'} }`;
    case 'lxc':
      return 'incus config set NAME security.nesting true (with LXD: lxc config …)';
    case 'unit':
      return 'set RestrictNamespaces=no in the unit, and allow clone and unshare in its SystemCallFilter=';
    default:
      return 'start it without this filter: in docker with --security-opt seccomp=unconfined';
  }
}

function hasSeccompFilter(): boolean {
  return /^Seccomp:\s*[12]$/m.test(readProcFile('self', 'status'));
}

/**
 * Returns whether the kernel refused because of a chroot. If the new root is a plain directory, no mount is at `/`. If it is a
 * mount, a process without rights cannot see that. But then the kernel has no other reason of its own to refuse, if the user is
 * mapped in this user namespace and the process has no seccomp filter.
 */
function isChroot(): boolean {
  if (!/^(\S+ ){4}\/ /m.test(readProcFile('self', 'mountinfo'))) return true;
  return isIdMapped('uid_map', process.geteuid?.() ?? 0) && !hasSeccompFilter();
}

/** Returns whether this user namespace has a user, or a group, of this number. */
export function isIdMapped(map: 'uid_map' | 'gid_map', id: number): boolean {
  return readProcFile('self', map)
    .split('\n')
    .some((line) => {
      const [first = 0, , count = 0] = line.trim().split(/ +/).map(Number);
      return id >= first && id < first + count;
    });
}
