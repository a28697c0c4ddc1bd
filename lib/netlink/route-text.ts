import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { familyOf, splitPrefix } from '../address/ip.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { checkString, invalidValue, UINT_MAX } from '../core/validate.js';
import type { InterfaceRef } from './link.js';
import { PREFERENCES, PROTOCOLS, SCOPES } from './route-names.js';

/** A route of the main table, in a request. The stack chooses what is missing. */
export interface RouteRequest {
  /** The family: AF_INET or AF_INET6. */
  family: number;
  /** The network; null for the default route. */
  dst: string | null;
  dst_prefixlen: number;
  gw: string | null;
  /** The family of the gateway, if it differs from the route's. */
  gwFamily?: number;
  ifindex?: InterfaceRef;
  metric?: number;
  /** The MTU of the way, in bytes. */
  mtu?: number;
  src?: string;
  protocol?: number;
  scope?: number;
  /** The router preference of RFC 4191, as a number. */
  pref?: number;
  onlink?: boolean;
}

const WORDS = ['via', 'dev', 'metric', 'mtu', 'src', 'proto', 'scope', 'pref', 'onlink'] as const;
type Word = (typeof WORDS)[number];
const SYNONYMS: Readonly<Record<string, Word>> = { priority: 'metric', preference: 'metric', protocol: 'proto' };
const FAMILIES: Readonly<Record<string, number>> = { inet: AF_INET, inet6: AF_INET6 };
const UNDERSTOOD = `a destination and any of the words ${WORDS.join(', ')}`;
const BYTE_MAX = 255;

/**
 * Parses a route in the syntax of ip-route(8): 'default via 10.0.0.254', '10.2.0.0/16 via 10.0.0.254 dev vde0 metric 5'.
 * @throws {TypeError} ERR_INVALID_ARG_VALUE that names the wrong or unknown word
 */
export function parseRoute(text: string): RouteRequest {
  const tokens = checkString('route', text).split(/\s+/).filter(Boolean);
  if (tokens[0] === 'to') tokens.shift();
  const { dst, length } = destination(tokens.shift());
  const { values, viaFamily } = valuesOf(tokens, text);
  // after 'via inet6' the gateway's address does not tell the route's family
  const telling = [dst, viaFamily === undefined ? values.get('via') : undefined, values.get('src')];
  const family = telling.map((value) => familyOf(value ?? '')).find((known) => known !== 0) ?? AF_INET;
  const gwFamily = viaFamily ?? family;
  if (gwFamily === AF_INET && family === AF_INET6) throw wrongValue('via', 'an IPv6 address', values.get('via'));
  const read = <T>(word: Word, convert: (value: string) => T): T | undefined => {
    const value = values.get(word);
    return value === undefined ? undefined : convert(value);
  };
  return {
    family,
    dst,
    dst_prefixlen: prefixLength(dst, length, family),
    gw: read('via', (value) => address('via', value, gwFamily)) ?? null,
    gwFamily,
    ifindex: read('dev', interfaceName),
    metric: read('metric', (value) => numberOf('metric', value, UINT_MAX)),
    mtu: read('mtu', (value) => numberOf('mtu', value, UINT_MAX)),
    src: read('src', (value) => address('src', value, family)),
    protocol: read('proto', (value) => numberOf('proto', value, BYTE_MAX, PROTOCOLS)),
    scope: read('scope', (value) => numberOf('scope', value, BYTE_MAX, SCOPES)),
    pref: read('pref', preference),
    onlink: values.has('onlink'),
  };
}

/** Returns the value after each word ('' after onlink), and the family before the gateway. */
function valuesOf(tokens: readonly string[], text: string): { values: Map<Word, string>; viaFamily?: number } {
  const values = new Map<Word, string>();
  let viaFamily: number | undefined;
  const rest = [...tokens];
  for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
    const word = wordOf(token);
    if (values.has(word)) throw invalidValue('route', `a route with '${word}' once`, text);
    if (word === 'via' && Object.hasOwn(FAMILIES, rest[0] ?? '')) viaFamily = FAMILIES[rest.shift() ?? ''];
    const value = word === 'onlink' ? '' : rest.shift();
    if (value === undefined) throw invalidValue('route', `a route with something after '${word}'`, text);
    values.set(word, value);
  }
  return { values, viaFamily };
}

function wordOf(token: string): Word {
  const word = Object.hasOwn(SYNONYMS, token) ? SYNONYMS[token] : WORDS.find((known) => known === token);
  if (word === undefined) throw invalidValue('route', UNDERSTOOD, token);
  return word;
}

function destination(token: string | undefined): { dst: string | null; length?: number } {
  if (token === 'default') return { dst: null };
  const [dst, length] = splitPrefix(token ?? '');
  if (familyOf(dst) !== 0 && !dst.includes('%')) return { dst, length };
  throw invalidValue('route', "one that begins with 'default' or a network such as '10.2.0.0/16'", token);
}

function prefixLength(dst: string | null, length: number | undefined, family: number): number {
  if (dst === null) return 0;
  const bits = family === AF_INET ? 32 : 128;
  if (length === undefined) return bits;
  if (length <= bits) return length;
  throw invalidValue('route', `one with 0 to ${bits} bits after the '/'`, `${dst}/${length}`);
}

function address(word: Word, value: string, family: number): string {
  if (familyOf(value) === family && !value.includes('%')) return value;
  throw wrongValue(word, family === AF_INET ? 'an IPv4 address' : 'an IPv6 address', value);
}

function interfaceName(value: string): string {
  if (isInterfaceName(value)) return value;
  throw wrongValue('dev', INTERFACE_NAME, value);
}

function numberOf(word: Word, value: string, max: number, names: Readonly<Record<string, number>> = {}): number {
  if (Object.hasOwn(names, value)) return names[value] as number;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number <= max) return number;
  const known = Object.keys(names);
  throw wrongValue(
    word,
    `${known.length > 0 ? `one of ${known.join(', ')}, or ` : ''}a number from 0 to ${max}`,
    value,
  );
}

function preference(value: string): number {
  if (Object.hasOwn(PREFERENCES, value)) return PREFERENCES[value as keyof typeof PREFERENCES];
  throw wrongValue('pref', `one of ${Object.keys(PREFERENCES).join(', ')}`, value);
}

function wrongValue(word: Word, expected: string, value: unknown): TypeError {
  return invalidValue(`'${word}' of route`, expected, value);
}
