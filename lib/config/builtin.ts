import { setTimeout as delay } from 'node:timers/promises';
import { iothaddr } from '../address/iothaddr.js';
import {
  IOTHCONF_DHCP,
  IOTHCONF_DHCPV6,
  IOTHCONF_ETH,
  IOTHCONF_INCOMPLETE,
  IOTHCONF_RD,
  IOTHCONF_STATIC,
} from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { sleepSync } from '../core/waiting.js';
import type { StackInterface } from '../dns/stack-interface.js';
import type { Clock } from './clock.js';
import { emptySource } from './config-sources.js';
import { writeDebug } from './debug.js';
import { Dhcp4Service } from './dhcp4/service.js';
import { duidLlt } from './dhcp6/message.js';
import { Dhcp6Service } from './dhcp6/service.js';
import { InterfaceConfig, type RejectedEntry } from './interface-config.js';
import { type ConfigRequest, DEFAULT_INTERFACE, NETWORK_FLAGS } from './language.js';
import type { ProtocolService, ServiceOptions } from './protocol-service.js';
import type { ApplyResult, ConfigProtocol, ConfigProvider, NetworkOptions, ProviderListener } from './provider.js';
import { renderResolvConf } from './resolvconf.js';
import { RouterDiscoveryService } from './router-discovery/service.js';
import { keyOf, withItems } from './static-items.js';

const LINK_TIMEOUT_MS = 1000;
const LINK_POLL_MS = 5;
/** How long to wait for a RELEASE to leave the stack before the stack is deleted. */
const RELEASE_DELAY_MS = 10;
/** The time in the DUID. RFC 8415 11.2: a DUID is made once; ours lives as long as the process. */
const DUID_TIME_SECONDS = Date.now() / 1000;

const PROTOCOLS: [ConfigProtocol, number][] = [
  ['rd', IOTHCONF_RD],
  ['dhcp6', IOTHCONF_DHCPV6],
  ['dhcp4', IOTHCONF_DHCP],
];

interface InterfaceState {
  config: InterfaceConfig;
  /** Services that have configured the interface and keep it configured. */
  services: Partial<Record<ConfigProtocol, ProtocolService>>;
  /** Services that have not configured anything yet, each with the promise of its first configuration. */
  acquiring: Map<ProtocolService, Promise<void>>;
  /** The last result of ioth_resolvconf. */
  resolvconf: string;
}

/** Implementation of iothconf in TypeScript, on the stack's own sockets. */
export class BuiltinConfig implements ConfigProvider {
  readonly #interfaces = new Map<number, InterfaceState>();
  #duid: Uint8Array | null = null;

  constructor(
    readonly host: StackInterface,
    readonly listener: ProviderListener,
    readonly clock: Clock,
  ) {}

  applyNow(request: ConfigRequest): ApplyResult {
    if (!request.configure && !request.clean && !request.debug) return { done: 0, failures: [] };
    const ifindex = this.#ifindexOf(request);
    const state = this.#stateOf(ifindex);
    this.#clean(state, request.clean);
    let done = 0;
    if (request.configure & IOTHCONF_ETH) {
      this.#turnOn(state.config, request);
      done |= IOTHCONF_ETH;
    }
    if (request.configure & IOTHCONF_STATIC) {
      const rejected = state.config.set('static', withItems(state.config.get('static'), request.statics));
      // a gateway may be reachable only after a server gives an address or a route
      const isFinal = !(request.configure & NETWORK_FLAGS);
      if (isFinal) this.#throwRejected(state, request, rejected);
      done |= IOTHCONF_STATIC;
    }
    if (done || request.clean) this.#reportChange(state);
    if (request.debug && !(request.configure & NETWORK_FLAGS)) writeDebug(state.config);
    return { done, failures: [] };
  }

  async applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    const result: ApplyResult = { done: 0, failures: [] };
    const wanted = PROTOCOLS.filter(([, bit]) => request.configure & bit);
    if (!(request.configure & IOTHCONF_ETH) && wanted.length === 0) return result;
    const state = this.#stateOf(this.#ifindexOf(request));
    const { config } = state;
    const isUp = config.host.link(config.ifindex)?.up === true;
    const linkReady = request.configure & IOTHCONF_ETH ? this.#linkReady(config, options.signal) : Promise.resolve();
    const begun = wanted.map(async ([protocol, bit]) => {
      try {
        if (!isUp) throw new IothError('ENETDOWN', { syscall: 'iothconfig', hint: `'eth' turns the interface on` });
        const service = this.#serviceFor(state, protocol, request);
        await this.#begin(state, service, linkReady, options);
        if (!service.hasNothing) result.done |= bit;
        if (service.unapplied.length > 0) result.done |= IOTHCONF_INCOMPLETE;
      } catch (error) {
        result.failures.push(error as Error);
      }
    });
    await Promise.all([linkReady, ...begun]);
    if (wanted.length > 0) {
      if (request.configure & IOTHCONF_STATIC) this.#throwRejected(state, request, config.reconcile());
      if (request.debug) writeDebug(config);
    }
    return result;
  }

  async apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult> {
    const now = this.applyNow(request);
    const { done, failures } = await this.applyNetwork(request, options);
    return { done: now.done | done, failures };
  }

  resolvconf(request: ConfigRequest): string | null {
    const state = this.#stateOf(this.#ifindexOf(request));
    const text = renderResolvConf(state.config.settings);
    if (text === state.resolvconf) return null;
    state.resolvconf = text;
    return text;
  }

  async close(): Promise<void> {
    if (this.#stopAll()) await delay(RELEASE_DELAY_MS);
  }

  closeSync(): void {
    if (this.#stopAll()) sleepSync(RELEASE_DELAY_MS);
  }

  /** Stops all services. Returns whether anything may have been sent. */
  #stopAll(): boolean {
    let stopped = false;
    for (const { services, acquiring } of this.#interfaces.values()) {
      if (acquiring.size > 0) {
        const reason = this.#deathOfStack();
        for (const service of acquiring.keys()) service.stop({ release: true }, reason);
      }
      for (const service of Object.values(services)) {
        service.stop({ release: true });
        stopped = true;
      }
    }
    this.#interfaces.clear();
    return stopped;
  }

  /** Returns ERR_STACK_DEAD if the stack is dead, even if that has not been reported yet; else undefined. */
  #deathOfStack(): Error | undefined {
    try {
      this.host.pointer('iothconfig');
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #ifindexOf({ ifindex, iface = DEFAULT_INTERFACE }: ConfigRequest): number {
    if (ifindex === undefined) return this.host.if_nametoindex(iface);
    if (!this.host.link(ifindex)) {
      throw new IothError('ENODEV', { syscall: 'iothconfig', hint: `the stack has no interface ${ifindex}` });
    }
    return ifindex;
  }

  #stateOf(ifindex: number): InterfaceState {
    let state = this.#interfaces.get(ifindex);
    if (!state) {
      state = { config: new InterfaceConfig(this.host, ifindex), services: {}, acquiring: new Map(), resolvconf: '' };
      this.#interfaces.set(ifindex, state);
    }
    return state;
  }

  /** Removes all that it can. @throws {IothError} the first error of a removal, at the end */
  #clean(state: InterfaceState, clean: number): void {
    const rejected: RejectedEntry[] = [];
    for (const [protocol, bit] of PROTOCOLS) {
      if (!(clean & bit)) continue;
      for (const service of acquiringOf(state, protocol)) service.stop({ release: true });
      // before its address is removed: RELEASE is sent from that address
      state.services[protocol]?.stop({ release: true });
      delete state.services[protocol];
      rejected.push(...state.config.set(protocol, emptySource()));
    }
    if (clean & IOTHCONF_STATIC) rejected.push(...state.config.set('static', emptySource()));
    if (clean & IOTHCONF_ETH) this.host.linksetupdown(state.config.ifindex, false);
    const stays = rejected.find(({ action }) => action === 'remove');
    if (!stays) return;
    this.#reportChange(state);
    throw stays.error;
  }

  #turnOn(config: InterfaceConfig, { mac, fqdn }: ConfigRequest): void {
    const { ifindex } = config;
    const wasUp = this.host.link(ifindex)?.up;
    const address = mac ?? (fqdn === undefined ? undefined : iothaddr.hashmac(fqdn));
    if (address !== undefined && address !== this.host.linkgetaddr(ifindex)) this.host.linksetaddr(ifindex, address);
    this.host.linksetupdown(ifindex, true);
    if (!wasUp) config.reinstall();
  }

  /** Waits until the link is running, for at most a second: a link without a peer never runs. */
  async #linkReady({ host, ifindex }: InterfaceConfig, signal: AbortSignal | undefined): Promise<void> {
    const end = performance.now() + LINK_TIMEOUT_MS;
    const isRunning = () => host.link(ifindex)?.running !== false;
    while (!isRunning() && performance.now() < end && !signal?.aborted) await delay(LINK_POLL_MS);
  }

  /** Registers a service before it waits for the link, so that a removal from now on finds it, and lets it begin then. */
  #begin(
    { services, acquiring }: InterfaceState,
    service: ProtocolService,
    linkReady: Promise<void>,
    options: NetworkOptions,
  ): Promise<void> {
    // two at once would take each other's replies
    const earlier = [...acquiring].flatMap(([{ protocol }, ended]) => (protocol === service.protocol ? [ended] : []));
    const turn = earlier.length > 0 ? Promise.allSettled(earlier) : undefined;
    const acquire = async () => {
      await linkReady;
      await service.acquire(options, turn);
      if (service.hasNothing) return;
      // replace the earlier service without RELEASE: if both have the same lease, the new one holds it now
      services[service.protocol]?.stop({ release: false });
      services[service.protocol] = service;
    };
    const acquired = acquire().finally(() => acquiring.delete(service));
    acquiring.set(service, acquired);
    return acquired;
  }

  #serviceFor(state: InterfaceState, protocol: ConfigProtocol, request: ConfigRequest): ProtocolService {
    const { config } = state;
    const { fqdn, slaac, noroutes, nonames } = request;
    const onLease: ProviderListener['onLease'] = (name, event) => {
      this.listener.onLease(name, event);
      this.#reportChange(state);
    };
    const options: ServiceOptions = { clock: this.clock, onLease, fqdn, noroutes, nonames };
    if (protocol === 'rd') return new RouterDiscoveryService(config, options, slaac);
    const previous = config.get(protocol).addresses.map(({ address }) => address);
    if (protocol === 'dhcp4') return new Dhcp4Service(config, options, previous[0]);
    this.#duid ??= duidLlt(this.host.linkgetaddr(config.ifindex), DUID_TIME_SECONDS);
    const router = acquiringOf(state, 'rd').at(-1);
    const advice = request.heedsRouter && router instanceof RouterDiscoveryService ? router.advice : undefined;
    return new Dhcp6Service(config, options, this.#duid, previous, advice);
  }

  /** Drops the request's static items that the stack refused. @throws {IothError} the first error of one of them */
  #throwRejected(state: InterfaceState, request: ConfigRequest, rejected: RejectedEntry[]): void {
    const requested = new Set(request.statics.map(keyOf));
    const refused = rejected.filter(({ key }) => requested.has(key));
    if (refused.length === 0) return;
    state.config.dropStatic(refused.map(({ key }) => key));
    throw refused[0]!.error;
  }

  #reportChange({ config }: InterfaceState): void {
    this.listener.onChange(config.ifindex, config.settings);
  }
}

function acquiringOf({ acquiring }: InterfaceState, protocol: ConfigProtocol): ProtocolService[] {
  return [...acquiring.keys()].filter((service) => service.protocol === protocol);
}
