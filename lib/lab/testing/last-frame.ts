import { familyOf, ipBytes, ipText } from '../../address/ip.js';
import { ETH_P_ARP, IPPROTO_ICMPV6 } from '../../constants/index.js';
import { Headers, u16 } from '../../fabric/headers.js';
import type { FrameRecord } from '../../fabric/recorder.js';
import type { RunningHost } from '../running-host.js';
import type { HostPlan } from '../topology/host-plan.js';

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

/** Two hosts with their addresses. */
interface Pair {
  readonly from: string;
  readonly to: string;
  readonly fromAddresses: ReadonlySet<string>;
  readonly toAddresses: ReadonlySet<string>;
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
  const { hosts, domain } = from.bootPlan.topology;
  const name = target.toLowerCase().replace(/\.$/, '');
  const host = hosts.find((each) =>
    [each.name, `${each.name}.${domain}`].some((known) => known.toLowerCase() === name),
  );
  const toAddresses = familyOf(target) === 0 ? addressesOf(host) : [ipText(ipBytes(target))];
  if (toAddresses.length === 0) return undefined;
  const sightings = await sightingsOf(from, since - CLOCK_SLACK_NS, {
    from: from.plan.name,
    to: target,
    fromAddresses: new Set(addressesOf(from.plan)),
    toAddresses: new Set(toAddresses),
    onTheWay: new Set(hosts.filter(({ isRouter }) => isRouter).flatMap(addressesOf)),
  });
  const packet = sightings.findLast(({ kind }) => kind !== 'question');
  // a packet waits while a host on its way asks
  const question = sightings.findLast(({ kind, comment }) => kind === 'question' && comment !== undefined);
  const last = packet?.comment === undefined ? (question ?? packet) : packet;
  if (!last) return `no frame from ${from.plan.name} to ${target} was on any network`;
  const { network, kind, what, comment } = last;
  const isHome = from.plan.attachments.some((attachment) => attachment.network.name === network);
  if (comment === undefined && kind === 'answer' && isHome) return undefined;
  return `the last frame ${what} was on ${network}${comment === undefined ? ', which passed it on' : `: ${comment}`}`;
}

function addressesOf(host: HostPlan | undefined): string[] {
  return host?.attachments.flatMap(({ addresses }) => [...addresses.values()]) ?? [];
}

/** Returns the frames of the way on all networks, in the order of their times. */
async function sightingsOf({ networks }: RunningHost, since: bigint, pair: Pair): Promise<Sighting[]> {
  const sightings: Sighting[] = [];
  for (const network of networks.values()) {
    const { names, batch } = await network.recentRecords();
    let at = 0;
    for (const record of batch.records) {
      const frame = batch.bytes.subarray(at, at + record.length);
      at += record.length;
      const seen = record.time < since ? undefined : sightingOf(frame, record, names[record.station] ?? '', pair);
      if (seen) sightings.push({ ...seen, network: network.name, time: record.time, comment: record.comment });
    }
  }
  return sightings.sort((one, other) => (one.time < other.time ? -1 : 1));
}

const headers = new Headers();

function sightingOf(
  frame: Uint8Array,
  { length }: FrameRecord,
  port: string,
  pair: Pair,
): Pick<Sighting, 'kind' | 'what'> | undefined {
  headers.parse(frame, length);
  const { addressLength, fromAddress, toAddress } = headers;
  if (addressLength === 0) return undefined;
  const addressAt = (at: number) => ipText(frame.subarray(at, at + addressLength));
  const [source, destination] = [addressAt(fromAddress), addressAt(toAddress)];
  const { from, to, fromAddresses, toAddresses, onTheWay } = pair;
  const asked = askedAt(frame);
  if (asked >= 0) {
    const wanted = addressAt(asked);
    const isPart = [fromAddresses, toAddresses, onTheWay].some((addresses) => addresses.has(wanted));
    return isPart ? { kind: 'question', what: `from ${port} that asks for ${wanted}` } : undefined;
  }
  if (fromAddresses.has(source) && toAddresses.has(destination))
    return { kind: 'packet', what: `from ${from} to ${to}` };
  if (toAddresses.has(source) && fromAddresses.has(destination))
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
