import type { HostAndPort } from './host-and-port.js';
import type { Sockaddr } from './sockaddr.js';

interface Entry extends HostAndPort {
  readonly family: number;
  readonly sockaddr: Sockaddr;
}

/** A power of two. */
const SLOTS = 32;

/** The IP addresses that were encoded last: datagrams go to one peer in rows, connections to one server. */
export class SockaddrCache {
  readonly #entries: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);

  /** What {@link keep} got for an input that is the same address. */
  recall(family: number, input: unknown): Sockaddr | undefined {
    if (typeof input !== 'object' || input === null) return undefined;
    if (Array.isArray(input)) return this.#find(family, input[0], input[1], input[2], input[3]);
    const { host, address, port, flowinfo, scopeid } = input as Record<string, unknown>;
    if (host !== undefined && address !== undefined) return undefined;
    return this.#find(family, host ?? address, port, flowinfo, scopeid);
  }

  /** The same for an input that was taken apart. */
  recallParts(family: number, { host, port, flowinfo, scopeid }: HostAndPort): Sockaddr | undefined {
    return this.#find(family, host, port, flowinfo, scopeid);
  }

  /** For any stack: an address with the name of an interface in it, whose index is the stack's own, is not kept. */
  keep(family: number, parts: HostAndPort, sockaddr: Sockaddr): Sockaddr {
    const isOfAnyStack = typeof parts.scopeid === 'number' && !parts.host.includes('%');
    if (isOfAnyStack) this.#entries[slotOf(parts.port)] = { ...parts, family, sockaddr };
    return sockaddr;
  }

  #find(family: number, host: unknown, port: unknown, flowinfo: unknown = 0, scopeid: unknown = 0) {
    const entry = this.#entries[slotOf(port)];
    if (entry === undefined || entry.family !== family || entry.port !== port || entry.host !== host) return undefined;
    return entry.flowinfo === flowinfo && entry.scopeid === scopeid ? entry.sockaddr : undefined;
  }
}

function slotOf(port: unknown): number {
  return typeof port === 'number' ? port & (SLOTS - 1) : 0;
}
