import type { HostAndPort } from './host-and-port.js';
import type { Sockaddr } from './sockaddr.js';

interface Entry extends HostAndPort {
  readonly family: number;
  readonly sockaddr: Sockaddr;
}

/** The size of the cache, a power of two. */
const SLOTS = 32;

/** A cache of encoded IP addresses: many datagrams in a row go to one peer, many connections to one server. */
const entries: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);

/** Returns the sockaddr that {@link keepSockaddr} stored for this address. */
export function recallSockaddr(family: number, input: unknown): Sockaddr | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  if (Array.isArray(input)) return find(family, input[0], input[1], input[2], input[3]);
  const { host, address, port, flowinfo, scopeid } = input as Record<string, unknown>;
  if (host !== undefined && address !== undefined) return undefined;
  return find(family, host ?? address, port, flowinfo, scopeid);
}

/** Stores a sockaddr for all stacks. Skips an address with an interface name: its index is different on each stack. */
export function keepSockaddr(family: number, parts: HostAndPort, sockaddr: Sockaddr): Sockaddr {
  const isOfAnyStack = typeof parts.scopeid === 'number' && !parts.host.includes('%');
  if (isOfAnyStack) entries[slotOf(parts.port)] = { ...parts, family, sockaddr };
  return sockaddr;
}

function find(family: number, host: unknown, port: unknown, flowinfo: unknown = 0, scopeid: unknown = 0) {
  const entry = entries[slotOf(port)];
  if (entry === undefined || entry.family !== family || entry.port !== port || entry.host !== host) return undefined;
  return entry.flowinfo === flowinfo && entry.scopeid === scopeid ? entry.sockaddr : undefined;
}

function slotOf(port: unknown): number {
  return typeof port === 'number' ? port & (SLOTS - 1) : 0;
}
