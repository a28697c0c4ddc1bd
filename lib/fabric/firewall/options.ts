import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import {
  checkBoolean,
  checkEach,
  checkInteger,
  checkKeys,
  checkOneOf,
  invalidType,
  invalidValue,
} from '../../core/validate.js';
import { type AddressPrefix, checkAddressPrefix } from '../address-prefix.js';

/** Firewalls as they are met. */
export type FirewallType = 'block-inbound' | 'corporate' | 'captive-portal';

/** 'reject' answers with a reset of TCP or an ICMP error, 'drop' with nothing. */
export type FirewallAction = 'accept' | 'drop' | 'reject';

/** The sender or receiver of packets. What is left out is any. */
export interface FirewallEndpoint {
  /** An address, or a prefix such as '10.0.0.0/8'; in a lab the name of a host too. */
  address?: string;
  /** A port, or the ports that it may be: [80, 443]. */
  port?: number | readonly number[];
}

/** A rule of a firewall, for the first packet between two endpoints. What is left out is any. */
export interface FirewallRule {
  /** 'out' for packets of the host, or of those behind it; 'in' for packets to them. */
  direction?: 'in' | 'out';
  /** 'icmp' is that of the packet's family; a number is the protocol of IP. */
  protocol?: 'tcp' | 'udp' | 'icmp' | number;
  from?: FirewallEndpoint;
  to?: FirewallEndpoint;
  action: FirewallAction;
}

/** A firewall: the first rule that matches decides. */
export interface FirewallOptions {
  rules: readonly FirewallRule[];
  /** What happens to packets that no rule matches. Default 'drop'. */
  default?: FirewallAction;
  /** True if answers to accepted packets pass without a rule, and ICMP errors about them. Default true. */
  stateful?: boolean;
}

/** The firewall of a host: a known one, rules that accept (all else is dropped), or an object. */
export type Firewall = FirewallType | readonly FirewallRule[] | FirewallOptions;

/** A checked endpoint. */
export interface EndpointPlan {
  /** The prefixes that the address may be in; undefined for any address. */
  readonly prefixes: readonly AddressPrefix[] | undefined;
  readonly ports: readonly number[] | undefined;
}

/** A checked rule. */
export interface RulePlan {
  readonly direction: 'in' | 'out' | undefined;
  /** The protocols of IP; undefined for any. */
  readonly protocols: readonly number[] | undefined;
  readonly from: EndpointPlan;
  readonly to: EndpointPlan;
  readonly action: FirewallAction;
}

/** A checked firewall. */
export interface FirewallPlan {
  readonly rules: readonly RulePlan[];
  readonly default: FirewallAction;
  readonly isStateful: boolean;
}

const ACTIONS = ['accept', 'drop', 'reject'] as const;
const DIRECTIONS = ['in', 'out'] as const;
const MAX_PORT = 65_535;
const MAX_PROTOCOL = 255;
const PROTOCOLS: Readonly<Record<string, readonly number[]>> = {
  tcp: [IPPROTO_TCP],
  udp: [IPPROTO_UDP],
  icmp: [IPPROTO_ICMP, IPPROTO_ICMPV6],
};

const web: FirewallRule = { direction: 'out', protocol: 'tcp', to: { port: [80, 443] }, action: 'accept' };
const dns: FirewallRule = { direction: 'out', protocol: 'udp', to: { port: 53 }, action: 'accept' };

/** What each kind is: what a firewall of that kind lets out, and that it lets nothing in. */
const TYPES: Readonly<Record<FirewallType, readonly FirewallRule[]>> = {
  'block-inbound': [{ direction: 'out', action: 'accept' }],
  corporate: [web, dns, { direction: 'out', protocol: 'tcp', to: { port: 53 }, action: 'accept' }],
  'captive-portal': [web, dns, { direction: 'out', protocol: 'icmp', action: 'accept' }],
};
const TYPE_NAMES = Object.keys(TYPES);

/**
 * Checks a firewall, and adds the defaults.
 * @param where the name of the option, for messages
 * @param resolve returns the addresses of a host by its name, or undefined
 * @throws {TypeError | RangeError} naming the option
 */
export function checkFirewall(
  where: string,
  value: unknown,
  resolve: (name: string) => readonly string[] | undefined = () => undefined,
): FirewallPlan {
  if (typeof value === 'string') {
    const rules = Object.hasOwn(TYPES, value) ? TYPES[value as FirewallType] : undefined;
    if (!rules) throw invalidValue(where, `${TYPE_NAMES.map((name) => `'${name}'`).join(' or ')}, or rules`, value);
    return checkFirewall(where, rules);
  }
  if (typeof value !== 'object' || value === null) throw invalidType(where, 'its name, or an array of rules', value);
  const isList = Array.isArray(value);
  if (!isList) checkKeys(where, value, ['rules', 'default', 'stateful']);
  const options: FirewallOptions = isList ? { rules: value } : (value as FirewallOptions);
  const { rules, stateful = true, default: otherwise = 'drop' } = options;
  const at = isList ? where : `${where}.rules`;
  return {
    rules: checkEach(at, 'an array of rules', rules, (at, rule) => checkRule(at, rule, resolve)),
    default: checkOneOf(`${where}.default`, ACTIONS, otherwise),
    isStateful: checkBoolean(`${where}.stateful`, stateful),
  };
}

type Resolve = (name: string) => readonly string[] | undefined;

function checkRule(where: string, value: unknown, resolve: Resolve): RulePlan {
  if (typeof value !== 'object' || value === null) throw invalidType(where, "a rule: { action: 'drop', … }", value);
  checkKeys(where, value, ['direction', 'protocol', 'from', 'to', 'action']);
  const { direction, protocol, from, to, action } = value as FirewallRule;
  return {
    direction: direction === undefined ? undefined : checkOneOf(`${where}.direction`, DIRECTIONS, direction),
    protocols: protocol === undefined ? undefined : checkProtocol(`${where}.protocol`, protocol),
    from: checkEndpoint(`${where}.from`, from, resolve),
    to: checkEndpoint(`${where}.to`, to, resolve),
    action: checkOneOf(`${where}.action`, ACTIONS, action),
  };
}

function checkProtocol(where: string, value: unknown): readonly number[] {
  if (typeof value === 'number') return [checkInteger(where, value, 0, MAX_PROTOCOL)];
  const found = typeof value === 'string' && Object.hasOwn(PROTOCOLS, value) ? PROTOCOLS[value] : undefined;
  if (found) return found;
  throw invalidValue(where, "'tcp', 'udp', 'icmp' or a number", value);
}

function checkEndpoint(where: string, value: unknown, resolve: Resolve): EndpointPlan {
  if (value === undefined) return { prefixes: undefined, ports: undefined };
  if (typeof value !== 'object' || value === null) throw invalidType(where, '{ address, port }', value);
  checkKeys(where, value, ['address', 'port']);
  const { address, port } = value as FirewallEndpoint;
  const ports = port === undefined || Array.isArray(port) ? port : [port];
  return {
    prefixes: address === undefined ? undefined : checkAddress(`${where}.address`, address, resolve),
    ports:
      ports &&
      checkEach(`${where}.port`, 'a port, or an array of ports', ports, (at, each) =>
        checkInteger(at, each, 0, MAX_PORT),
      ),
  };
}

/** The value is an address, a prefix, or the name of a host, which may have several addresses. */
function checkAddress(where: string, value: unknown, resolve: Resolve): readonly AddressPrefix[] {
  const addresses = (typeof value === 'string' && resolve(value)) || [value];
  return addresses.map((address) => checkAddressPrefix(where, address));
}
