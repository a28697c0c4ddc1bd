import { pluginDirectories, pluginLicense, plugins } from '../ffi/loader.js';
import { codeOf, type IothError, systemError } from './errors.js';

/** Why ioth_newstack(3) failed, and what to do. */
export function openError(error: number, plugin: string, vnls: readonly string[]): IothError {
  const address = vnls.length === 1 ? vnls[0] : undefined;
  return systemError(error, 'ioth_newstack', { address, hint: hintFor(codeOf(error), plugin, vnls) });
}

function hintFor(code: string, plugin: string, vnls: readonly string[]): string | undefined {
  switch (code) {
    case 'ENOTSUP':
      return missingPlugin(plugin);
    case 'EPERM':
      return refusedLicense(plugin) ?? 'a network namespace was refused: run as root, or allow user namespaces';
    case 'EEXIST':
      return 'the path exists: a switch:// of a process that was killed leaves its directory, remove it';
    case 'EMFILE':
      return 'the process is out of descriptors: close some, or raise ulimit -n';
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `the network ${named(vnls)} could not be joined: 'switch://PATH' makes one that 'vde://PATH' joins`;
    default:
      return vnls.length > 0 ? `the network ${named(vnls)} could not be joined` : undefined;
  }
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
  return `the plugin '${plugin}' is under ${license}: if your program's licence is compatible say so first, set_license('${license}')`;
}

function named(vnls: readonly string[]): string {
  return vnls.map((vnl) => `'${vnl}'`).join(' or ');
}
