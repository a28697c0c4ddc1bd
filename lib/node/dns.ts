import type * as nodeDns from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type * as nodeDnsPromises from 'node:dns/promises';
import { inspect, promisify } from 'node:util';
import { AI_ADDRCONFIG, AI_ALL, AI_V4MAPPED } from '../constants/index.js';
import { invalidType } from '../core/validate.js';
import { formatServer } from '../dns/dns-config.js';
import { QUERY_CODES, type QueryCode } from '../dns/errors.js';
import type { Resolver } from '../dns/resolver.js';
import { checkLookup, lookup, lookupService } from './dns-lookup.js';
import { type DnsResolverOptions, StackQueries, StackResolver } from './dns-resolver.js';

/** The methods of a resolver, by name. */
export const QUERIES = [
  'resolve',
  'resolve4',
  'resolve6',
  'resolveAny',
  'resolveCaa',
  'resolveCname',
  'resolveMx',
  'resolveNaptr',
  'resolveNs',
  'resolvePtr',
  'resolveSoa',
  'resolveSrv',
  'resolveTxt',
  'reverse',
] as const;
export type DnsQueryName = (typeof QUERIES)[number];

type NameOfCode<Code> = Code extends `E${infer Name}` ? Name : never;
/** The names that node:dns gives to the codes of queries: `dns.NOTFOUND` is 'ENOTFOUND'. */
export type DnsCodeName = NameOfCode<QueryCode>;

/** dns.Resolver: servers, timeout and tries of its own. */
export type DnsResolver = Pick<nodeDns.Resolver, DnsQueryName | 'getServers' | 'setServers' | 'cancel'>;
/** dns.promises.Resolver. */
export type DnsPromisesResolver = Pick<nodeDnsPromises.Resolver, DnsQueryName | 'getServers' | 'setServers' | 'cancel'>;

type Shared = DnsQueryName | 'lookup' | 'lookupService' | 'getServers' | 'setServers';

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

/** What resolves names: its queries, look-ups, and resolvers with servers of their own. */
export interface DnsSource {
  readonly queries: Queries;
  readonly lookups: {
    lookup(hostname: string, options?: LookupOptions | number | null): Promise<LookupAddress | LookupAddress[]>;
    lookupService(address: string, port: number): Promise<{ hostname: string; service: string }>;
  };
  newQueries(options?: DnsResolverOptions): Queries & { cancel(): void };
}
/** The methods of node:dns/promises that make no look-up. */
export type Queries = Record<DnsQueryName, (...args: never[]) => Promise<unknown>> & {
  getServers(): string[];
  setServers(servers: readonly string[]): void;
};

/** node:dns on the resolver of a stack. */
export function stackDns(resolver: Resolver): StackDns {
  const dns = dnsOf({
    queries: new StackQueries(resolver),
    lookups: {
      lookup: (hostname, options) => lookup(resolver, hostname, options),
      lookupService: (address, port) => lookupService(resolver, address, port),
    },
    newQueries: (options) => new StackResolver(resolver, options),
  });
  for (const [name, part] of Object.entries({ StackDns: dns, StackDnsPromises: dns.promises })) {
    // not enumerable: a copy of the functions has no such line
    Object.defineProperty(part, inspect.custom, { value: () => `${name} <${serversLine(resolver)}>` });
  }
  return dns;
}

function serversLine({ settings: { conf } }: Resolver): string {
  const servers = conf.nameservers.length > 0 ? conf.nameservers.map(formatServer).join(', ') : 'no servers';
  return conf.search.length > 0 ? `${servers}, search ${conf.search.join(' ')}` : servers;
}

/** The shape of node:dns. Its functions need no `this`, so that `lookup` can be handed over. */
export function dnsOf({ queries, lookups, newQueries }: DnsSource): StackDns {
  const resolverClass = (form: (queries: Queries) => object) =>
    class {
      constructor(options?: DnsResolverOptions) {
        const own = newQueries(options);
        Object.assign(this, form(own), { cancel: () => own.cancel() });
      }
    };
  const dns = {
    ...callbackQueries(queries),
    lookup: withCallback(
      lookups.lookup,
      (found) => (Array.isArray(found) ? [found] : [found.address, found.family]),
      checkLookup,
    ),
    lookupService: withCallback(lookups.lookupService, ({ hostname, service }) => [hostname, service]),
    Resolver: resolverClass(callbackQueries),
    promises: { ...boundQueries(queries), ...lookups, Resolver: resolverClass(boundQueries) },
    ...Object.fromEntries(QUERY_CODES.map((code) => [code.slice(1), code])),
    ADDRCONFIG: AI_ADDRCONFIG,
    V4MAPPED: AI_V4MAPPED,
    ALL: AI_ALL,
  };
  // the overloads are Node's own
  return dns as unknown as StackDns;
}

function boundQueries(queries: Queries): Record<string, unknown> {
  const bound = [...QUERIES, 'getServers', 'setServers'] as const;
  return Object.fromEntries(bound.map((name) => [name, queries[name].bind(queries)]));
}

function callbackQueries(queries: Queries): Record<string, unknown> {
  const entries = QUERIES.map((name) => {
    const query = queries[name].bind(queries) as (...args: unknown[]) => Promise<unknown>;
    return [name, withCallback(query, (result) => [result])] as const;
  });
  return {
    ...Object.fromEntries(entries),
    getServers: () => queries.getServers(),
    setServers: (servers: readonly string[]) => queries.setServers(servers),
  };
}

/**
 * A function that takes a callback last, and is the promise's under util.promisify.
 * @param results what the callback gets after its null
 * @param check throws at once what Node throws at once
 */
function withCallback<A extends unknown[], T>(
  query: (...args: A) => Promise<T>,
  results: (value: T) => unknown[],
  check?: (...args: A) => unknown,
) {
  const callbackForm = (...args: [...A, unknown]) => {
    const callback = args.pop();
    if (typeof callback !== 'function') throw invalidType('callback', 'a function', callback);
    const queryArgs = args as unknown as A;
    check?.(...queryArgs);
    // what a callback throws is an uncaught exception, not an unhandled rejection
    query(...queryArgs).then(
      (value) => process.nextTick(callback as () => void, null, ...results(value)),
      (error) => process.nextTick(callback as () => void, error),
    );
  };
  return Object.assign(callbackForm, { [promisify.custom]: query });
}
