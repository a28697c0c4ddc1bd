/** A plugin, the networks to join and the names of the interfaces that join them. */
export interface StackSpec {
  /** As ioth_newstack(3) takes it: a name, then options behind a comma. */
  plugin: string;
  vnls: readonly string[];
}

/** 'vdestack' of 'vdestack,options'. */
export function baseName(plugin: string): string {
  return plugin.split(',', 1)[0] ?? plugin;
}

/** Whether each of its stacks is a namespace of the kernel, with a daemon that carries its frames. `_n` is its other build. */
export function isVdestack(plugin: string): boolean {
  return /^vdestack(_n)?$/.test(baseName(plugin));
}

/** Whether it is picoxnet's, with picoTCP in this process. */
export function isPicox(plugin: string): boolean {
  return /^picox(_n)?$/.test(baseName(plugin));
}

/** Whether its sockets are sockets of the kernel, for which every system call of the kernel works. */
export function hasKernelSockets(plugin: string): boolean {
  return isVdestack(plugin) || /^kernel(_n)?$/.test(baseName(plugin));
}
