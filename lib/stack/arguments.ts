import { checkString, invalidValue } from '../core/validate.js';
import { baseName } from './plugin.js';
import { interfaceName, splitVnl } from './vnl.js';

// C copies the name into a buffer whose length it keeps in a char
const PLUGIN_NAME_MOST = 100;

export function checkPlugin(stack: unknown): string {
  const plugin = checkString('stack', stack);
  if (!/^[\w-]+(,.*)?$/.test(plugin) || baseName(plugin).length > PLUGIN_NAME_MOST) {
    throw invalidValue(
      'stack',
      "the name of a stack plugin such as 'vdestack', with ',options' behind it if any",
      stack,
    );
  }
  return plugin;
}

export function checkVnls(plugin: string, vnl: unknown): string[] {
  const list = vnl === undefined || vnl === null ? [] : Array.isArray(vnl) ? vnl : [vnl];
  // C makes no interface of a name that is taken, and does not tell
  const taken = new Set(['lo']);
  for (const [i, item] of list.entries()) {
    const [ifname, locator] = splitVnl(checkString('vnl', item));
    if (locator === '') throw invalidValue('vnl', "a virtual network locator such as 'vde:///tmp/sw'", item);
    if (/^seqpacket:/.test(locator) && !/^seqpacket:\/\/\d+$/.test(locator)) {
      // C reads a path as descriptor 0
      throw invalidValue('vnl', "the number of an open descriptor behind seqpacket://, as 'seqpacket://5'", item);
    }
    if (ifname !== undefined && !isInterfaceName(ifname)) {
      throw invalidValue('vnl', `an interface name of 1 to 15 bytes in front of the ':'`, item);
    }
    const name = interfaceName(item, i);
    if (taken.has(name))
      throw invalidValue('vnl', `networks with interfaces of different names ('${name}' is taken)`, vnl);
    taken.add(name);
  }
  if (plugin === 'kernel' && list.length > 0) {
    throw invalidValue('vnl', "none: the 'kernel' stack is the host's own and joins no virtual network", vnl);
  }
  return list as string[];
}

/**
 * dev_valid_name of the kernel, and the names that its sysctl tree has for itself. A name that the kernel refuses must not
 * come to C: the daemon would tell of it with perror(3), which allocates memory, in a clone where malloc's lock may be
 * taken for ever.
 */
function isInterfaceName(name: string): boolean {
  return /^[^\s/]+$/.test(name) && Buffer.byteLength(name) <= 15 && !['.', '..', 'all', 'default'].includes(name);
}
