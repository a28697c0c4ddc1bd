import { invalidValue } from '../core/validate.js';
import { tunObstacle } from '../process/tun-device.js';

/** What carries the frames of a vdestack: a tap of /dev/net/tun, or a veth pair and a thread. */
export type WireName = 'tap' | 'veth';

/** A plugin, the networks to join and the names of the interfaces that join them. */
export interface StackSpec {
  /** The plugin in the form that ioth_newstack(3) takes: a name, then options after a comma. */
  plugin: string;
  vnls: readonly string[];
  /** Default: 'tap'. */
  wire?: WireName;
}

export function checkWire(name: string, value: unknown): WireName {
  if (value !== 'tap' && value !== 'veth') throw invalidValue(name, "'tap' or 'veth'", value);
  return value;
}

/** Returns the option, else IOTH_WIRE of the environment, else what works here. Stacks of other plugins have no choice. */
export function chooseWire({ plugin, vnls, wire }: StackSpec): WireName {
  if (!isVdestack(plugin) || vnls.length === 0) return 'tap';
  const name = wire ?? process.env.IOTH_WIRE;
  if (name) return checkWire('IOTH_WIRE', name);
  return tunObstacle() ? 'veth' : 'tap';
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
