import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { familyOf } from '../address/ip.js';
import { textIfReadable } from '../core/files.js';
import { checkString, invalidValue } from '../core/validate.js';
import { DEFAULT_OPTIONS, DNS_PORT, type Nameserver, parseResolvConf, type ResolvConf } from './resolv-conf.js';

const DEFAULT_PATH = '/etc/resolv.conf';

/**
 * Returns the form of a configuration: a comma-separated list of addresses, the text of a resolv.conf(5) (contains white
 * space), or else a path.
 */
export function dnsConfigForm(config: string): 'path' | 'text' | 'servers' {
  if (serverList(config)) return 'servers';
  return /\s/.test(config.trim()) || config.trim() === '' ? 'text' : 'path';
}

/** Reads a configuration in any of its forms; null means /etc/resolv.conf. If that is missing, there are no servers. */
export function readDnsConfig(config: string | null): ResolvConf {
  if (config === null) return parseResolvConf(textIfReadable(DEFAULT_PATH));
  const nameservers = serverList(checkString('config_dns', config));
  if (nameservers) return { nameservers, search: [], options: { ...DEFAULT_OPTIONS }, problems: [] };
  if (dnsConfigForm(config) === 'text') return parseResolvConf(config);
  try {
    return parseResolvConf(readFileSync(config, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw Object.assign(
      invalidValue('config_dns', 'a readable file, the text of a resolv.conf(5) or a list of addresses', config),
      { cause: reason },
    );
  }
}

/** Parses a comma-separated list of servers; returns undefined if one of them is not an address. */
function serverList(config: string): Nameserver[] | undefined {
  const servers = config.split(',').map((part) => parseServer(part.trim()));
  return servers.every((server) => server !== undefined) ? servers : undefined;
}

/**
 * Parses a server in the forms of Node's setServers: '192.0.2.1', '192.0.2.1:53', '2001:db8::1', '[2001:db8::1]:53'.
 * Returns undefined if it is malformed.
 */
export function parseServer(text: string): Nameserver | undefined {
  if (familyOf(text) !== 0) return { address: text, port: DNS_PORT };
  const { host, port } = /^\[(?<host>[^\]]+)\](?::(?<port>\d+))?$/.exec(text)?.groups ?? {};
  if (host !== undefined) return isIPv6(host) ? serverAt(host, port) : undefined;
  const [address = '', portText] = text.split(':', 2);
  return isIPv4(address) ? serverAt(address, portText) : undefined;
}

function serverAt(address: string, port: string | undefined): Nameserver | undefined {
  const number = port === undefined ? DNS_PORT : /^\d+$/.test(port) ? Number(port) : 0;
  return number >= 1 && number <= 65535 ? { address, port: number } : undefined;
}

/** Formats a server like Node's getServers: with the port only if it isn't 53. */
export function formatServer({ address, port }: Nameserver): string {
  if (port === DNS_PORT) return address;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
