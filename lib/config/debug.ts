import { printableLines } from '../core/printable.js';
import { SOURCES } from './config-sources.js';
import type { InterfaceConfig } from './interface-config.js';

/** Writes the output of the item `debug`: a line per entry of each source. */
export function writeDebug(config: InterfaceConfig): void {
  const lines = SOURCES.flatMap((source) => {
    const { addresses, routes, servers, search, mtu } = config.get(source);
    return [
      ...addresses.map(({ address, prefixlen }) => `ip ${address}/${prefixlen}`),
      ...routes.map((route) => `route ${route.destination ?? 'default'}/${route.prefixlen} gw ${route.gateway}`),
      ...servers.map((server) => `dns ${server}`),
      ...search.map((name) => `domain ${name}`),
      ...(mtu === null ? [] : [`mtu ${mtu}`]),
    ].map((line) => `iothconf ${config.ifindex} ${source}: ${line}\n`);
  });
  process.stderr.write(printableLines(lines.join('') || `iothconf ${config.ifindex}: nothing\n`));
}
