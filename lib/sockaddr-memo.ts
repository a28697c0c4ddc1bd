import type { Sockaddr } from './sockaddr.js';

interface Entry {
  readonly family: number;
  readonly host: unknown;
  readonly port: unknown;
  readonly flowinfo: unknown;
  readonly scopeid: unknown;
  readonly sockaddr: Sockaddr;
}

/** A power of two. */
const SLOTS = 32;

/** The IP addresses that were encoded last: datagrams go to one peer in rows, connections to one server. */
export class SockaddrMemo {
  readonly #entries: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);

  /** What {@link keep} got for an input that says the same. */
  recall(family: number, input: unknown): Sockaddr | undefined {
    if (typeof input !== 'object' || input === null) return undefined;
    if (Array.isArray(input)) return this.#find(family, input[0], input[1], input[2], input[3]);
    const { address, port, flowinfo, scopeid } = input as Record<string, unknown>;
    return this.#find(family, address, port, flowinfo, scopeid);
  }

  /** For any stack: an address with the name of an interface in it, whose index is the stack's own, is not kept. */
  keep(family: number, input: unknown, sockaddr: Sockaddr): Sockaddr {
    if (typeof input !== 'object' || input === null || sockaddr.address.includes('%')) return sockaddr;
    const given = Array.isArray(input)
      ? { address: input[0], port: input[1], flowinfo: input[2], scopeid: input[3] }
      : (input as Record<string, unknown>);
    const { address: host, port, flowinfo, scopeid } = given;
    this.#entries[slotOf(port)] = { family, host, port, flowinfo, scopeid, sockaddr };
    return sockaddr;
  }

  #find(family: number, host: unknown, port: unknown, flowinfo: unknown, scopeid: unknown): Sockaddr | undefined {
    const entry = this.#entries[slotOf(port)];
    if (entry === undefined || entry.family !== family || entry.port !== port || entry.host !== host) return undefined;
    return entry.flowinfo === flowinfo && entry.scopeid === scopeid ? entry.sockaddr : undefined;
  }
}

function slotOf(port: unknown): number {
  return typeof port === 'number' ? port & (SLOTS - 1) : 0;
}
