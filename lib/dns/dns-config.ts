import { readFileSync } from 'node:fs';
import { checkString, invalidValue } from '../core/validate.js';
import { DEFAULT_OPTIONS, type Nameserver, parseResolvConf, parseServer, type ResolvConf } from './resolv-conf.js';

export const DEFAULT_RESOLV_CONF = '/etc/resolv.conf';

/** One of the three forms that a configuration of names comes in. */
export type DnsConfigForm = 'path' | 'text' | 'servers';

/**
 * Which form `config` has: a comma-separated list of addresses, the text of a resolv.conf(5) (it has blanks or line
 * ends in it), or else a path.
 */
export function dnsConfigForm(config: string): DnsConfigForm {
  if (serverList(config)) return 'servers';
  return /\s/.test(config.trim()) || config.trim() === '' ? 'text' : 'path';
}

/**
 * What a configuration says: a path, the text of a resolv.conf(5), or a comma-separated list of addresses; null is
 * /etc/resolv.conf, which may be missing (then there are no servers).
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for a path that can't be read
 */
export function readDnsConfig(config: string | null): ResolvConf {
  if (config === null) return parseResolvConf(readOptional(DEFAULT_RESOLV_CONF));
  checkString('config_dns', config);
  const nameservers = serverList(config);
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

/** The servers of a comma-separated list of addresses; undefined where one of them is no address. */
function serverList(config: string): Nameserver[] | undefined {
  const servers = config.split(',').map((part) => parseServer(part.trim()));
  return servers.every((server) => server !== undefined) ? servers : undefined;
}

export function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
