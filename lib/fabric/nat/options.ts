import { isIPv4 } from 'node:net';
import {
  checkBoolean,
  checkEach,
  checkKeys,
  checkOneOf,
  checkPort,
  invalidType,
  invalidValue,
  outOfRange,
} from '../../core/validate.js';
import { addressNumber } from './ipv4-packet.js';

/** What a NAT tells apart: RFC 4787, 4.1 and 5. */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** The classic kinds of NAT (RFC 3489, 5), and NATs as they are met. */
export type NatType =
  | 'full-cone'
  | 'restricted-cone'
  | 'port-restricted'
  | 'symmetric'
  | 'home'
  | 'cgnat'
  | 'cloud'
  | 'corporate';

/** How long a mapping lasts without packets, in seconds; fractions too. */
export interface NatTimeouts {
  /** Default 300: RFC 4787, REQ-5. */
  udp?: number;
  /** Of a TCP connection that is established. Default 7440: RFC 5382, REQ-5. */
  tcp?: number;
  /** Of a TCP connection that begins, or has ended. Default 240: RFC 5382, REQ-5. */
  tcpTransitory?: number;
  /** Of pings. Default 60: RFC 5508, REQ-1. */
  icmp?: number;
}

/** A port of the NAT that leads to a host inside. */
export interface NatForward {
  protocol: 'tcp' | 'udp';
  /** The port outside. */
  port: number;
  /** An address inside; in a lab the name of a host too. */
  to: string;
  /** The port of the host inside. Default: that of `port`. */
  toPort?: number;
}

/** The behaviour of a NAT. */
export interface NatBehavior {
  /** The kind of NAT, from which the other options get their defaults. Default 'port-restricted'. */
  type?: NatType;
  /** For which endpoints outside an endpoint inside keeps the same port outside: RFC 4787, 4.1. */
  mapping?: NatDependence;
  /** From which endpoints outside packets come in: RFC 4787, 5. */
  filtering?: NatDependence;
  /** How ports outside are chosen: the port inside if it is free, one after the other, or at random by the seed: RFC 4787, 4.2.1. */
  ports?: 'preserving' | 'sequential' | 'random';
  /** True if an even port gets an even one, and an odd port an odd one: RFC 4787, 4.2.2. */
  parity?: boolean;
  /** True if hosts inside reach each other by the NAT's address outside: RFC 4787, 6. */
  hairpin?: boolean;
  timeouts?: NatTimeouts;
  /** The address outside that a new mapping gets, if there are several: 'paired' if that of the host's other mappings: RFC 4787, 4.1. */
  pooling?: 'paired' | 'arbitrary';
  /** Ports that are forwarded to hosts inside from the start. Default: none. */
  forwards?: readonly NatForward[];
}

/** A checked {@link NatBehavior}; times are in milliseconds. */
export interface NatPlan {
  readonly type: NatType;
  readonly mapping: NatDependence;
  readonly filtering: NatDependence;
  readonly ports: 'preserving' | 'sequential' | 'random';
  readonly parity: boolean;
  readonly hairpin: boolean;
  readonly timeouts: Readonly<Record<keyof NatTimeouts, number>>;
  readonly pooling: 'paired' | 'arbitrary';
  readonly forwards: readonly ForwardPlan[];
}

/** A checked {@link NatForward}. */
export interface ForwardPlan {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly to: number;
  readonly toPort: number;
}

const DEPENDENCE = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const;
const [ENDPOINT, ADDRESS, ADDRESS_AND_PORT] = DEPENDENCE;
const PORTS = ['preserving', 'sequential', 'random'] as const;
const POOLING = ['paired', 'arbitrary'] as const;

const TIMEOUTS = { udp: 300, tcp: 7440, tcpTransitory: 240, icmp: 60 };
const MAX_TIMEOUT_S = 86_400;
const MIN_TIMEOUT_S = 0.01;
/** The times of a NAT or firewall of which none was asked for, in milliseconds. */
export const DEFAULT_TIMEOUTS = checkTimeouts('timeouts', undefined, TIMEOUTS);

const CONE = {
  mapping: ENDPOINT,
  ports: 'preserving',
  parity: false,
  hairpin: true,
  timeouts: TIMEOUTS,
  pooling: 'paired',
} as const;
const SYMMETRIC = { ...CONE, mapping: ADDRESS_AND_PORT, filtering: ADDRESS_AND_PORT, ports: 'random' } as const;

type Defaults = Omit<NatPlan, 'type' | 'forwards'>;

/** What each kind is; docs/nat.md has the sources. */
const TYPES: Readonly<Record<NatType, Defaults>> = {
  'full-cone': { ...CONE, filtering: ENDPOINT },
  'restricted-cone': { ...CONE, filtering: ADDRESS },
  'port-restricted': { ...CONE, filtering: ADDRESS_AND_PORT },
  symmetric: SYMMETRIC,
  // as netfilter's connection tracking does: nf_conntrack_udp_timeout_stream, …_icmp_timeout
  home: { ...CONE, filtering: ADDRESS_AND_PORT, timeouts: { ...TIMEOUTS, udp: 120, icmp: 30 } },
  // RFC 6888
  cgnat: { ...CONE, filtering: ADDRESS_AND_PORT, ports: 'random' },
  cloud: { ...SYMMETRIC, hairpin: false, timeouts: { ...TIMEOUTS, udp: 350, tcp: 350 } },
  corporate: { ...SYMMETRIC, hairpin: false, ports: 'sequential', timeouts: { ...TIMEOUTS, udp: 30, tcp: 3600 } },
};

/** The names of the kinds of NAT. */
export const NAT_TYPES = Object.keys(TYPES) as readonly NatType[];
/** The names of the options of {@link NatBehavior}. */
export const NAT_OPTIONS = [
  'type',
  'mapping',
  'filtering',
  'ports',
  'parity',
  'hairpin',
  'timeouts',
  'pooling',
  'forwards',
] as const satisfies readonly (keyof NatBehavior)[];

/**
 * Checks the behaviour of a NAT, and adds the defaults.
 * @param where the name of the option, for messages
 * @param resolve returns the address of a host inside
 * @throws {TypeError | RangeError} naming the option
 */
export function checkNat(
  where: string,
  value: NatType | NatBehavior,
  resolve: (where: string, to: unknown) => string = checkAddress,
): NatPlan {
  const given = typeof value === 'string' ? { type: value } : value;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidType(where, `a kind of NAT (${NAT_TYPES.join(', ')}) or an object`, value);
  }
  checkKeys(where, given, NAT_OPTIONS);
  const type = checkOneOf(
    typeof value === 'string' ? where : `${where}.type`,
    NAT_TYPES,
    given.type ?? 'port-restricted',
  );
  const defaults = TYPES[type];
  return {
    type,
    mapping: checkOneOf(`${where}.mapping`, DEPENDENCE, given.mapping ?? defaults.mapping),
    filtering: checkOneOf(`${where}.filtering`, DEPENDENCE, given.filtering ?? defaults.filtering),
    ports: checkOneOf(`${where}.ports`, PORTS, given.ports ?? defaults.ports),
    parity: checkBoolean(`${where}.parity`, given.parity ?? defaults.parity),
    hairpin: checkBoolean(`${where}.hairpin`, given.hairpin ?? defaults.hairpin),
    timeouts: checkTimeouts(`${where}.timeouts`, given.timeouts, defaults.timeouts),
    pooling: checkOneOf(`${where}.pooling`, POOLING, given.pooling ?? defaults.pooling),
    forwards: checkForwards(`${where}.forwards`, given.forwards ?? [], resolve),
  };
}

function checkTimeouts(where: string, given: unknown, defaults: NatPlan['timeouts']): NatPlan['timeouts'] {
  if (given !== undefined && (typeof given !== 'object' || given === null)) {
    throw invalidType(where, 'an object with seconds', given);
  }
  checkKeys(where, given ?? {}, Object.keys(TIMEOUTS));
  const seconds = { ...defaults, ...given };
  const checked = Object.entries(seconds).map(([name, value]) => {
    if (typeof value !== 'number') throw invalidType(`${where}.${name}`, 'seconds', value);
    if (!(value >= MIN_TIMEOUT_S && value <= MAX_TIMEOUT_S)) {
      throw outOfRange(`${where}.${name}`, `seconds, from ${MIN_TIMEOUT_S} to ${MAX_TIMEOUT_S}`, value);
    }
    return [name, value * 1000];
  });
  return Object.fromEntries(checked);
}

function checkForwards(
  where: string,
  value: unknown,
  resolve: (where: string, to: unknown) => string,
): readonly ForwardPlan[] {
  const forwards = checkEach(where, 'an array of { protocol, port, to }', value, (at, each) =>
    checkForward(at, each, resolve),
  );
  const repeated = forwards.find((each, i) => forwards.slice(0, i).some((other) => isSamePort(each, other)));
  if (repeated) throw invalidValue(where, `with ${repeated.protocol} port ${repeated.port} once`, value);
  return forwards;
}

/** Checks a forwarded port. @throws {TypeError | RangeError} naming the option */
export function checkForward(
  where: string,
  value: unknown,
  resolve: (where: string, to: unknown) => string = checkAddress,
): ForwardPlan {
  if (typeof value !== 'object' || value === null) throw invalidType(where, '{ protocol, port, to }', value);
  checkKeys(where, value, ['protocol', 'port', 'to', 'toPort']);
  const { protocol, port, to, toPort = port } = value as NatForward;
  return {
    protocol: checkOneOf(`${where}.protocol`, ['tcp', 'udp'] as const, protocol),
    port: checkServicePort(`${where}.port`, port),
    to: addressNumber(resolve(`${where}.to`, to)),
    toPort: checkServicePort(`${where}.toPort`, toPort),
  };
}

export function isSamePort(a: ForwardPlan, b: ForwardPlan): boolean {
  return a.protocol === b.protocol && a.port === b.port;
}

function checkServicePort(where: string, value: unknown): number {
  if (checkPort(where, value) !== 0) return value as number;
  throw outOfRange(where, 'a port from 1 to 65535', value);
}

function checkAddress(where: string, value: unknown): string {
  if (typeof value === 'string' && isIPv4(value)) return value;
  throw invalidValue(where, 'an IPv4 address inside', value);
}
