import type { RecordWithTtl } from 'node:dns';
import { isIP } from 'node:net';
import { IothError } from '../core/errors.js';
import { QUERY_CODES, queryError } from '../dns/errors.js';
import type { Nameserver } from '../dns/resolv-conf.js';
import type { LocalAddresses } from '../dns/transport.js';
import { nodeError, withCause } from './dns-errors.js';
import type { QueryType } from './dns-records.js';
import type { DnsSource, Queries, ResolverSettings } from './dns-source.js';

/*
 * Node's Resolver is JavaScript over a c-ares channel, its `_handle`: lib/internal/dns/ and src/cares_wrap.cc of Node. That
 * JavaScript, of any version of Node, checks the arguments, makes the errors, and has the callback and the promise form. A
 * channel of a stack does the rest.
 */

/** A QueryReqWrap with the properties that Node's JavaScript adds. */
export interface Request {
  readonly ttl?: boolean;
  /** Set in the callback form; `reject` is set in the promise form. */
  callback?: Settle;
  reject?: Settle;
  oncomplete(code: string | null, result?: unknown, ttls?: number[]): void;
}
type Settle = (this: unknown, error: Error | null, ...results: unknown[]) => void;

/** A server in the form of c-ares. */
export type CaresServer = [family: number, address: string, port: number];

const TYPES = ['ANY', 'A', 'AAAA', 'CAA', 'CNAME', 'MX', 'NS', 'TLSA', 'TXT', 'SRV', 'PTR', 'NAPTR', 'SOA'] as const;
/** The query methods of a channel, and the type that each one asks for: `queryMx` asks for 'MX'. */
export const ASKING: Readonly<Record<string, QueryType>> = {
  ...Object.fromEntries(TYPES.map((type) => [`query${type[0]}${type.slice(1).toLowerCase()}`, type])),
  getHostByAddr: 'address',
};
const CARES_CODES: readonly unknown[] = QUERY_CODES;
/** UV_EINVAL. */
const EINVAL = -22;
/** DNS_ESETSRVPENDING of src/cares_wrap.h. */
export const QUERIES_PENDING = -1000;

/** A channel whose queries go to a stack. With settings it is that of one Resolver, without them the default channel. */
export class StackChannel {
  readonly #source: DnsSource;
  readonly #settings: ResolverSettings | undefined;
  readonly #own: Queries | undefined;
  #pending = 0;

  constructor(source: DnsSource, settings?: ResolverSettings) {
    this.#source = source;
    this.#settings = settings;
    this.#own = settings && source.newQueries(settings);
  }

  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Sends a query and returns 0; Node's own channel may return an errno. Completes the request in a later tick. */
  ask(method: string, request: Request, name: string): number {
    const type = ASKING[method];
    if (type === 'address' && isIP(name) === 0) {
      const hint = 'reverse() needs an IP address';
      throw withCause(
        nodeError(EINVAL, method, name),
        new IothError('EINVAL', { syscall: method, address: name, hint }),
      );
    }
    const complete = (result?: unknown, error?: Error) => {
      this.#pending--;
      // an error that a callback throws becomes an uncaught exception, not an unhandled rejection
      process.nextTick(() => (error === undefined ? succeed(request, type, result) : fail(request, error)));
    };
    this.#pending++;
    // a newer Node may have a method that ASKING lacks
    const answer = type
      ? this.#queries.query(type, name, Boolean(request.ttl))
      : Promise.reject(queryError('ENOTIMP', method, name));
    answer.then(complete, (error) => complete(undefined, error));
    return 0;
  }

  getServers(): [address: string, port: number][] {
    return this.#queries.getServers().map(({ address, port }) => [address, port]);
  }

  /** Sets the servers. Returns 0, or an error number of cares_wrap.cc. */
  setServers(servers: readonly CaresServer[]): number {
    if (!this.#settings) this.#source.setServers(serversOf(servers));
    else if (this.isBusy) return QUERIES_PENDING;
    else this.#settings.servers = serversOf(servers);
    return 0;
  }

  cancel(): void {
    this.#queries.cancel();
  }

  get #queries(): Queries {
    return this.#own ?? this.#source.queries;
  }
}
for (const method of Object.keys(ASKING)) {
  Object.defineProperty(StackChannel.prototype, method, {
    value(this: StackChannel, request: Request, name: string) {
      return this.ask(method, request, name);
    },
  });
}

/** Converts the servers that setServers got, and removes duplicates. */
export function serversOf(given: readonly CaresServer[]): Nameserver[] {
  const unique = new Map(given.map(([, address, port]) => [`${address} ${port}`, { address, port }]));
  return [...unique.values()];
}

/** Converts the arguments of setLocalAddress: one address of either family, or one of each. */
export function localAddresses(...given: (string | undefined)[]): LocalAddresses {
  const ofFamily = (family: number) => given.find((address) => address !== undefined && isIP(address) === family) ?? '';
  return { ipv4: ofFamily(4), ipv6: ofFamily(6) };
}

/** The number of tries of a Resolver without a `tries` option. */
export const DEFAULT_TRIES = 4;

/** Converts the arguments that the constructor of a Resolver passes to its channel. */
export function settingsOf(timeout: number, tries: number, maxTimeout = 0): ResolverSettings {
  const limits = [timeout, maxTimeout].filter((limit) => limit > 0);
  // without a timeout, Node's default number of tries means the stack's own setting
  const isDefault = limits.length === 0 && tries === DEFAULT_TRIES;
  return {
    timeout: limits.length > 0 ? Math.min(...limits) : undefined,
    tries: isDefault ? undefined : tries,
  };
}

function succeed(request: Request, type: QueryType | undefined, result: unknown): void {
  if (request.ttl && (type === 'A' || type === 'AAAA')) {
    const records = result as RecordWithTtl[];
    request.oncomplete(
      null,
      records.map(({ address }) => address),
      records.map(({ ttl }) => ttl),
    );
  } else {
    request.oncomplete(null, result);
  }
}

/**
 * Completes a request with an error. Node makes its own error from a code of c-ares, and `error` becomes its cause. The caller
 * gets any other error, such as that of a stack, as it is.
 */
function fail(request: Request, error: Error & { code?: string }): void {
  const form = request.reject ? 'reject' : 'callback';
  const settle = request[form] as Settle;
  const isOfCares = CARES_CODES.includes(error.code);
  request[form] = function (failure, ...rest) {
    settle.call(this, isOfCares && failure ? withCause(failure, error) : error, ...rest);
  };
  request.oncomplete(String(error.code));
}
