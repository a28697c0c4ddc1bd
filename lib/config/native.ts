import { setTimeout as delay } from 'node:timers/promises';
import { type Libiothconf, libiothconf } from '../../ffi/iothconf.js';
import { errno } from '../../ffi/libc.js';
import { IOTHCONF_DHCP, IOTHCONF_DHCPV6, IOTHCONF_ETH, IOTHCONF_RD, IOTHCONF_STATIC } from '../constants/index.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError, systemError } from '../core/errors.js';
import { within } from '../core/waiting.js';
import { parseResolvConf } from '../dns/resolv-conf.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { runNativeAsync } from '../io/async-calls.js';
import { type ConfigRequest, DEFAULT_INTERFACE, emptyRequest, NETWORK_FLAGS, type StaticItem } from './language.js';
import type { ApplyResult, ConfigProvider, NetworkOptions, ProviderListener } from './provider.js';

/** The time that C may take in addition to the protocols: `eth` sleeps for a second, a removal for up to one more. */
const OVERHEAD_MS = 3000;
/** More than any call of C takes: 12 s for each DHCP, and the rest. */
const NATIVE_CALL_LIMIT_MS = 30_000;

/** C's names of the items that are one bit each, in the order in which they are written. */
const FLAGS: [bit: number, item: string][] = [
  [IOTHCONF_ETH, 'eth'],
  [IOTHCONF_RD, 'rd'],
  [IOTHCONF_DHCPV6, 'dhcp6'],
  [IOTHCONF_DHCP, 'dhcp'],
];

/**
 * Configuration by libiothconf. C blocks, so it runs on a worker thread, one call at a time. A call that times out or is
 * aborted runs on until it returns. C renews no lease.
 */
export class NativeConfig implements ConfigProvider {
  /** The items that C remembers of this stack: a mask of IOTHCONF_* per interface. */
  readonly #used = new Map<number, number>();
  /** The last text of ioth_resolvconf (C returns each change only once), and the last text that was returned to the user. */
  readonly #resolvconf = new Map<number, { text: string; returned: string }>();
  #last: Promise<unknown> = Promise.resolve();
  #running = false;
  #hang: () => void = () => {};
  /** Settles when a call did not return within {@link NATIVE_CALL_LIMIT_MS}: queued calls will not start. */
  readonly #hung = new Promise<void>((resolve) => {
    this.#hang = resolve;
  });

  constructor(
    readonly host: StackInterface,
    readonly listener: ProviderListener,
    readonly library: Libiothconf = libiothconf(),
  ) {}

  applyNow(request: ConfigRequest): ApplyResult {
    const now = { ...request, configure: request.configure & ~NETWORK_FLAGS, slaac: false };
    checkItems(request);
    if (!asksAnything(now)) return { done: 0, failures: [] };
    const ifindex = this.#ifindexOf(request);
    this.#recordUse(now, ifindex);
    const done = this.#runSync(requestText(now, ifindex));
    this.#reportChange(ifindex);
    return { done, failures: [] };
  }

  applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    const configure = request.configure & NETWORK_FLAGS;
    return this.apply({ ...request, configure, clean: 0, statics: [] }, options);
  }

  async apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    checkItems(request);
    if (!asksAnything(request)) return { done: 0, failures: [] };
    const ifindex = this.#ifindexOf(request);
    const timeout = options.timeout * protocolsOf(request.configure).length + OVERHEAD_MS;
    this.#recordUse(request, ifindex);
    const done = await this.#call(requestText(request, ifindex), timeout, options.signal);
    this.#reportChange(ifindex);
    const hint = 'libiothconf got no answer';
    const unanswered = protocolsOf(request.configure & ~done);
    return { done, failures: unanswered.map((syscall) => new IothError('ETIMEDOUT', { syscall, hint })) };
  }

  resolvconf(request: ConfigRequest): string | null {
    const ifindex = this.#ifindexOf(request);
    const { text, returned } = this.#resolvconf.get(ifindex) ?? { text: '', returned: '' };
    if (text === returned) return null;
    this.#resolvconf.set(ifindex, { text, returned: text });
    return text;
  }

  async close(): Promise<void> {
    // a call on a stack whose daemon died may never return
    await Promise.race([this.#last, delay(NATIVE_CALL_LIMIT_MS, undefined, { ref: false })]);
    if (this.#running) return;
    for (const text of this.#removals()) await this.#call(text, OVERHEAD_MS, undefined).catch(() => {});
  }

  closeSync(): void {
    // the running call holds sockets: the stack cannot be deleted before it returns
    if (this.#running) return;
    try {
      for (const text of this.#removals()) this.#runSync(text);
    } catch (error) {
      // a dead stack has nothing to forget
      if (!(error instanceof IothError)) throw error;
    }
  }

  /**
   * Returns the requests that make C forget this stack. C remembers for ever what it configured, by the stack's address in
   * memory. The next stack may get that address, and C would not configure what it believes is there.
   */
  #removals(): string[] {
    const used = [...this.#used].filter(([, mask]) => mask !== 0);
    this.#used.clear();
    return used.map(([ifindex, clean]) => requestText({ ...emptyRequest(), clean }, ifindex));
  }

  #call(text: string, timeout: number, signal: AbortSignal | undefined): Promise<number> {
    let onStart = () => {};
    const started = new Promise<void>((resolve) => {
      onStart = resolve;
    });
    const call = this.#last.then(() => {
      if (signal?.aborted) throw new AbortError(signal.reason);
      return this.#run(text, onStart);
    });
    this.#last = call.catch(() => {});
    return untilAborted(withLimit(call, Promise.race([started, this.#hung]), timeout), signal);
  }

  #runSync(text: string): number {
    const pointer = this.host.pointer('ioth_config');
    const endNativeCall = this.host.beginNativeCall();
    const result = this.library.config(pointer, text);
    const error = errno();
    endNativeCall();
    return this.#checked(result, error);
  }

  /** Runs one call of C on a worker thread. @param onStart called when the thread starts it */
  async #run(text: string, onStart: () => void): Promise<number> {
    let endNativeCall = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      const { result, errno: error } = await runNativeAsync<number>((done) => {
        // read the pointer only now: the stack may have been closed during the wait for a thread
        const pointer = this.host.pointer('ioth_config');
        endNativeCall = this.host.beginNativeCall();
        timer = setTimeout(this.#hang, NATIVE_CALL_LIMIT_MS).unref();
        this.#running = true;
        onStart();
        this.library.config_async(pointer, text, done);
      }, 'slow');
      return this.#checked(result, error);
    } finally {
      clearTimeout(timer);
      this.#running = false;
      endNativeCall();
    }
  }

  #checked(result: number, error: number): number {
    if (result >= 0) return result;
    // if the daemon died during the call, that is the reason
    this.host.pointer('ioth_config');
    throw systemError(error, 'ioth_config');
  }

  #recordUse({ configure }: ConfigRequest, ifindex: number): void {
    this.#used.set(ifindex, (this.#used.get(ifindex) ?? 0) | (configure & ~IOTHCONF_ETH));
  }

  #ifindexOf({ ifindex, iface = DEFAULT_INTERFACE }: ConfigRequest): number {
    return ifindex ?? this.host.if_nametoindex(iface);
  }

  #reportChange(ifindex: number): void {
    const changed = this.library.resolvconf(this.host.pointer('ioth_resolvconf'), `ifindex=${ifindex}`);
    const error = errno();
    if (changed === null && error !== 0) throw systemError(error, 'ioth_resolvconf');
    const { text, returned } = this.#resolvconf.get(ifindex) ?? { text: '', returned: '' };
    const current = changed ?? text;
    this.#resolvconf.set(ifindex, { text: current, returned });
    const { nameservers, search } = parseResolvConf(current);
    this.listener.onChange(ifindex, { servers: nameservers.map(({ address }) => address), search });
  }
}

function asksAnything({ configure, clean, debug }: ConfigRequest): boolean {
  return configure !== 0 || clean !== 0 || debug;
}

/** Refuses items that C would silently ignore. @throws {IothError} ENOTSUP */
function checkItems({ noroutes, nonames, statics }: ConfigRequest): void {
  const zoned = statics.find((item) => item.item === 'dns' && item.address.includes('%'));
  if (!noroutes && !nonames && !zoned) return;
  const hint = `libiothconf has no ${noroutes ? 'noroutes' : nonames ? 'nonames' : 'zones in addresses'}: use the builtin provider`;
  throw new IothError('ENOTSUP', { syscall: 'ioth_config', hint });
}

/** Limits the wait for a call; does not end the call. The time counts from when `started` settles. */
async function withLimit<T>(call: Promise<T>, started: Promise<void>, timeout: number): Promise<T> {
  await Promise.race([call, started]);
  if (await within(call, timeout)) return call;
  const hint = `libiothconf did not return within ${timeout / 1000} s`;
  throw new IothError('ETIMEDOUT', { syscall: 'ioth_config', hint });
}

/** Formats a request for ioth_config(3). */
function requestText(request: ConfigRequest, ifindex: number): string {
  const { configure, clean, fqdn, mac, slaac, debug, statics } = request;
  return [
    `ifindex=${ifindex}`,
    ...(clean & IOTHCONF_STATIC ? ['-static'] : []),
    ...flagsOf(clean).map((item) => `-${item}`),
    ...(fqdn === undefined ? [] : [`fqdn=${fqdn}`]),
    ...(mac === undefined ? [] : [`mac=${mac}`]),
    ...flagsOf(configure),
    ...(slaac ? ['slaac'] : []),
    ...statics.map(itemText),
    ...(debug ? ['debug'] : []),
  ].join(',');
}

function flagsOf(mask: number): string[] {
  return FLAGS.filter(([bit]) => mask & bit).map(([, item]) => item);
}

/** Returns the protocols in a mask, by C's names. */
function protocolsOf(mask: number): string[] {
  return flagsOf(mask & NETWORK_FLAGS);
}

function itemText(item: StaticItem): string {
  const value = item.item === 'domain' ? item.name : item.address;
  const prefixlen = item.item === 'ip' ? `/${item.prefixlen}` : '';
  return `${item.remove ? '-' : ''}${item.item}=${value}${prefixlen}`;
}
