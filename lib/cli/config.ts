import { asksNetwork, isStackConfig, parseConfig } from '../config/index.js';
import { Stack } from '../stack/stack.js';

/** A virtual network locator, with the name of an interface in front or without, and no `stack=` or `vnl=` before it. */
const NETWORK = /^(?:[\w.-]+:)?[\w+]+:\/\//;

/**
 * A configuration as ioth_newstackc(3) takes it, or the name of a plugin. A network in front stands for a vdestack on it:
 * 'vde:///tmp/sw,eth,dhcp' is 'stack=vdestack,vnl=vde:///tmp/sw,eth,dhcp'.
 */
export function expandConfig(text: string): string {
  return NETWORK.test(text) ? `stack=vdestack,vnl=${text}` : text;
}

/**
 * @returns whether the stack that it is for has to wait for others: DHCP
 * @throws {TypeError} ERR_INVALID_ARG_VALUE, as that stack would
 */
export function checkConfig(config: string): boolean {
  return isStackConfig(config) && asksNetwork(parseConfig(config, 'newstackc'));
}

/** How a stack of a command is made. */
export interface OpenOptions {
  signal: AbortSignal;
  /** Milliseconds that each of DHCP, DHCPv6 and router discovery has. */
  timeout?: number;
  /** Brings `lo` up, without which a stack does not reach its own addresses. */
  loopback?: boolean;
}

/** A stack, ready. Close it. */
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
