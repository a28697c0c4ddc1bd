import { AF_INET6 } from '../../constants/socket.js';
import { checkBoolean, checkInteger, checkKeys, invalidType, invalidValue } from '../../core/validate.js';
import type { Prefix } from './prefix.js';

/** What the routers of a network advertise: RFC 4861. All times are in seconds, as there. */
export interface RouterAdvertisements {
  /** Flag M: DHCPv6 gives addresses. Default false. */
  managed?: boolean;
  /** Flag O: DHCPv6 gives other configuration. Default false. */
  other?: boolean;
  /** The time between two unsolicited advertisements: 1 to 1800. Default 600. */
  interval?: number;
  /** How long a router is a default router after an advertisement: 0 (it is none) to 65535. Default: three intervals. */
  lifetime?: number;
  /** How long the addresses of hosts are valid after an advertisement, from 1 on; Infinity: for ever. Default 30 days. */
  validLifetime?: number;
  /** How long hosts prefer them as the source of connections: at most `validLifetime`. Default 7 days. */
  preferredLifetime?: number;
  /** The MTU that hosts use for IPv6: 1280 to that of the network, which is the default. */
  mtu?: number;
}

const OPTIONS = ['managed', 'other', 'interval', 'lifetime', 'validLifetime', 'preferredLifetime', 'mtu'];
const INTERVAL_SECONDS = 600;
const MAX_INTERVAL_SECONDS = 1800;
const MAX_LIFETIME_SECONDS = 0xffff;
const VALID_SECONDS = 30 * 24 * 3600;
const PREFERRED_SECONDS = 7 * 24 * 3600;
/** The last value of 32 bits means Infinity. */
const MAX_SECONDS = 0xfffffffe;
/** The smallest MTU of a link with IPv6: RFC 8200, 5. @internal */
export const IPV6_MTU_MIN = 1280;
/** The interface identifiers of SLAAC have as many bits as their prefix: RFC 4291, 2.5.1. */
const PREFIX_BITS = 64;

/**
 * Checks what the routers of a network advertise.
 * @param mtu that of the network
 * @returns undefined for nothing
 * @throws {TypeError | RangeError} naming the option
 */
export function checkRouterAdvertisements(
  where: string,
  value: unknown,
  prefixes: readonly Prefix[],
  mtu: number,
): RouterAdvertisements | undefined {
  if (value === undefined || value === false) return undefined;
  if (value !== true && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    throw invalidType(where, 'true, or an object with options', value);
  }
  const given: RouterAdvertisements = value === true ? {} : value;
  checkKeys(where, given, OPTIONS);
  const prefix = prefixes.find(({ family }) => family === AF_INET6);
  if (!prefix) throw invalidValue(where, "of a network with a 'prefix6', which routers advertise", value);
  if (prefix.length !== PREFIX_BITS) {
    throw invalidValue(where, "of a network whose 'prefix6' has 64 bits, for SLAAC", prefix.text);
  }
  const all = withDefaults(given, mtu);
  checkBoolean(`${where}.managed`, all.managed);
  checkBoolean(`${where}.other`, all.other);
  checkInteger(`${where}.interval`, all.interval, 1, MAX_INTERVAL_SECONDS);
  checkInteger(`${where}.lifetime`, all.lifetime, 0, MAX_LIFETIME_SECONDS);
  checkSeconds(`${where}.validLifetime`, all.validLifetime, 1, Number.POSITIVE_INFINITY);
  checkSeconds(`${where}.preferredLifetime`, all.preferredLifetime, 0, all.validLifetime);
  checkInteger(`${where}.mtu`, all.mtu, IPV6_MTU_MIN, mtu);
  return given;
}

/** Fills in the defaults: those of RFC 4861, 6.2.1. @param mtu that of the network */
export function withDefaults(given: RouterAdvertisements, mtu: number): Required<RouterAdvertisements> {
  const { interval = INTERVAL_SECONDS, validLifetime = VALID_SECONDS } = given;
  return {
    managed: given.managed ?? false,
    other: given.other ?? false,
    interval,
    lifetime: given.lifetime ?? 3 * interval,
    validLifetime,
    preferredLifetime: given.preferredLifetime ?? Math.min(PREFERRED_SECONDS, validLifetime),
    mtu: given.mtu ?? mtu,
  };
}

function checkSeconds(where: string, value: unknown, min: number, max: number): void {
  if (value !== Number.POSITIVE_INFINITY || max !== value) checkInteger(where, value, min, Math.min(max, MAX_SECONDS));
}
