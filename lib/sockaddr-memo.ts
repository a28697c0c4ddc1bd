import type { Sockaddr } from './sockaddr.js';

/** The last IP address that was encoded: datagrams go to one peer in rows. */
export class SockaddrMemo {
  #host: unknown;
  #port: unknown;
  #flowinfo: unknown;
  #scopeid: unknown;
  #sockaddr: Sockaddr | undefined;

  /** What {@link keep} got for an input that says the same. */
  recall(input: unknown): Sockaddr | undefined {
    if (!this.#sockaddr || typeof input !== 'object' || input === null) return undefined;
    const [host, port, flowinfo, scopeid] = partsOf(input);
    const isSame =
      host === this.#host && port === this.#port && flowinfo === this.#flowinfo && scopeid === this.#scopeid;
    return isSame ? this.#sockaddr : undefined;
  }

  keep(input: unknown, sockaddr: Sockaddr): Sockaddr {
    if (typeof input === 'object' && input !== null) {
      [this.#host, this.#port, this.#flowinfo, this.#scopeid] = partsOf(input);
      this.#sockaddr = sockaddr;
    }
    return sockaddr;
  }
}

function partsOf(input: object): unknown[] {
  if (Array.isArray(input)) return [input[0], input[1], input[2], input[3]];
  const { address, port, flowinfo, scopeid } = input as Record<string, unknown>;
  return [address, port, flowinfo, scopeid];
}
