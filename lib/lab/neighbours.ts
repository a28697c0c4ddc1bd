import type { StackPointer } from '../../ffi/ioth.js';
import { inet_pton } from '../address/inet.js';
import { parseMac } from '../address/mac.js';
import { intBytes } from '../core/byte-order.js';
import { NLM_F_ACK, NLM_F_CREATE } from '../netlink/constants.js';
import { request } from '../netlink/request.js';
import type { Stack } from '../stack/stack.js';
import type { NetworkPlan } from './topology/config.js';
import { attachmentOn, type HostPlan } from './topology/host-plan.js';
import type { Topology } from './topology/topology.js';

/**
 * From so many neighbours on, of all hosts together, the lab tells the hosts their MACs: all stacks of a machine share one table,
 * which has 1024 entries by default.
 */
const MANY = 512;
/** Beyond that, telling takes longer than it saves. */
const TOO_MANY = 20_000;

const counts = new WeakMap<Topology, number>();

function countOf(topology: Topology): number {
  const known = counts.get(topology);
  if (known !== undefined) return known;
  const sizes = topology.networks.map((network) => topology.membersOf(network).length * network.prefixes.length);
  const count = sizes.reduce((sum, size) => sum + size * (size - 1), 0);
  counts.set(topology, count);
  return count;
}

/** Tells a host of a large lab the MACs of its neighbours. */
export function addNeighbours(stack: Stack, topology: Topology, host: HostPlan): void {
  const count = countOf(topology);
  if (count < MANY || count > TOO_MANY) return;
  const pointer = stack.pointer('boot');
  for (const { network } of host.attachments) {
    const ifindex = stack.if_nametoindex(network.name);
    for (const neighbour of neighboursOn(topology, network, host)) addNeighbour(pointer, ifindex, neighbour);
  }
}

function neighboursOn(topology: Topology, network: NetworkPlan, host: HostPlan): Neighbour[] {
  const others = topology.membersOf(network).filter((each) => each !== host);
  return others.flatMap((other) => {
    const { addresses = [], mac = '' } = attachmentOn(other, network) ?? {};
    return [...addresses].map(([family, address]) => ({ family, address, mac }));
  });
}

/** Another host on a link. */
interface Neighbour {
  readonly family: number;
  readonly address: string;
  readonly mac: string;
}

// linux/neighbour.h
const NDA = { DST: 1, LLADDR: 2 };
const NUD_STALE = 0x04;
const NTF_EXT_LEARNED = 0x10;

/**
 * Notes the MAC of a neighbour. It is like one that the kernel learned and has not used for a while: the kernel uses it at once, and
 * asks for it again. gc_thresh3 does not count it.
 * @throws {IothError}
 */
function addNeighbour(stack: StackPointer, ifindex: number, { family, address, mac }: Neighbour): void {
  // struct ndmsg: family, padding; ifindex; state, flags, type
  const body = Buffer.concat([
    intBytes(0, ifindex),
    Buffer.from(Uint16Array.of(NUD_STALE).buffer),
    Buffer.of(NTF_EXT_LEARNED, 0),
  ]);
  body[0] = family;
  request(stack, 'RTM_NEWNEIGH', body, {
    flags: NLM_F_ACK | NLM_F_CREATE,
    attributes: [
      [NDA.DST, inet_pton(family, address)],
      [NDA.LLADDR, parseMac(mac)],
    ],
  });
}
