import { randomInt } from 'node:crypto';
import { type Address, decodeSockaddr } from '../address/sockaddr.js';
import {
  ICMP6_FILTER,
  IP_MULTICAST_TTL,
  IP_RECVERR,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_MULTICAST_HOPS,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_UNICAST_HOPS,
} from '../constants/inet.js';
import { AF_INET, MSG_DONTWAIT, MSG_ERRQUEUE, SOCK_DGRAM, SOCK_RAW, SOL_RAW } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN, intOf, viewOf } from '../core/byte-order.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import type { StackInterface } from '../dns/stack-interface.js';
import type { AncillaryItem } from '../socket/cmsg.js';
import { icmpFilter } from '../socket/icmp-filter.js';
import type { Socket } from '../socket/socket.js';
import { type Echo, echoRequest, echoTypes, ipv4Payload, readEcho } from './icmp.js';

/** The answer to a request, or a report about it. */
export interface EchoReply {
  readonly seq: number;
  /** The sender; null if the stack itself found the failure. */
  readonly from: Address | null;
  /** The bytes of the ICMP message. */
  readonly bytes: number;
  readonly ttl: number | null;
  /** The failure of the request, if it was not answered: the errno that the kernel made of it; the report and who sent it. */
  readonly failure?: { readonly code: string; readonly hint: string | undefined };
}

/** ICMP_FILTER of netinet/ip_icmp.h and linux/icmp.h. */
const ICMP_FILTER = 1;
/** Room for an IPv4 header, and for faulty replies that are longer than the request. */
const ROOM = 256;
const ANCILLARY_SIZE = 512;

/** A socket for ICMP echo: a raw one, else one of the kernel's ping sockets (icmp(7)), which unprivileged users may make. */
export class PingSocket {
  readonly #socket: Socket;
  readonly #isRaw: boolean;
  /** True if it has the options of raw(7) and ip(7), and their error queue. */
  readonly #isKernels: boolean;
  readonly #id = randomInt(0x10000);

  /** @throws {IothError} EACCES, EPERM if the user may make neither kind; an error of the stack */
  constructor(
    stack: StackInterface,
    readonly family: number,
    readonly payload: Uint8Array,
    ttl: number | undefined,
  ) {
    const proto = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    [this.#socket, this.#isRaw] = openSocket(stack, family, proto);
    // the program may have set a default timeout for its own sockets
    this.#socket.settimeout(null);
    this.#isKernels = stack.hasKernelSockets;
    try {
      this.#configure(ttl);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Sends a request.
   * @throws {IothError} an error of the stack about this request
   */
  send(seq: number, to: Address): Promise<number> {
    return this.#socket.sendto(echoRequest(this.family, this.#id, seq, this.payload), to);
  }

  /** Waits for an answer to one of the requests, or for a report about it. @throws {IothError} ECANCELED, ERR_STACK_DEAD */
  async receive(): Promise<EchoReply> {
    for (;;) {
      try {
        const room = this.payload.length + ROOM;
        const [data, ancillary, , from] = await this.#socket.recvmsg(room, ANCILLARY_SIZE);
        const message = this.#isRaw && this.family === AF_INET ? ipv4Payload(data) : data;
        const echo = this.#own(readEcho(message), echoTypes(this.family).reply);
        if (echo) return { seq: echo.seq, from, bytes: message.length, ttl: ttlOf(ancillary) };
      } catch (error) {
        const reported = this.takeError();
        if (reported) return reported;
        // it is about another program's request: the kernel reports it to every raw socket
        if (!isOfNetwork(error)) throw error;
      }
    }
  }

  /** Takes the next report of the network about a request from the error queue of ip(7). */
  takeError(): EchoReply | undefined {
    if (!this.#isKernels) return undefined;
    for (;;) {
      let received: [Buffer, AncillaryItem[], number, Address];
      try {
        received = this.#socket.sync.recvmsg(this.payload.length + ROOM, ANCILLARY_SIZE, MSG_ERRQUEUE | MSG_DONTWAIT);
      } catch {
        return undefined;
      }
      const [data, ancillary] = received;
      const echo = this.#own(readEcho(data), echoTypes(this.family).request);
      const report = dataOf(ancillary, IP_RECVERR, IPV6_RECVERR);
      if (!echo || !report) continue;
      const [from, failure] = readReport(report);
      return { seq: echo.seq, from, bytes: data.length, ttl: ttlOf(ancillary), failure };
    }
  }

  close(): void {
    this.#socket.close();
  }

  #own(echo: Echo | undefined, type: number): Echo | undefined {
    // a ping socket has a number of its own in place of the id
    const isOwn = echo?.type === type && (!this.#isRaw || echo.id === this.#id);
    // an error contains only the beginning of the request
    return isOwn && echo.payload.equals(this.payload.subarray(0, echo.payload.length)) ? echo : undefined;
  }

  #configure(ttl: number | undefined): void {
    const [socket, isIpv4] = [this.#socket, this.family === AF_INET];
    const level = isIpv4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (this.#isKernels) this.#report(level, isIpv4);
    if (ttl === undefined) return;
    socket.setsockopt(level, isIpv4 ? IP_TTL : IPV6_UNICAST_HOPS, ttl);
    socket.setsockopt(level, isIpv4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, ttl);
  }

  /** Makes the socket receive hop limits and errors, and only the messages that are for it. */
  #report(level: number, isIpv4: boolean): void {
    const socket = this.#socket;
    if (this.#isRaw) {
      const [filters, option] = isIpv4 ? [SOL_RAW, ICMP_FILTER] : [IPPROTO_ICMPV6, ICMP6_FILTER];
      socket.setsockopt(filters, option, icmpFilter(echoTypes(this.family).reply, isIpv4 ? 4 : 32));
    }
    socket.setsockopt(level, isIpv4 ? IP_RECVERR : IPV6_RECVERR, 1);
    socket.setsockopt(level, isIpv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
  }
}

function openSocket(stack: StackInterface, family: number, proto: number): [Socket, isRaw: boolean] {
  try {
    return [stack.socket(family, SOCK_RAW, proto), true];
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  try {
    return [stack.socket(family, SOCK_DGRAM, proto), false];
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const hint = 'ping from the host needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range';
    throw new IothError(error.code, { syscall: 'socket', hint, cause: error });
  }
}

function isForbidden(error: unknown): error is IothError {
  return error instanceof IothError && ['EPERM', 'EACCES'].includes(error.code);
}

function ttlOf(ancillary: readonly AncillaryItem[]): number | null {
  const data = dataOf(ancillary, IP_TTL, IPV6_HOPLIMIT);
  return data ? intOf(data) : null;
}

/** Returns the data of the item that has this type in IPv4, or that one in IPv6. */
function dataOf(ancillary: readonly AncillaryItem[], type4: number, type6: number): Uint8Array | undefined {
  return ancillary.find(
    ([level, type]) => (level === IPPROTO_IP && type === type4) || (level === IPPROTO_IPV6 && type === type6),
  )?.[2];
}

/** Parses a `struct sock_extended_err` and the sockaddr of the reporting host after it. */
function readReport(report: Uint8Array): [from: Address | null, failure: EchoReply['failure']] {
  const view = viewOf(report);
  const [code, origin, type, icmpCode] = [view.getUint32(0, IS_LITTLE_ENDIAN), report[4], report[5], report[6]];
  const from = reporterOf(report.subarray(REPORT_SIZE));
  const what = origin === ORIGIN_LOCAL ? undefined : `ICMP type ${type} code ${icmpCode}`;
  const meaning = isTimeExceeded(origin, type) ? 'the hop limit was exceeded' : undefined;
  const hint =
    [meaning, what && `${what}${from ? ` from ${from.address}` : ''}`].filter(Boolean).join(', ') || undefined;
  return [from, { code: codeOf(code), hint }];
}

const REPORT_SIZE = 16;
/** SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6. */
const [ORIGIN_LOCAL, ORIGIN_ICMP, ORIGIN_ICMP6] = [1, 2, 3];
/** ICMP_TIME_EXCEEDED and ICMPV6_TIME_EXCEED. */
const [TIME_EXCEEDED, TIME_EXCEEDED6] = [11, 3];

function isTimeExceeded(origin: number | undefined, type: number | undefined): boolean {
  return (origin === ORIGIN_ICMP && type === TIME_EXCEEDED) || (origin === ORIGIN_ICMP6 && type === TIME_EXCEEDED6);
}

function reporterOf(sockaddr: Uint8Array): Address | null {
  try {
    const address = decodeSockaddr(Buffer.from(sockaddr), sockaddr.length);
    return address.family === 'IPv4' || address.family === 'IPv6' ? address : null;
  } catch {
    return null;
  }
}

/** Returns whether the error is a report of the network that made a call fail. The report is also in the error queue. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof IothError && NETWORK_ERRORS.has(error.code);
}

const NETWORK_ERRORS = new Set([
  ...['EHOSTUNREACH', 'ENETUNREACH', 'ECONNREFUSED', 'EHOSTDOWN', 'ENONET', 'EPROTO', 'EMSGSIZE', 'ENOPROTOOPT'],
  ...['EOPNOTSUPP', 'ENOTSUP', 'EACCES', 'EPERM', 'ENETDOWN'],
]);
