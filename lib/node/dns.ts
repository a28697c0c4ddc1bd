import type * as nodeDns from 'node:dns';
import type * as nodeDnsPromises from 'node:dns/promises';
import { promisify } from 'node:util';
import { AI_ADDRCONFIG, AI_ALL, AI_V4MAPPED } from '../constants/index.js';
import { invalidType } from '../core/validate.js';
import type { Resolver } from '../dns/resolver.js';
import { checkLookup, type Lookups, lookup, lookupService } from './dns-lookup.js';
import { type RecordQueries, type ResolverOptions, StackQueries, StackResolver } from './dns-resolver.js';

const QUERIES = [
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
type QueryName = (typeof QUERIES)[number];

/** The names that node:dns gives to the codes of queries: `dns.NOTFOUND` is 'ENOTFOUND'. */
const CODES = [
  'BADNAME',
  'BADRESP',
  'CANCELLED',
  'CONNREFUSED',
  'FORMERR',
  'NODATA',
  'NOTFOUND',
  'NOTIMP',
  'REFUSED',
  'SERVFAIL',
  'TIMEOUT',
] as const;
type CodeName = (typeof CODES)[number];

/** The callback form of a resolver. */
export type CallbackResolver = Pick<nodeDns.Resolver, QueryName | 'getServers' | 'setServers' | 'cancel'>;
export type PromiseResolver = Pick<nodeDnsPromises.Resolver, QueryName | 'getServers' | 'setServers' | 'cancel'>;

/** The shape of node:dns/promises, on a stack. */
export type StackDnsPromises = Pick<
  typeof nodeDnsPromises,
  QueryName | 'lookup' | 'lookupService' | 'getServers' | 'setServers'
> & { Resolver: new (options?: ResolverOptions) => PromiseResolver };

/** The shape of node:dns, on a stack. */
export type StackDns = Pick<
  typeof nodeDns,
  QueryName | CodeName | 'lookup' | 'lookupService' | 'getServers' | 'setServers'
> & {
  readonly ADDRCONFIG: number;
  readonly V4MAPPED: number;
  readonly ALL: number;
  Resolver: new (options?: ResolverOptions) => CallbackResolver;
  promises: StackDnsPromises;
};

type Callback = (error: unknown, ...results: unknown[]) => void;

/** The shape of node:dns on the names of a stack: methods that need no `this`, so that `lookup` can be handed over. */
export function stackDns(names: Resolver): StackDns {
  const queries = new StackQueries(names);
  const promises = {
    ...boundQueries(queries),
    lookup: (hostname: string, options?: Parameters<Lookups['lookup']>[1]) => lookup(names, hostname, options),
    lookupService: (address: string, port: number) => lookupService(names, address, port),
    Resolver: class extends StackResolver {
      constructor(options?: ResolverOptions) {
        super(names, options);
      }
    },
  };
  const faces = {
    ...callbackQueries(queries),
    lookup: callbackLookup(names),
    lookupService: callbackLookupService(names),
    Resolver: callbackResolver(names),
    promises,
    ...Object.fromEntries(CODES.map((name) => [name, `E${name}`])),
    ADDRCONFIG: AI_ADDRCONFIG,
    V4MAPPED: AI_V4MAPPED,
    ALL: AI_ALL,
  };
  // the overloads are Node's own
  return faces as unknown as StackDns;
}

function boundQueries(queries: RecordQueries): Record<string, unknown> {
  const bound = [...QUERIES, 'getServers', 'setServers'] as const;
  return Object.fromEntries(bound.map((name) => [name, queries[name].bind(queries)]));
}

/** Every query with a callback last, and the promise under util.promisify. */
function callbackQueries(queries: RecordQueries): Record<string, unknown> {
  const entries = QUERIES.map((name) => {
    const query = queries[name].bind(queries) as (...args: unknown[]) => Promise<unknown>;
    const withCallback = (...args: unknown[]) => {
      const callback = checkCallback(args.pop());
      deliver(query(...args), callback, (result) => [result]);
    };
    return [name, Object.assign(withCallback, { [promisify.custom]: query })] as const;
  });
  return {
    ...Object.fromEntries(entries),
    getServers: () => queries.getServers(),
    setServers: (servers: readonly string[]) => queries.setServers(servers),
  };
}

function callbackResolver(names: Resolver): new (options?: ResolverOptions) => CallbackResolver {
  return class {
    constructor(options?: ResolverOptions) {
      const resolver = new StackResolver(names, options);
      Object.assign(this, callbackQueries(resolver), { cancel: () => resolver.cancel() });
    }
  } as unknown as new (
    options?: ResolverOptions,
  ) => CallbackResolver;
}

function callbackLookup(names: Resolver) {
  const withCallback = (hostname: string, ...rest: unknown[]) => {
    const callback = checkCallback(rest.pop());
    const options = rest[0] as Parameters<typeof lookup>[2];
    const { all } = checkLookup(hostname, options);
    deliver(lookup(names, hostname, options), callback, (found) =>
      all || Array.isArray(found) ? [found] : [found.address, found.family],
    );
  };
  return Object.assign(withCallback, {
    [promisify.custom]: (hostname: string, options?: Parameters<typeof lookup>[2]) => lookup(names, hostname, options),
  });
}

function callbackLookupService(names: Resolver) {
  const withCallback = (address: string, port: number, last: unknown) => {
    const callback = checkCallback(last);
    deliver(lookupService(names, address, port), callback, ({ hostname, service }) => [hostname, service]);
  };
  return Object.assign(withCallback, {
    [promisify.custom]: (address: string, port: number) => lookupService(names, address, port),
  });
}

function checkCallback(callback: unknown): Callback {
  if (typeof callback !== 'function') throw invalidType('callback', 'a function', callback);
  return callback as Callback;
}

// what a callback throws is an uncaught exception, not an unhandled rejection
function deliver<T>(promise: Promise<T>, callback: Callback, results: (value: T) => unknown[]): void {
  promise.then(
    (value) => process.nextTick(callback, null, ...results(value)),
    (error) => process.nextTick(callback, error),
  );
}
