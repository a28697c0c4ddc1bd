import type { LookupAddress } from 'node:dns';
import type { Nameserver } from '../dns/resolv-conf.js';
import type { LocalAddresses } from '../dns/transport.js';
import type { QueryType } from './dns-records.js';

/** The settings of a Resolver of node:dns. They may change between two queries. */
export interface ResolverSettings {
  /** Its own servers. Default: those of the stack. */
  servers?: Nameserver[];
  /** The local addresses that it sends queries from. */
  local?: LocalAddresses;
  /** The time that a server has for a response, in milliseconds. */
  timeout?: number;
  /** The number of times that the servers are tried. */
  tries?: number;
}

/** The servers of a resolver, and the queries to them. */
export interface Queries {
  getServers(): Nameserver[];
  /**
   * Returns the records of a name, in the form of node:dns. For the type 'address', returns the names of an IP address.
   * @param withTtl true to get addresses with their time to live
   * @throws {DnsError} with a code of c-ares
   */
  query(type: QueryType, name: string, withTtl: boolean): Promise<unknown>;
  /** Ends the pending queries with ECANCELLED. */
  cancel(): void;
}

/** Resolves names for node:dns: on a stack, or in a worker thread by requests to the thread of the stack. */
export interface DnsSource {
  /** The queries of the functions of `dns`. */
  readonly queries: Queries;
  /** Implements dns.setServers: sets the servers of these queries, not those of look-ups. */
  setServers(servers: Nameserver[]): void;
  /** Creates the queries of a Resolver. */
  newQueries(settings: ResolverSettings): Queries;
  /** Implements dns.lookup: getaddrinfo(3), with AF_ and AI_ numbers. @throws {GaiError} */
  lookup(hostname: string, family: number, flags: number): Promise<LookupAddress[]>;
  /** Implements dns.lookupService: getnameinfo(3) with NI_NAMEREQD. @throws {GaiError} */
  lookupService(address: string, port: number): Promise<[hostname: string, service: string]>;
}
