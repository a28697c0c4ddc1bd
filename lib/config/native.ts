import { setTimeout as delay } from 'node:timers/promises';
import { type Libiothconf, libiothconf } from '../../ffi/iothconf.js';
import { errno } from '../../ffi/libc.js';
import { IOTHCONF_DHCP, IOTHCONF_DHCPV6, IOTHCONF_ETH, IOTHCONF_RD, IOTHCONF_STATIC } from '../constants/index.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError, systemError } from '../core/errors.js';
import { runNativeAsync } from '../io/async-calls.js';
import type { ConfigRequest } from './language.js';
import type { ApplyResult, ConfigProvider, NetworkOptions, Notify } from './provider.js';
import type { ConfigHost } from './stack-interface.js';

const DEFAULT_INTERFACE = 'vde0';
/** Milliseconds that C may take beside the protocols: `eth` sleeps for a second, a removal for up to one more. */
const OVERHEAD = 3000;
/** Milliseconds: more than any call of C takes, 12 s for each DHCP and what else there is. */
const NATIVE_CALL_LIMIT_MS = 30_000;

const FLAGS: [bit: number, item: string, protocol: string][] = [
  [IOTHCONF_ETH, 'eth', 'eth'],
  [IOTHCONF_RD, 'rd', 'rd'],
  [IOTHCONF_DHCPV6, 'dhcp6', 'dhcp6'],
  [IOTHCONF_DHCP, 'dhcp', 'dhcp'],
];
const NETWORK = IOTHCONF_RD | IOTHCONF_DHCPV6 | IOTHCONF_DHCP;

/**
 * libiothconf. It blocks, so it runs on a worker thread, one call at a time; a call that takes too long, or is aborted,
 * is left to end by itself. It renews nothing.
 */
export class NativeConfig implements ConfigProvider {
  readonly name = 'native';
  /** What C remembers of this stack: mask of IOTHCONF_* by interface. */
  readonly #used = new Map<number, number>();
  /** What ioth_resolvconf said, which says each change once, and what of it the user has heard. */
  readonly #names = new Map<number, { text: string; answered: string }>();
  #last: Promise<unknown> = Promise.resolve();
  #running = false;
  /** Settles when a call did not return within {@link NATIVE_CALL_LIMIT_MS}: those behind it will not begin. */
  readonly #hung: Promise<void>;
  #hang: () => void = () => {};

  /** @param library where it is missing, nothing shall begin */
  constructor(
    readonly host: ConfigHost,
    readonly notify: Notify,
    readonly library: Libiothconf = libiothconf(),
  ) {
    this.#hung = new Promise((resolve) => {
      this.#hang = resolve;
    });
  }

  applyNow(request: ConfigRequest): ApplyResult {
    const now = { ...request, configure: request.configure & ~NETWORK, slaac: false };
    const text = this.#textOf(now);
    if (text === null) return { done: 0, failures: [] };
    const done = this.#runSync(text);
    this.#tell(this.#ifindexOf(request));
    return { done, failures: [] };
  }

  applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    const configure = request.configure & NETWORK;
    return this.apply({ ...request, configure, clean: 0, statics: [] }, options);
  }

  async apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    const text = this.#textOf(request);
    if (text === null) return { done: 0, failures: [] };
    const ifindex = this.#ifindexOf(request);
    const protocols = FLAGS.filter(([bit]) => request.configure & bit & NETWORK);
    const done = await this.#call(text, options.timeout * protocols.length + OVERHEAD, options.signal);
    this.#tell(ifindex);
    const missing = protocols.filter(([bit]) => !(done & bit));
    return { done, failures: missing.map(([, , protocol]) => noAnswer(protocol)) };
  }

  resolvconf(request: ConfigRequest): string | null {
    const ifindex = this.#ifindexOf(request);
    const { text, answered } = this.#names.get(ifindex) ?? { text: '', answered: '' };
    if (text === answered) return null;
    this.#names.set(ifindex, { text, answered: text });
    return text;
  }

  async close(): Promise<void> {
    // a call on a stack whose daemon died may never return
    await Promise.race([this.#last, delay(NATIVE_CALL_LIMIT_MS, undefined, { ref: false })]);
    if (this.#running) return;
    for (const text of this.#farewells()) {
      await this.#call(text, OVERHEAD, undefined).catch(() => {});
    }
  }

  closeSync(): void {
    // the call that runs holds sockets: the stack cannot go before it
    if (this.#running) return;
    try {
      for (const text of this.#farewells()) this.#runSync(text);
    } catch (error) {
      // a dead stack has nothing to forget
      if (!(error instanceof IothError)) throw error;
    }
  }

  /**
   * C keeps what it configured by the stack's address in memory, for ever. The next stack may get that address: it would
   * not be given what C believes that it has.
   */
  #farewells(): string[] {
    const items: [number, string][] = [
      [IOTHCONF_STATIC, '-static'],
      ...FLAGS.map(([bit, item]): [number, string] => [bit, `-${item}`]),
    ];
    const texts = [...this.#used].map(([ifindex, mask]) => {
      const used = items.filter(([bit]) => mask & bit & ~IOTHCONF_ETH).map(([, item]) => item);
      return used.length > 0 ? [`ifindex=${ifindex}`, ...used].join(',') : null;
    });
    this.#used.clear();
    return texts.filter((text) => text !== null);
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
    if (result < 0) throw configError(error);
    return result;
  }

  /** @param onStart called when a thread has taken it */
  async #run(text: string, onStart: () => void): Promise<number> {
    let end = () => {};
    try {
      const { result, errno: error } = await runNativeAsync<number>((done) => {
        // not before: the stack may have been closed while this waited for a thread
        const pointer = this.host.pointer('ioth_config');
        end = this.#begin();
        onStart();
        this.library.config_async(pointer, text, done);
      }, 'slow');
      if (result < 0) throw configError(error);
      return result;
    } finally {
      end();
    }
  }

  /** @returns to be called when C returned */
  #begin(): () => void {
    const endNativeCall = this.host.beginNativeCall();
    const timer = setTimeout(this.#hang, NATIVE_CALL_LIMIT_MS).unref();
    this.#running = true;
    return () => {
      clearTimeout(timer);
      this.#running = false;
      endNativeCall();
    };
  }

  /** The request as C reads it; null where it asks for nothing. */
  #textOf(request: ConfigRequest): string | null {
    const { configure, clean, fqdn, mac, slaac, debug, statics } = request;
    if (configure === 0 && clean === 0 && !debug) return null;
    const ifindex = this.#ifindexOf(request);
    this.#used.set(ifindex, (this.#used.get(ifindex) ?? 0) | configure);
    const items = [`ifindex=${ifindex}`];
    if (clean & IOTHCONF_STATIC) items.push('-static');
    for (const [bit, item] of FLAGS) if (clean & bit) items.push(`-${item}`);
    if (fqdn !== undefined) items.push(`fqdn=${fqdn}`);
    if (mac !== undefined) items.push(`mac=${mac}`);
    for (const [bit, item] of FLAGS) if (configure & bit) items.push(item);
    if (slaac) items.push('slaac');
    for (const each of statics) {
      const value = each.item === 'domain' ? each.name : each.address;
      const prefixlen = each.item === 'ip' ? `/${each.prefixlen}` : '';
      items.push(`${each.remove ? '-' : ''}${each.item}=${value}${prefixlen}`);
    }
    if (debug) items.push('debug');
    return items.join(',');
  }

  #ifindexOf({ ifindex, iface = DEFAULT_INTERFACE }: ConfigRequest): number {
    return ifindex ?? this.host.if_nametoindex(iface);
  }

  #tell(ifindex: number): void {
    const names = this.#names.get(ifindex) ?? { text: '', answered: '' };
    const changed = this.library.resolvconf(this.host.pointer('ioth_resolvconf'), `ifindex=${ifindex}`);
    const error = errno();
    if (changed === null && error !== 0) throw systemError(error, 'ioth_resolvconf');
    names.text = changed ?? names.text;
    this.#names.set(ifindex, names);
    this.notify('config', { ifindex, resolvconf: names.text });
  }
}

function configError(error: number): IothError {
  return systemError(error, 'ioth_config');
}

function noAnswer(protocol: string): IothError {
  return new IothError('ETIMEDOUT', { syscall: protocol, hint: 'libiothconf had no answer' });
}

/** Ends the wait, not the call. Its time begins when `started` settles. */
async function withLimit<T>(call: Promise<T>, started: Promise<void>, timeout: number): Promise<T> {
  const end = new AbortController();
  const limit = started
    .then(() => delay(timeout, undefined, { signal: end.signal }))
    .then(() => {
      const hint = `libiothconf did not return within ${timeout / 1000} s`;
      throw new IothError('ETIMEDOUT', { syscall: 'ioth_config', hint });
    });
  try {
    return await Promise.race([call, limit]);
  } finally {
    end.abort();
    limit.catch(() => {});
  }
}
