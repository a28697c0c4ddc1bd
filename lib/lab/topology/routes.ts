import { AF_INET } from '../../constants/index.js';
import { invalidValue } from '../../core/validate.js';
import type { HostPlan, NetworkPlan, RoutePlan } from './plan.js';

/** The number of routers on the way from each network to one target. Networks that have no way there are missing. */
type Distances = ReadonlyMap<NetworkPlan, number>;

const known = new WeakMap<readonly HostPlan[], Map<string, Distances>>();

/** Returns the routes of a host to all networks that it is not on: the way with the fewest routers, the first of equal ones. */
export function routesOf(
  host: HostPlan,
  networks: readonly NetworkPlan[],
  hosts: readonly HostPlan[],
): readonly RoutePlan[] {
  return networks
    .filter((network) => !isOn(host, network))
    .flatMap((network) =>
      network.prefixes.flatMap((prefix) => {
        const gateway = gatewayTo(network, prefix.family, host, hosts);
        return gateway === undefined ? [] : [{ prefix, gateway }];
      }),
    );
}

/**
 * Checks that every network is reached from every other one of the same family, except networks that are isolated on purpose.
 * @throws {TypeError} ERR_INVALID_ARG_VALUE
 */
export function checkReachability(networks: readonly NetworkPlan[], hosts: readonly HostPlan[]): void {
  const joined = networks.filter(({ isIsolated }) => !isIsolated);
  for (const network of joined) {
    for (const { family } of network.prefixes) {
      const distances = distancesTo(network, family, hosts);
      const cut = joined.find((other) => hasFamily(other, family) && !distances.has(other));
      if (!cut) continue;
      const ip = family === AF_INET ? 'IPv4' : 'IPv6';
      const expected = `reachable by ${ip} from network '${network.name}': put a host on both, or set { isolated: true }`;
      throw invalidValue(`network '${cut.name}'`, expected, cut.prefixes.map(({ text }) => text).join(', '));
    }
  }
}

function gatewayTo(
  network: NetworkPlan,
  family: number,
  host: HostPlan,
  hosts: readonly HostPlan[],
): string | undefined {
  const distances = distancesTo(network, family, hosts);
  const nearest = host.attachments
    .filter((attachment) => attachment.addresses.has(family) && distances.has(attachment.network))
    .sort((a, b) => distances.get(a.network)! - distances.get(b.network)!)[0];
  if (!nearest) return undefined;
  const next = distances.get(nearest.network)! - 1;
  const router = hosts.find(
    (other) =>
      other !== host &&
      other.isRouter &&
      isOn(other, nearest.network) &&
      other.attachments.some((attachment) => distances.get(attachment.network) === next),
  );
  return router?.attachments.find((attachment) => attachment.network === nearest.network)?.addresses.get(family);
}

function distancesTo(target: NetworkPlan, family: number, hosts: readonly HostPlan[]): Distances {
  const cache = known.get(hosts) ?? new Map<string, Distances>();
  known.set(hosts, cache);
  const key = `${target.name} ${family}`;
  const found = cache.get(key) ?? breadthFirst(target, family, hosts);
  cache.set(key, found);
  return found;
}

function breadthFirst(target: NetworkPlan, family: number, hosts: readonly HostPlan[]): Distances {
  const distances = new Map([[target, 0]]);
  const routers = hosts.filter((host) => host.isRouter);
  // the loop also visits the entries that it adds to the Map
  for (const [network, distance] of distances) {
    for (const router of routers.filter((each) => isOn(each, network))) {
      for (const { network: next, addresses } of router.attachments) {
        if (addresses.has(family) && !distances.has(next)) distances.set(next, distance + 1);
      }
    }
  }
  return distances;
}

function hasFamily(network: NetworkPlan, family: number): boolean {
  return network.prefixes.some((prefix) => prefix.family === family);
}

function isOn(host: HostPlan, network: NetworkPlan): boolean {
  return host.attachments.some((attachment) => attachment.network === network);
}
