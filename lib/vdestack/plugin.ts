/** A plugin, the networks to join and the names of the interfaces that join them. */
export interface StackSpec {
  /** The plugin in the form that ioth_newstack(3) takes: a name, then options after a comma. */
  plugin: string;
  vnls: readonly string[];
}

/** Returns the name without options: 'vdestack' of 'vdestack,options'. */
export function baseName(plugin: string): string {
  const comma = plugin.indexOf(',');
  return comma < 0 ? plugin : plugin.slice(0, comma);
}

/**
 * Returns whether each of the plugin's stacks is a namespace of the kernel with a daemon for its frames. `_n` is its other build.
 */
export function isVdestack(plugin: string): boolean {
  return isOf('vdestack', plugin);
}

/** Returns whether the plugin is picoxnet's, with picoTCP in this process. */
export function isPicox(plugin: string): boolean {
  return isOf('picox', plugin);
}

/** Returns whether the plugin's sockets are sockets of the kernel. Then every system call of the kernel works on them. */
export function hasKernelSockets(plugin: string): boolean {
  return isVdestack(plugin) || isOf('kernel', plugin);
}

function isOf(name: string, plugin: string): boolean {
  const base = baseName(plugin);
  return base === name || base === `${name}_n`;
}
