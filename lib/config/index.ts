/** Configuration of a stack: the language of iothconf(3) and its two providers. */

import { isDeepStrictEqual } from 'node:util';
import { AbortError } from '../core/errors.js';
import { chooseProvider, type ProviderName } from '../core/provider.js';
import { checkInteger, checkOptions, checkSignal, INT_MAX } from '../core/validate.js';
import type { NetworkSettings } from '../dns/settings.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { BuiltinConfig } from './builtin.js';
import { realClock } from './clock.js';
import { asksNetwork, type ConfigRequest, parseConfig } from './language.js';
import { NativeConfig } from './native.js';
import type { ApplyResult, ConfigEvents, ConfigProvider, NetworkOptions, ProviderListener } from './provider.js';
import { mergeSettings, renderResolvConf } from './resolvconf.js';

export { asksNetwork, isStackConfig, parseConfig } from './language.js';
export type { ConfigEvent, ConfigEvents, LeaseEvent, Unapplied } from './provider.js';

/** Options of {@link Stack.iothconfig}. */
export interface ConfigOptions {
  signal?: AbortSignal;
  /** The timeout in milliseconds of each of DHCP, DHCPv6 and router discovery. Default 6000: iothconf's 3 times 2 s. */
  timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 6000;

/** Listener that a {@link StackConfig} reports to. */
export interface ConfigListener {
  notify<Name extends keyof ConfigEvents>(name: Name, event: ConfigEvents[Name]): void;
  /** Gets the name servers and domains of all interfaces together, after each change. */
  onNames(settings: NetworkSettings): void;
}

/** Configuration of one stack, by the chosen provider. */
export class StackConfig {
  readonly #provider: ConfigProvider;
  readonly #listener: ConfigListener;
  readonly #settings = new Map<number, NetworkSettings>();

  constructor(host: StackInterface, listener: ConfigListener, option?: ProviderName) {
    this.#listener = listener;
    const ofProvider: ProviderListener = {
      onLease: (name, event) => listener.notify(name, event),
      onChange: (ifindex, settings) => this.#onChange(ifindex, settings),
    };
    this.#provider =
      chooseProvider(option, 'IOTH_CONF') === 'native'
        ? new NativeConfig(host, ofProvider)
        : new BuiltinConfig(host, ofProvider, realClock);
  }

  /** Configures a new stack. Items that need no other host are done when it returns, the rest when the promise settles. */
  start(request: ConfigRequest, options?: ConfigOptions): Promise<void> {
    const checked = checkConfigOptions(options);
    this.#provider.applyNow(request);
    if (!asksNetwork(request)) return Promise.resolve();
    return this.#provider.applyNetwork(request, checked).then((result) => {
      maskOf(request, result);
    });
  }

  /** Applies a configuration string: ioth_config(3). Returns the mask of IOTHCONF_* that was done. */
  async configure(config: string, options?: ConfigOptions): Promise<number> {
    const checked = checkConfigOptions(options);
    const request = parseConfig(config);
    if (checked.signal?.aborted) throw new AbortError(checked.signal.reason);
    return maskOf(request, await this.#provider.apply(request, checked));
  }

  /** Returns the text of resolv.conf(5) if it changed since the last call, else null: ioth_resolvconf(3). */
  resolvconf(config = ''): string | null {
    return this.#provider.resolvconf(parseConfig(config, 'resolvconf'));
  }

  close(): Promise<void> {
    return this.#provider.close();
  }

  closeSync(): void {
    this.#provider.closeSync();
  }

  #onChange(ifindex: number, settings: NetworkSettings): void {
    this.#listener.notify('config', { ifindex, resolvconf: renderResolvConf(settings) });
    const before = mergeSettings([...this.#settings.values()]);
    this.#settings.set(ifindex, settings);
    const after = mergeSettings([...this.#settings.values()]);
    if (!isDeepStrictEqual(after, before)) this.#listener.onNames(after);
  }
}

/** Returns the mask of what was done. @throws the reason if it was aborted or no protocol succeeded */
function maskOf(request: ConfigRequest, { done, failures }: ApplyResult): number {
  const aborted = failures.find((error) => error instanceof AbortError);
  if (aborted) throw aborted;
  const anySucceeded = asksNetwork({ ...request, configure: done });
  if (failures[0] && !anySucceeded) throw failures[0];
  return done;
}

function checkConfigOptions(options?: ConfigOptions): NetworkOptions {
  const { signal, timeout = DEFAULT_TIMEOUT_MS }: ConfigOptions = checkOptions(options, ['signal', 'timeout']);
  return { signal: checkSignal(signal), timeout: checkInteger('options.timeout', timeout, 1, INT_MAX) };
}
