import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { checkString, invalidValue } from '../core/validate.js';
import { baseName } from './plugin.js';
import { interfaceName, splitVnl } from './vnl.js';

// C copies the name into a buffer whose length it keeps in a char
const MAX_PLUGIN_NAME = 100;

export function checkPlugin(stack: unknown): string {
  const plugin = checkString('stack', stack);
  if (!/^[\w-]+(,.*)?$/.test(plugin) || baseName(plugin).length > MAX_PLUGIN_NAME) {
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
      // the daemon would report the kernel's refusal with perror(3), which allocates memory: malloc's lock may be taken there
      throw invalidValue('vnl', `${INTERFACE_NAME}, in front of the ':'`, item);
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
