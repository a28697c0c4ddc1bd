import type { NetworkSettings } from '../dns/settings.js';

/** Merges settings: each server and domain once, in order. */
export function mergeSettings(all: readonly NetworkSettings[]): NetworkSettings {
  return {
    servers: [...new Set(all.flatMap(({ servers }) => servers))],
    search: [...new Set(all.flatMap(({ search }) => search))],
  };
}

/** Formats resolv.conf(5) like ioth_resolvconf(3): a `search` line, then the servers; '' without either. */
export function renderResolvConf({ servers, search }: NetworkSettings): string {
  const searchLine = search.length > 0 ? `search ${search.join(' ')}\n` : '';
  return searchLine + servers.map((server) => `nameserver ${server}\n`).join('');
}
