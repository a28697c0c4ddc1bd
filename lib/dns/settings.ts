import { readFileSync, statSync } from 'node:fs';
import { IothError } from '../core/errors.js';
import { checkString, invalidType, invalidValue } from '../core/validate.js';
import { readDnsConfig } from './dns-config.js';
import { type Hosts, parseHosts } from './hosts.js';
import { DEFAULT_OPTIONS, DNS_PORT, MAX_SEARCH, MAX_SERVERS, type Nameserver, type ResolvConf } from './resolv-conf.js';
import { parseServices, type Services } from './services.js';
import { type Problem, warnOfProblems } from './text-lines.js';

/** Name servers and search domains from DHCP or router discovery. */
export interface NetworkSettings {
  /** Addresses; a link-local one includes its zone: 'fe80::1%vde0'. */
  readonly servers: readonly string[];
  /** Domains to search, without a dot at the end. */
  readonly search: readonly string[];
}

/** Names of iothdns_setpath(3) for the files that a look-up reads besides resolv.conf. */
export type PathTag = 'hosts' | 'services';

const DEFAULT_PATHS: Readonly<Record<PathTag, string>> = { hosts: '/etc/hosts', services: '/etc/services' };

/**
 * Settings of name resolution for a stack: servers, search list, hosts file and services file. Reports lines that it
 * cannot parse as process warnings with code IOTH_NAMES.
 */
export class NameSettings {
  #conf: ResolvConf | undefined;
  #isGiven = false;
  #isFromNetwork = false;
  /** The servers of dns.setServers until the next `update`. As in Node, look-ups of hosts do not use them. */
  queryServers: Nameserver[] | undefined;
  readonly #hosts = new ReloadingFile('hosts', parseHosts);
  readonly #services = new ReloadingFile('services', parseServices);

  /** @param config see {@link readDnsConfig}; null means /etc/resolv.conf while the network gives no server */
  constructor(config: string | null) {
    if (config !== null) this.update(config);
  }

  get conf(): ResolvConf {
    this.#conf ??= readConf(null);
    return this.#conf;
  }

  /** True if look-ups differ from those of the machine: by the servers, or by the hosts file. */
  get isOwn(): boolean {
    return this.#isGiven || this.#isFromNetwork || this.hostsPath !== DEFAULT_PATHS.hosts;
  }

  /** The settings of node:dns queries: without EDNS, as in Node, and with the servers of dns.setServers. */
  get queryConf(): ResolvConf {
    const { conf } = this;
    return {
      ...conf,
      nameservers: this.queryServers ?? conf.nameservers,
      options: { ...conf.options, edns0: false },
    };
  }

  update(config: string | null): void {
    this.#conf = readConf(config);
    this.queryServers = undefined;
    this.#isGiven = config !== null;
    this.#isFromNetwork = false;
  }

  /**
   * Applies settings from the network, unless a configuration was given. Without a server they are added to /etc/resolv.conf,
   * whose search list they may replace.
   * @returns whether it applied them
   */
  applyNetworkSettings({ servers, search }: NetworkSettings): boolean {
    if (this.#isGiven) return false;
    const nameservers = servers.slice(0, MAX_SERVERS).map((address) => ({ address, port: DNS_PORT }));
    const conf =
      nameservers.length > 0
        ? { nameservers, search: [], options: { ...DEFAULT_OPTIONS }, problems: [] }
        : readConf(null);
    this.#conf = search.length > 0 ? { ...conf, search: search.slice(0, MAX_SEARCH) } : conf;
    this.#isFromNetwork = servers.length > 0 || search.length > 0;
    return true;
  }

  /** Sets the path of the hosts or services file; null restores the default in /etc. */
  setPath(tag: PathTag, path: string | null): void {
    if (typeof tag !== 'string') throw invalidType('tag', "'hosts' or 'services'", tag);
    if (!Object.hasOwn(DEFAULT_PATHS, tag)) throw invalidValue('tag', "'hosts' or 'services'", tag);
    const file = tag === 'hosts' ? this.#hosts : this.#services;
    file.path = path === null ? DEFAULT_PATHS[tag] : checkString('path', path);
  }

  get hostsPath(): string {
    return this.#hosts.path;
  }

  hosts(): Hosts {
    return this.#hosts.read();
  }

  services(): Services {
    return this.#services.read();
  }
}

function readConf(config: string | null): ResolvConf {
  return warnOfProblems('config_dns', readDnsConfig(config));
}

/** File that is read again after a change (mtime, size or inode). A missing file is empty. */
class ReloadingFile<T extends { problems: Problem[] }> {
  path: string;
  #stamp = '';
  #value: T;

  constructor(
    readonly tag: PathTag,
    readonly parse: (text: string) => T,
  ) {
    this.path = DEFAULT_PATHS[tag];
    this.#value = parse('');
  }

  read(): T {
    try {
      const stat = statSync(this.path, { throwIfNoEntry: false });
      const stamp = stat ? `${this.path} ${stat.mtimeMs} ${stat.size} ${stat.ino}` : this.path;
      if (stamp === this.#stamp) return this.#value;
      this.#value = warnOfProblems(this.path, this.parse(stat ? readFileSync(this.path, 'utf8') : ''));
      this.#stamp = stamp;
      return this.#value;
    } catch (cause) {
      const { code = 'EIO', syscall } = cause as NodeJS.ErrnoException;
      const hint = `iothdns_setpath('${this.tag}', path) sets another file`;
      throw new IothError(code, { syscall, address: this.path, hint, cause });
    }
  }
}
