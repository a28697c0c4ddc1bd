import { pluginDirectories, pluginLicense, plugins } from '../../ffi/loader.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { lookAt } from '../core/files.js';
import { asHint } from '../process/obstacle.js';
import { tunObstacle } from '../process/tun-device.js';
import {
  isPrivileged,
  limitObstacle,
  readNamespaceSettings,
  refusalObstacle,
  settingsObstacle,
} from '../process/user-namespaces.js';
import { nodeDirectory, nodePath } from '../vde/locator.js';
import { OUT_OF_DESCRIPTORS, PATH_HINTS } from '../vde/open.js';
import { baseName, type StackSpec } from './plugin.js';
import { quoted } from './vnl.js';

/** Explains why ioth_newstack(3) failed, and what to do. */
export function newstackError(error: number, { plugin, vnls }: StackSpec): IothError {
  // some plugins of libvdeplug fail without an errno
  const code = error === 0 ? 'EINVAL' : codeOf(error);
  const vnl = vnls.length === 1 ? vnls[0] : failedVnl(code, vnls);
  const hint = hintFor(code, baseName(plugin), vnl, vnls);
  return new IothError(code, { syscall: 'ioth_newstack', address: vnl, hint });
}

/** Explains why a stack has no interface `ifname` for `vnl`, though C reported no error. */
export function missingInterface(ifname: string, vnl: string, cause: IothError): IothError {
  const notJoined = `the network could not be joined: the stack has no interface ${ifname}`;
  const tun = tunObstacle();
  const obstacle = tun ?? settingsObstacle(readNamespaceSettings(), isPrivileged());
  const code = tun?.code ?? (obstacle ? 'EPERM' : 'ENODEV');
  const hint = obstacle ? asHint(obstacle) : notJoined;
  return new IothError(code, { syscall: 'ioth_newstack', address: vnl, hint, cause });
}

function hintFor(code: string, plugin: string, vnl: string | undefined, vnls: readonly string[]): string | undefined {
  switch (code) {
    case 'ENOTSUP':
      return missingPlugin(plugin);
    case 'EPERM':
      return refusedLicense(plugin) ?? `a user namespace was refused: ${asHint(refusalObstacle())}`;
    case 'ENOSPC':
    case 'EUSERS':
      return `a namespace was refused: ${asHint(limitObstacle())}`;
    case 'EADDRINUSE':
      return PATH_HINTS.EADDRINUSE(nodePath(vnl ?? '') ?? 'PATH');
    case 'EEXIST':
      return PATH_HINTS.EEXIST;
    case 'EAGAIN':
      return 'no more processes can be made, and each vdestack is one: close some stacks, or raise ulimit -u';
    case 'EMFILE':
      return OUT_OF_DESCRIPTORS;
    case 'ENOENT':
      if (vnl !== undefined && isWithoutParent(vnl)) {
        return PATH_HINTS.ENOENT(nodePath(vnl) as string);
      }
      return unreachable(vnls);
    case 'ECONNREFUSED':
      return unreachable(vnls);
    default:
      return vnls.length > 0 ? `the network ${quoted(vnls)} could not be joined` : undefined;
  }
}

/** Returns the network that failed, if it can be told which of several it was. */
function failedVnl(code: string, vnls: readonly string[]): string | undefined {
  if (code === 'ENOENT') return vnls.find(isWithoutParent);
  if (code === 'EEXIST' || code === 'EADDRINUSE') return vnls.find((vnl) => lookAt(nodeDirectory(vnl) ?? ''));
  return undefined;
}

function isWithoutParent(vnl: string): boolean {
  return nodePath(vnl) !== undefined && nodeDirectory(vnl) === undefined;
}

function unreachable(vnls: readonly string[]): string {
  return `the network ${quoted(vnls)} could not be joined: 'switch://PATH' makes one that 'vde://PATH' joins`;
}

function missingPlugin(plugin: string): string {
  const known = plugins();
  const found = known.filter(({ path }) => path).map(({ name }) => name);
  const origin = known.find(({ name }) => name === plugin)?.package;
  return (
    `there is no stack plugin '${plugin}'; found: ${found.join(', ') || 'none'} in ${pluginDirectories().join(' and ')}` +
    (origin ? `; '${plugin}' comes with ${origin}` : '')
  );
}

function refusedLicense(plugin: string): string | undefined {
  const license = pluginLicense(plugin);
  if (!license || /^LGPL/i.test(license)) return undefined;
  return `the plugin '${plugin}' is under ${license}: if your program's licence is compatible, call set_license('${license}') first`;
}
