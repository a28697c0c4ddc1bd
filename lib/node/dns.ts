import type * as nodeDns from 'node:dns';
import dns from 'node:dns';
import type * as nodeDnsPromises from 'node:dns/promises';
import { inspect } from 'node:util';
import { checkOptions } from '../core/validate.js';
import { formatServer } from '../dns/dns-config.js';
import type { QueryCode } from '../dns/errors.js';
import type { Resolver } from '../dns/resolver.js';
import { DEFAULT_TRIES, localAddresses, StackChannel, settingsOf } from './dns-channel.js';
import { lookupsWithCallback, lookupsWithPromise } from './dns-lookup.js';
import { StackDnsSource } from './dns-resolver.js';
import type { DnsSource } from './dns-source.js';
import type { AnyFunction } from './replace.js';

type QueryKind = '' | '4' | '6' | 'Any' | 'Caa' | 'Cname' | 'Mx' | 'Naptr' | 'Ns' | 'Ptr' | 'Soa' | 'Srv' | 'Txt';
export type DnsQueryName = `resolve${QueryKind}` | 'reverse';

type NameOfCode<Code> = Code extends `E${infer Name}` ? Name : never;
/** The names that node:dns gives to the codes of queries: `dns.NOTFOUND` is 'ENOTFOUND'. */
export type DnsCodeName = NameOfCode<QueryCode>;

/** Options of `new stack.dns.Resolver()`. */
export interface DnsResolverOptions {
  /** The time that a server has for a response, in milliseconds. Default -1: the stack's own setting. */
  timeout?: number;
  /** The number of times that the servers are tried. Default 4, which without a `timeout` means the stack's own setting. */
  tries?: number;
}

type ResolverMethod = DnsQueryName | 'getServers' | 'setServers' | 'setLocalAddress' | 'cancel';
/** A dns.Resolver: it has its own servers, timeout and tries. */
export type DnsResolver = Pick<nodeDns.Resolver, ResolverMethod>;
/** A dns.promises.Resolver: it has its own servers, timeout and tries. */
export type DnsPromisesResolver = Pick<nodeDnsPromises.Resolver, ResolverMethod>;

type Setting = 'Servers' | 'DefaultResultOrder';
type Shared = DnsQueryName | 'lookup' | 'lookupService' | `get${Setting}` | `set${Setting}`;

/** The shape of node:dns/promises, on a stack. */
export interface StackDnsPromises extends Pick<typeof nodeDnsPromises, Shared> {
  Resolver: new (options?: DnsResolverOptions) => DnsPromisesResolver;
}

/** The shape of node:dns, on a stack. */
export interface StackDns extends Pick<typeof nodeDns, Shared | DnsCodeName> {
  /** AI_ADDRCONFIG, AI_V4MAPPED and AI_ALL, for the `hints` of lookup. */
  readonly ADDRCONFIG: number;
  readonly V4MAPPED: number;
  readonly ALL: number;
  Resolver: new (options?: DnsResolverOptions) => DnsResolver;
  promises: StackDnsPromises;
}

/** The source of a stack's names, and the channel of its queries. */
export interface DnsBackend {
  readonly source: DnsSource;
  readonly channel: StackChannel;
}

type ResolverForm = typeof dns.Resolver | typeof dns.promises.Resolver;
interface Channelled {
  _handle: { setLocalAddress(ipv4: string, ipv6?: string): void };
}

const backends = new WeakMap<StackDns, DnsBackend>();

/** Returns the backend of a stack's dns functions. */
export function backendOf(shape: StackDns): DnsBackend {
  return backends.get(shape) as DnsBackend;
}

/** Creates node:dns on the resolver of a stack. */
export function stackDns(resolver: Resolver): StackDns {
  const shape = dnsOf(new StackDnsSource(resolver));
  for (const [name, part] of Object.entries({ StackDns: shape, StackDnsPromises: shape.promises })) {
    // not enumerable, so that a copy of the functions does not get it
    Object.defineProperty(part, inspect.custom, { value: () => `${name} <${serversLine(resolver)}>` });
  }
  return shape;
}

function serversLine({ settings: { queryConf } }: Resolver): string {
  const servers = queryConf.nameservers.length > 0 ? queryConf.nameservers.map(formatServer).join(', ') : 'no servers';
  return queryConf.search.length > 0 ? `${servers}, search ${queryConf.search.join(' ')}` : servers;
}

/**
 * Creates an object in the shape of node:dns: Node's own code over the channels of a stack. Its functions need no `this`, so that
 * `lookup` can be passed as an option.
 */
export function dnsOf(source: DnsSource): StackDns {
  const channel = new StackChannel(source);
  const { getDefaultResultOrder, setDefaultResultOrder } = dns;
  const common = { getDefaultResultOrder, setDefaultResultOrder };
  const shape = {
    ...constants(dns),
    ...common,
    ...boundMethods(dns.Resolver, channel),
    ...lookupsWithCallback(() => source),
    Resolver: resolverClass(dns.Resolver, source),
    promises: {
      ...constants(dns.promises),
      ...common,
      ...rejecting(boundMethods(dns.promises.Resolver, channel)),
      ...rejecting(lookupsWithPromise(() => source)),
      Resolver: resolverClass(dns.promises.Resolver, source),
    },
  };
  // the overloads are Node's own
  const typed = shape as unknown as StackDns;
  backends.set(typed, { source, channel });
  return typed;
}

/** Returns the error codes, and the hints of lookup. */
function constants(module: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(module).filter(([name]) => /^[A-Z\d]+$/.test(name)));
}

/** Makes functions that return promises reject where Node's throw, as all functions of this library do. */
function rejecting(functions: Record<string, AnyFunction>): Record<string, AnyFunction> {
  const entries = Object.entries(functions).map(([name, call]): [string, AnyFunction] => [
    name,
    /^(resolve|reverse|lookup)/.test(name) ? async (...args) => call(...args) : call,
  ]);
  return Object.fromEntries(entries);
}

/** Returns the methods of a Resolver on `channel`, without those that `dns` itself lacks. */
function boundMethods({ prototype }: ResolverForm, channel: StackChannel): Record<string, AnyFunction> {
  const resolver = Object.assign(Object.create(prototype), { _handle: channel });
  const queries = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
  const names = [...queries, 'getServers', 'setServers'];
  return Object.fromEntries(names.map((name) => [name, resolver[name].bind(resolver)]));
}

function resolverClass(Form: ResolverForm, source: DnsSource): object {
  // biome-ignore lint/suspicious/noExplicitAny: TypeScript wants it for a class that is mixed in
  return class Resolver extends (Form as unknown as new (...args: any[]) => Channelled) {
    constructor(options?: DnsResolverOptions & { maxTimeout?: number }) {
      super(checkOptions(options));
      const { timeout = -1, tries = DEFAULT_TRIES, maxTimeout } = { ...options };
      const settings = settingsOf(timeout, tries, maxTimeout);
      const host = this._handle;
      const setLocalAddress = (ipv4: string, ipv6?: string) => {
        // Node's own channel checks the addresses
        host.setLocalAddress(ipv4, ipv6);
        settings.local = localAddresses(ipv4, ipv6);
      };
      this._handle = Object.assign(new StackChannel(source, settings), { setLocalAddress });
    }
  };
}
