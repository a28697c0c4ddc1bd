import { nameKey } from '../address/domain-name.js';
import { familyOf, ipBytes, ipText, withoutZone, zoneOf } from '../address/ip.js';
import { type Problem, readLines } from './text-lines.js';

/** An address, and the name of it that is the canonical one: the first of its line. */
export interface HostEntry {
  address: string;
  family: number;
  canonical: string;
  /** The other names of its line. */
  aliases: readonly string[];
}

/** A hosts(5) file. */
export interface Hosts {
  /** Every entry with that name (in any case), in the order of the file. */
  byName(name: string): readonly HostEntry[];
  /** The canonical name of the first line with that address. */
  byAddress(address: string): string | undefined;
  problems: Problem[];
}

/** Reads hosts(5): an address, its canonical name, aliases; '#' starts a comment. Bad lines go to `problems`. */
export function parseHosts(text: string): Hosts {
  const names = new Map<string, HostEntry[]>();
  const addresses = new Map<string, string>();
  const problems = readLines(text, /#.*/, ([address = '', ...aliases]) => {
    const family = familyOf(address);
    const [canonical, ...others] = aliases;
    if (family === 0) return [`'${address}' is not an IP address`];
    if (canonical === undefined) return ['an address without a name'];
    for (const name of new Set(aliases.map(nameKey))) {
      names.set(name, [...(names.get(name) ?? []), { address, family, canonical, aliases: others }]);
    }
    const key = addressKey(address);
    if (!addresses.has(key)) addresses.set(key, canonical);
    return [];
  });
  return {
    byName: (name) => names.get(nameKey(name)) ?? [],
    byAddress: (address) => addresses.get(addressKey(address)),
    problems,
  };
}

function addressKey(address: string): string {
  const zone = zoneOf(address);
  return `${ipText(ipBytes(withoutZone(address)))}${zone ? `%${zone}` : ''}`;
}
