import { readFileSync, statSync } from 'node:fs';
import { IothError } from '../core/errors.js';
import { checkString, invalidType, invalidValue } from '../core/validate.js';
import { readDnsConfig } from './dns-config.js';
import { type Hosts, parseHosts } from './hosts.js';
import type { NetworkSettings } from './network-settings.js';
import {
  DEFAULT_OPTIONS,
  DNS_PORT,
  MAX_SEARCH,
  MAX_SERVERS,
  type Nameserver,
  type Problem,
  type ResolvConf,
} from './resolv-conf.js';
import { parseServices, type Services } from './services.js';

/** The files that a look-up reads besides resolv.conf, as iothdns_setpath(3) tells them apart. */
export type PathTag = 'hosts' | 'services';

const DEFAULT_PATHS: Readonly<Record<PathTag, string>> = { hosts: '/etc/hosts', services: '/etc/services' };

/**
 * How a stack's names are resolved: its servers and search list, its hosts and services files. What can't be understood
 * is reported as a process warning of code IOTH_NAMES.
 */
export class NameSettings {
  #conf: ResolvConf | undefined;
  #isGiven: boolean;
  readonly #hosts = new ReloadingFile('hosts', parseHosts);
  readonly #services = new ReloadingFile('services', parseServices);

  /** @param config as of {@link readDnsConfig}; null is /etc/resolv.conf until the network tells better */
  constructor(config: string | null) {
    this.#isGiven = config !== null;
    if (config !== null) this.#conf = this.#read(config);
  }

  get conf(): ResolvConf {
    this.#conf ??= this.#read(null);
    return this.#conf;
  }

  /** iothdns_update(3): another configuration. */
  update(config: string | null): void {
    this.#conf = this.#read(config);
    this.#isGiven = config !== null;
  }

  /** Counts unless a configuration was given. Returns whether it does. */
  applyNetworkSettings({ servers, search }: NetworkSettings): boolean {
    if (this.#isGiven) return false;
    const nameservers = servers.slice(0, MAX_SERVERS).map((address) => ({ address, port: DNS_PORT }));
    this.#conf = { nameservers, search: search.slice(0, MAX_SEARCH), options: { ...DEFAULT_OPTIONS }, problems: [] };
    return true;
  }

  setServers(nameservers: Nameserver[]): void {
    this.#conf = { ...this.conf, nameservers };
    this.#isGiven = true;
  }

  /** iothdns_setpath(3): another file; null is the usual one. */
  setPath(tag: PathTag, path: string | null): void {
    if (typeof tag !== 'string') throw invalidType('tag', "'hosts' or 'services'", tag);
    if (!Object.hasOwn(DEFAULT_PATHS, tag)) throw invalidValue('tag', "'hosts' or 'services'", tag);
    const file = tag === 'hosts' ? this.#hosts : this.#services;
    file.path = path === null ? DEFAULT_PATHS[tag] : checkString('path', path);
  }

  path(tag: PathTag): string {
    return tag === 'hosts' ? this.#hosts.path : this.#services.path;
  }

  hosts(): Hosts {
    return this.#hosts.read();
  }

  services(): Services {
    return this.#services.read();
  }

  #read(config: string | null): ResolvConf {
    return reported('config_dns', readDnsConfig(config));
  }
}

/** A file that is read again when it has changed. A missing one is empty. */
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
      this.#value = reported(this.path, this.parse(stat ? readFileSync(this.path, 'utf8') : ''));
      this.#stamp = stamp;
      return this.#value;
    } catch (cause) {
      const { code = 'EIO', syscall } = cause as NodeJS.ErrnoException;
      const hint = `iothdns_setpath('${this.tag}', path) takes another file`;
      throw new IothError(code, { syscall, address: this.path, hint, cause });
    }
  }
}

const MAX_REPORTED = 5;
const alreadyReported = new Set<string>();

/** Reports what is wrong with `origin`, each line once a process. */
function reported<T extends { problems: Problem[] }>(origin: string, parsed: T): T {
  for (const { line, text, reason } of parsed.problems.slice(0, MAX_REPORTED)) {
    const message = `${origin}, line ${line}: ${reason} (${text})`;
    if (alreadyReported.has(message)) continue;
    alreadyReported.add(message);
    process.emitWarning(message, { type: 'IothWarning', code: 'IOTH_NAMES' });
  }
  return parsed;
}
