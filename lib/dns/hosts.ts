import { isIPv4 } from 'node:net';
import { nameKey } from '../address/domain-name.js';
import { familyOf, ipBytes, ipText, withoutZone, zoneOf } from '../address/ip.js';
import { type Problem, readLines, wordsOf } from './text-lines.js';

/** Entry of a hosts file: an address and its canonical name, the first of its line. */
export interface HostEntry {
  address: string;
  family: number;
  canonical: string;
  /** The other names on its line. */
  aliases: readonly string[];
}

/** Parsed hosts(5) file. */
export interface Hosts {
  /** Returns every entry with that name (case-insensitive), in the order of the file. */
  byName(name: string): readonly HostEntry[];
  /** Returns the canonical name on the first line with that address. */
  byAddress(address: string): string | undefined;
  problems: Problem[];
}

const COMMENT = /#.*/;

/**
 * Reads hosts(5): an address, its canonical name, aliases; '#' starts a comment. Bad lines go to `problems`.
 *
 * A look-up searches the text. There is no index: building one of 100,000 lines would block the event loop for a second.
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

/** Yields the lines of `text` that contain `key`. @param keys the text with the letters A to Z in lower case */
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

/** Returns a key that is equal for all spellings of one address. */
function addressKey(address: string): string {
  // an IPv4 address has only one spelling
  if (isIPv4(address)) return address;
  const zone = zoneOf(address);
  return `${ipText(ipBytes(withoutZone(address)))}${zone ? `%${zone}` : ''}`;
}
