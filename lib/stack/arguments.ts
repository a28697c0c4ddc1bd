import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { type ConfigOptions, isStackConfig, parseConfig } from '../config/index.js';
import type { ConfigRequest } from '../config/language.js';
import { checkProvider, type ProviderName } from '../core/provider.js';
import { checkInteger, checkOptions, checkSignal, checkString, INT_MAX, invalidValue } from '../core/validate.js';
import { checkLocator } from '../vde/locator.js';
import { checkWait } from './network-wait.js';
import { baseName } from './plugin.js';
import { interfaceName, splitVnl } from './vnl.js';

/** How a stack's names are resolved and its configuration strings are followed. */
export interface StackSettings extends ConfigOptions {
  /** Who resolves names: 'builtin', or 'native' (libiothdns). Default: the environment's IOTH_DNS, else 'builtin'. */
  dns?: ProviderName;
  /** How many answers the builtin resolver holds: default 1000, 0 for none. */
  dns_cache?: number;
  /**
   * How many milliseconds to wait for the network to join while nobody has made it: default 0. The constructor blocks so
   * long, also for what this program shall make; `Stack.create` lets the loop turn.
   */
  wait?: number;
  /** Who follows configuration strings: 'builtin', or 'native' (libiothconf). Default: the environment's IOTH_CONF, else 'builtin'. */
  conf?: ProviderName;
}

/** The arguments of {@link Stack}'s constructor by name. */
export interface StackOptions extends StackSettings {
  /** A plugin's name, with options behind a comma, or a configuration: 'stack=vdestack,vnl=…,ip=10.0.0.1/24'. */
  stack: string;
  /** The virtual networks to join. */
  vnl?: string | readonly string[] | null;
  /** How names are resolved: a path, resolv.conf(5) text, or addresses of servers. */
  config_dns?: string | null;
}

/** What a new stack is made of, checked. */
export interface StackArguments extends Omit<StackOptions, 'stack' | 'vnl' | 'wait'> {
  wait: number;
  /** As ioth_newstack(3) takes it. */
  plugin: string;
  vnls: readonly string[];
  config: ConfigRequest | undefined;
}

const SETTINGS = ['dns', 'dns_cache', 'conf', 'signal', 'timeout', 'wait'] as const;
// C copies the name into a buffer whose length it keeps in a char
const MAX_PLUGIN_NAME = 100;

/** The options object of a constructor that was called with it, or with one argument after the other. */
export function namedOptions(
  stack: string | StackOptions,
  vnl: StackOptions['vnl'],
  config_dns: StackOptions['config_dns'],
  settings: StackSettings | undefined,
): StackOptions {
  if (typeof stack === 'object' && stack !== null) {
    return checkOptions(stack, ['stack', 'vnl', 'config_dns', ...SETTINGS]);
  }
  return { ...checkOptions(settings, SETTINGS), stack, vnl, config_dns };
}

export function checkStackOptions({ stack, vnl, wait, ...others }: StackOptions): StackArguments {
  const config = isStackConfig(checkString('stack', stack)) ? parseConfig(stack, 'newstackc') : undefined;
  if (config && vnl !== undefined && vnl !== null) {
    throw invalidValue('vnl', "missing beside a configuration, which has a 'vnl=' of its own", vnl);
  }
  checkSettings(others);
  const plugin = checkPlugin(config ? config.stack : stack);
  return {
    ...others,
    wait: checkWait(wait),
    plugin,
    vnls: checkVnls(baseName(plugin), config ? config.vnl : vnl),
    config,
  };
}

/** Those of a configuration too, where there is none. */
function checkSettings({ conf, dns_cache, signal, timeout }: StackSettings): void {
  if (conf !== undefined) checkProvider('options.conf', conf);
  if (dns_cache !== undefined) checkInteger('options.dns_cache', dns_cache, 0, INT_MAX);
  if (timeout !== undefined) checkInteger('options.timeout', timeout, 1, INT_MAX);
  checkSignal(signal);
}

function checkPlugin(stack: unknown): string {
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

function checkVnls(plugin: string, vnl: unknown): string[] {
  // a copy, which has no holes
  const list: string[] = vnl === undefined || vnl === null ? [] : Array.isArray(vnl) ? Array.from(vnl) : [vnl];
  // C makes no interface of a name that is taken, and does not say so
  const taken = new Set(['lo']);
  list.forEach((item, position) => {
    const [ifname, locator] = splitVnl(checkString('vnl', item));
    if (locator === '') throw invalidValue('vnl', "a virtual network locator such as 'vde:///tmp/sw'", item);
    checkLocator(locator, 'ioth_newstack');
    if (ifname !== undefined && !isInterfaceName(ifname)) {
      // the daemon would report the kernel's refusal with perror(3), which allocates memory: malloc's lock may be taken there
      throw invalidValue('vnl', `${INTERFACE_NAME}, in front of the ':'`, item);
    }
    const name = interfaceName(item, position);
    if (taken.has(name)) {
      throw invalidValue('vnl', `networks with interfaces of different names ('${name}' is taken)`, vnl);
    }
    taken.add(name);
  });
  if (plugin === 'kernel' && list.length > 0) {
    throw invalidValue('vnl', "none: the 'kernel' stack is the host's own and joins no virtual network", vnl);
  }
  return list;
}
