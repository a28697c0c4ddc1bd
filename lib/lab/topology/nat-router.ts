import { isIPv4 } from 'node:net';
import { ipBytes, ipText } from '../../address/ip.js';
import { AF_INET, AF_INET6 } from '../../constants/socket.js';
import { invalidValue } from '../../core/validate.js';
import { checkAddressPrefix } from '../../fabric/address-prefix.js';
import { addressNumber } from '../../fabric/nat/ipv4-packet.js';
import { checkNat, type NatPlan } from '../../fabric/nat/options.js';
import { type PrefixPair, PrefixTranslation } from '../../fabric/nat/prefix-translation.js';
import type { NetworkPlan } from './config.js';
import { type Attachment, attachmentOn, type HostPlan, insideOf, nat64NetworksOf, privateOf } from './host-plan.js';
import { overlaps, type Prefix } from './prefix.js';

const MAX_ADDRESSES = 63;
const MAX_PREFIX6 = 64;

/** What a NAT needs to know of its topology. */
interface Surroundings {
  readonly networks: readonly NetworkPlan[];
  readonly hosts: readonly HostPlan[];
  isReachedFrom(from: NetworkPlan, to: NetworkPlan, family: number): boolean;
}

/** The NAT of a router, checked. */
export class NatRouter {
  constructor(
    readonly topology: Surroundings,
    readonly host: HostPlan,
    readonly outside: Attachment,
    /** Its addresses outside, that of the router first. */
    readonly addresses: readonly string[],
    readonly behavior: NatPlan,
    /** The IPv6 prefixes that stand for each other. */
    readonly prefixes6: PrefixPair | undefined,
  ) {}

  get inside(): readonly NetworkPlan[] {
    return insideOf(this.host);
  }

  /** The networks inside from which it translates IPv6 to IPv4. */
  get nat64Networks(): readonly NetworkPlan[] {
    return nat64NetworksOf(this.host);
  }

  /** Returns the IPv6 addresses outside of a host inside. */
  addresses6Of(host: HostPlan): string[] {
    if (!this.prefixes6) return [];
    const prefixes = new PrefixTranslation(this.prefixes6);
    const own = host.attachments.filter(({ network }) => this.inside.includes(network));
    return own.flatMap(({ addresses }) => {
      const bytes = Buffer.from(ipBytes(addresses.get(AF_INET6) ?? '::'));
      return prefixes.isInside(bytes, 0) && prefixes.toOutside(bytes, 0) ? [ipText(bytes)] : [];
    });
  }

  /** Returns whether a port is forwarded to a host from the start. */
  forwardsTo(host: HostPlan): boolean {
    const own = host.attachments.flatMap(({ network, addresses }) =>
      this.inside.includes(network) ? [addressNumber(addresses.get(AF_INET) ?? '')] : [],
    );
    return this.behavior.forwards.some(({ to }) => own.includes(to));
  }

  /** Returns the address of a host, or an address, that a port can be forwarded to. @throws {TypeError} */
  resolve(where: string, to: unknown): string {
    return resolve(this.topology, this.host, where, to);
  }
}

/** Checks the NATs of a topology. @throws {TypeError | RangeError} naming the host */
export function checkNats(topology: Surroundings): Map<HostPlan, NatRouter> {
  const routers = topology.hosts.filter(({ nat }) => nat);
  return new Map(routers.map((host) => [host, checkRouter(topology, host)]));
}

function checkRouter(topology: Surroundings, host: HostPlan): NatRouter {
  const where = `config.hosts.${host.name}.nat`;
  const { outside, addresses, behavior, nat64 } = host.nat!;
  const attachment = attachmentOn(host, outside)!;
  const address = attachment.addresses.get(AF_INET);
  if (address === undefined) throw invalidValue(where, 'towards a network with an IPv4 prefix', outside.name);
  if (addresses.length > MAX_ADDRESSES) throw invalidValue(`${where}.addresses`, '63 addresses at most', addresses);
  if (nat64 && nat64NetworksOf(host).length === 0) {
    throw invalidValue(`${where}.nat64`, "false without a network inside that has a 'prefix6' and no 'prefix'", nat64);
  }
  checkWaysAround(topology, host);
  const prefixes6 = checkPrefix6(topology, host);
  const plan = checkNat(where, behavior, (at, to) => resolve(topology, host, at, to));
  return new NatRouter(topology, host, attachment, [address, ...addresses], plan, prefixes6);
}

/** Checks that no plain router joins a network inside with the one outside. */
function checkWaysAround(topology: Surroundings, host: HostPlan): void {
  const { outside } = host.nat!;
  const families = [AF_INET, AF_INET6];
  const isAround = (network: NetworkPlan) =>
    families.some(
      (family) => privateOf(host, family).includes(network) && topology.isReachedFrom(outside, network, family),
    );
  const around = insideOf(host).find(isAround);
  if (!around) return;
  const expected = `the only way between network '${around.name}' and '${outside.name}': another router joins them without a NAT`;
  throw invalidValue(`config.hosts.${host.name}.nat`, expected, host.nat!.behavior);
}

/** Checks the prefix outside that stands for an IPv6 prefix inside. */
function checkPrefix6(topology: Surroundings, host: HostPlan): PrefixPair | undefined {
  const { prefix6, outside } = host.nat!;
  if (!prefix6) return undefined;
  const where = `config.hosts.${host.name}.nat.prefix6`;
  const refuse = (expected: string) => invalidValue(where, expected, prefix6.text);
  const [inside, ...others] = insideOf(host).flatMap(ofIPv6);
  if (!inside || others.length > 0) throw refuse("of a router with one network inside that has a 'prefix6'");
  if (ofIPv6(outside).length === 0)
    throw refuse(`of a router whose network outside, '${outside.name}', has a 'prefix6'`);
  if (inside.length !== prefix6.length || inside.length > MAX_PREFIX6) {
    throw refuse(`as long as the one inside, ${inside.text}, and of ${MAX_PREFIX6} bits at most`);
  }
  const taken = [...topology.networks.flatMap(ofIPv6), ...othersOutside(topology, host)];
  const overlapping = taken.find((other) => overlaps(other, prefix6));
  if (overlapping) throw refuse(`disjoint from all other prefixes: not with ${overlapping.text}`);
  return { inside: checkAddressPrefix(where, inside.text), outside: checkAddressPrefix(where, prefix6.text) };
}

function ofIPv6({ prefixes }: NetworkPlan): Prefix[] {
  return prefixes.filter(({ family }) => family === AF_INET6);
}

function othersOutside({ hosts }: Surroundings, host: HostPlan): Prefix[] {
  return hosts.flatMap((other) => (other !== host && other.nat?.prefix6 ? [other.nat.prefix6] : []));
}

function resolve(topology: Surroundings, router: HostPlan, where: string, to: unknown): string {
  const inside = insideOf(router);
  const known = topology.hosts.flatMap((host) => {
    const found = host === router ? undefined : host.attachments.find(({ network }) => inside.includes(network));
    const address = found?.addresses.get(AF_INET);
    return address === undefined ? [] : [[host.name, address] as const];
  });
  const [, address] = known.find(([name]) => name === to) ?? [];
  if (address !== undefined) return address;
  if (typeof to === 'string' && isIPv4(to)) return to;
  throw invalidValue(where, `a host behind the NAT (${known.map(([name]) => name).join(', ')}) or an IPv4 address`, to);
}
