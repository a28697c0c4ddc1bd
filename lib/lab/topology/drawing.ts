import type { LinkFaults } from '../../fabric/faults.js';
import type { NetworkPlan } from './config.js';
import { type Attachment, attachmentOn, cableFor, cablesOf, type HostPlan } from './host-plan.js';
import type { Topology } from './topology.js';

/** What a network is now. */
export interface NetworkNow {
  /** The faults of its links, unless a note has others. */
  readonly faults: LinkFaults;
  /** What else was done to it, a line each: 'from bob to gate: loss=1', 'partition: gate | bob'. */
  readonly notes: readonly string[];
}

/** What a lab is now. */
export interface LabNow {
  network(network: NetworkPlan): NetworkNow;
  isDown(host: HostPlan): boolean;
}

/** A lab to which nothing was done since it was made. */
const AS_MADE: LabNow = { network: ({ faults }) => ({ faults, notes: [] }), isDown: () => false };

/** Returns the prefixes as text: '10.0.0.0/24 fd00::/64'. */
export function prefixTexts({ prefixes }: NetworkPlan): string {
  return prefixes.map(({ text }) => text).join(' ');
}

/**
 * Returns the networks as text, and under each one what was done to it, and its hosts:
 *
 *     lan 10.0.0.0/24
 *     │  partition: alice | gate
 *     ├─ alice  10.0.0.1  down
 *     └─ gate   10.0.0.2  routes to wan
 */
export function drawing(topology: Topology, now = AS_MADE): string {
  const width = Math.max(...topology.hosts.map(({ name }) => name.length));
  const lines = topology.networks.flatMap((network) => {
    const members = topology.membersOf(network);
    const { faults, notes } = now.network(network);
    return [
      networkTexts(network, faults).join(' '),
      ...notes.map((note) => `│  ${note}`),
      ...members.map((host, i) => {
        const branch = i === members.length - 1 ? '└─' : '├─';
        return [
          `${branch} ${host.name.padEnd(width)}`,
          addressTexts(host, network),
          ...cablesOf(host)
            .filter((each) => each.network === network)
            .flatMap(linkTexts),
          ...roles(topology, host, network, now),
        ].join('  ');
      }),
    ];
  });
  return lines.join('\n');
}

/** Returns the networks and hosts as a flowchart of mermaid. */
export function mermaid(topology: Topology, now = AS_MADE): string {
  const lines = ['graph LR'];
  topology.networks.forEach((network, i) => {
    const { faults, notes } = now.network(network);
    const label = [...networkTexts(network, faults), ...notes].join('<br>');
    lines.push(`  n${i}(["${label}"])`);
  });
  topology.hosts.forEach((host, i) => {
    const label = `"${host.name}${now.isDown(host) ? '<br>down' : ''}"`;
    lines.push(`  h${i}${host.isRouter ? `{{${label}}}` : `[${label}]`}`);
    for (const attachment of cablesOf(host)) {
      const { network } = attachment;
      const label = [addressTexts(host, network).replace(' ', '<br>'), ...linkTexts(attachment)].join('<br>');
      lines.push(`  h${i} ---|"${label}"| n${topology.networks.indexOf(network)}`);
    }
  });
  return `${lines.join('\n')}\n`;
}

function addressTexts(host: HostPlan, network: NetworkPlan): string {
  return [...(cableFor(host, network)?.addresses.values() ?? [])].join(' ');
}

function roles(topology: Topology, host: HostPlan, network: NetworkPlan, now: LabNow): string[] {
  const others = host.attachments.filter((attachment) => attachment.network !== network);
  const roles = host.isRouter ? [wayText(host, network, others.map((other) => other.network.name).join(', '))] : [];
  if (host.cables) roles.push(attachmentOn(host, network) ? 'roams' : 'roams, away');
  if (topology.dns === host) roles.push('DNS');
  if (topology.dhcp === host) roles.push('DHCP');
  if (now.isDown(host)) roles.push('down');
  return roles.length > 0 ? [roles.join(', ')] : [];
}

function wayText({ nat }: HostPlan, network: NetworkPlan, others: string): string {
  if (!nat) return `routes to ${others}`;
  const type = typeof nat.behavior === 'string' ? nat.behavior : (nat.behavior.type ?? 'port-restricted');
  if (nat.outside !== network) return `NAT to ${nat.outside.name}`;
  return `NAT of ${others}, ${type}${nat.nat64 ? ', NAT64' : ''}${nat.prefix6 ? `, ${nat.prefix6.text}` : ''}`;
}

function networkTexts(network: NetworkPlan, faults: LinkFaults): string[] {
  const exit = network.hasExit ? ['exit=slirp'] : [];
  const mtu = network.mtu === undefined ? [] : [`mtu=${network.mtu}`];
  return [network.name, prefixTexts(network), ...exit, ...mtu, ...advertisementTexts(network), ...faultTexts(faults)];
}

/** Returns 'ra', or the options as they were given: 'ra={managed:true}'. */
function advertisementTexts({ ra }: NetworkPlan): string[] {
  if (!ra) return [];
  return Object.keys(ra).length === 0 ? ['ra'] : faultTexts({ ra });
}

/** Returns the faults of a host's own link: 'up: rate=1mbit', 'down: rate=20mbit'; 'link: profile=dsl' for both ways. */
function linkTexts({ link }: Attachment): string[] {
  if (!link) return [];
  const ways = link.up === link.down ? { link: link.up } : link;
  return Object.entries(ways).map(([way, faults]) => `${way}: ${faultTexts(faults).join(' ') || 'no faults'}`);
}

/** Returns the faults as they were given: 'delay=20', 'rate=10mbit'. */
export function faultTexts(faults: LinkFaults | Pick<NetworkPlan, 'ra'>): string[] {
  return Object.entries(faults)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '') : value}`);
}
