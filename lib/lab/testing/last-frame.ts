import { familyOf, ipBytes, ipText } from '../../address/ip.js';
import { IPPROTO_ICMPV6 } from '../../constants/inet.js';
import { ETH_P_ARP } from '../../constants/packet.js';
import { AF_INET } from '../../constants/socket.js';
import { Headers, u16 } from '../../fabric/headers.js';
import type { FrameRecord } from '../../fabric/recorder.js';
import type { RunningHost } from '../running-host.js';
import type { HostPlan } from '../topology/host-plan.js';
import type { Topology } from '../topology/topology.js';
import { endpointsOf, fateIn, type Place, Traces } from './trail.js';

/** A frame that had to do with an attempt to reach a host. */
interface Sighting {
  readonly time: bigint;
  readonly network: string;
  /** 'packet' from one to the other, 'answer', or 'question' of a host on the way for the MAC of another. */
  readonly kind: 'packet' | 'answer' | 'question';
  /** 'from alice to bob' */
  readonly what: string;
  /** What was done to it on purpose. */
  readonly comment: string | undefined;
}

/** A frame of a network. */
interface SeenFrame extends Place {
  readonly frame: Uint8Array;
  readonly record: FrameRecord;
}

/** Two hosts, and what their packets have as addresses. */
interface Pair {
  readonly from: string;
  readonly to: string;
  readonly sender: Traces;
  readonly receiver: Traces;
  /** The addresses of the routers. */
  readonly onTheWay: ReadonlySet<string>;
}

/** The clocks of two threads differ by less. */
const CLOCK_SLACK_NS = 1_000_000n;
const ARP_REQUEST = 1;
const ARP_OPERATION = 6;
const NEIGHBOR_SOLICITATION = 135;
/** Where a solicitation has the address that it asks for: RFC 4861, 4.3. */
const SOLICITED = 8;

/**
 * Returns where the way from a host to another one ended: the last frame of it, and what became of that frame.
 * @param target the name of a host, or an address
 * @param since in nanoseconds since 1970
 * @returns undefined if there is nothing to say
 */
export async function lastFrame(from: RunningHost, target: string, since: bigint): Promise<string | undefined> {
  const { topology } = from.bootPlan;
  const { hosts, domain } = topology;
  const name = target.toLowerCase().replace(/\.$/, '');
  const host = hosts.find((each) =>
    [each.name, `${each.name}.${domain}`].some((known) => known.toLowerCase() === name),
  );
  // behind a NAT, its name has the address of the NAT
  const known = host ? [...addressesOf(host), ...topology.addressesFor(from.plan, host)] : [];
  const toAddresses = familyOf(target) === 0 ? known : [ipText(ipBytes(target))];
  if (toAddresses.length === 0) return undefined;
  const sightings = await sightingsOf(from, since - CLOCK_SLACK_NS, {
    from: from.plan.name,
    to: target,
    sender: new Traces(new Set(addressesOf(from.plan)), ownershipOf(topology, from.plan)),
    receiver: new Traces(new Set(toAddresses), ownershipOf(topology, host)),
    onTheWay: new Set(hosts.filter(({ isRouter }) => isRouter).flatMap(addressesOf)),
  });
  const packet = sightings.findLast(({ kind }) => kind !== 'question');
  // a packet waits while a host on its way asks
  const question = sightings.findLast(({ kind, comment }) => kind === 'question' && comment !== undefined);
  const last = fateIn(packet?.comment) === undefined ? (question ?? packet) : packet;
  if (!last) return `no frame from ${from.plan.name} to ${target} was on any network`;
  const { network, kind, what, comment } = last;
  const isHome = from.plan.attachments.some((attachment) => attachment.network.name === network);
  const isPassedOn = fateIn(comment) === undefined;
  if (isPassedOn && kind === 'answer' && isHome) return undefined;
  return `the last frame ${what} was on ${network}${comment === undefined ? '' : `: ${comment}`}${isPassedOn ? ', which passed it on' : ''}`;
}

function addressesOf({ attachments }: HostPlan): string[] {
  return attachments.flatMap(({ addresses }) => [...addresses.values()]);
}

/** Returns where an IPv4 address is that of a host: where packets get to it, and in what its NAT sends or drops. */
function ownershipOf(topology: Topology, host: HostPlan | undefined): Traces['isItsOwn'] {
  return (address, { network, port }) => {
    const own = host?.attachments.find(({ addresses }) => addresses.get(AF_INET) === address);
    const here = topology.networks.find(({ name }) => name === network);
    if (!own || !here) return true;
    const inside = topology.nats.get(topology.hosts.find(({ name }) => name === port)!)?.inside ?? [];
    return [here, ...inside].some((each) => topology.isReachedFrom(each, own.network, AF_INET));
  };
}

/** Returns the frames of the way on all networks, in the order of their times. */
async function sightingsOf(host: RunningHost, since: bigint, pair: Pair): Promise<Sighting[]> {
  return (await framesOf(host, since)).flatMap((seen) => {
    const { network, record } = seen;
    const found = sightingOf(seen, pair);
    if (!found) return [];
    return [{ ...found, network, time: record.time, comment: record.comment }];
  });
}

async function framesOf({ networks }: RunningHost, since: bigint): Promise<SeenFrame[]> {
  const frames: SeenFrame[] = [];
  for (const network of networks.values()) {
    const { names, batch } = await network.recentRecords();
    let at = 0;
    for (const record of batch.records) {
      const frame = batch.bytes.subarray(at, at + record.length);
      at += record.length;
      if (record.time >= since)
        frames.push({ network: network.name, port: names[record.station] ?? '', frame, record });
    }
  }
  return frames.sort((one, other) => (one.record.time < other.record.time ? -1 : 1));
}

const headers = new Headers();

function sightingOf(seen: SeenFrame, pair: Pair): Pick<Sighting, 'kind' | 'what'> | undefined {
  const { frame, record, port } = seen;
  headers.parse(frame, record.length);
  const { addressLength } = headers;
  if (addressLength === 0) return undefined;
  const { from, to, sender, receiver, onTheWay } = pair;
  const asked = askedAt(frame);
  if (asked >= 0) {
    const wanted = ipText(frame.subarray(asked, asked + addressLength));
    const isPart = [sender.addresses, receiver.addresses, onTheWay].some((addresses) => addresses.has(wanted));
    return isPart ? { kind: 'question', what: `from ${port} that asks for ${wanted}` } : undefined;
  }
  if (record.comment !== undefined) for (const traces of [sender, receiver]) traces.follow(record.comment, seen);
  const [source, destination] = endpointsOf(frame, headers);
  if (sender.has(source, seen) && receiver.has(destination, seen))
    return { kind: 'packet', what: `from ${from} to ${to}` };
  if (receiver.has(source, seen) && sender.has(destination, seen))
    return { kind: 'answer', what: `from ${to} to ${from}` };
  return undefined;
}

/** Returns where the address is that a question for a MAC has; -1 for any other frame. */
function askedAt(frame: Uint8Array): number {
  const { etherType, network, protocol, icmpType, transport, toAddress, end } = headers;
  if (etherType === ETH_P_ARP) return u16(frame, network + ARP_OPERATION) === ARP_REQUEST ? toAddress : -1;
  const isSolicitation = protocol === IPPROTO_ICMPV6 && icmpType === NEIGHBOR_SOLICITATION;
  return isSolicitation && transport + SOLICITED + 16 <= end ? transport + SOLICITED : -1;
}
