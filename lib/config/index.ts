/** The configuration of a stack: the language of iothconf(3), and its two providers behind one door. */

import { AbortError } from '../core/errors.js';
import { chooseProvider, type ProviderName } from '../core/provider.js';
import { checkInteger, checkOptions, checkSignal, INT_MAX } from '../core/validate.js';
import type { NetworkSettings } from '../dns/settings.js';
import { BuiltinConfig } from './builtin.js';
import { realClock } from './clock.js';
import { asksNetwork, type ConfigRequest, parseConfig } from './language.js';
import { NativeConfig } from './native.js';
import type { ApplyResult, ConfigEvent, ConfigProvider, Notify } from './provider.js';
import { joinResolvConf, namesIn } from './resolvconf.js';
import type { ConfigHost } from './stack-interface.js';

export { isStackConfig, parseConfig } from './language.js';
export type { ConfigEvent, ConfigEvents, LeaseEvent } from './provider.js';
export type { ConfigHost } from './stack-interface.js';

/** Of {@link Stack.iothconfig}. */
export interface ConfigOptions {
  signal?: AbortSignal;
  /** Milliseconds that each of DHCP, DHCPv6 and router discovery has. Default 6000, which is iothconf's 3 times 2 s. */
  timeout?: number;
}

const DEFAULT_TIMEOUT = 6000;

/** Whom a {@link StackConfig} tells what it learns. */
export interface ConfigListener {
  notify: Notify;
  /** The name servers and domains of all interfaces together, whenever they change. */
  onNames?(settings: NetworkSettings): void;
}

/** What a stack holds to be configured. */
export class StackConfig {
  readonly #provider: ConfigProvider;
  readonly #listener: ConfigListener;
  readonly #names = new Map<number, string>();

  constructor(host: ConfigHost, listener: ConfigListener, option?: ProviderName) {
    const provider = chooseProvider(option, 'IOTH_CONF');
    this.#listener = listener;
    const notify: Notify = (name, event) => {
      listener.notify(name, event);
      if ('resolvconf' in event) this.#report(event);
    };
    this.#provider =
      provider === 'native' ? new NativeConfig(host, notify) : new BuiltinConfig(host, notify, realClock);
  }

  get provider(): ProviderName {
    return this.#provider.name;
  }

  /** The configuration of a new stack: what needs no other host before it returns, the rest when the promise settles. */
  start(request: ConfigRequest, options?: ConfigOptions): Promise<void> {
    const checked = checkConfigOptions(options);
    this.#provider.applyNow(request);
    if (!asksNetwork(request)) return Promise.resolve();
    return this.#provider.applyNetwork(request, checked).then((outcome) => {
      maskOf(request, outcome);
    });
  }

  /** ioth_config(3). */
  async configure(config: string, options?: ConfigOptions): Promise<number> {
    const checked = checkConfigOptions(options);
    const request = parseConfig(config);
    if (checked.signal?.aborted) throw new AbortError(checked.signal.reason);
    return maskOf(request, await this.#provider.apply(request, checked));
  }

  /** ioth_resolvconf(3). */
  resolvconf(config = ''): string | null {
    return this.#provider.resolvconf(parseConfig(config, 'resolvconf'));
  }

  close(): Promise<void> {
    return this.#provider.close();
  }

  closeSync(): void {
    this.#provider.closeSync();
  }

  #report({ ifindex, resolvconf }: ConfigEvent): void {
    const before = joinResolvConf(this.#names.values());
    this.#names.set(ifindex, resolvconf);
    const after = joinResolvConf(this.#names.values());
    if (after !== before) this.#listener.onNames?.(namesIn(after));
  }
}

/** The mask; or the reason, where it was aborted or nobody answered any protocol. */
function maskOf(request: ConfigRequest, { done, failures }: ApplyResult): number {
  const aborted = failures.find((error) => error instanceof AbortError);
  if (aborted) throw aborted;
  const answered = asksNetwork({ ...request, configure: done });
  if (failures[0] && !answered) throw failures[0];
  return done;
}

function checkConfigOptions(options?: ConfigOptions): { signal?: AbortSignal; timeout: number } {
  const { signal, timeout = DEFAULT_TIMEOUT }: ConfigOptions = checkOptions(options, ['signal', 'timeout']);
  return { signal: checkSignal(signal), timeout: checkInteger('options.timeout', timeout, 1, INT_MAX) };
}
