import {
  IPPROTO_DCCP,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../constants/inet.js';
import { ETH_P_ARP } from '../../constants/packet.js';
import {
  checkData,
  checkInteger,
  checkKeys,
  checkPort,
  invalidType,
  invalidValue,
  quoted,
} from '../../core/validate.js';
import { type AddressPrefix, checkAddressPrefix } from '../address-prefix.js';
import { checkDns, type DnsPattern, type DnsPlan } from './dns-pattern.js';
import { checkFlags, type FlagsPlan, type TcpFlags } from './flags-plan.js';
import { checkIcmp, type IcmpName, type IcmpPlan } from './icmp-names.js';

/** A protocol that a match names. */
export type ProtocolName = 'tcp' | 'udp' | 'icmp' | 'icmp6' | 'arp';

/** What a packet has. Each property narrows the match; of an array one item is enough. `{}` is every frame. */
export interface PacketPattern {
  /** Its protocol; a number up to 255 is a protocol of IP, one from 1536 an EtherType. */
  protocol?: ProtocolName | number | readonly (ProtocolName | number)[];
  /** A port of TCP or UDP that it comes from or goes to. Only the first fragment of a packet has ports. */
  port?: number | readonly number[];
  /** The port that it comes from. */
  fromPort?: number | readonly number[];
  /** The port that it goes to. */
  toPort?: number | readonly number[];
  /** An address that it comes from or goes to, or a prefix of it: '10.0.0.1', 'fd00::/64'. Also an address that ARP is about. */
  address?: string | readonly string[];
  /** The address or prefix that it comes from. */
  fromAddress?: string | readonly string[];
  /** The address or prefix that it goes to. */
  toAddress?: string | readonly string[];
  /**
   * Flags of TCP: 'SYN' is a SYN without ACK, the first segment of a connection; 'SYN+ACK' is the answer. Otherwise the flags that
   * are not named may be set or not: 'FIN' is every segment with FIN.
   */
  flags?: TcpFlags | readonly TcpFlags[];
  /**
   * What an ICMP or ICMPv6 message is: 'too-big' is "fragmentation needed" or "packet too big". A number is the type; it needs a
   * protocol, 'icmp' or 'icmp6'.
   */
  icmp?: IcmpName | number | readonly (IcmpName | number)[];
  /**
   * A DNS message in a datagram, or whole in a segment of TCP. `{}` is every one. It comes from or goes to port 53 or 5353, unless
   * a port is named.
   */
  dns?: DnsPattern;
  /** Bytes, or text as UTF-8, anywhere in the data behind the headers. */
  payload?: string | Uint8Array;
}

/** The frames that an intercept is for. `P` are the names of the ports or hosts. */
export interface PacketMatch<P extends string = string> extends PacketPattern {
  /** The hosts or ports of the network that they come from. */
  from?: P | readonly P[];
  /** The hosts or ports of the network that they go to. */
  to?: P | readonly P[];
  /** What they do not have: `{ dns: { answer: true }, not: { dns: { type: 'AAAA' } } }`. */
  not?: PacketPattern;
  /** A function that decides in the thread of the program. It is called for the frames that match the rest. */
  where?: PacketTest<P>;
}

/**
 * Decides about a frame, which waits for the answer. Other frames do not wait for it.
 * @param frame the Ethernet frame, a copy
 * @param from the host or port that it comes from
 * @param to the host or port that it goes to, the first one of several
 * @returns whether it matches; or an action for this frame; or another frame, which goes on instead of it
 */
export type PacketTest<P extends string = string> = {
  // as a method, whose parameters TypeScript compares both ways: a Lab<'a'> is a Lab<string>
  test(frame: Buffer, from: P, to: P): PacketAnswer | Promise<PacketAnswer>;
}['test'];

/** The answer of a {@link PacketTest}. */
export type PacketAnswer = boolean | PacketAction | Uint8Array;

/**
 * What is done with a frame. 'drop' loses it, `{ delay }` delays it by milliseconds, 'duplicate' sends it twice, 'corrupt' flips a
 * bit of it behind its addresses, 'reject' loses it and answers as a closed port does, 'pass' only counts it.
 */
export type PacketAction = 'drop' | 'duplicate' | 'corrupt' | 'reject' | 'pass' | { readonly delay: number };

/** A checked {@link PacketPattern}. Undefined means any. */
export interface PatternPlan {
  readonly etherTypes: readonly number[] | undefined;
  readonly protocols: readonly number[] | undefined;
  readonly ports: readonly number[] | undefined;
  readonly fromPorts: readonly number[] | undefined;
  readonly toPorts: readonly number[] | undefined;
  readonly addresses: readonly AddressPrefix[] | undefined;
  readonly fromAddresses: readonly AddressPrefix[] | undefined;
  readonly toAddresses: readonly AddressPrefix[] | undefined;
  readonly flags: readonly FlagsPlan[] | undefined;
  readonly icmp: readonly IcmpPlan[] | undefined;
  readonly dns: DnsPlan | undefined;
  readonly payload: Uint8Array | undefined;
}

/** A checked {@link PacketMatch}, which can be sent to another thread. */
export interface MatchPlan extends PatternPlan {
  readonly from: readonly string[] | undefined;
  readonly to: readonly string[] | undefined;
  readonly not: PatternPlan | undefined;
}

const PROTOCOLS: Record<ProtocolName, number> = {
  tcp: IPPROTO_TCP,
  udp: IPPROTO_UDP,
  icmp: IPPROTO_ICMP,
  icmp6: IPPROTO_ICMPV6,
  arp: ETH_P_ARP,
};
const MAX_IP_PROTOCOL = 255;
/** Below it the field is the length of a frame (IEEE 802.3). */
const FIRST_ETHER_TYPE = 1536;
/** The protocols of IP that have ports, where TCP has them. */
const WITH_PORTS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_DCCP, IPPROTO_SCTP];
/** The properties of a {@link PacketPattern}. */
export const PATTERN_KEYS = [
  'protocol',
  'port',
  'fromPort',
  'toPort',
  'address',
  'fromAddress',
  'toAddress',
  'flags',
  'icmp',
  'dns',
  'payload',
] as const satisfies readonly (keyof PacketPattern)[];
const MATCH_KEYS = [...PATTERN_KEYS, 'from', 'to', 'not', 'where'] as const satisfies readonly (keyof PacketMatch)[];

/**
 * Checks a match.
 * @param checkNames checks names of ports
 * @throws {TypeError | RangeError} naming the property
 */
export function checkMatch(
  match: PacketMatch,
  checkNames: (what: string, value: unknown) => readonly string[] | undefined,
): MatchPlan {
  checkKeys('match', match, MATCH_KEYS);
  const { from, to, not, where, ...pattern } = match;
  if (where !== undefined && typeof where !== 'function') throw invalidType('match.where', 'a function', where);
  const checkSome = (what: string, value: unknown) => {
    const names = checkNames(what, value);
    if (names?.length === 0) throw invalidValue(what, 'an array with a name: no frame would match', value);
    return names;
  };
  return {
    ...checkPattern('match', pattern, hasPort(pattern)),
    from: checkSome('match.from', from),
    to: checkSome('match.to', to),
    not: not === undefined ? undefined : checkNot(not, hasPort(pattern)),
  };
}

function checkNot(not: unknown, isPortNamed: boolean): PatternPlan {
  if (typeof not !== 'object' || not === null) throw invalidType('match.not', 'an object, such as { port: 53 }', not);
  checkKeys('match.not', not, PATTERN_KEYS);
  if (Object.values(not).every((value) => value === undefined)) {
    throw invalidValue('match.not', 'an object that has a property: no frame would be left', not);
  }
  return checkPattern('match.not', not, isPortNamed || hasPort(not));
}

function checkPattern(where: string, pattern: PacketPattern, isPortNamed: boolean): PatternPlan {
  const numbers = listOf(`${where}.protocol`, pattern.protocol, checkProtocol);
  checkTogether(where, pattern, numbers);
  return {
    etherTypes: numbers?.filter((number) => number >= FIRST_ETHER_TYPE),
    protocols: numbers?.filter((number) => number < FIRST_ETHER_TYPE),
    ports: listOf(`${where}.port`, pattern.port, checkPort),
    fromPorts: listOf(`${where}.fromPort`, pattern.fromPort, checkPort),
    toPorts: listOf(`${where}.toPort`, pattern.toPort, checkPort),
    addresses: listOf(`${where}.address`, pattern.address, checkAddressPrefix),
    fromAddresses: listOf(`${where}.fromAddress`, pattern.fromAddress, checkAddressPrefix),
    toAddresses: listOf(`${where}.toAddress`, pattern.toAddress, checkAddressPrefix),
    flags: listOf(`${where}.flags`, pattern.flags, checkFlags),
    icmp: listOf(`${where}.icmp`, pattern.icmp, (name, value) => checkIcmp(name, value, numbers))?.flat(),
    dns: pattern.dns === undefined ? undefined : checkDns(`${where}.dns`, pattern.dns, isPortNamed),
    payload: pattern.payload === undefined ? undefined : checkPayload(`${where}.payload`, pattern.payload),
  };
}

function hasPort({ port, fromPort, toPort }: PacketPattern): boolean {
  return port !== undefined || fromPort !== undefined || toPort !== undefined;
}

/** Refuses what no frame can have. */
function checkTogether(where: string, pattern: PacketPattern, protocols: readonly number[] | undefined): void {
  const needs = (key: keyof PacketPattern, accepted: readonly number[], names: string) => {
    if (pattern[key] === undefined || !protocols || protocols.some((protocol) => accepted.includes(protocol))) return;
    throw invalidValue(`${where}.${key}`, `used with the protocol ${names}, or with none`, pattern[key]);
  };
  for (const key of ['port', 'fromPort', 'toPort'] as const) needs(key, WITH_PORTS, "'tcp' or 'udp'");
  needs('flags', [PROTOCOLS.tcp], "'tcp'");
  needs('icmp', [PROTOCOLS.icmp, PROTOCOLS.icmp6], "'icmp' or 'icmp6'");
  needs('dns', [PROTOCOLS.udp, PROTOCOLS.tcp], "'udp' or 'tcp'");
  if (pattern.icmp === undefined) return;
  const other = (['port', 'fromPort', 'toPort', 'flags', 'dns'] as const).find((key) => pattern[key] !== undefined);
  if (other) throw invalidValue(`${where}.icmp`, `used without '${other}', which ICMP does not have`, pattern.icmp);
}

/** Checks one value, or an array of them. */
function listOf<T>(name: string, value: unknown, check: (name: string, item: unknown) => T): T[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return [check(name, value)];
  if (value.length === 0) throw invalidValue(name, 'an array with an item: no frame would match', value);
  return Array.from(value, (item, i) => check(`${name}[${i}]`, item));
}

function checkProtocol(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    const known = Object.keys(PROTOCOLS).find((each) => each === value) as ProtocolName | undefined;
    if (known) return PROTOCOLS[known];
    throw invalidValue(name, `${quoted(Object.keys(PROTOCOLS))}, or a number`, value);
  }
  if (Number.isInteger(value) && value > MAX_IP_PROTOCOL) return checkInteger(name, value, FIRST_ETHER_TYPE, 0xffff);
  return checkInteger(name, value, 0, MAX_IP_PROTOCOL);
}

function checkPayload(name: string, value: unknown): Uint8Array {
  // a copy: the other thread gets the whole buffer behind a view
  const bytes = Uint8Array.from(checkData(name, value));
  if (bytes.length === 0) throw invalidValue(name, 'one byte or more', value);
  return bytes;
}
