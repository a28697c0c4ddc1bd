import type { LookupAddress } from 'node:dns';
import type { Nameserver } from '../dns/resolv-conf.js';
import type { LocalAddresses } from '../dns/transport.js';
import type { QueryType } from './dns-records.js';

/** What a Resolver of node:dns was given. It may change between two queries. */
export interface ResolverSettings {
  /** Servers of its own. */
  servers?: Nameserver[];
  /** Addresses of its own to ask from. */
  local?: LocalAddresses;
  /** Milliseconds that a server has for a response. */
  timeout?: number;
  /** How often the servers are tried. */
  tries?: number;
}

/** The servers of a resolver, and what asks them. */
export interface Queries {
  getServers(): Nameserver[];
  /**
   * The records of a name in the form of node:dns; of a 'PTR' query by address its names.
   * @param withTtl addresses have their time to live
   * @throws {DnsError} what c-ares says: its code
   */
  query(type: QueryType, name: string, withTtl: boolean): Promise<unknown>;
  /** Ends the queries on their way with ECANCELLED. */
  cancel(): void;
}

/** What resolves names for node:dns: a stack, or in a worker thread what asks for it. */
export interface DnsSource {
  /** The queries of `dns` itself. */
  readonly queries: Queries;
  /** dns.setServers: for these queries, not for look-ups. */
  setServers(servers: Nameserver[]): void;
  /** The queries of a Resolver. */
  newQueries(settings: ResolverSettings): Queries;
  /** getaddrinfo(3): AF_ and AI_ numbers. @throws {GaiError} */
  lookup(hostname: string, family: number, flags: number): Promise<LookupAddress[]>;
  /** getnameinfo(3) with NI_NAMEREQD. @throws {GaiError} */
  lookupService(address: string, port: number): Promise<[hostname: string, service: string]>;
}
