import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unsupportedRuntime } from '../../../ffi/runtime.js';
import { chooseProvider, type ProviderName } from '../../core/provider.js';
import { TUN, tryTun } from '../../process/tun-device.js';
import {
  isPrivileged,
  type NamespaceSettings,
  readNamespaceSettings,
  refusalObstacle,
  settingsObstacle,
} from '../../process/user-namespaces.js';
import { minimumNodeVersion } from '../package.js';
import { type Finding, fault, ok, warning } from './finding.js';

const NAMESPACES = 'user namespaces';
const RUNTIME_REMEDY = 'run it there: a virtual machine or a container with Debian will do';

/** Checks Node.js, and the system that it runs on. */
export function nodeFinding(): Finding {
  const minimum = minimumNodeVersion();
  const message = `${process.version} on ${process.platform} ${process.arch}`;
  const unsupported = unsupportedRuntime();
  if (unsupported) return fault('Node.js', unsupported, RUNTIME_REMEDY);
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

/** Returns which provider follows configuration strings, or resolves names. */
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
    return fault(what, `${variable}=native, but ${library} is missing`, `unset ${variable}, or install ${library}`);
  }
  return ok(what, `${provider}${value ? `, by ${variable}` : ''}`);
}

/** Checks the device that connects a vdestack to a network. */
export function tunFinding(): Finding {
  const uid = process.geteuid?.() ?? -1;
  const { rights, failure } = tryTun();
  if (rights === undefined) {
    const remedy = 'modprobe tun; in a container: give it the device (--device /dev/net/tun)';
    return fault(TUN, 'there is no such device', remedy);
  }
  if (failure === undefined) return ok(TUN, `${rights}; user ${uid} may open it`);
  const remedy =
    failure === 'EACCES'
      ? `chmod 666 ${TUN} (as root), or run as its owner`
      : 'allow this container or unit to use the device';
  return fault(TUN, `${rights}; user ${uid} cannot open it (${failure})`, remedy);
}

/** Checks by the machine's settings whether a vdestack can make its namespaces. */
export function namespaceFinding(settings: NamespaceSettings, privileged: boolean): Finding {
  const obstacle = settingsObstacle(settings, privileged);
  if (obstacle) return (obstacle.isPartial ? warning : fault)(NAMESPACES, obstacle.why, obstacle.remedy);
  const shown = Object.entries(settings).map(([name, value]) => `${name} is ${value}`);
  return ok(NAMESPACES, `allowed; ${shown.join(', ')}`);
}

/** Checks the settings, then tries to make a namespace. */
export async function triedNamespaceFinding(): Promise<Finding> {
  const finding = namespaceFinding(readNamespaceSettings(), isPrivileged());
  if (finding.status !== 'ok' || !(await isNamespaceRefused())) return finding;
  const { why, remedy } = refusalObstacle();
  return fault(NAMESPACES, why, remedy);
}

/** Returns whether unshare(1) gets EPERM. If there is no unshare(1), the real stack shows it. */
async function isNamespaceRefused(): Promise<boolean> {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    await promisify(execFile)('unshare', ['--user', 'true'], { timeout: 10_000, env });
    return false;
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr).includes('Operation not permitted');
  }
}
