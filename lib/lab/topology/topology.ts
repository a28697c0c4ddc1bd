import { isPlainDomainName } from '../../address/domain-name.js';
import { AF_INET } from '../../constants/index.js';
import { checkInteger, checkOptions, checkString, invalidValue } from '../../core/validate.js';
import { assignAddresses } from './addresses.js';
import type { LabConfig } from './config.js';
import { hostRequests } from './hosts.js';
import { networkPlans } from './networks.js';
import type { HostPlan, Topology } from './plan.js';
import { checkReachability, routesOf } from './routes.js';

const DEFAULT_DOMAIN = 'lab.test';
const CONFIG = ['networks', 'hosts', 'seed', 'dns', 'dhcp', 'domain'] as const;

/**
 * Checks a configuration, and computes the topology from it.
 * @throws {TypeError | RangeError} for an invalid value, naming the network or host
 */
export function topologyOf(config: LabConfig): Topology {
  const given = checkOptions(config as LabConfig | undefined, CONFIG);
  const networks = networkPlans(given.networks);
  const requests = hostRequests(given.hosts, networks);
  const hosts = assignAddresses(requests, networks);
  checkReachability(networks, hosts);
  const topology = {
    networks,
    hosts,
    routes: new Map(hosts.map((host) => [host, routesOf(host, networks, hosts)])),
    seed: checkInteger('config.seed', given.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    domain: checkDomain(given.domain ?? DEFAULT_DOMAIN),
    dns: serviceHost('dns', given.dns, hosts),
    dhcp: serviceHost('dhcp', given.dhcp, hosts),
  };
  if (topology.dhcp && !topology.dhcp.attachments.some(({ addresses }) => addresses.has(AF_INET))) {
    throw invalidValue('config.dhcp', 'a host with an IPv4 address, which DHCP gives out', given.dhcp);
  }
  return topology;
}

function serviceHost(option: string, value: unknown, hosts: readonly HostPlan[]): HostPlan | undefined {
  if (value === undefined) return undefined;
  const found = hosts.find(({ name }) => name === value);
  if (found) return found;
  throw invalidValue(`config.${option}`, `one of the hosts ${hosts.map(({ name }) => name).join(', ')}`, value);
}

function checkDomain(value: unknown): string {
  const domain = checkString('config.domain', value);
  if (isPlainDomainName(domain) && !domain.endsWith('.')) return domain;
  throw invalidValue('config.domain', "a domain name such as 'lab.test'", value);
}
