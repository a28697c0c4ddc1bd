/** What the name of a plugin says of its stacks; `_n` and `-r` are its other builds. */

/** Whether its sockets are sockets of the kernel, for which every system call of the kernel works. */
export function hasKernelSockets(plugin: string): boolean {
  return isVdestack(plugin) || /^kernel(_n|-r)?$/.test(plugin);
}

/** Whether each stack is a namespace of the kernel with a daemon that carries its frames. */
export function isVdestack(plugin: string): boolean {
  return /^vdestack(_n|-r)?$/.test(plugin);
}
