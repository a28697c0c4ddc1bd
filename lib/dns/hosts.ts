import { ipBytes, ipText, ipVersion, withoutZone, zoneOf } from '../address/ip.js';
import type { Problem } from './resolv-conf.js';

export interface HostEntry {
  address: string;
  version: 4 | 6;
  /** The first name of the line: the canonical one. */
  canonical: string;
}

/** What a hosts(5) file says, ready to be asked. */
export interface Hosts {
  /** Every entry with that name (in any case), in the order of the file. */
  byName(name: string): HostEntry[];
  /** The canonical name of the first line with that address. */
  byAddress(address: string): string | undefined;
  problems: Problem[];
}

/** Reads hosts(5): an address, its canonical name, aliases; '#' starts a comment. Bad lines go to `problems`. */
export function parseHosts(text: string): Hosts {
  const names = new Map<string, HostEntry[]>();
  const addresses = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [address, ...aliases] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (address === undefined) continue;
    const version = ipVersion(address);
    const canonical = aliases[0];
    if (version === 0 || canonical === undefined) {
      const reason = version === 0 ? `'${address}' is not an IP address` : 'an address without a name';
      problems.push({ line: index + 1, text: line.trim(), reason });
      continue;
    }
    for (const name of new Set(aliases.map(nameKey))) {
      names.set(name, [...(names.get(name) ?? []), { address, version, canonical }]);
    }
    const key = addressKey(address);
    if (!addresses.has(key)) addresses.set(key, canonical);
  }
  return {
    byName: (name) => names.get(nameKey(name)) ?? [],
    byAddress: (address) => addresses.get(addressKey(address)),
    problems,
  };
}

function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function addressKey(address: string): string {
  const zone = zoneOf(address);
  return `${ipText(ipBytes(withoutZone(address)))}${zone ? `%${zone}` : ''}`;
}
