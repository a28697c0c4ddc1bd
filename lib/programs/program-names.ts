import { textIfReadable } from '../core/files.js';
import { resolvConfText } from '../dns/resolv-conf.js';
import type { Resolver } from '../dns/resolver.js';

/** What a program of a stack finds of names, in place of what the machine has. */
export interface ProgramNames {
  /** The name of the host; undefined for the machine's. */
  readonly hostname: string | undefined;
  /** The texts of files of /etc, by name. */
  readonly files: Readonly<Record<string, string>>;
}

const NSSWITCH = 'nsswitch.conf';

/** Returns the names that a stack's programs should find; undefined if they are those of the machine. */
export function programNames({ settings, ownHostname }: Resolver): ProgramNames | undefined {
  if (!settings.isOwn && ownHostname === undefined) return undefined;
  const sources = textIfReadable(`/etc/${NSSWITCH}`);
  const files = {
    hosts: textIfReadable(settings.hostsPath),
    'resolv.conf': resolvConfText(settings.conf),
    // other sources are services of the machine, such as systemd-resolved, which ask its own name servers
    ...(sources && { [NSSWITCH]: settings.isOwn ? sources.replace(/^hosts:.*$/m, 'hosts: files dns') : sources }),
  };
  return { hostname: ownHostname, files };
}
