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
 * A Resolver of Node's is JavaScript over a channel of c-ares, its `_handle`: lib/internal/dns/ and src/cares_wrap.cc of Node. The
 * checks of arguments, the two forms and the errors are that JavaScript's, whatever Node it is; a channel of a stack does the rest.
 */

/** QueryReqWrap, with what Node's JavaScript puts on it. */
export interface Request {
  readonly ttl?: boolean;
  /** Of the one form or the other. */
  callback?: Settle;
  reject?: Settle;
  oncomplete(code: string | null, result?: unknown, ttls?: number[]): void;
}
type Settle = (this: unknown, error: Error | null, ...results: unknown[]) => void;

/** c-ares' own form of a server. */
export type CaresServer = [family: number, address: string, port: number];

/** The methods of a channel that ask, and for what. */
export const ASKING: Readonly<Record<string, QueryType>> = {
  queryAny: 'ANY',
  queryA: 'A',
  queryAaaa: 'AAAA',
  queryCaa: 'CAA',
  queryCname: 'CNAME',
  queryMx: 'MX',
  queryNs: 'NS',
  queryTlsa: 'TLSA',
  queryTxt: 'TXT',
  querySrv: 'SRV',
  queryPtr: 'PTR',
  queryNaptr: 'NAPTR',
  querySoa: 'SOA',
  getHostByAddr: 'address',
};
const CARES_CODES: readonly unknown[] = QUERY_CODES;
/** UV_EINVAL. */
const EINVAL = -22;
/** DNS_ESETSRVPENDING of src/cares_wrap.h. */
export const QUERIES_PENDING = -1000;

/** A channel whose queries go to a stack: the default one, or with settings that of one Resolver. */
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

  /** Sends a query, and returns 0: a channel of Node's may return an errno. The request is completed in a later tick. */
  ask(method: string, request: Request, name: string): number {
    const type = ASKING[method];
    if (type === 'address' && isIP(name) === 0) {
      const hint = 'the names of an IP address are looked up';
      throw withCause(
        nodeError(EINVAL, method, name),
        new IothError('EINVAL', { syscall: method, address: name, hint }),
      );
    }
    const complete = (result?: unknown, error?: Error) => {
      this.#pending--;
      // what a callback throws is an uncaught exception, not an unhandled rejection
      process.nextTick(() => (error === undefined ? succeed(request, type, result) : fail(request, error)));
    };
    this.#pending++;
    // a method of a Node that is newer than this list
    const answer = type
      ? this.#queries.query(type, name, Boolean(request.ttl))
      : Promise.reject(queryError('ENOTIMP', method, name));
    answer.then(complete, (error) => complete(undefined, error));
    return 0;
  }

  getServers(): [address: string, port: number][] {
    return this.#queries.getServers().map(({ address, port }) => [address, port]);
  }

  /** 0, or a number of cares_wrap's. */
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

/** What setServers was given: of servers that are the same one. */
export function serversOf(given: readonly CaresServer[]): Nameserver[] {
  const unique = new Map(given.map(([, address, port]) => [`${address} ${port}`, { address, port }]));
  return [...unique.values()];
}

/** What setLocalAddress was given: an address of either family, or one of both. */
export function localAddresses(...given: (string | undefined)[]): LocalAddresses {
  const ofFamily = (family: number) => given.find((address) => address !== undefined && isIP(address) === family) ?? '';
  return { ipv4: ofFamily(4), ipv6: ofFamily(6) };
}

/** Of a Resolver that was not told. */
export const DEFAULT_TRIES = 4;

/** What the constructor of a Resolver gives its channel. */
export function settingsOf(timeout: number, tries: number, maxTimeout = 0): ResolverSettings {
  const limits = [timeout, maxTimeout].filter((limit) => limit > 0);
  // Node's own number of tries, without a time: the stack's
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

/** Node makes its error of a code of c-ares; what is behind it is its cause. What else fails, a stack say, is its own error. */
function fail(request: Request, error: Error & { code?: string }): void {
  const form = request.reject ? 'reject' : 'callback';
  const settle = request[form] as Settle;
  const isOfCares = CARES_CODES.includes(error.code);
  request[form] = function (failure, ...rest) {
    settle.call(this, isOfCares && failure ? withCause(failure, error) : error, ...rest);
  };
  request.oncomplete(String(error.code));
}
