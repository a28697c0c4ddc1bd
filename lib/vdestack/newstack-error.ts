import { pluginDirectories, pluginLicense, plugins } from '../../ffi/loader.js';
import { codeOf, errnoOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { lookAt } from '../core/file-identity.js';
import { TUN, tryTun } from '../process/tun-device.js';
import { refusalObstacle } from '../process/user-namespaces.js';
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
  const { code, hint } = tunFailure() ?? { code: 'ENODEV', hint: notJoined };
  return new IothError(code, { syscall: 'ioth_newstack', address: vnl, hint, cause });
}

function hintFor(code: string, plugin: string, vnl: string | undefined, vnls: readonly string[]): string | undefined {
  switch (code) {
    case 'ENOTSUP':
      return missingPlugin(plugin);
    case 'EPERM':
      return refusedLicense(plugin) ?? refusedNamespace();
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

/** Explains why the daemon cannot open /dev/net/tun. The daemon does not report this. */
function tunFailure(): { code: string; hint: string } | undefined {
  const { rights, failure } = tryTun();
  if (failure === undefined) return undefined;
  if (rights === undefined || errnoOf(failure) === undefined) {
    return { code: 'ENODEV', hint: `there is no ${TUN}: a vdestack needs it to join a network (modprobe tun)` };
  }
  const hint = `${TUN} (${rights}) cannot be opened by uid ${process.geteuid?.()}: chmod 666 ${TUN}, or run as its owner`;
  return { code: failure, hint };
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

function refusedNamespace(): string {
  const { why, remedy } = refusalObstacle();
  return `a user namespace was refused: ${why}. ${remedy[0]?.toUpperCase()}${remedy.slice(1)}`;
}
