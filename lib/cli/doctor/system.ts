import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unsupportedRuntime } from '../../../ffi/runtime.js';
import { chooseProvider, type ProviderName } from '../../core/provider.js';
import type { Obstacle } from '../../process/obstacle.js';
import { TUN, tunObstacle, tunRights } from '../../process/tun-device.js';
import {
  isPrivileged,
  limitObstacle,
  type NamespaceSettings,
  readNamespaceSettings,
  refusalObstacle,
  settingsObstacle,
} from '../../process/user-namespaces.js';
import { chooseWire } from '../../vdestack/plugin.js';
import { minimumNodeVersion } from '../package.js';
import { type Finding, fault, missing, ok, warning } from './finding.js';

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
  const obstacle = tunObstacle();
  if (obstacle) return missing(TUN, `${obstacle.why}; stacks use a veth pair`, obstacle.remedy);
  return ok(TUN, `${tunRights()}; user ${process.geteuid?.()} may open it`);
}

/** Returns what carries the frames of stacks here. */
export function wireFinding(): Finding {
  const check = 'wire';
  try {
    const wire = chooseWire({ plugin: 'vdestack', vnls: ['null://'] });
    return ok(check, `${wire}${process.env.IOTH_WIRE ? ', by IOTH_WIRE' : ''}`);
  } catch (error) {
    return fault(check, (error as Error).message, 'unset IOTH_WIRE, or set it to tap or veth');
  }
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
  const obstacle = finding.status === 'ok' ? await triedObstacle() : undefined;
  return obstacle ? fault(NAMESPACES, obstacle.why, obstacle.remedy) : finding;
}

/**
 * Makes a user namespace with a network namespace, as another user if one is given. Returns the reason if the kernel refuses. If
 * there is no unshare(1), the real stack shows it.
 */
export async function triedObstacle(user: { uid?: number; gid?: number } = {}): Promise<Obstacle | undefined> {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    await promisify(execFile)('unshare', ['--user', '--net', 'true'], { timeout: 10_000, env, cwd: '/', ...user });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr);
    if (said.includes('Operation not permitted')) return refusalObstacle();
    if (said.includes('No space left')) return limitObstacle();
  }
  return undefined;
}
