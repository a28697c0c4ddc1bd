import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP } from '../../constants/inet.js';
import { TCP_FLAGS } from '../tcp-flags.js';
import type { NatTimeouts } from './options.js';

const { FIN, SYN, RST, ACK } = TCP_FLAGS;

/** The times of sessions, in milliseconds. */
export type Timeouts = Readonly<Record<keyof NatTimeouts, number>>;

// what was seen of a TCP connection
const OUT = 1;
const IN = 2;
const FIN_OUT = 4;
const FIN_IN = 8;
const RESET = 16;

/** What was seen of the packets between two endpoints. */
export class Session {
  /** When it ends, in milliseconds of performance.now(). */
  expires = 0;
  #seen = 0;

  /** True for a TCP connection that has packets in both directions, and has not ended. */
  get isEstablished(): boolean {
    const isClosed = (this.#seen & (FIN_OUT | FIN_IN)) === (FIN_OUT | FIN_IN);
    return (this.#seen & (OUT | IN)) === (OUT | IN) && !isClosed && (this.#seen & RESET) === 0;
  }

  noteTcp(flags: number, isOut: boolean): void {
    // a new connection with the endpoints of an ended one
    if ((flags & (SYN | ACK)) === SYN && !this.isEstablished && this.#seen & (RESET | FIN_OUT | FIN_IN)) {
      this.#seen = 0;
    }
    if (flags & RST) this.#seen |= RESET;
    else this.#seen |= isOut ? OUT : IN;
    if (flags & FIN) this.#seen |= isOut ? FIN_OUT : FIN_IN;
  }
}

/** Returns the milliseconds that a session lasts after a packet. */
export function timeoutOf(timeouts: Timeouts, protocol: number, isEstablished: boolean): number {
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) return timeouts.icmp;
  if (protocol !== IPPROTO_TCP) return timeouts.udp;
  return isEstablished ? timeouts.tcp : timeouts.tcpTransitory;
}
