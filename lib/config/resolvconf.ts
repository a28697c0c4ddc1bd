/** What one source knows about names. */
export interface DnsSource {
  dns: string[];
  domains: string[];
}

/**
 * The text of resolv.conf(5), as ioth_resolvconf(3) writes it: one `search` line, then the name servers, each once, in
 * the order of the sources. Empty where there is neither.
 */
export function renderResolvConf(sources: Iterable<DnsSource>): string {
  const servers = new Set<string>();
  const domains = new Set<string>();
  for (const source of sources) {
    for (const server of source.dns) servers.add(server);
    for (const domain of source.domains) domains.add(domain);
  }
  const search = domains.size > 0 ? `search ${[...domains].join(' ')}\n` : '';
  return search + [...servers].map((server) => `nameserver ${server}\n`).join('');
}

/** Several texts of {@link renderResolvConf} as one. */
export function joinResolvConf(texts: Iterable<string>): string {
  const sources = [...texts].map((text) => {
    const { servers, search } = namesIn(text);
    return { dns: servers, domains: search };
  });
  return renderResolvConf(sources);
}

/** What a text of {@link renderResolvConf} says. */
export function namesIn(text: string): { servers: string[]; search: string[] } {
  const lines = text.split('\n').map((line) => line.split(' '));
  const after = (keyword: string) => lines.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  return { servers: after('nameserver'), search: after('search') };
}
