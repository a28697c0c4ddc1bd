import { isPlainDomainName } from '../address/domain-name.js';
import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { type ConfigOptions, isStackConfig, parseConfig } from '../config/index.js';
import type { ConfigRequest } from '../config/language.js';
import { checkProvider, type ProviderName } from '../core/provider.js';
import {
  checkInteger,
  checkMilliseconds,
  checkOptions,
  checkSignal,
  checkString,
  INT_MAX,
  invalidValue,
} from '../core/validate.js';
import { checkLocator } from '../vde/locator.js';
import { baseName, checkWire, type WireName } from '../vdestack/plugin.js';
import { interfaceName, splitVnl } from '../vdestack/vnl.js';

/** Settings of a stack: how it resolves names and follows configuration strings. */
export interface StackSettings extends ConfigOptions {
  /** The resolver of names: 'builtin', or 'native' (libiothdns). Default: IOTH_DNS of the environment, else 'builtin'. */
  dns?: ProviderName;
  /** The number of answers that the builtin resolver caches. Default 1000; 0 for none. */
  dnsCache?: number;
  /**
   * Milliseconds to wait for a network that does not exist yet. Default 0. The constructor blocks the thread for this time, even
   * if this program is to make the network; `Stack.create` keeps the event loop running.
   */
  wait?: number;
  /**
   * The follower of configuration strings: 'builtin', or 'native' (libiothconf). Default: IOTH_CONF of the environment, else
   * 'builtin'.
   */
  conf?: ProviderName;
  /**
   * What carries the frames of a vdestack: 'tap' (/dev/net/tun), or 'veth', which needs no device. Default: IOTH_WIRE of the
   * environment, else 'tap' where the device can be opened.
   */
  wire?: WireName;
  /**
   * The name of the stack's host, at most 64 characters: that of `gethostname`, of os.hostname() in `run`, and of a vdestack's
   * programs. Default: the name of the machine.
   */
  hostname?: string;
}

/** The arguments of {@link Stack}'s constructor by name. */
export interface StackOptions extends StackSettings {
  /** The name of a plugin, with options after a comma; or a configuration: 'stack=vdestack,vnl=…,ip=10.0.0.1/24'. */
  stack: string;
  /** The virtual networks to join. Default: none. */
  vnl?: string | readonly string[] | null;
  /** The source of name servers: a path, resolv.conf(5) text, or addresses of servers. Default: /etc/resolv.conf. */
  config_dns?: string | null;
}

const SETTINGS = ['dns', 'dnsCache', 'conf', 'hostname', 'signal', 'timeout', 'wait', 'wire'] as const;
// C copies the name into a buffer and keeps the length of the buffer in a char
const MAX_PLUGIN_NAME = 100;
/** __NEW_UTS_LEN of the kernel: sethostname(2). */
const MAX_HOSTNAME = 64;

/** The checked arguments of a new stack. They can be given to the constructor in place of options. */
export interface StackArguments extends Omit<StackOptions, 'vnl'> {
  readonly wait: number;
  /** The plugin in the form that ioth_newstack(3) takes. */
  readonly plugin: string;
  readonly vnls: readonly string[];
  readonly config: ConfigRequest | undefined;
}

const checked = new WeakSet<object>();

/**
 * Checks the arguments of the constructor: options, or one argument after the other.
 * @throws {TypeError | RangeError} for the first argument that is wrong
 */
export function checkArguments(
  stack: string | StackOptions,
  vnl: StackOptions['vnl'],
  config_dns: StackOptions['config_dns'],
  settings: StackSettings | undefined,
): StackArguments {
  if (typeof stack !== 'object' || stack === null) {
    return checkAll({ ...checkOptions(settings, SETTINGS), stack, vnl, config_dns });
  }
  if (checked.has(stack)) return stack as StackArguments;
  const others = vnl ?? config_dns ?? settings;
  if (others !== undefined) throw invalidValue('vnl', 'no other argument after the options', others);
  return checkAll(checkOptions(stack, ['stack', 'vnl', 'config_dns', ...SETTINGS]));
}

/** Returns the same arguments for a caller that waits for the network itself. */
export function withoutWait(given: StackArguments): StackArguments {
  const others = { ...given, wait: 0 };
  checked.add(others);
  return others;
}

function checkAll(options: StackOptions): StackArguments {
  const { stack, vnl, wait = 0, ...others } = options;
  const config = isStackConfig(checkString('stack', stack)) ? parseConfig(stack, 'newstackc') : undefined;
  if (config && vnl !== undefined && vnl !== null) {
    throw invalidValue('vnl', "undefined with a configuration, which has a 'vnl=' of its own", vnl);
  }
  const { conf, dnsCache, hostname, signal, timeout, wire } = others;
  if (conf !== undefined) checkProvider('options.conf', conf);
  if (dnsCache !== undefined) checkInteger('options.dnsCache', dnsCache, 0, INT_MAX);
  if (timeout !== undefined) checkInteger('options.timeout', timeout, 1, INT_MAX);
  if (hostname !== undefined) checkHostname(hostname);
  checkSignal(signal);
  if (wire !== undefined) checkWire('options.wire', wire);
  const plugin = checkPlugin(config ? config.stack : stack);
  checkMilliseconds('options.wait', wait);
  const vnls = checkVnls(baseName(plugin), config ? config.vnl : vnl);
  return { ...others, stack, wait, plugin, vnls, config };
}

function checkHostname(hostname: unknown): void {
  const name = checkString('options.hostname', hostname);
  if (name.length <= MAX_HOSTNAME && isPlainDomainName(name) && !name.endsWith('.')) return;
  throw invalidValue('options.hostname', `a name such as 'alice', of at most ${MAX_HOSTNAME} characters`, hostname);
}

function checkPlugin(stack: unknown): string {
  const plugin = checkString('stack', stack);
  if (!/^[\w-]+(,.*)?$/.test(plugin) || baseName(plugin).length > MAX_PLUGIN_NAME) {
    throw invalidValue(
      'stack',
      "the name of a stack plugin such as 'vdestack', with optional ',options' after it",
      stack,
    );
  }
  return plugin;
}

function checkVnls(plugin: string, vnl: unknown): string[] {
  // Array.from makes a copy without holes
  const list: string[] = vnl === undefined || vnl === null ? [] : Array.isArray(vnl) ? Array.from(vnl) : [vnl];
  // C makes no interface if the name is taken, and reports no error
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
