import { isIPv4 } from 'node:net';
import { nameKey } from '../address/domain-name.js';
import { familyOf, ipBytes, ipText, withoutZone, zoneOf } from '../address/ip.js';
import { type Problem, readLines, wordsOf } from './text-lines.js';

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

const COMMENT = /#.*/;

/**
 * Reads hosts(5): an address, its canonical name, aliases; '#' starts a comment. Bad lines go to `problems`.
 *
 * The text is searched for a name, and names are not indexed: an index of 100,000 lines would block the loop for a second.
 */
export function parseHosts(text: string): Hosts {
  const problems = readLines(text, COMMENT, ([address = '', canonical]) => {
    if (familyOf(address) === 0) return [`'${address}' is not an IP address`];
    return canonical === undefined ? ['an address without a name'] : [];
  });
  const keys = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  let names: Map<string, string> | undefined;
  return {
    byName: (name) => {
      const key = nameKey(name);
      return Array.from(linesWith(text, keys, key)).flatMap((line) => entryOf(line, key));
    },
    byAddress: (address) => {
      names ??= namesByAddress(text);
      return names.get(addressKey(address));
    },
    problems,
  };
}

/** The lines in which `key` stands, as `text` has them. @param keys the same text, in the letters of keys */
function* linesWith(text: string, keys: string, key: string): Generator<string> {
  let from = 0;
  for (let at = keys.indexOf(key); key !== '' && at >= 0; at = keys.indexOf(key, from)) {
    const end = text.indexOf('\n', at);
    from = end < 0 ? text.length : end + 1;
    yield text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end);
    if (end < 0) return;
  }
}

function entryOf(line: string, key: string): HostEntry[] {
  const [address = '', ...names] = wordsOf(line, COMMENT);
  const family = familyOf(address);
  const [canonical, ...aliases] = names;
  if (family === 0 || canonical === undefined || !names.some((name) => nameKey(name) === key)) return [];
  return [{ address, family, canonical, aliases }];
}

function namesByAddress(text: string): Map<string, string> {
  const names = new Map<string, string>();
  readLines(text, COMMENT, ([address = '', canonical]) => {
    if (canonical === undefined || familyOf(address) === 0) return [];
    const key = addressKey(address);
    if (!names.has(key)) names.set(key, canonical);
    return [];
  });
  return names;
}

/** Equal for all texts of one address. */
function addressKey(address: string): string {
  // it has one text only
  if (isIPv4(address)) return address;
  const zone = zoneOf(address);
  return `${ipText(ipBytes(withoutZone(address)))}${zone ? `%${zone}` : ''}`;
}
