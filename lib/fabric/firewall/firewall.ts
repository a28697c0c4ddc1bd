import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP } from '../../constants/inet.js';
import { isInPrefix } from '../address-prefix.js';
import type { Gate, Verdict } from '../gate.js';
import { Headers, isIcmpError } from '../headers.js';
import { DEFAULT_TIMEOUTS } from '../nat/options.js';
import { refusalOf } from '../refusal.js';
import { FlowTable } from './flow-table.js';
import type { EndpointPlan, FirewallPlan, RulePlan } from './options.js';

/** Types of ICMPv6 that a link needs: listeners (RFC 2710, 3810), routers and neighbours (RFC 4861). */
const OF_THE_LINK = new Set([130, 131, 132, 133, 134, 135, 136, 137, 143]);
const ECHO_REPLIES: Readonly<Record<number, number>> = { [IPPROTO_ICMP]: 0, [IPPROTO_ICMPV6]: 129 };
/** The ports of DHCP and DHCPv6. */
const DHCP_PORTS = new Set([67, 68, 546, 547]);

/** A firewall between a host and a network, for IPv4 and IPv6. */
export class FirewallGate implements Gate {
  readonly cause = 'firewall';
  note: string | undefined;
  answer: Buffer | undefined;
  #plan: FirewallPlan;
  readonly #headers = new Headers();
  readonly #quoted = new Headers();
  readonly #flows = new FlowTable(DEFAULT_TIMEOUTS);

  constructor(plan: FirewallPlan) {
    this.#plan = plan;
  }

  set(plan: FirewallPlan): void {
    this.#plan = plan;
  }

  /** Forgets all conversations. */
  flush(): void {
    this.#flows.clear();
  }

  fromHost(frame: Buffer, length: number, now: number): Verdict {
    return this.#decide(frame, length, true, now);
  }

  toHost(frame: Buffer, length: number, now: number): Verdict {
    return this.#decide(frame, length, false, now);
  }

  released(): readonly Buffer[] {
    return [];
  }

  #decide(frame: Buffer, length: number, isOut: boolean, now: number): Verdict {
    this.note = undefined;
    this.answer = undefined;
    const headers = this.#headers;
    headers.parse(frame, length);
    // a later fragment has no ports, and nothing can be made of it without the first one
    if (headers.family === 0 || (headers.isFragment && headers.transport < 0) || this.#isOfTheLink()) return 'pass';
    const { isStateful, rules } = this.#plan;
    if (isStateful && this.#isKnown(frame, isOut, now)) return 'pass';
    const matching = rules.findIndex((rule) => this.#matches(rule, frame, isOut));
    const action = rules[matching]?.action ?? this.#plan.default;
    if (action === 'accept') {
      if (!isStateful || this.#flows.add(frame, headers, isOut, now)) return 'pass';
      return this.#drop('the table is full');
    }
    if (action === 'reject') this.answer = refusalOf(frame, headers);
    return this.#drop(matching < 0 ? 'no rule' : `rule ${matching + 1}`);
  }

  #drop(reason: string): Verdict {
    this.note = `dropped: firewall: ${reason}`;
    return 'drop';
  }

  /** Returns whether hosts of a link need the packet to find each other, routers and addresses. */
  #isOfTheLink(): boolean {
    const { protocol, icmpType, fromPort, toPort } = this.#headers;
    if (protocol === IPPROTO_ICMPV6) return OF_THE_LINK.has(icmpType);
    return protocol === IPPROTO_UDP && DHCP_PORTS.has(fromPort) && DHCP_PORTS.has(toPort);
  }

  /** Returns whether a packet, or the one that an ICMP error is about, is of a conversation that was accepted. */
  #isKnown(frame: Buffer, isOut: boolean, now: number): boolean {
    const headers = this.#headers;
    if (!isIcmpError(headers.protocol, headers.icmpType)) return this.#flows.note(frame, headers, isOut, now);
    this.#quoted.parseQuoted(frame, headers);
    // an error goes the other way than the packet that it is about
    return this.#quoted.family !== 0 && this.#flows.has(frame, this.#quoted, !isOut, now);
  }

  #matches({ direction, protocols, from, to }: RulePlan, frame: Buffer, isOut: boolean): boolean {
    const { protocol, icmpType, fromPort, toPort, fromAddress, toAddress, addressLength } = this.#headers;
    if (direction !== undefined && (direction === 'out') !== isOut) return false;
    if (protocols !== undefined && !protocols.includes(protocol)) return false;
    // an answer to a ping that was not accepted begins nothing
    if (icmpType >= 0 && ECHO_REPLIES[protocol] === icmpType && this.#plan.isStateful) return false;
    return isOf(from, fromPort, frame, fromAddress, addressLength) && isOf(to, toPort, frame, toAddress, addressLength);
  }
}

function isOf({ prefixes, ports }: EndpointPlan, port: number, frame: Buffer, at: number, length: number): boolean {
  if (ports !== undefined && !ports.includes(port)) return false;
  return prefixes === undefined || prefixes.some((prefix) => isInPrefix(frame, at, length, prefix));
}
