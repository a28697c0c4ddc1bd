import { type Attachment, FAMILIES, type HostPlan, type Topology } from './plan.js';

/** Returns the text of hosts(5) for one host of the lab. Of another host's addresses, those on a shared network come first. */
export function hostsTable(topology: Topology, viewer: HostPlan): string {
  const lines = ['127.0.0.1 localhost', '::1 localhost'];
  for (const host of topology.hosts) {
    for (const address of addressesFor(topology, viewer, host)) {
      lines.push(`${address} ${host.name}.${topology.domain} ${host.name}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the addresses of a host that `viewer` has a way to: nearest first, and IPv4 first on the same network. */
export function addressesFor(topology: Topology, viewer: HostPlan, host: HostPlan): string[] {
  const isShared = ({ network }: Attachment) => viewer.attachments.some((own) => own.network === network);
  const routes = topology.routes.get(viewer) ?? [];
  const nearest = [...host.attachments].sort((a, b) => Number(isShared(b)) - Number(isShared(a)));
  return nearest.flatMap((attachment) =>
    FAMILIES.flatMap((family) => {
      const address = attachment.addresses.get(family);
      const hasRoute = routes.some(
        ({ prefix }) => prefix.family === family && attachment.network.prefixes.includes(prefix),
      );
      return address !== undefined && (isShared(attachment) || hasRoute) ? [address] : [];
    }),
  );
}
