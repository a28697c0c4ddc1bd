import { INTERFACE_NAME, isInterfaceName } from '../../address/interface-name.js';
import { AF_INET, AF_INET6 } from '../../constants/index.js';
import { checkBoolean, invalidType, invalidValue } from '../../core/validate.js';
import { checkFaults, FAULT_NAMES, type LinkFaults } from '../../fabric/faults.js';
import type { NetworkConfig } from './config.js';
import { EXIT, type NetworkPlan } from './plan.js';
import { familyText, overlaps, type Prefix, parsePrefix } from './prefix.js';

/** Reads the networks of a configuration. */
export function networkPlans(value: unknown): NetworkPlan[] {
  const networks = entriesOf('config.networks', value).map(([name, network]) => networkPlan(name, network));
  if (networks.length === 0) throw invalidValue('config.networks', 'at least one network', value);
  checkOverlaps(networks);
  return networks;
}

/** Returns the entries of an object, in their order. */
export function entriesOf(name: string, value: unknown): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw invalidType(name, 'an object with names as keys', value);
}

function networkPlan(name: string, value: unknown): NetworkPlan {
  const where = `config.networks.${name}`;
  if (!isInterfaceName(name) || name === 'lo' || !/^[a-z][\w-]*$/i.test(name)) {
    const expected = `letters, digits, '-' and '_', a letter first, and ${INTERFACE_NAME}: the hosts' interfaces have it`;
    throw invalidValue('the name of a network', expected, name);
  }
  if (typeof value === 'string') {
    return { name, prefixes: [parsePrefix(where, value)], faults: {}, isIsolated: false, hasExit: false };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidType(where, "a prefix such as '10.0.0.0/24', or an object with it", value);
  }
  const { exit, prefix = exit && EXIT.prefix, prefix6, isolated = false, ...faults }: NetworkConfig = value;
  if (exit !== undefined && exit !== 'slirp') throw invalidValue(`${where}.exit`, "'slirp'", exit);
  if (exit && prefix !== EXIT.prefix) throw invalidValue(`${where}.prefix`, `${EXIT.prefix}, that of slirp`, prefix);
  const prefixes = [
    ...(prefix === undefined ? [] : [prefixOf(`${where}.prefix`, prefix, AF_INET)]),
    ...(prefix6 === undefined ? [] : [prefixOf(`${where}.prefix6`, prefix6, AF_INET6)]),
  ];
  if (prefixes.length === 0) throw invalidValue(where, "an object with a 'prefix' or a 'prefix6'", value);
  const unknown = Object.keys(faults).find((key) => !FAULT_NAMES.includes(key as keyof LinkFaults));
  if (unknown !== undefined) {
    const known = ['prefix', 'prefix6', 'exit', 'isolated', ...FAULT_NAMES].join(', ');
    throw invalidType(where, `{ ${known} }, without '${unknown}'`, value);
  }
  checkFaults(faults, where);
  return {
    name,
    prefixes,
    faults,
    isIsolated: checkBoolean(`${where}.isolated`, isolated),
    hasExit: exit !== undefined,
  };
}

function prefixOf(where: string, value: unknown, family: number): Prefix {
  const prefix = parsePrefix(where, value);
  if (prefix.family === family) return prefix;
  throw invalidValue(
    where,
    `an ${family === AF_INET ? 'IPv4' : 'IPv6'} prefix, not an ${familyText(prefix)} one`,
    value,
  );
}

function checkOverlaps(networks: readonly NetworkPlan[]): void {
  const prefixes = networks.flatMap(({ name, prefixes }) => prefixes.map((prefix) => ({ name, prefix })));
  prefixes.forEach(({ name, prefix }, position) => {
    const earlier = prefixes.slice(0, position).find((other) => overlaps(other.prefix, prefix));
    if (!earlier) return;
    const expected = `disjoint from that of network '${earlier.name}', ${earlier.prefix.text}`;
    throw invalidValue(`the prefix of network '${name}'`, expected, prefix.text);
  });
}
