import { isDomainName } from '../address/domain-name.js';
import { familyOf } from '../address/ip.js';
import { type Problem, readLines } from './text-lines.js';

export interface Nameserver {
  /** The IPv4 or IPv6 address, with its zone if it has one ('fe80::1%eth0'). */
  address: string;
  port: number;
}

/** Options of resolv.conf(5), with glibc's defaults and limits. */
export interface ResolvOptions {
  /** The number of dots: a name with fewer is tried with the search list first. Default 1, at most 15. */
  ndots: number;
  /** Seconds to wait for an answer of one server. Default 5, at most 30. */
  timeout: number;
  /** How many times the whole list of servers is tried. Default 2, at most 5. */
  attempts: number;
  /** True if each query starts with the next server. Default false. */
  rotate: boolean;
  /** True if queries use TCP at once. Default false. */
  useVc: boolean;
  /** True if queries carry an EDNS record (RFC 6891). Default true. */
  edns0: boolean;
}

/** Content of a resolv.conf(5). */
export interface ResolvConf {
  nameservers: Nameserver[];
  search: string[];
  options: ResolvOptions;
  problems: Problem[];
}

export const DEFAULT_OPTIONS: Readonly<ResolvOptions> = {
  ndots: 1,
  timeout: 5,
  attempts: 2,
  rotate: false,
  useVc: false,
  edns0: true,
};

export const DNS_PORT = 53;
const LIMITS = { ndots: 15, timeout: 30, attempts: 5 } as const;
const FLAGS: Record<string, Partial<ResolvOptions>> = {
  rotate: { rotate: true },
  'use-vc': { useVc: true },
  usevc: { useVc: true },
  tcp: { useVc: true },
  edns0: { edns0: true },
  'no-edns0': { edns0: false },
};
// They change how glibc sends, prints or trusts; they have no effect here.
const IGNORED_OPTIONS = new Set([
  'debug',
  'inet6',
  'ip6-bytestring',
  'ip6-dotint',
  'no-ip6-dotint',
  'no-check-names',
  'no-reload',
  'no-tld-query',
  'no-aaaa',
  'single-request',
  'single-request-reopen',
  'trust-ad',
]);
const IGNORED_KEYWORDS = new Set(['sortlist', 'lookup', 'family']);
export const MAX_SERVERS = 8;
export const MAX_SEARCH = 32;

/**
 * Parses resolv.conf(5). Never throws: lines that cannot be parsed go to `problems`, the rest counts.
 * `search` and `domain` replace each other; the last one wins. Values above glibc's limits are reduced to them.
 */
export function parseResolvConf(text: string): ResolvConf {
  const conf: ResolvConf = { nameservers: [], search: [], options: { ...DEFAULT_OPTIONS }, problems: [] };
  conf.problems = readLines(text, /(^|\s)[#;].*/, ([keyword = '', ...values]) => readLine(conf, keyword, values));
  return conf;
}

/** Reads a line; returns its problems. */
function readLine(conf: ResolvConf, keyword: string, values: string[]): string[] {
  if (keyword === 'options') return values.flatMap((value) => readOption(conf.options, value));
  if (IGNORED_KEYWORDS.has(keyword)) return [];
  if (!['nameserver', 'search', 'domain'].includes(keyword)) return [`unknown keyword '${keyword}'`];
  if (values.length === 0) return [`'${keyword}' needs a value`];
  if (keyword === 'nameserver') return readNameserver(conf, values);
  return readDomains(conf, keyword === 'domain' ? 1 : MAX_SEARCH, values);
}

function readNameserver(conf: ResolvConf, [address = '', ...rest]: string[]): string[] {
  if (familyOf(address) === 0) return [`'${address}' is not an IP address`];
  if (conf.nameservers.length === MAX_SERVERS) return [`more than ${MAX_SERVERS} servers: this one is ignored`];
  conf.nameservers.push({ address, port: DNS_PORT });
  return rest.length > 0 ? [`'nameserver' takes one address; '${rest.join(' ')}' is ignored`] : [];
}

function readDomains(conf: ResolvConf, limit: number, values: string[]): string[] {
  const good = values.filter(isDomainName);
  conf.search = good.slice(0, limit).map((domain) => domain.replace(/\.$/, ''));
  const bad = values.filter((value) => !good.includes(value)).map((value) => `'${value}' is not a domain name`);
  return good.length > limit ? [...bad, `more than ${limit} names: the rest is not searched`] : bad;
}

function readOption(options: ResolvOptions, option: string): string[] {
  const [name = '', value] = option.split(':', 2);
  if (name === 'ndots' || name === 'timeout' || name === 'attempts') {
    if (!/^\d+$/.test(value ?? '')) return [`'${option}': a number must follow '${name}:'`];
    const lowest = name === 'ndots' ? 0 : 1;
    options[name] = Math.max(lowest, Math.min(Number(value), LIMITS[name]));
    return [];
  }
  const flag = Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
  if (flag) Object.assign(options, flag);
  return flag || IGNORED_OPTIONS.has(option) ? [] : [`unknown option '${option}'`];
}

/** Formats settings as text of resolv.conf(5), for programs. That format has no ports: servers on others than 53 are left out. */
export function resolvConfText({ nameservers, search, options }: ResolvConf): string {
  const numbers = (['ndots', 'timeout', 'attempts'] as const).filter((name) => options[name] !== DEFAULT_OPTIONS[name]);
  const words = [
    ...numbers.map((name) => `${name}:${options[name]}`),
    ...(options.rotate ? ['rotate'] : []),
    ...(options.useVc ? ['use-vc'] : []),
  ];
  const plain = nameservers.filter(({ port }) => port === DNS_PORT);
  return [
    search.length > 0 ? `search ${search.join(' ')}\n` : '',
    formatResolvConf({ nameservers: plain }),
    words.length > 0 ? `options ${words.join(' ')}\n` : '',
  ].join('');
}

/** Formats the servers as text of resolv.conf(5), for C. That format has no ports: 53 is implied. */
export function formatResolvConf({ nameservers }: Pick<ResolvConf, 'nameservers'>): string {
  return nameservers.map(({ address }) => `nameserver ${address}\n`).join('');
}
