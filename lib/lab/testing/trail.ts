import { ipText } from '../../address/ip.js';
import { type Headers, isIcmp, isIcmpError, u16 } from '../../fabric/headers.js';

/** The translations in a comment: 'nat: 192.168.1.2:5000 → 203.0.113.2:40000'. */
const TRANSLATION = /(\S+) → ([^\s;]+)/g;
/** A part of a comment that only tells a translation. */
const ONLY_TRANSLATED = /^(?:to \S+: )?nat\w*: \S+ → \S+$/;

/** Where a frame was: on a network, from a port of it. */
export interface Place {
  readonly network: string;
  readonly port: string;
}

/** What packets of a host have as its address on a way through NATs: its own addresses, and endpoints that it was given. */
export class Traces {
  readonly #endpoints = new Set<string>();

  /** @param isItsOwn whether an address is the host's at a place: behind another NAT it may be another host's */
  constructor(
    readonly addresses: ReadonlySet<string>,
    readonly isItsOwn: (address: string, place: Place) => boolean,
  ) {}

  /** Returns whether a packet from or to an endpoint is the host's: '10.0.0.1:80', '[fd00::1]:80', or an address. */
  has(endpoint: string, place: Place): boolean {
    const address = addressOf(endpoint);
    return this.#endpoints.has(endpoint) || (this.addresses.has(address) && this.isItsOwn(address, place));
  }

  /** Learns from the comment on a frame what NATs made of the endpoints that are known. */
  follow(comment: string, place: Place): void {
    for (const [, before = '', after = ''] of comment.matchAll(TRANSLATION)) {
      if (this.has(before, place)) this.#endpoints.add(after);
    }
  }
}

function addressOf(endpoint: string): string {
  return /^\[(.*)\]:\d+$|^([\d.]+):\d+$/.exec(endpoint)?.slice(1).find(Boolean) ?? endpoint;
}

/** Returns the endpoints of a packet; the identifier of a ping is its port. */
export function endpointsOf(frame: Uint8Array, headers: Headers): [source: string, destination: string] {
  const { protocol, icmpType, transport, addressLength, fromAddress, toAddress, end } = headers;
  const isEcho = isIcmp(protocol) && icmpType >= 0 && !isIcmpError(protocol, icmpType) && transport + 6 <= end;
  const identifier = isEcho ? u16(frame, transport + 4) : -1;
  const textAt = (at: number, port: number) => {
    const address = ipText(frame.subarray(at, at + addressLength));
    if (port < 0) return address;
    return addressLength === 4 ? `${address}:${port}` : `[${address}]:${port}`;
  };
  return [
    textAt(fromAddress, isEcho ? identifier : headers.fromPort),
    textAt(toAddress, isEcho ? identifier : headers.toPort),
  ];
}

/** Returns what became of a frame besides translations; undefined if it was passed on. */
export function fateIn(comment: string | undefined): string | undefined {
  const isAll = comment?.split('; ').every((part) => ONLY_TRANSLATED.test(part)) ?? true;
  return isAll ? undefined : comment;
}
