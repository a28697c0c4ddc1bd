import type { LinkFaults } from '../../fabric/faults.js';
import type { NatRequest, NetworkPlan } from './config.js';
import { type Attachment, cableFor, cablesOf, type HostPlan } from './host-plan.js';
import type { Topology } from './topology.js';

/** What a network is now. */
export interface NetworkNow {
  /** The faults of its links, unless a note has others. */
  readonly faults: LinkFaults;
  /** What else was done to it, a line each: 'from bob to gate: loss=1', 'partition: gate | bob'. */
  readonly notes: readonly string[];
  /** The groups of a partition; none without one. */
  readonly groups: readonly (readonly string[])[];
  /** Whether directions are cut. */
  readonly isCut: boolean;
}

/** What a lab is now. */
export interface LabNow {
  network(network: NetworkPlan): NetworkNow;
  isDown(host: HostPlan): boolean;
  /** Returns the kind of the NAT of a host that has one: 'symmetric'. */
  natType(host: HostPlan): string | undefined;
  /** Returns whether a host is on a network, and not on another one to which it roams. */
  isOn(host: HostPlan, network: NetworkPlan): boolean;
}

/** A lab to which nothing was done since it was made. */
export const AS_MADE: LabNow = {
  network: ({ faults }) => ({ faults, notes: [], groups: [], isCut: false }),
  isDown: () => false,
  natType: ({ nat }) => nat && natTypeText(nat),
  isOn: ({ attachments, cables }, network) =>
    (cables?.slice(0, 1) ?? attachments).some((each) => each.network === network),
};

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

/** Returns what a host is, a text each: 'NAT, symmetric', 'DNS', 'down'. */
export function kindTexts(topology: Topology, host: HostPlan, now: LabNow): string[] {
  const { nat, isRouter, firewall, cables } = host;
  const nat64 = nat?.nat64 ? ', NAT64' : '';
  return [
    ...(nat ? [`NAT, ${now.natType(host)}${nat64}`] : isRouter ? ['router'] : []),
    ...(firewall === undefined ? [] : ['firewall']),
    ...(topology.dns === host ? ['DNS'] : []),
    ...(topology.dhcp === host ? ['DHCP'] : []),
    ...(cables ? ['roams'] : []),
    ...(now.isDown(host) ? ['down'] : []),
  ];
}

function natTypeText({ behavior }: NatRequest): string {
  return typeof behavior === 'string' ? behavior : (behavior.type ?? 'port-restricted');
}

function addressTexts(host: HostPlan, network: NetworkPlan): string {
  return [...(cableFor(host, network)?.addresses.values() ?? [])].join(' ');
}

function roles(topology: Topology, host: HostPlan, network: NetworkPlan, now: LabNow): string[] {
  const others = host.attachments.filter((attachment) => attachment.network !== network);
  const roles = host.isRouter
    ? [wayText(host, network, others.map((other) => other.network.name).join(', '), now)]
    : [];
  if (host.cables) roles.push(now.isOn(host, network) ? 'roams' : 'roams, away');
  if (topology.dns === host) roles.push('DNS');
  if (topology.dhcp === host) roles.push('DHCP');
  if (now.isDown(host)) roles.push('down');
  return roles.length > 0 ? [roles.join(', ')] : [];
}

function wayText(host: HostPlan, network: NetworkPlan, others: string, now: LabNow): string {
  const { nat } = host;
  if (!nat) return `routes to ${others}`;
  if (nat.outside !== network) return `NAT to ${nat.outside.name}`;
  return `NAT of ${others}, ${now.natType(host)}${nat.nat64 ? ', NAT64' : ''}${nat.prefix6 ? `, ${nat.prefix6.text}` : ''}`;
}

/** Returns the name of a network, its prefixes and options, and these faults. */
export function networkTexts(network: NetworkPlan, faults: LinkFaults): string[] {
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
export function linkTexts({ link }: Attachment): string[] {
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
