import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { chooseProvider, type ProviderName } from '../../core/provider.js';
import { minimumNodeVersion } from '../package.js';
import { type Finding, fault, ok, warning } from './finding.js';

const TUN = '/dev/net/tun';

/** Node.js, and the system that it runs on. */
export function nodeFinding(): Finding {
  const minimum = minimumNodeVersion();
  const message = `${process.version} on ${process.platform} ${process.arch}`;
  if (process.platform !== 'linux')
    return fault('Node.js', message, 'network namespaces are of Linux: use a Linux system');
  if (isOlder(process.versions.node, minimum)) return fault('Node.js', message, `install ${minimum} or later`);
  return ok('Node.js', message, { version: process.versions.node });
}

export function isOlder(version: string, minimum: string): boolean {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (const [i, part] of need.entries()) {
    const own = have[i] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

/** Who follows configuration strings and resolves names. */
export function providerFinding(what: 'configuration' | 'names', found: readonly Finding[]): Finding {
  const [variable, library] = what === 'configuration' ? ['IOTH_CONF', 'libiothconf'] : ['IOTH_DNS', 'libiothdns'];
  const value = process.env[variable];
  let provider: ProviderName;
  try {
    provider = chooseProvider(undefined, variable as 'IOTH_CONF' | 'IOTH_DNS');
  } catch (error) {
    return fault(what, (error as Error).message, `unset ${variable}, or set it to builtin or native`);
  }
  if (provider === 'native' && found.find(({ check }) => check === library)?.status !== 'ok') {
    return fault(what, `${variable}=native, and ${library} is not there`, `unset ${variable}, or install ${library}`);
  }
  return ok(what, `${provider}${value ? `, by ${variable}` : ''}`);
}

/** The device by which a vdestack joins a network. */
export function tunFinding(): Finding {
  const uid = process.geteuid?.() ?? -1;
  let mode: string;
  try {
    const stat = statSync(TUN);
    mode = `mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}, owner ${stat.uid}:${stat.gid}`;
  } catch {
    return fault(
      TUN,
      'there is no such device',
      'modprobe tun; in a container: give it the device (--device /dev/net/tun)',
    );
  }
  try {
    closeSync(openSync(TUN, 'r+'));
    return ok(TUN, `${mode}; user ${uid} may open it`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy =
      code === 'EACCES'
        ? `chmod 666 ${TUN} (as root), or run as its owner`
        : 'let this container or unit use the device';
    return fault(TUN, `${mode}; user ${uid} cannot open it (${code})`, remedy);
  }
}

/** The switches of the kernel and of distributions by which user namespaces can be off; undefined where there is none. */
export interface NamespaceSettings {
  'user.max_user_namespaces'?: number;
  'user.max_net_namespaces'?: number;
  'kernel.unprivileged_userns_clone'?: number;
  'kernel.apparmor_restrict_unprivileged_userns'?: number;
}

const NAMESPACE_SETTINGS = [
  'user.max_user_namespaces',
  'user.max_net_namespaces',
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
] as const;

const CAP_SYS_ADMIN = 1n << 21n;

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

/** Whether this process may do what root may with namespaces. */
export function isPrivileged(): boolean {
  const [, capabilities = '0'] = /^CapEff:\s*([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return (BigInt(`0x${capabilities}`) & CAP_SYS_ADMIN) !== 0n;
}

/** Whether a vdestack gets its namespaces: it makes a user namespace, also for root. */
export function namespaceFinding(settings: NamespaceSettings, privileged: boolean): Finding {
  const check = 'user namespaces';
  for (const name of ['user.max_user_namespaces', 'user.max_net_namespaces'] as const) {
    if (settings[name] === 0)
      return fault(check, `${name} is 0: nobody may make one`, `sysctl -w ${name}=10000 (as root)`);
  }
  if (!privileged && settings['kernel.unprivileged_userns_clone'] === 0) {
    const name = 'kernel.unprivileged_userns_clone';
    return fault(check, `${name} is 0: only root may make one`, `sysctl -w ${name}=1 (as root), or run as root`);
  }
  if (!privileged && settings['kernel.apparmor_restrict_unprivileged_userns'] === 1) {
    const name = 'kernel.apparmor_restrict_unprivileged_userns';
    const remedy = `sysctl -w ${name}=0 (as root), an AppArmor profile for node that has 'userns,', or run as root`;
    return warning(check, `${name} is 1: a program without a profile has no rights in its own`, remedy);
  }
  const shown = Object.entries(settings).map(([name, value]) => `${name} is ${value}`);
  return ok(check, `allowed; ${shown.join(', ')}`);
}
