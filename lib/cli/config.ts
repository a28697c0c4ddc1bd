import { asksNetwork, isStackConfig, parseConfig } from '../config/index.js';
import { Stack } from '../stack/stack.js';

/** A virtual network locator, with or without the name of an interface in front, but without `stack=` or `vnl=`. */
const NETWORK = /^(?:[\w.-]+:)?[\w+]+:\/\//;

/**
 * Expands CONFIG to a configuration for ioth_newstackc(3), or to the name of a plugin. A network at the start stands for a
 * vdestack that joins it: 'vde:///tmp/sw,eth,dhcp' is 'stack=vdestack,vnl=vde:///tmp/sw,eth,dhcp'.
 */
export function expandConfig(text: string): string {
  return NETWORK.test(text) ? `stack=vdestack,vnl=${text}` : text;
}

/**
 * Checks a configuration.
 * @returns whether its stack must wait for other hosts, as for DHCP
 * @throws {TypeError} ERR_INVALID_ARG_VALUE, as that stack would
 */
export function checkConfig(config: string): boolean {
  return isStackConfig(config) && asksNetwork(parseConfig(config, 'newstackc'));
}

/** Options of {@link openStack}. */
export interface OpenOptions {
  signal: AbortSignal;
  /** Milliseconds for each of DHCP, DHCPv6 and router discovery. Default 6000. */
  timeout?: number;
  /** True to bring `lo` up. Without it a stack does not reach its own addresses. Default false. */
  loopback?: boolean;
}

/** Makes a stack and waits until it is ready. The caller closes it. */
export async function openStack(text: string, { loopback, ...settings }: OpenOptions): Promise<Stack> {
  const stack = await Stack.create(expandConfig(text), null, null, settings);
  try {
    if (loopback && stack.name === 'vdestack') stack.linksetupdown(stack.if_nametoindex('lo'), true);
    return stack;
  } catch (error) {
    await stack.close();
    throw error;
  }
}
