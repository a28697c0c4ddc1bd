import { isIPv4 } from 'node:net';
import { AF_INET } from '../../constants/index.js';
import { invalidValue } from '../../core/validate.js';
import { addressNumber } from '../../fabric/nat/ipv4-packet.js';
import { checkNat, type NatPlan } from '../../fabric/nat/options.js';
import type { NetworkPlan } from './config.js';
import { type Attachment, attachmentOn, type HostPlan, insideOf, nat64NetworksOf } from './host-plan.js';

const MAX_ADDRESSES = 63;

/** What a NAT needs to know of its topology. */
interface Surroundings {
  readonly hosts: readonly HostPlan[];
  isReachedFrom(from: NetworkPlan, to: NetworkPlan): boolean;
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
  ) {}

  get inside(): readonly NetworkPlan[] {
    return insideOf(this.host);
  }

  /** The networks inside from which it translates IPv6 to IPv4. */
  get nat64Networks(): readonly NetworkPlan[] {
    return nat64NetworksOf(this.host);
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
  const plan = checkNat(where, behavior, (at, to) => resolve(topology, host, at, to));
  return new NatRouter(topology, host, attachment, [address, ...addresses], plan);
}

/** Checks that no plain router joins a network inside with the one outside. */
function checkWaysAround(topology: Surroundings, host: HostPlan): void {
  const { outside } = host.nat!;
  const around = insideOf(host).find((network) => topology.isReachedFrom(outside, network));
  if (!around) return;
  const expected = `the only way between network '${around.name}' and '${outside.name}': another router joins them without a NAT`;
  throw invalidValue(`config.hosts.${host.name}.nat`, expected, host.nat!.behavior);
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
