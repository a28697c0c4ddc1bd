import type { NetworkSettings } from '../dns/settings.js';

/** Several settings as one: each server and domain once, in their order. */
export function mergeSettings(all: readonly NetworkSettings[]): NetworkSettings {
  return {
    servers: [...new Set(all.flatMap(({ servers }) => servers))],
    search: [...new Set(all.flatMap(({ search }) => search))],
  };
}

/** The text of resolv.conf(5), as ioth_resolvconf(3) writes it: a `search` line, then the servers; '' for neither. */
export function renderResolvConf({ servers, search }: NetworkSettings): string {
  const searchLine = search.length > 0 ? `search ${search.join(' ')}\n` : '';
  return searchLine + servers.map((server) => `nameserver ${server}\n`).join('');
}
