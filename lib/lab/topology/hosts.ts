import { inetAton } from '../../address/ip.js';
import { checkEach, checkString, invalidType, invalidValue } from '../../core/validate.js';
import { entriesOf } from './networks.js';
import type { NetworkPlan } from './plan.js';

/** A host in the form of the configuration. */
export interface HostRequest {
  readonly name: string;
  readonly networks: readonly NetworkPlan[];
  readonly addresses: readonly string[];
  readonly router: unknown;
}

const HOST_NAME = "letters, digits and '-' between them, 63 at most, and not a number";

/** Reads the hosts of a configuration. */
export function hostRequests(value: unknown, networks: readonly NetworkPlan[]): HostRequest[] {
  const entries = entriesOf('config.hosts', value);
  if (entries.length === 0) throw invalidValue('config.hosts', 'at least one host', value);
  const taken = new Set(['localhost']);
  return entries.map(([name, host]) => {
    const key = name.toLowerCase();
    // a name that inet_aton(3) reads as an address would never be looked up
    if (!/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(name) || inetAton(name) !== null) {
      throw invalidValue('the name of a host', HOST_NAME, name);
    }
    if (taken.has(key)) throw invalidValue('the name of a host', 'unique, ignoring case', name);
    taken.add(key);
    return hostRequest(name, host, networks);
  });
}

function hostRequest(name: string, value: unknown, networks: readonly NetworkPlan[]): HostRequest {
  const where = `config.hosts.${name}`;
  const isNames = typeof value === 'string' || Array.isArray(value);
  if (!isNames && (typeof value !== 'object' || value === null)) {
    throw invalidType(where, 'the name of a network, an array of them, or an object', value);
  }
  const options: Record<string, unknown> = isNames ? { networks: value } : (value as Record<string, unknown>);
  for (const key of Object.keys(options)) {
    if (!['networks', 'address', 'router'].includes(key)) {
      throw invalidType(where, `{ networks, address, router }, without '${key}'`, value);
    }
  }
  const names = listOf(`${where}.networks`, options.networks);
  if (names.length === 0) throw invalidValue(where, 'on a network: it has none', value);
  const repeated = names.find((network, position) => names.indexOf(network) !== position);
  if (repeated !== undefined) throw invalidValue(`${where}.networks`, `without '${repeated}' twice`, names);
  return {
    name,
    networks: names.map((network) => findNetwork(where, network, networks)),
    addresses: options.address === undefined ? [] : listOf(`${where}.address`, options.address),
    router: options.router,
  };
}

function findNetwork(where: string, name: string, networks: readonly NetworkPlan[]): NetworkPlan {
  const found = networks.find((network) => network.name === name);
  if (found) return found;
  const known = networks.map((network) => network.name).join(', ');
  throw invalidValue(where, `on existing networks (${known})`, name);
}

function listOf(where: string, value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return checkEach(where, 'a list', list, (_, item) => checkString(where, item));
}
